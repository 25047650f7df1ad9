"""What each session may draw by what its station was told: lower first, raise when there is room.

A site's limit holds at every moment, not only once all messages have arrived. So a session counts
at the most it may draw: what it was last told and has confirmed, or anything higher that may still
reach it. A higher limit is sent only when all these together leave room for it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

# Changes below both are not worth a message, unless a site must come down; assumptions.
DEADBAND_KW, DEADBAND_SHARE = 0.2, 0.03
# A limit stands this long at a station that hears nothing more, and is renewed well before;
# assumptions.
LEASE_S, RENEW_S = 300.0, 120.0
# A station that has not answered in this time is asked again.
ANSWER_S = 10.0


@dataclass(slots=True)
class Grant:
    """What one session may draw.

    told_kw : the last limit sent; confirmed_kw : the last one its station confirmed; out_kw : the
    highest among those sent and not yet confirmed.
    refused : whether the last was refused; the station then follows its own mind.
    """

    told_kw: float
    confirmed_kw: float
    out_kw: float
    told_at_s: float = -math.inf
    confirmed_at_s: float = -math.inf
    waiting: bool = False
    refused: bool = False

    def most_kw(self, limit_kw: float) -> float:
        """The most the session may draw now [kW]."""
        if self.refused:
            return limit_kw
        return min(max(self.told_kw, self.confirmed_kw, self.out_kw), limit_kw)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a session is to be limited to. ``default_kw``: what it draws until it is told."""

    key: str
    kw: float
    limit_kw: float
    default_kw: float
    urgent: bool


Send = Callable[[str, float], None]


class Grants:
    """The grants of all sessions of a city."""

    def __init__(self) -> None:
        self.of: dict[str, Grant] = {}

    def begin(self, key: str, default_kw: float) -> Grant:
        """The grant of a session; a new one counts at its default."""
        return self.of.setdefault(key, Grant(default_kw, default_kw, default_kw))

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

    def confirmed(self, key: str, kw: float, now_s: float) -> None:
        """A station has taken the limit ``kw``."""
        grant = self.of.get(key)
        if grant is None:
            return
        grant.confirmed_kw, grant.confirmed_at_s, grant.refused = kw, now_s, False
        if kw == grant.told_kw:
            grant.waiting, grant.out_kw = False, kw

    def refused(self, key: str) -> None:
        """A station has refused a limit, or cannot be asked."""
        grant = self.of.get(key)
        if grant is not None:
            grant.waiting, grant.refused = False, True

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
        grant.out_kw = max(grant.out_kw, kw) if grant.waiting else kw
        grant.told_kw, grant.told_at_s, grant.waiting = kw, now_s, True
        send(key, kw)


def _deadband(kw: float) -> float:
    return max(DEADBAND_KW, DEADBAND_SHARE * kw)
