"""A live journal's day once more, with other plans, caps or prices: words in, two days out."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zerocity.control.replay import PlanNote, StepNote
from zerocity.energy.dispatch import plan_sites
from zerocity.errors import InputError
from zerocity.measures.arrays import F64
from zerocity.storage.live_journal import (
    is_live_journal,
    read_journal_city,
    read_live_journal,
)
from zerocity.twin.live_day import LiveDay, live_day
from zerocity.twin.what_if import ask
from zerocity.twin.what_if_bill import Outcome
from zerocity.twin.what_if_plans import Prices
from zerocity.twin.what_if_questions import Cap, Plan, WhatIf

# How far the day as it was said may come out from what the meters said.
TOLERANCE = 0.02
EVERY_SITE = "all"
_CAP = re.compile(r"(?P<site>[^=]+)=(?P<kw>[^@]+?)(?:@(?P<from>[^-]+)-(?P<to>.+))?")
_CLOCK = re.compile(r"(\d{1,2}):([0-5]\d)")


@dataclass(frozen=True)
class Wanted:
    """What to ask a journal, in words.

    caps : SITE=KW or SITE=KW@HH:MM-HH:MM. price : CNY/kWh, or a CSV file of prices; empty: as they
    were. every_min : minutes between two plans.
    """

    plan: str = Plan.SAID.value
    caps: tuple[str, ...] = ()
    price: str = ""
    store: bool = True
    priorities: bool = True
    every_min: float = 5.0


@dataclass(frozen=True, eq=False)
class Compared:
    """A journal's day as it was said and as it would have been; ``names`` of its sites."""

    names: tuple[str, ...]
    day: LiveDay
    said: Outcome
    other: Outcome

    @property
    def metered_kwh(self) -> float:
        """What the sessions took by their meters, as far as the journal saw [kWh]."""
        return float(self.day.metered_kwh.sum())

    @property
    def off(self) -> float:
        """By which share the day as it was said misses the meters."""
        metered = self.metered_kwh
        return (self.said.read_kwh - metered) / metered if metered > 0.0 else 0.0

    @property
    def faithful(self) -> bool:
        """Whether that is within the tolerance."""
        return abs(self.off) <= TOLERANCE


def what_if(journal: Path, wanted: Wanted) -> Compared:
    """Run a live journal's day as it was said and as ``wanted``.

    Raises InputError for what is no live journal, a damaged one, and each word that cannot be
    understood.
    """
    if not journal.is_file():
        raise InputError(str(journal), "no such file", "a journal, DATA/journal/DAY.zcj")
    if not is_live_journal(journal):
        raise InputError(str(journal), "another kind of file", "a journal of `zerocity serve`")
    plan, city = _plan(wanted.plan), read_journal_city(journal)
    day = live_day(_notes(journal))
    names = city.names or tuple(str(k) for k in range(day.sites))
    if len(names) != day.sites:
        raise InputError(str(journal), f"{len(names)} names", f"{day.sites}, one for each site")
    midnight_s = _midnight_s(day.from_s, city.utc_offset_h)
    question = WhatIf(
        plan=plan,
        caps=tuple(cap for text in wanted.caps for cap in _caps(text, names, midnight_s)),
        prices=_prices(wanted.price, city.utc_offset_h) if wanted.price else None,
        store=wanted.store,
        priorities=wanted.priorities,
        every_s=60.0 * wanted.every_min,
    )
    said, other = ask(day, _notes(journal), [WhatIf(), question], plan_sites)
    return Compared(names, day, said, other)


def _notes(journal: Path) -> Iterator[PlanNote | StepNote]:
    return read_live_journal(journal)


def _plan(text: str) -> Plan:
    try:
        return Plan(text)
    except ValueError:
        raise InputError("--plan", repr(text), " or ".join(one.value for one in Plan)) from None


def _midnight_s(from_s: float, utc_offset_h: float) -> float:
    """The local midnight before ``from_s``, UTC seconds."""
    offset_s = 3600.0 * utc_offset_h
    return (from_s + offset_s) // 86_400.0 * 86_400.0 - offset_s


def _caps(text: str, names: Sequence[str], midnight_s: float) -> Iterator[Cap]:
    where, wanted = f"--cap {text}", "SITE=KW or SITE=KW@HH:MM-HH:MM"
    found = _CAP.fullmatch(text.strip())
    if found is None:
        raise InputError(where, repr(text), wanted)
    kw = _number(where, found["kw"], "a power of 0 kW or more")
    if kw < 0.0:
        raise InputError(where, found["kw"], "a power of 0 kW or more")
    begin, end = -math.inf, math.inf
    if found["from"] is not None:
        begin = midnight_s + 60.0 * _minutes(where, found["from"])
        end = midnight_s + 60.0 * _minutes(where, found["to"])
        if not begin < end:
            raise InputError(where, f"{found['from']}-{found['to']}", "a start before its end")
    for site in _sites(where, found["site"].strip(), names):
        yield Cap(site, kw, begin, end)


def _sites(where: str, name: str, names: Sequence[str]) -> Sequence[int]:
    if name == EVERY_SITE:
        return range(len(names))
    if name not in names:
        some = ", ".join(names[:3])
        raise InputError(where, repr(name), f"a site of the journal, such as {some}, or all")
    return (list(names).index(name),)


def _number(where: str, text: str, wanted: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(where, repr(text), wanted)
    return value


def _minutes(where: str, text: str) -> int:
    found = _CLOCK.fullmatch(text.strip())
    minutes = int(found[1]) * 60 + int(found[2]) if found else -1
    if not 0 <= minutes <= 1440:
        raise InputError(where, repr(text), "a local time from 00:00 to 24:00")
    return minutes


def _prices(text: str, utc_offset_h: float) -> Prices:
    """One price, or those of a file by local time, turned to UTC."""
    try:
        flat = float(text)
    except ValueError:
        return _read_prices(Path(text), utc_offset_h)
    if not math.isfinite(flat):
        raise InputError("--price", text, "a finite price [CNY/kWh], or a CSV file")
    return Prices(np.full(96, flat))


def _read_prices(path: Path, utc_offset_h: float) -> Prices:
    try:
        rows = list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"--price {path}", str(error), "a price [CNY/kWh], or a CSV file of prices"
        ) from error
    wanted = "columns from and buy_cny_per_kwh, and sell_cny_per_kwh where export is paid"
    if not rows or not {"from", "buy_cny_per_kwh"} <= rows[0].keys():
        raise InputError(str(path), "other columns or no rows", wanted)
    sells = "sell_cny_per_kwh" in rows[0]
    buy, sell = np.full(96, np.nan), np.full(96, np.nan)
    before = -1
    for number, row in enumerate(rows, start=2):
        where = f"{path}, line {number}"
        minutes = _minutes(where, row["from"] or "")
        at, rest = divmod(minutes, 15)
        if rest or at <= before or at > 95:
            raise InputError(where, repr(row["from"]), "full quarters of an hour, each later")
        buy[at:] = _number(where, row["buy_cny_per_kwh"] or "", "a finite price [CNY/kWh]")
        if sells:
            sell[at:] = _number(where, row["sell_cny_per_kwh"] or "", "a finite price [CNY/kWh]")
        before = at
    if np.isnan(buy).any():
        raise InputError(f"{path}, line 2", "a day that begins later", "prices from 00:00 on")
    return Prices(_utc(buy, utc_offset_h), _utc(sell, utc_offset_h) if sells else None)


def _utc(local: F64, utc_offset_h: float) -> F64:
    """Quarters of a local day as quarters of the UTC day."""
    return np.roll(local, -round(4.0 * utc_offset_h))
