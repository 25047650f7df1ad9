"""What grid energy costs at each step: time-of-use blocks, fixed parts, demand charge, spot.

In Gansu only the generation price and its line losses float with the hour; network energy price,
system operation fee and government funds do not (Gan fagai jiage [2024] 424, in force 2024-08-01).
Spot prices are not bound by the blocks, so a spot series replaces the floating part alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from zerocity.errors import InputError
from zerocity.measures.timeline import Timeline

FloatArray = npt.NDArray[np.float64]
Block = tuple[str, float, float]

GANSU_BLOCKS: tuple[Block, ...] = (
    ("flat", 0.0, 6.0),
    ("peak", 6.0, 8.0),
    ("flat", 8.0, 10.0),
    ("valley", 10.0, 16.0),
    ("flat", 16.0, 18.0),
    ("peak", 18.0, 23.0),
    ("flat", 23.0, 24.0),
)
"""Gan fagai jiage [2024] 424; the valley lies at midday, where the sun is."""
GANSU_MIN_PEAK_VALLEY_RATIO = 3.0
"""Same document; it binds the floating part only."""
GANSU_SPOT_FLOOR_CNY_PER_KWH = 0.04
GANSU_SPOT_CAP_CNY_PER_KWH = 0.5
"""Gan gongxinfa [2025] 268: from 2026-01-01; the cap was 0.65 before."""


@dataclass(frozen=True, slots=True)
class Prices:
    """Energy prices over a run, each (steps,) [CNY/kWh].

    ``buy`` = ``generation`` (what floats) + ``fixed`` (what does not); ``sell`` is paid for
    export and never exceeds ``buy``.
    """

    buy: FloatArray
    sell: FloatArray
    generation: FloatArray
    fixed: FloatArray


@dataclass(frozen=True, slots=True)
class Tariff:
    """A retail tariff.

    Parameters
    ----------
    energy_cny_per_kwh : the floating generation part by block name, e.g. valley, flat, peak.
    blocks : (block name, start hour, end hour) of the local day; together they cover 0-24 once.
        A block may run over midnight, e.g. ("flat", 23, 6).
    fixed_cny_per_kwh : parts that do not float, by name (network, funds, system operation).
    demand_charge_cny_per_kw_month : price of the month's highest import, >= 0.
    export_cny_per_kwh : price paid for export at every step.
    spot_cny_per_kwh : (steps,) series that replaces the generation part, or None.
    min_peak_valley_ratio : least ratio of dearest to cheapest block price, 0 = not checked.

    Raises InputError, naming the field, for a gap or overlap of blocks, an unpriced block, a
    negative or missing price, too small a ratio, or export paid better than import.
    """

    energy_cny_per_kwh: Mapping[str, float]
    blocks: tuple[Block, ...]
    fixed_cny_per_kwh: Mapping[str, float] = field(default_factory=dict)
    demand_charge_cny_per_kw_month: float = 0.0
    export_cny_per_kwh: float = 0.0
    spot_cny_per_kwh: FloatArray | None = None
    min_peak_valley_ratio: float = 0.0

    def __post_init__(self) -> None:
        named = {f"energy_cny_per_kwh.{k}": v for k, v in self.energy_cny_per_kwh.items()}
        named |= {f"fixed_cny_per_kwh.{k}": v for k, v in self.fixed_cny_per_kwh.items()}
        named["demand_charge_cny_per_kw_month"] = self.demand_charge_cny_per_kw_month
        named["export_cny_per_kwh"] = self.export_cny_per_kwh
        for name, value in named.items():
            if not (np.isfinite(value) and value >= 0.0):
                raise InputError(name, str(value), "a price of 0 or more")
        _check_blocks(self.blocks, self.energy_cny_per_kwh)
        _check_ratio(self.energy_cny_per_kwh, self.blocks, self.min_peak_valley_ratio)

    def prices(self, timeline: Timeline) -> Prices:
        """Prices of every step; a step that straddles two blocks takes their time-weighted mean.

        Raises InputError when the spot series does not fit the timeline, or when export is paid
        better than import at some step (the step is named).
        """
        generation = self._generation(timeline)
        fixed = np.full(timeline.steps, sum(self.fixed_cny_per_kwh.values()))
        buy = generation + fixed
        sell = np.full(timeline.steps, self.export_cny_per_kwh)
        if self.spot_cny_per_kwh is not None:
            # Where the market falls below the export price, export earns no more than import costs.
            sell = np.minimum(sell, buy)
        bad = np.flatnonzero(sell > buy)
        if bad.size:
            step = int(bad[0])
            raise InputError(
                f"export_cny_per_kwh, step {step}",
                f"{sell[step]:g}",
                f"at most the buying price of {buy[step]:g} CNY/kWh",
                "Otherwise buying to sell would pay without end.",
            )
        return Prices(buy, sell, generation, fixed)

    def _generation(self, timeline: Timeline) -> FloatArray:
        if self.spot_cny_per_kwh is not None:
            if self.spot_cny_per_kwh.shape != (timeline.steps,):
                raise InputError(
                    "spot_cny_per_kwh",
                    f"{self.spot_cny_per_kwh.size} values",
                    f"{timeline.steps}, one for each step",
                )
            return self.spot_cny_per_kwh.astype(np.float64)
        shares = block_shares(self.blocks, timeline)
        day = sum(share * self.energy_cny_per_kwh[name] for name, share in shares.items())
        return np.tile(np.asarray(day), timeline.days)


def block_shares(blocks: tuple[Block, ...], timeline: Timeline) -> dict[str, FloatArray]:
    """Share of each step of a day that lies in each named block, (steps_per_day,), 0-1."""
    start = timeline.hours_of_day()
    end = start + timeline.step_h
    shares = {name: np.zeros(start.size) for name, _, _ in blocks}
    for name, since, until in _unwrapped(blocks):
        overlap = np.minimum(end, until) - np.maximum(start, since)
        shares[name] += np.maximum(overlap, 0.0) / timeline.step_h
    return shares


def _unwrapped(blocks: tuple[Block, ...]) -> list[Block]:
    """Blocks cut at midnight, in order of the day."""
    parts: list[Block] = []
    for name, since, until in blocks:
        if since < until:
            parts.append((name, since, until))
        else:
            parts += [(name, since, 24.0), (name, 0.0, until)]
    return sorted((p for p in parts if p[1] < p[2]), key=lambda part: part[1])


def _check_blocks(blocks: tuple[Block, ...], energy: Mapping[str, float]) -> None:
    at = 0.0
    for name, since, until in blocks:
        if name not in energy:
            known = ", ".join(energy) or "none"
            raise InputError("blocks", f"a block {name!r} without a price", f"one of {known}")
        if not (0.0 <= since <= 24.0 and 0.0 <= until <= 24.0):
            raise InputError("blocks", f"{name} {since:g}-{until:g} h", "hours from 0 to 24")
    for name, since, until in _unwrapped(blocks):
        if since != at:
            what = "a gap" if since > at else "an overlap"
            raise InputError(
                "blocks", f"{what} at {min(since, at):g} h, before {name!r}", "each hour once"
            )
        at = until
    if at != 24.0:
        raise InputError("blocks", f"nothing after {at:g} h", "blocks up to 24 h")


def _check_ratio(energy: Mapping[str, float], blocks: tuple[Block, ...], least: float) -> None:
    used = [energy[name] for name, _, _ in blocks]
    if least > 0.0 and max(used) < least * min(used) * (1.0 - 1e-12):
        ratio = max(used) / min(used)
        raise InputError(
            "energy_cny_per_kwh",
            f"a ratio of {ratio:.3g} between dearest and cheapest block",
            f"at least {least:g}",
        )


def parse_spot(
    text: str,
    name: str,
    timeline: Timeline,
    floor_cny_per_kwh: float = GANSU_SPOT_FLOOR_CNY_PER_KWH,
    cap_cny_per_kwh: float = GANSU_SPOT_CAP_CNY_PER_KWH,
) -> FloatArray:
    """Read a spot series, ``step,price_cny_per_kwh`` with a header, into (steps,) [CNY/kWh].

    ``step`` counts from 0 at the run's start and every step must be there once, in order.

    Raises InputError naming file and line for a wrong header, a missing, repeated or surplus
    step, a value that is no number, or one outside floor and cap.
    """
    lines = [line.strip() for line in text.lstrip("\ufeff").splitlines()]
    header = lines[0] if lines else ""
    if [cell.strip() for cell in header.split(",")] != ["step", "price_cny_per_kwh"]:
        raise InputError(f"{name}, line 1", repr(header), "the header step,price_cny_per_kwh")
    prices: list[float] = []
    for number, line in enumerate(lines[1:], 2):
        if line:
            limits = (floor_cny_per_kwh, cap_cny_per_kwh)
            prices.append(_spot_row(line, f"{name}, line {number}", len(prices), limits))
    if len(prices) != timeline.steps:
        came = f"{len(prices)} steps"
        raise InputError(name, came, f"{timeline.steps}, one for each step of the run")
    return np.array(prices)


def _spot_row(line: str, where: str, wanted: int, limits: tuple[float, float]) -> float:
    cells = line.split(",")
    if len(cells) != 2 or cells[0].strip() != str(wanted):
        raise InputError(where, repr(line), f"step {wanted} and its price")
    try:
        price = float(cells[1])
    except ValueError:
        raise InputError(where, repr(cells[1]), "a number") from None
    if not limits[0] <= price <= limits[1]:
        raise InputError(where, f"{price:g} CNY/kWh", f"from {limits[0]:g} to {limits[1]:g}")
    return price
