"""One make of battery pack: what its data sheet and its price list say."""

from __future__ import annotations

from dataclasses import dataclass

from zerocity.errors import InputError


@dataclass(frozen=True, slots=True)
class Product:
    """A make of pack, as sold.

    Attributes
    ----------
    name, source : key in a city folder, and where the figures come from.
    chemistry : key of ``zerocity.batteries.chemistries.CHEMISTRIES``.
    capacity_kwh : nameplate energy [kWh], > 0.
    voltage_v : nominal voltage [V], > 0.
    max_charge_c, max_discharge_c : largest terminal power over nameplate energy [1/h], > 0.
    resistance_mohm : direct-current resistance of the whole new pack [mOhm], >= 0.
    mass_kg : whole pack [kg], > 0.
    maker_code, spec_code : 3 and 2 characters of the GB/T 34014-2017 identity code.
    price_cny_per_kwh : price of a new pack [CNY/kWh], >= 0.
    """

    name: str
    chemistry: str
    capacity_kwh: float
    voltage_v: float
    max_charge_c: float
    max_discharge_c: float
    resistance_mohm: float
    mass_kg: float
    maker_code: str
    spec_code: str
    price_cny_per_kwh: float
    source: str

    def __post_init__(self) -> None:
        positive = ("capacity_kwh", "voltage_v", "max_charge_c", "max_discharge_c", "mass_kg")
        for field in positive:
            self._require(field, float(getattr(self, field)) > 0.0, "a number above 0")
        for field in ("resistance_mohm", "price_cny_per_kwh"):
            self._require(field, float(getattr(self, field)) >= 0.0, "a number of at least 0")
        self._require("maker_code", len(self.maker_code) == 3, "3 characters")
        self._require("spec_code", len(self.spec_code) == 2, "2 characters")

    def _require(self, field: str, good: bool, wanted: str) -> None:
        if not good:
            raise InputError(f"product {self.name}.{field}", repr(getattr(self, field)), wanted)

    @property
    def max_charge_kw(self) -> float:
        """Largest power into the terminals [kW]."""
        return self.max_charge_c * self.capacity_kwh

    @property
    def max_discharge_kw(self) -> float:
        """Largest power out of the terminals [kW], a positive number."""
        return self.max_discharge_c * self.capacity_kwh

    @property
    def loss_kw_per_kw2(self) -> float:
        """Ohmic loss [kW] per squared power [kW^2] at nominal voltage.

        With I = 1000 P / V [A] for P in kW, the loss is I^2 R / 1000 [kW]
        = 1000 P^2 R / V^2 with R in ohm = P^2 R / V^2 with R in milliohm.
        """
        return self.resistance_mohm / self.voltage_v**2
