"""Reading a live journal look by look: sessions, stores, own load and sun."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from zerocity.control.replay import PlanNote, StepNote
from zerocity.errors import InputError
from zerocity.measures.arrays import F64, I64, Bools
from zerocity.twin.live_moments import Moment

QUARTER_S = 900.0
# A car that takes less than this share of what it may, over such a piece of its curve, is bound by
# itself; assumptions, as are those below. Meters are read several times in that time.
BOUND_SHARE, PIECE_S = 0.85, 120.0
# One that takes nothing for so long, though it may, has what it wants.
REFUSES_S = 180.0
# One that took so much [kWh], while its wish fell by less than half of it, charges beyond what was
# known of it; an assumption. A state of charge told in whole percent explains smaller gaps.
OPEN_KWH, OPEN_SHARE = 1.0, 0.5
# A wish that is met but for this counts as met [kWh]; an assumption.
MET_KWH = 0.05
# Digits that are rounding [kWh].
ROUNDING_KWH = 1e-6


Piece = tuple[float, float, float, float]


@dataclass(slots=True)
class Track:
    """One session while the journal is read.

    A piece of its curve: up to which energy [kWh], how fast at most [kW], the share that it takes
    of what it may (NaN: as in the whole session), and what its limit was known to be [kW].
    """

    site: int
    first: int
    begins_s: float
    since_s: float
    floor_kw: float
    fallback_kw: float
    taken_kwh: float = 0.0
    wants_kwh: float = 0.0
    free_kwh: float = 0.0
    free_told_kwh: float = 0.0
    unasked_kwh: float = 0.0
    piece_kwh: float = 0.0
    open_kwh: float = 0.0
    read: int = -1
    pieces: list[Piece] = field(default_factory=list)


class Watch:
    """Takes in the looks of a day, one after the other.

    By session: ``need``, ``meter``, ``limit``, until when it stays ``until_s``, look ``last`` and
    its end ``last_s`` as last seen; ``told`` [kWh], what it was allowed since the last piece of its
    curve ended, ``piece_h``, for how long, and ``most_kw`` of it; ``idle_h``, for how long since
    its meter rose.
    """

    _COLUMNS = (
        "need", "meter", "limit", "until_s", "last", "last_s", "told", "piece_h", "most_kw",
        "idle_h",
    )  # fmt: skip

    def __init__(self) -> None:
        self.number: dict[int, int] = {}
        self.tracks: list[Track] = []
        self.said: dict[int, tuple[I64, F64]] = {}
        self.need, self.meter, self.limit, self.until_s = (np.zeros(64) for _ in range(4))
        self.last, self.last_s, self.told = (np.zeros(64) for _ in range(3))
        self.piece_h, self.idle_h, self.most_kw = (np.zeros(64) for _ in range(3))
        self.commanded_kwh = 0.0
        self._keys, self._rows = np.zeros(0, np.int64), np.zeros(0, np.int64)

    def take(self, moment: Moment) -> None:
        """Take in one look; InputError when it does not say what the meters said."""
        seen, said = moment.note.seen, moment.note.commands
        s = seen.snapshot
        if seen.meter_kwh.size != seen.key.size:
            where = f"the journal, step {moment.number}"
            raise InputError(where, "no meters of its sessions", "a journal that keeps them")
        rows = self._numbers(moment)
        moved = (s.need_kwh != self.need[rows]) | (seen.meter_kwh != self.meter[rows])
        for i in np.flatnonzero(moved).tolist():
            self._hear(moment, int(rows[i]), i)
        wants = [self.tracks[row].wants_kwh for row in rows[moved]]
        self.said[moment.number] = rows[moved], np.array(wants)
        told = np.where(seen.reachable, said.battery_kw, seen.fallback_kw)
        self.told[rows] += told * moment.hours
        self.most_kw[rows] = np.maximum(self.most_kw[rows], told)
        self.piece_h[rows] += (told > 0.0) * moment.hours
        self.idle_h[rows] += (told > 0.0) * moment.hours
        self.commanded_kwh += float(said.battery_kw.sum()) * moment.hours
        self.need[rows], self.meter[rows], self.limit[rows] = s.need_kwh, seen.meter_kwh, s.limit_kw
        self.until_s[rows] = moment.at_s + s.steps_left * s.step_h * 3600.0
        self.last[rows], self.last_s[rows] = moment.number, moment.at_s + moment.hours * 3600.0

    def _numbers(self, moment: Moment) -> I64:
        seen = moment.note.seen
        if np.array_equal(seen.key, self._keys):
            return self._rows
        for i, key in enumerate(seen.key.tolist()):
            if key not in self.number:
                self._begin(moment, i, key)
        self._keys = seen.key
        self._rows = np.array([self.number[key] for key in seen.key.tolist()], np.int64)
        return self._rows

    def _begin(self, moment: Moment, i: int, key: int) -> None:
        seen, s, row = moment.note.seen, moment.note.seen.snapshot, len(self.tracks)
        self.number[key] = row
        self.tracks.append(
            Track(
                int(s.site[i]), moment.number, moment.at_s, moment.at_s,
                float(seen.floor_kw[i]), float(seen.fallback_kw[i]), 0.0, float(s.need_kwh[i]),
            )
        )  # fmt: skip
        if row == self.need.size:
            for name in self._COLUMNS:
                setattr(self, name, np.concatenate([getattr(self, name), np.zeros(row)]))
        # So that a session in its midst begins here.
        self.need[row], self.meter[row] = np.nan, seen.meter_kwh[i]

    def _hear(self, moment: Moment, row: int, i: int) -> None:
        """A wish has changed, or a meter."""
        seen, track = moment.note.seen, self.tracks[row]
        need = float(seen.snapshot.need_kwh[i])
        rise = max(float(seen.meter_kwh[i]) - float(self.meter[row]), 0.0)
        fall = float(self.need[row]) - need
        unasked = self._unasked(row, rise)
        if rise > unasked:
            self._charged(moment, row, rise - unasked)
        if fall < 0.0 or fall > rise + ROUNDING_KWH or unasked > 0.0:
            track.wants_kwh = need + track.taken_kwh
        if rise > 0.0 or fall > 0.0:
            track.open_kwh = max(track.open_kwh + rise - max(fall, 0.0), 0.0)

    def _unasked(self, row: int, rise: float) -> float:
        """What of a first rise was taken before anything was said [kWh]."""
        track, told = self.tracks[row], float(self.told[row])
        if track.read >= 0 or told >= OPEN_SHARE * rise:
            return 0.0
        track.unasked_kwh += rise - told
        return rise - told

    def _charged(self, moment: Moment, row: int, rise: float) -> None:
        track, told = self.tracks[row], float(self.told[row])
        track.taken_kwh += rise
        track.piece_kwh += rise
        track.read = moment.number
        self.idle_h[row] = 0.0
        if moment.at_s - track.since_s < PIECE_S:
            return
        rate, share = np.inf, np.nan
        hours = float(self.piece_h[row])
        if track.piece_kwh >= BOUND_SHARE * told:
            track.free_kwh += track.piece_kwh
            track.free_told_kwh += told
        elif told >= BOUND_SHARE * float(self.most_kw[row]) * hours:
            rate, share = track.piece_kwh / hours, 1.0
        else:
            # What it may went up and down: it was slow to follow, or bound now and then.
            share = track.piece_kwh / told
        track.pieces.append((track.taken_kwh, rate, share, float(self.limit[row])))
        track.since_s, track.piece_kwh = moment.at_s, 0.0
        self.told[row] = self.piece_h[row] = self.most_kw[row] = 0.0

    def refuses(self, row: int) -> bool:
        """Whether a car took nothing in the end though it could have."""
        return bool(self.idle_h[row] * 3600.0 >= REFUSES_S)

    def is_open(self, row: int) -> bool:
        """Whether a car charges beyond what was known of it."""
        track = self.tracks[row]
        return track.taken_kwh > OPEN_KWH and track.open_kwh > OPEN_SHARE * track.taken_kwh


class Starts:
    """What each store held at the start.

    The limits tell it of a store that is nearly full or nearly empty at its first reading. Of
    others they tell bounds, and the first plan whose start lies within them tells the content.
    """

    def __init__(self) -> None:
        self._kwh: F64 = np.zeros(0)
        self._known: Bools = np.zeros(0, np.bool_)
        self._read: Bools = np.zeros(0, np.bool_)
        self._least: F64 = np.zeros(0)
        self._plan: PlanNote | None = None

    def plan(self, note: PlanNote) -> None:
        """Take in a plan; one made after the first reading knows the content."""
        self._plan = note
        if self._kwh.size != note.days.sites:
            self._kwh, self._least = np.zeros(note.days.sites), np.zeros(note.days.sites)
            self._known, self._read = (np.zeros(note.days.sites, np.bool_) for _ in range(2))
        self._take(self._read, note.days.store_initial_kwh)

    def look(self, note: StepNote) -> None:
        """Take in a look."""
        if self._plan is None or self._read.all():
            return
        s, days = note.seen.snapshot, self._plan.days
        span = max(s.step_h, 0.25)
        fresh = np.isfinite(note.seen.meter_age_s) & ~self._read
        self._read |= fresh
        least = s.store_discharge_limit_kw * span
        most = days.store_kwh - s.store_charge_limit_kw * span
        self._least[fresh] = least[fresh]
        self._take(fresh & (s.store_discharge_limit_kw < days.store_discharge_kw), least)
        self._take(fresh & (s.store_charge_limit_kw < days.store_charge_kw), most)
        told = days.store_initial_kwh
        self._take(fresh & (least - MET_KWH <= told) & (told <= most + MET_KWH), told)

    def _take(self, which: Bools, kwh: F64) -> None:
        new = which & ~self._known
        self._kwh[new] = kwh[new]
        self._known |= new

    def content_kwh(self) -> F64:
        """Content at the start, (S,) [kWh]; what is sure where nothing told more."""
        return np.where(self._known, self._kwh, self._least)


class Means:
    """Mean own load and sun of each quarter of an hour."""

    def __init__(self) -> None:
        self._sums: dict[int, list[F64 | float]] = {}

    def take(self, moment: Moment) -> None:
        """Take in a look; a silent site counts as it last was."""
        s, h = moment.note.seen.snapshot, moment.hours
        load, sun, hours = self._sums.get(int(moment.at_s // QUARTER_S), (0.0, 0.0, 0.0))
        self._sums[int(moment.at_s // QUARTER_S)] = [
            load + s.load_kw * h, sun + s.pv_kw * h, hours + h
        ]  # fmt: skip

    def of(self) -> dict[int, tuple[F64, F64]]:
        """The means, 2 x (S,) [kW] a quarter."""
        return {
            quarter: (np.asarray(load / hours), np.asarray(sun / hours))
            for quarter, (load, sun, hours) in self._sums.items()
        }
