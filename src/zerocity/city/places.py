"""The sites of a city: where vehicles plug in, swap, dock, and where batteries live or end."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

import numpy as np
import numpy.typing as npt

from zerocity.errors import InputError

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

SITE_KINDS = (
    "integrated_station",
    "bus_depot",
    "brt_depot",
    "truck_depot",
    "truck_swap",
    "taxi_swap",
    "cabinet_hub",
    "pier",
    "residential",
    "workplace",
    "park",
    "second_life",
    "centre",
    "processing_base",
)
"""What a site is for; fleets name the kinds that serve them."""

LOAD_KINDS = ("industrial", "commercial", "none")
"""Daily shape of a site's own load."""


@dataclass(frozen=True)
class Sites:
    """All sites of a city, one array entry per site, in the order of the file.

    Parameters
    ----------
    name, kind, district : texts; ``kind`` is one of `SITE_KINDS`, ``name`` is unique.
    longitude, latitude : WGS 84 [deg], shape (S,).
    grid_limit_kw, export_limit_kw : most that the connection may import and export [kW].
    pv_kwp : installed photovoltaic power [kWp].
    storage_kwh, storage_kw : stationary storage, nominal energy and inverter power [kWh, kW].
    storage_product : product key of its packs, "" without storage.
    plugs, plug_kw : number of plugs for vehicles and rated power of one [kW].
    swap_slots : pack places of a swap station or cabinet hub, 0 = none.
    swap_product : product key of the packs swapped, "" = none.
    swap_minutes : time of one swap [min].
    load_kw : annual mean of the site's own load, without charging [kW].
    load_kind : one of `LOAD_KINDS`.
    diagnosis_bay : whether packs can be tested here.
    slot_kw : charging power of one pack place [kW]; ``plug_kw`` where not given.
    """

    name: tuple[str, ...]
    kind: tuple[str, ...]
    district: tuple[str, ...]
    longitude: FloatArray
    latitude: FloatArray
    grid_limit_kw: FloatArray
    export_limit_kw: FloatArray
    pv_kwp: FloatArray
    storage_kwh: FloatArray
    storage_kw: FloatArray
    storage_product: tuple[str, ...]
    plugs: IntArray
    plug_kw: FloatArray
    swap_slots: IntArray
    swap_product: tuple[str, ...]
    swap_minutes: FloatArray
    load_kw: FloatArray
    load_kind: tuple[str, ...]
    diagnosis_bay: BoolArray
    slot_kw: FloatArray = field(default_factory=lambda: np.zeros(0))

    def __post_init__(self) -> None:
        if self.slot_kw.size == 0:
            object.__setattr__(self, "slot_kw", self.plug_kw.copy())
        for one in fields(self):
            length = len(getattr(self, one.name))
            if length != len(self.name):
                wanted = f"{len(self.name)} entries, one per site"
                raise InputError(f"sites.{one.name}", f"{length} entries", wanted)

    def __len__(self) -> int:
        return len(self.name)

    def of_kind(self, kind: str) -> IntArray:
        """Indices of the sites of one kind, in file order, shape (n,)."""
        return np.flatnonzero(np.array(self.kind) == kind)

    def swapping(self, product: str) -> IntArray:
        """Indices of the sites that swap packs of ``product``, shape (n,)."""
        swaps = (np.array(self.swap_product) == product) & (self.swap_slots > 0)
        return np.flatnonzero(swaps)
