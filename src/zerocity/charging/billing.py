"""What a driver pays: energy by the hour it was taken, and the station's service fee.

Every line says what it is for, how much, at what price; the lines add up to the total to the fen.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from zerocity.charging.meter import Account, Part
from zerocity.energy.tariffs import GANSU_BLOCKS, Block, Tariff

# What stations in China commonly add to the energy price; an assumption for the city.
SERVICE_FEE_CNY_PER_KWH = 0.4
# The city's published block prices; assumptions that keep the ratio of Gan fagai jiage [2024] 424.
GANSU_ENERGY_CNY_PER_KWH = {"valley": 0.15, "flat": 0.3, "peak": 0.47}
GANSU_FIXED_CNY_PER_KWH = {"network": 0.11, "funds": 0.022925, "system_operation": 0.04}
FEN = Decimal("0.01")
DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class SellingTariff:
    """What a site charges its drivers.

    Parameters
    ----------
    id : as kept in the store.
    blocks : (name, start hour, end hour) of the local day, each hour once.
    energy_cny_per_kwh : price of each block, the parts that do not float left out.
    fixed_cny_per_kwh : those parts by name.
    service_cny_per_kwh : the station's fee.
    utc_offset_h : the city's clock, hours ahead of UTC.

    Raises InputError, naming the field, as `Tariff` does.
    """

    id: str
    blocks: tuple[Block, ...]
    energy_cny_per_kwh: Mapping[str, float]
    fixed_cny_per_kwh: Mapping[str, float] = field(default_factory=dict)
    service_cny_per_kwh: float = SERVICE_FEE_CNY_PER_KWH
    utc_offset_h: float = 8.0
    currency: str = "CNY"

    def __post_init__(self) -> None:
        # The same checks, and the same words, as for the tariff that the site itself pays.
        fixed = {**self.fixed_cny_per_kwh, "service": self.service_cny_per_kwh}
        Tariff(self.energy_cny_per_kwh, self.blocks, fixed)

    @classmethod
    def of(
        cls,
        tariff: Tariff,
        *,
        name: str = "city",
        service_cny_per_kwh: float = SERVICE_FEE_CNY_PER_KWH,
        utc_offset_h: float = 8.0,
    ) -> SellingTariff:
        """Pass on what the site pays by the hour, and add the fee."""
        return cls(
            name,
            tariff.blocks,
            dict(tariff.energy_cny_per_kwh),
            dict(tariff.fixed_cny_per_kwh),
            service_cny_per_kwh,
            utc_offset_h,
        )

    @classmethod
    def gansu(cls) -> SellingTariff:
        """The tariff of the reference city."""
        return cls("gansu", GANSU_BLOCKS, GANSU_ENERGY_CNY_PER_KWH, GANSU_FIXED_CNY_PER_KWH)

    def body(self) -> dict[str, Any]:
        """The tariff as JSON data."""
        return {
            "blocks": [list(block) for block in self.blocks],
            "energy_cny_per_kwh": dict(self.energy_cny_per_kwh),
            "fixed_cny_per_kwh": dict(self.fixed_cny_per_kwh),
            "service_cny_per_kwh": self.service_cny_per_kwh,
            "utc_offset_h": self.utc_offset_h,
        }

    @classmethod
    def from_body(cls, name: str, currency: str, body: Mapping[str, Any]) -> SellingTariff:
        """The tariff from its JSON data, as `body` gives it."""
        return cls(
            name,
            tuple((str(b), float(since), float(until)) for b, since, until in body["blocks"]),
            body["energy_cny_per_kwh"],
            body.get("fixed_cny_per_kwh", {}),
            float(body["service_cny_per_kwh"]),
            float(body["utc_offset_h"]),
            currency,
        )

    def block_at(self, at: datetime) -> tuple[str, datetime]:
        """The block in force at ``at`` (UTC), and when it ends."""
        offset = timedelta(hours=self.utc_offset_h)
        local = at + offset
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
        hour = (local - midnight).total_seconds() / 3600.0
        for name, since, until in self.blocks:
            inside = since <= hour < until if since < until else hour >= since or hour < until
            if inside:
                end = until + 24.0 if until <= hour else until
                return name, midnight + timedelta(hours=end) - offset
        raise AssertionError("blocks cover the day")  # the tariff was checked when made

    def price(self, block: str) -> float:
        """Energy price in a block, parts that do not float included, the fee not [CNY/kWh]."""
        return self.energy_cny_per_kwh[block] + sum(self.fixed_cny_per_kwh.values())


@dataclass(frozen=True, slots=True)
class Bill:
    """A charge detail record: lines that explain the cost, in the tariff's currency."""

    energy_kwh: float
    cost_cny: float
    lines: tuple[dict[str, Any], ...]


def _split(part: Part, tariff: SellingTariff) -> Iterator[tuple[str, float]]:
    """Energy of a part by block, spread evenly over its time."""
    span_s = (part.until - part.since).total_seconds()
    if span_s <= 0.0:
        yield tariff.block_at(part.since)[0], part.kwh
        return
    # Whole days hold each block for its hours; without this a session of years takes seconds.
    days = int(span_s // DAY_S)
    for block, begins, stops in tariff.blocks if days else ():
        hours = stops - begins if begins < stops else stops - begins + 24.0
        yield block, part.kwh * days * hours * 3600.0 / span_s
    at = part.since + timedelta(days=days)
    while at < part.until:
        block, ends = tariff.block_at(at)
        until = min(ends, part.until)
        yield block, part.kwh * (until - at).total_seconds() / span_s
        at = until


def _fen(amount: float) -> Decimal:
    # Through nine digits, so that a product such as 0.285 does not fall below its half by a bit.
    return Decimal(f"{amount:.9f}").quantize(FEN, ROUND_HALF_UP)


def bill(meter: Account, tariff: SellingTariff) -> Bill:
    """The bill of a session.

    A line for each block in which energy was taken, with the parts of its price; one for the
    service fee; one without price for energy that is held back; one for each note. Costs are
    rounded to the fen by line, half up, and the total is the sum of the lines.
    """
    billed = meter.energy_kwh - meter.held_kwh
    share = billed / meter.energy_kwh if meter.energy_kwh > 0.0 else 0.0
    by_block: dict[str, float] = defaultdict(float)
    for part in meter.parts:
        for block, kwh in _split(part, tariff):
            by_block[block] += kwh * share
    lines: list[dict[str, Any]] = []
    total = Decimal(0)
    for block in sorted(by_block):
        kwh, price = by_block[block], tariff.price(block)
        cost = _fen(kwh * price)
        total += cost
        parts = {"generation": tariff.energy_cny_per_kwh[block], **tariff.fixed_cny_per_kwh}
        lines.append(_line("energy", kwh, price, cost, window=block, parts=parts))
    fee = _fen(billed * tariff.service_cny_per_kwh)
    total += fee
    lines.append(_line("service", billed, tariff.service_cny_per_kwh, fee))
    if meter.held_kwh > 0.0:
        lines.append(_line("held", meter.held_kwh, 0.0, Decimal(0)))
    lines += [{"kind": "note", "text": note} for note in meter.notes]
    return Bill(round(meter.energy_kwh, 3), float(total), tuple(lines))


def _line(kind: str, kwh: float, price: float, cost: Decimal, **more: Any) -> dict[str, Any]:
    return {
        "kind": kind, **more, "energy_kwh": round(kwh, 3),
        "price_cny_per_kwh": round(price, 6), "cost_cny": float(cost),
    }  # fmt: skip
