"""A live day put together again from its journal: who came, what they took, and how fast.

A journal holds looks at the city, not facts. What a driver wants falls as the meter counts; a fall
that the meter does not explain, and every rise, is news about the wish. How fast a car charges is
kept by the energy that it has taken, so that a car that tapers does so at the same charge under
every plan.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from zerocity.control.replay import PlanNote, StepNote
from zerocity.errors import InputError
from zerocity.measures.arrays import F64, I64, Bools
from zerocity.twin.live_moments import Moment, moments
from zerocity.twin.live_watch import MET_KWH, QUARTER_S, Means, Piece, Starts, Watch


@dataclass(frozen=True, eq=False)
class LiveDay:
    """What a journal tells of its day; N sessions, S sites, in the order in which they were seen.

    number : lasting key -> number of a session. site, first, last : its site, and the looks that
    saw it first and last, (N,). begins_s, leaves_s : when it was seen first and when its driver
    leaves, UTC seconds, (N,); infinite where the journal ends before.
    said : look -> sessions and what each is known to want in all [kWh] from then on.
    read : the look at which its meter rose for the last time, (N,); -1 where it never did.
    is_open : whether it charged beyond what was known of it, (N,).
    takes_kwh : what it would take in the end; metered_kwh : what it took, (N,).
    commanded_kwh, unasked_kwh : what all of them together were allowed, and what they took before
    anything was said to them; that is not in ``metered_kwh``.
    begins : first piece of each session's charging curve, (N,). Of each piece: the energy up to
    which it goes [kWh], the most that the car takes [kW], the share that it takes of what it may,
    and what its limit was known to be [kW].
    floor_kw, fallback_kw : as first seen, (N,). store_kwh : the stores at the start, (S,).
    first_quarter : quarter of an hour, counted from 1970, of each plan's first column.
    quarters : quarter -> mean own load and sun of the sites, 2 x (S,) [kW].
    notes, looks : how many there are. hours, unseen_s : how long the looks held, and for how long
    nobody looked.
    from_s, to_s : the day's span, UTC seconds.
    """

    number: dict[int, int]
    site: I64
    first: I64
    last: I64
    begins_s: F64
    leaves_s: F64
    said: dict[int, tuple[I64, F64]]
    read: I64
    is_open: Bools
    takes_kwh: F64
    metered_kwh: F64
    commanded_kwh: float
    unasked_kwh: float
    begins: I64
    up_to_kwh: F64
    rate_kw: F64
    share: F64
    known_kw: F64
    floor_kw: F64
    fallback_kw: F64
    store_kwh: F64
    first_quarter: tuple[int, ...]
    quarters: dict[int, tuple[F64, F64]]
    notes: int
    looks: int
    hours: float
    unseen_s: float
    from_s: float
    to_s: float

    @property
    def sites(self) -> int:
        """Number of sites."""
        return int(self.store_kwh.size)


def live_day(notes: Iterable[PlanNote | StepNote]) -> LiveDay:
    """Put a day together from its journal; pure.

    Raises InputError when it has no step, or a step before the first plan, or when its sites change
    in their number.
    """
    watch, starts, means = Watch(), Starts(), Means()
    plans: list[PlanNote] = []
    first_of: dict[int, int] = {}
    total_h = unseen_s = 0.0
    begins = ends = None
    looks = 0
    for one in moments(notes):
        if isinstance(one, PlanNote):
            plans.append(one)
            starts.plan(one)
            continue
        _check(one, plans)
        if begins is None:
            begins = one.at_s
        unseen_s += max(one.at_s - ends, 0.0) if ends is not None else 0.0
        ends = one.at_s + one.hours * 3600.0
        first_of.setdefault(one.plan, int(one.at_s // QUARTER_S) - one.note.column)
        watch.take(one)
        starts.look(one.note)
        means.take(one)
        total_h, looks = total_h + one.hours, one.number + 1
    if begins is None or ends is None:
        raise InputError("the journal", "no step", "at least one step after a plan")
    quarters = tuple(first_of.get(k, 0) for k in range(len(plans)))
    return _made(watch, starts.content_kwh(), quarters, means.of(), looks,
                 (total_h, unseen_s, begins, ends))  # fmt: skip


def _check(moment: Moment, plans: list[PlanNote]) -> None:
    where = f"the journal, step {moment.number}"
    if not plans:
        raise InputError(where, "a step before the first plan", "a plan before it")
    if moment.note.seen.snapshot.load_kw.size != plans[-1].days.sites:
        raise InputError(where, "another number of sites", f"{plans[-1].days.sites}, as the plan")
    if plans[-1].days.sites != plans[0].days.sites:
        raise InputError(where, "another number of sites", "one city in one journal")


def _made(
    watch: Watch,
    store_kwh: F64,
    first_quarter: tuple[int, ...],
    quarters: dict[int, tuple[F64, F64]],
    looks: int,
    span: tuple[float, float, float, float],
) -> LiveDay:
    tracks = watch.tracks
    takes, leaves = _ends(watch, looks)
    hours, unseen_s, from_s, to_s = span
    return LiveDay(
        number=watch.number,
        site=np.array([t.site for t in tracks], np.int64),
        first=np.array([t.first for t in tracks], np.int64),
        last=watch.last[: len(tracks)].astype(np.int64),
        begins_s=np.array([t.begins_s for t in tracks]),
        leaves_s=leaves,
        said=watch.said,
        read=np.array([t.read for t in tracks], np.int64),
        is_open=np.array([watch.is_open(row) for row in range(len(tracks))], np.bool_),
        takes_kwh=takes,
        metered_kwh=np.array([t.taken_kwh for t in tracks]),
        commanded_kwh=watch.commanded_kwh,
        unasked_kwh=float(sum(t.unasked_kwh for t in tracks)),
        **_curves(watch),
        floor_kw=np.array([t.floor_kw for t in tracks]),
        fallback_kw=np.array([t.fallback_kw for t in tracks]),
        store_kwh=store_kwh,
        first_quarter=first_quarter,
        quarters=quarters,
        notes=looks + len(first_quarter),
        looks=looks,
        hours=hours,
        unseen_s=unseen_s,
        from_s=from_s,
        to_s=to_s,
    )


def _ends(watch: Watch, looks: int) -> tuple[F64, F64]:
    """What each session takes in the end [kWh] and when it leaves [s], (N,)."""
    takes, leaves = np.zeros(len(watch.tracks)), np.zeros(len(watch.tracks))
    for row, track in enumerate(watch.tracks):
        need, refuses = float(watch.need[row]), watch.refuses(row)
        takes[row] = track.taken_kwh + (0.0 if refuses else need)
        gone_s, until_s = float(watch.last_s[row]), float(watch.until_s[row])
        stays = max(gone_s, until_s) if refuses or need <= MET_KWH else gone_s
        leaves[row] = np.inf if watch.last[row] == looks - 1 else stays
    return takes, leaves


def _curves(watch: Watch) -> dict[str, Any]:
    """The pieces of all charging curves; the last one goes on as the one before it."""
    pieces: list[Piece] = []
    begins, shares = [], []
    for row, track in enumerate(watch.tracks):
        begins.append(len(pieces))
        rate = track.pieces[-1][1] if track.pieces else np.inf
        pieces += [*track.pieces, (np.inf, rate, np.nan, float(watch.limit[row]))]
        free, told = track.free_kwh, track.free_told_kwh
        follows = min(round(free / told, 9), 1.0) if told > 2.0 * MET_KWH else 1.0
        shares += [follows] * (len(track.pieces) + 1)
    table = np.array(pieces, np.float64).reshape(-1, 4)
    return {
        "begins": np.array(begins, np.int64),
        "up_to_kwh": table[:, 0].copy(),
        "rate_kw": table[:, 1].copy(),
        "share": np.where(np.isnan(table[:, 2]), np.array(shares), table[:, 2]),
        "known_kw": table[:, 3].copy(),
    }
