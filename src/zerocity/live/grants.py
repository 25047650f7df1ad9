"""What each session may draw by what its station was told: lower first, raise when there is room.

A site's limit holds at every moment, not only once all messages have arrived. So a session counts
at the most it may draw: what it was last told and has confirmed, or anything higher that may still
reach it. A higher limit is sent only when all these together leave room for it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

# Changes below both are not worth a message, unless a site must come down; assumptions.
DEADBAND_KW, DEADBAND_SHARE = 0.2, 0.03
# A limit stands this long at a station that hears nothing more, and is renewed well before;
# assumptions.
LEASE_S, RENEW_S = 300.0, 120.0
# A station that has not answered in this time is asked again.
ANSWER_S = 10.0
# A car that has drawn less than this share of what it may for so long does not want more now;
# assumptions.
IDLE_SHARE, IDLE_S = 0.85, 60.0
# Limits that may be on their way to one session; of more, the oldest counts as confirmed.
MOST_OUT = 8


@dataclass(slots=True)
class Grant:
    """What one session may draw.

    told_kw : the last limit sent, and ``number`` its number. confirmed_kw : the last one its
    station confirmed. out : number -> limit of those sent since that may still reach it.
    refused : whether the last was refused; the station then follows its own mind.
    idle_since_s : since when the car has drawn much less than it may; infinite while it draws.
    """

    told_kw: float
    confirmed_kw: float
    number: int = 0
    out: dict[int, float] = field(default_factory=dict)
    told_at_s: float = -math.inf
    confirmed_at_s: float = -math.inf
    refused: bool = False
    idle_since_s: float = math.inf

    @property
    def waiting(self) -> bool:
        """Whether an answer is out."""
        return bool(self.out)

    def most_kw(self, limit_kw: float) -> float:
        """The most the session may draw now [kW]."""
        if self.refused:
            return limit_kw
        return min(max(self.confirmed_kw, *self.out.values(), 0.0), limit_kw)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a session is to be limited to.

    limit_kw : what its plug and its car allow. default_kw : what it draws until it is told.
    """

    key: str
    kw: float
    limit_kw: float
    default_kw: float
    urgent: bool


Send = Callable[[str, float, int], None]
"""Session, limit [kW], and the number under which its answer comes back."""


