"""A station's charging profiles: which may be installed, and what all of them allow together.

The rules (OCPP 1.6 3.13.2 and 3.13.3; 2.0.1 and 2.1 part 2, K01 and section 3 of block K):

* within one purpose the valid profile with the highest stack level leads; where it says nothing,
  the next one does;
* TxProfile goes before TxDefaultProfile, PriorityCharging (2.1, once activated) before both;
* a TxDefaultProfile for one connector goes before one for all: in 1.6 always, in 2.x at the same
  stack level;
* the maximum of the station and external constraints bind whatever the others allow.

Without a link a TxProfile stays in force for its transaction until it ends by itself (1.6 3.13.5;
2.0.1 K13); 2.1 may bound that by maxOfflineDuration. After it TxDefaultProfile holds.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from zerocity.protocols.ocpp.messages import Version
from zerocity.protocols.ocpp.station.profiles import (
    NEVER,
    USUAL_SUPPLY,
    Kind,
    Profile,
    Purpose,
    Running,
    Span,
    Supply,
    overlaps,
    read_profile,
    span_at,
    with_update,
)

# ChargeProfileMaxStackLevel, ChargingScheduleMaxPeriods and MaxChargingProfilesInstalled that
# the station declares: assumptions, in the range of sold stations.
MOST_LEVEL, MOST_PERIODS, MOST_PROFILES = 20, 1024, 64


@dataclass(slots=True)
class ProfileStore:
    """The charging profiles of one station."""

    version: Version
    supply: Supply = USUAL_SUPPLY
    profiles: dict[int, Profile] = field(default_factory=dict)
    offline_since_ms: int | None = None
    priority: set[str] = field(default_factory=set)
    """Transactions for which PriorityCharging is active (2.1 K20)."""

    def install(
        self, wire: dict[str, Any], evse: int, now_ms: int, running: Running | None
    ) -> str | None:
        """Take a profile in; None, or the reason why not (a 2.x reason code).

        ``evse`` 0 means all of the station; ``running`` is the transaction on that EVSE.
        """
        profile = read_profile(wire, evse, self.supply, now_ms)
        reason = self._refusal(profile, now_ms, running)
        if reason is not None:
            return reason
        if profile.purpose is Purpose.TX and profile.transaction is None and running:
            profile = read_profile({**wire, "transactionId": running.id}, evse, self.supply, now_ms)
        for twin in [other for other in self.profiles.values() if self._same_place(other, profile)]:
            if self.version is not Version.V16 and twin.id != profile.id:
                if overlaps(twin, profile):
                    return "DuplicateProfile"
                continue
            del self.profiles[twin.id]
        if profile.id not in self.profiles and len(self.profiles) >= MOST_PROFILES:
            return "OutOfStorage"
        self.profiles[profile.id] = profile
        return None

    def update(self, profile_id: int, update: dict[str, Any], now_ms: int) -> str | None:
        """Give a Dynamic profile its new value (2.1 K28); None, or the reason why not."""
        profile = self.profiles.get(profile_id)
        if profile is None:
            return "UnknownProfile"
        if profile.kind is not Kind.DYNAMIC:
            return "InvalidProfile"
        self.profiles[profile_id] = with_update(profile, update, self.supply, now_ms)
        return None

    def clear(self, wanted: Callable[[Profile], bool]) -> int:
        """Remove the profiles that are wanted gone; how many there were."""
        gone = [profile.id for profile in self.profiles.values() if wanted(profile)]
        for profile_id in gone:
            del self.profiles[profile_id]
        return len(gone)

    def end_transaction(self, transaction: str) -> None:
        """Its TxProfiles end with it (1.6 3.13.1; 2.0.1 K01.FR.36)."""
        self.clear(lambda p: p.purpose is Purpose.TX and p.transaction == transaction)
        self.priority.discard(transaction)

    def back_online(self, now_ms: int) -> None:
        """The link is back: profiles that did not outlive its loss go (2.1 K01)."""
        self.clear(lambda p: p.invalid_after_offline and self._lapsed(p, now_ms))
        self.offline_since_ms = None

    def transaction_span(self, evse: int, t_ms: int, running: Running | None) -> Span:
        """What the profiles for transactions allow on an EVSE; None where they say nothing."""
        until = NEVER
        for profiles in self._ladder(evse, running):
            span = self._lead(profiles, t_ms, running)
            until = min(until, span.until_ms)
            if span.limit_kw is not None:
                return Span(span.limit_kw, until)
        return Span(None, until)

    def station_span(self, t_ms: int) -> Span:
        """What the whole station may take; generation on the spot comes on top (2.1 K)."""
        limit_kw, until = math.inf, NEVER
        for purpose in (Purpose.STATION_MAX, Purpose.EXTERNAL):
            span = self._lead(self._of(purpose, 0), t_ms, None)
            until = min(until, span.until_ms)
            limit_kw = min(limit_kw, math.inf if span.limit_kw is None else span.limit_kw)
        made = self._lead(self._of(Purpose.LOCAL, 0), t_ms, None)
        until = min(until, made.until_ms)
        if math.isinf(limit_kw):
            return Span(None, until)
        return Span(limit_kw + max(made.limit_kw or 0.0, 0.0), until)

    def composite_span(self, evse: int, t_ms: int, running: Running | None) -> Span:
        """The lowest of what transaction and station profiles allow on an EVSE."""
        own, whole = self.transaction_span(evse, t_ms, running), self.station_span(t_ms)
        limits = [span.limit_kw for span in (own, whole) if span.limit_kw is not None]
        return Span(min(limits, default=None), min(own.until_ms, whole.until_ms))

    def _ladder(self, evse: int, running: Running | None) -> Iterable[list[Profile]]:
        if running is not None:
            if running.id in self.priority:
                yield self._of(Purpose.PRIORITY, evse)
            # An empty id stands for a transaction whose id is still to come.
            yield [p for p in self._of(Purpose.TX, evse) if p.transaction == running.id]
        defaults = self._of(Purpose.TX_DEFAULT, evse)
        if self.version is Version.V16:
            yield [profile for profile in defaults if profile.evse]
            yield [profile for profile in defaults if not profile.evse]
        else:
            yield defaults

    def _of(self, purpose: Purpose, evse: int) -> list[Profile]:
        found = [p for p in self.profiles.values() if p.purpose is purpose and p.evse in (0, evse)]
        if len(found) > 1:
            found.sort(key=lambda p: (-p.stack_level, p.evse == 0, p.id))
        return found

    def _lead(self, profiles: list[Profile], t_ms: int, running: Running | None) -> Span:
        until = NEVER
        for profile in profiles:
            if self._lapsed(profile, t_ms):
                continue
            span = span_at(profile, t_ms, None if running is None else running.started_ms)
            until = min(until, span.until_ms, self._lapse_ms(profile))
            if span.limit_kw is not None:
                return Span(span.limit_kw, until)
        return Span(None, until)

    def _lapse_ms(self, profile: Profile) -> int:
        if self.offline_since_ms is None:
            return NEVER
        return self.offline_since_ms + profile.most_offline_ms

    def _lapsed(self, profile: Profile, t_ms: int) -> bool:
        return t_ms >= self._lapse_ms(profile)

    def _same_place(self, one: Profile, other: Profile) -> bool:
        return one.id == other.id or (
            one.purpose is other.purpose
            and one.stack_level == other.stack_level
            and one.evse == other.evse
            and one.transaction == other.transaction
        )

    def _refusal(self, profile: Profile, now_ms: int, running: Running | None) -> str | None:
        if profile.stack_level > MOST_LEVEL or profile.stack_level < 0:
            return "InvalidStackLevel"
        if len(profile.starts_ms) > MOST_PERIODS or not _rises(profile.starts_ms):
            return "InvalidSchedule"
        if profile.valid_to_ms <= now_ms:
            return "InvalidProfile"
        if profile.kind is Kind.RECURRING and not (
            profile.recurrence_ms and profile.start_ms is not None
        ):
            return "InvalidProfile"
        if profile.kind is Kind.DYNAMIC and len(profile.starts_ms) != 1:
            return "InvalidSchedule"
        return self._misplaced(profile, running)

    def _misplaced(self, profile: Profile, running: Running | None) -> str | None:
        if profile.purpose is Purpose.EXTERNAL:
            return "InvalidProfile"
        if profile.purpose in (Purpose.STATION_MAX, Purpose.LOCAL):
            bad = profile.evse != 0 or profile.kind is Kind.RELATIVE
            return "InvalidProfile" if bad else None
        if profile.purpose is not Purpose.TX:
            return None
        if profile.evse == 0:
            return "InvalidProfile"
        if profile.transaction is None and self.version is not Version.V16:
            return "MissingParam"
        known = running is not None and profile.transaction in (None, running.id)
        return None if known else "TxNotFound"


def composite(
    span: Callable[[int], Span], begin_ms: int, duration_s: int, most_periods: int = MOST_PERIODS
) -> list[tuple[int, float | None]]:
    """The limit over a time to come: (seconds from the begin, kW) wherever it changes.

    ``span`` tells the limit at a moment [ms]. What changes within a second is rounded to the
    stricter side: the lower limit holds for the whole second.
    """
    periods: list[tuple[int, float | None]] = []
    end_ms, t_ms = begin_ms + duration_s * 1000, begin_ms
    while t_ms < end_ms and len(periods) < most_periods:
        limit_kw, until_ms = span(t_ms)
        second = (t_ms - begin_ms) // 1000
        if periods and periods[-1][0] >= second:
            second, before = periods.pop()
            limit_kw = _lower(before, limit_kw)
        elif periods and (t_ms - begin_ms) % 1000 and _lower(periods[-1][1], limit_kw) != limit_kw:
            second += 1
        if not periods or periods[-1][1] != limit_kw:
            periods.append((second, limit_kw))
        t_ms = until_ms
    return [period for period in periods if period[0] < duration_s]


def _lower(one: float | None, other: float | None) -> float | None:
    return min((x for x in (one, other) if x is not None), default=None)


def _rises(starts: tuple[int, ...]) -> bool:
    return bool(starts) and starts[0] == 0 and all(a < b for a, b in itertools.pairwise(starts))
