"""One site's units over one connection: found, read as a whole, and told."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from zerocity.live.readings import SiteReading
from zerocity.protocols.sunspec import orders, words
from zerocity.protocols.sunspec.link import DeviceError, Link, Place
from zerocity.protocols.sunspec.models import COMMON, Part, part
from zerocity.protocols.sunspec.signs import SignCheck

GRID, FEEDER, SUN, STORE = 1, 2, 3, 4
SUN_ORDER, STORE_ORDER = "sun", "store"
# An inverter further from its panels' power, either way, is set wrong; an assumption.
MOST_APART = 4.0
# The roles of units, and the models of which each must have one.
_ROLES = {"grid": words.METERS, "feeder": words.METERS, "sun": words.INVERTERS,
          "store": words.INVERTERS}  # fmt: skip


@dataclass(frozen=True)
class SiteAddress:
    """Where a site's devices are; ``units`` by what they measure, those it lacks left out.

    export_positive : the meter at the grid connection counts what the site gives as positive power.
    pv_kwp : of the site's panels, of which our bounds are shares; 0 where it is not known, and then
    they are taken for shares of the inverter's own power.
    """

    site: str
    host: str
    port: int
    grid: int = GRID
    feeder: int | None = FEEDER
    sun: int | None = SUN
    store: int | None = STORE
    export_positive: bool = False
    pv_kwp: float = 0.0


class SiteLine:
    """The units of a site. `open`, then `read` and `tell`; after a `DeviceError` `close`.

    A unit that a gateway does not know is absent, unless it was there before.
    """

    def __init__(self, address: SiteAddress, timeout_s: float) -> None:
        self.address, self._timeout_s = address, timeout_s
        self._link: Link | None = None
        self._maps: dict[int, dict[int, Place]] = {}
        self._known: set[int] = set()
        self._ratings = words.Ratings()
        self._pv_rated_kw: float | None = None
        self._signs = SignCheck()

    @property
    def is_open(self) -> bool:
        """Whether there is a connection."""
        return self._link is not None

    @property
    def units(self) -> dict[str, int]:
        """The units that were found, by what they measure."""
        roles = {name: getattr(self.address, name) for name in _ROLES}
        return {name: unit for name, unit in roles.items() if unit in self._maps}

    def close(self) -> None:
        """Hang up."""
        if self._link is not None:
            self._link.close()
        self._link, self._maps = None, {}

    async def open(self) -> None:
        """Connect and find the units."""
        self.close()
        link = Link(self.address.host, self.address.port, self._timeout_s)
        self._link = link
        await link.open()
        await self.find()
        if self.address.grid not in self._maps:
            raise DeviceError(f"unit {self.address.grid} has no SunSpec map")
        await self._tell_apart()

    async def find(self) -> None:
        """Look for the units that are not found yet."""
        for name, wanted in _ROLES.items():
            unit = getattr(self.address, name)
            if unit is None:
                continue
            found = self._maps.get(unit) or await self._the_link().models(unit)
            if not found and unit in self._known:
                raise DeviceError(f"unit {unit} ({name}) is gone")
            if not found:
                continue
            if words.best(found, wanted) is None:
                has = ", ".join(map(str, sorted(found)))
                raise DeviceError(f"unit {unit} ({name}) has models {has}; none measures power")
            self._maps[unit] = found
            self._known.add(unit)
        if words.RATINGS in self._models(self.address.store):
            values = await self._values(self.address.store, words.RATINGS, words.ratings_part())
            self._ratings = words.ratings_words(values)
        self._pv_rated_kw = await self._sun_rating()

    async def read(self, charging_kw: float, now_s: float) -> SiteReading:
        """Read every unit; `words.ReadingError` when one says what cannot be.

        charging_kw : power of all chargers for a site without a meter of them.
        """
        grid = await self._meter(self.address.grid, -1.0 if self.address.export_positive else 1.0)
        if self._signs.take(grid.kw, grid.import_kwh, grid.export_kwh, now_s):
            raise words.ReadingError("the meter's power and its registers have opposite signs")
        feeder = words.MeterWords(charging_kw, math.nan, math.nan)
        if self._models(self.address.feeder):
            feeder = await self._meter(int(self.address.feeder or 0))
        pv_kw, pv_share = await self._sun()
        store_kw, store_kwh = await self._store()
        return SiteReading(
            net_kw=grid.kw,
            charging_kw=feeder.kw,
            pv_kw=pv_kw,
            pv_share=pv_share,
            store_kw=store_kw,
            store_kwh=store_kwh,
            import_kwh=grid.import_kwh,
            export_kwh=grid.export_kwh,
            charging_kwh=feeder.import_kwh,
        )

    async def tell(self, what: str, value: float) -> None:
        """Carry an order: ``what`` is `SUN_ORDER` (share, 0-1) or `STORE_ORDER` (kW into it).

        `orders.OrderError` or `WriteError` when the device does not take it.
        """
        unit = self.address.sun if what == SUN_ORDER else self.address.store
        controls = words.SUN_CONTROLS if what == SUN_ORDER else words.STORE_CONTROLS
        model = words.best(self._models(unit), controls)
        if unit is None or model is None:
            raise orders.OrderError(f"the site has no {what} that takes orders")
        if what == SUN_ORDER:
            values = await self._values(unit, model, words.share_part(model))
            share = value * self._sun_scale() if value < 1.0 else 1.0
            order = orders.share_order(model, values, share)
        else:
            values = await self._values(unit, model, words.store_part(model))
            order = orders.store_order(model, values, self._ratings, value)
        for step in order.steps:
            for offset, registers in orders.step_writes(model, step, values):
                await self._the_link().write(unit, self._maps[unit][model], offset, registers)

    def _the_link(self) -> Link:
        if self._link is None:
            raise DeviceError("there is no connection")
        return self._link

    def _models(self, unit: int | None) -> dict[int, Place]:
        return {} if unit is None else self._maps.get(unit, {})

    async def _values(
        self, unit: int | None, model: int, wanted: Part
    ) -> Mapping[str, float | str | None]:
        return await self._the_link().values(int(unit or 0), self._models(unit)[model], wanted)

    async def _meter(self, unit: int, sign: float = 1.0) -> words.MeterWords:
        model = words.best(self._maps[unit], words.METERS)
        assert model is not None
        found = words.meter_words(await self._values(unit, model, words.meter_part(model)))
        return words.MeterWords(sign * found.kw, found.import_kwh, found.export_kwh)

    async def _inverter_kw(self, unit: int) -> float:
        model = words.best(self._maps[unit], words.INVERTERS)
        assert model is not None
        return words.inverter_kw(model, await self._values(unit, model, words.inverter_part(model)))

    async def _sun(self) -> tuple[float, float]:
        unit = self.address.sun
        models = self._models(unit)
        if unit is None or not models:
            return 0.0, 1.0
        kw = max(await self._inverter_kw(unit), 0.0)
        control = words.best(models, words.SUN_CONTROLS)
        if control is None:
            return kw, 1.0
        values = await self._values(unit, control, words.share_part(control))
        return kw, min(words.share(control, values) / self._sun_scale(), 1.0)

    async def _sun_rating(self) -> float | None:
        unit = self.address.sun
        model = words.best(self._models(unit), words.SUN_RATINGS)
        if model is None:
            return None
        return words.sun_rating_kw(await self._values(unit, model, words.sun_rating_part(model)))

    def _sun_scale(self) -> float:
        """From a share of the panels' power to one of the inverter's."""
        kwp, rated_kw = self.address.pv_kwp, self._pv_rated_kw
        if rated_kw is None or not kwp / MOST_APART <= rated_kw <= kwp * MOST_APART:
            return 1.0
        return kwp / rated_kw

    async def _store(self) -> tuple[float, float]:
        unit = self.address.store
        models = self._models(unit)
        if unit is None or not models:
            return 0.0, 0.0
        kw = -await self._inverter_kw(unit)
        model = words.best(models, (words.CAPACITY, words.STORE))
        if model is None:
            raise words.ReadingError("the store does not say what it holds")
        asked = words.capacity_part() if model == words.CAPACITY else words.store_part(model)
        return kw, words.held_kwh(model, await self._values(unit, model, asked), self._ratings)

    async def _tell_apart(self) -> None:
        """`DeviceError` when one device answers in the name of two units."""
        seen: dict[tuple[object, ...], int] = {}
        wanted = part(COMMON, "Mn", "Md", "SN", "DA")
        for unit, models in self._maps.items():
            place = models.get(COMMON)
            # Model 1 may end before its device address, which came later (66 or 65 registers).
            if place is None or wanted.first + wanted.count > 2 + place.length:
                continue
            values = await self._values(unit, COMMON, wanted)
            if not values["SN"]:
                continue
            key = (*(values[name] for name in ("Mn", "Md", "SN", "DA")), frozenset(models))
            if seen.setdefault(key, unit) != unit:
                raise DeviceError(
                    f"units {seen[key]} and {unit} are one device ({values['SN']}): "
                    "it answers to any unit number"
                )