class Grants:
    """The grants of all sessions of a city."""

    def __init__(self) -> None:
        self.of: dict[str, Grant] = {}

    def begin(self, key: str, default_kw: float) -> Grant:
        """The grant of a session; a new one counts at its default."""
        return self.of.setdefault(key, Grant(default_kw, default_kw))

    def drawn(self, key: str, power_kw: float, now_s: float) -> None:
        """A session was seen to draw ``power_kw``."""
        grant = self.of.get(key)
        # A limit on its way (a renewed one too) or of nothing tells no more of a car than before.
        if grant is None or grant.waiting or grant.told_kw <= 0.0:
            return
        if power_kw >= IDLE_SHARE * grant.told_kw:
            grant.idle_since_s = math.inf
        else:
            grant.idle_since_s = min(grant.idle_since_s, now_s)

    def is_idle(self, key: str, now_s: float) -> bool:
        """Whether a car has drawn much less than it may for a while."""
        grant = self.of.get(key)
        return grant is not None and now_s - grant.idle_since_s >= IDLE_S

    def keep(self, keys: Iterable[str]) -> None:
        """Forget the sessions that are not among ``keys``."""
        known = set(keys)
        for key in [k for k in self.of if k not in known]:
            del self.of[key]

    def settle(self, wishes: list[Wish], room_kw: float, now_s: float, send: Send) -> None:
        """Send one site's limits so that all together never exceed ``room_kw`` [kW].

        What must go down goes down at once; what may go up, the urgent first, waits for room.
        """
        before = [self.begin(w.key, w.default_kw).most_kw(w.limit_kw) for w in wishes]
        tight = sum(before) > room_kw
        total = 0.0
        rises: list[tuple[Wish, Grant]] = []
        for wish in wishes:
            grant = self.begin(wish.key, wish.default_kw)
            if self._falls(wish, grant, now_s, tight):
                self._tell(wish.key, grant, wish.kw, now_s, send)
            elif wish.kw > grant.told_kw + _deadband(grant.told_kw):
                rises.append((wish, grant))
            elif self._is_due(grant, now_s):
                self._tell(wish.key, grant, grant.told_kw, now_s, send)
            total += grant.most_kw(wish.limit_kw)
        rises.sort(key=lambda pair: not pair[0].urgent)
        for wish, grant in rises:
            # An answer that is still out decides first: two limits on the way may overtake.
            if grant.waiting and now_s - grant.told_at_s < ANSWER_S:
                continue
            free = room_kw - (total - grant.most_kw(wish.limit_kw))
            kw = min(wish.kw, free)
            if kw > grant.told_kw + _deadband(grant.told_kw):
                total -= grant.most_kw(wish.limit_kw)
                self._tell(wish.key, grant, kw, now_s, send)
                total += grant.most_kw(wish.limit_kw)
            elif self._is_due(grant, now_s):
                self._tell(wish.key, grant, grant.told_kw, now_s, send)

    def insist(self, key: str, kw: float, now_s: float, send: Send) -> None:
        """Tell a session again that counts in full elsewhere, as its station refused [kW]."""
        grant = self.begin(key, kw)
        if now_s - grant.told_at_s >= ANSWER_S:
            self._tell(key, grant, kw, now_s, send)

    def confirmed(self, key: str, number: int, now_s: float) -> None:
        """A station has taken the limit of that number; what was sent before it is past."""
        grant = self.of.get(key)
        if grant is None or number not in grant.out:
            return
        grant.confirmed_kw, grant.confirmed_at_s = grant.out[number], now_s
        grant.out = {n: kw for n, kw in grant.out.items() if n > number}
        grant.refused = grant.refused and bool(grant.out)

    def refused(self, key: str, number: int) -> None:
        """A station has refused a limit, or cannot be asked. A later one may still be taken."""
        grant = self.of.get(key)
        if grant is not None and number == grant.number:
            grant.out, grant.refused = {}, True

    def fallback_kw(self, key: str, default_kw: float, limit_kw: float, now_s: float) -> float:
        """What a session that cannot be told anything may draw [kW].

        Its lease until that ends, and then its station's default.
        """
        grant = self.of.get(key)
        if grant is None:
            return min(default_kw, limit_kw)
        leased = now_s - max(grant.told_at_s, grant.confirmed_at_s) <= LEASE_S
        return min(max(grant.most_kw(limit_kw), default_kw) if leased else default_kw, limit_kw)

    @staticmethod
    def _falls(wish: Wish, grant: Grant, now_s: float, tight: bool) -> bool:
        fall = grant.told_kw - wish.kw
        if fall <= 0.0:
            return False
        worth = fall > _deadband(grant.told_kw) or wish.kw == 0.0
        on_the_way = grant.waiting and now_s - grant.told_at_s < ANSWER_S
        return worth or (tight and not on_the_way)

    @staticmethod
    def _is_due(grant: Grant, now_s: float) -> bool:
        unanswered = grant.waiting and now_s - grant.told_at_s >= ANSWER_S
        return unanswered or now_s - grant.told_at_s >= RENEW_S

    @staticmethod
    def _tell(key: str, grant: Grant, kw: float, now_s: float, send: Send) -> None:
        if len(grant.out) >= MOST_OUT:
            oldest = grant.out.pop(min(grant.out))
            grant.confirmed_kw = max(grant.confirmed_kw, oldest)
        grant.number += 1
        grant.out[grant.number] = grant.told_kw = kw
        grant.told_at_s = now_s
        send(key, kw, grant.number)


def _deadband(kw: float) -> float:
    return max(DEADBAND_KW, DEADBAND_SHARE * kw)
