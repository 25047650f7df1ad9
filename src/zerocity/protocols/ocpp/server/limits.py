"""Bounds in time: token buckets, counts that are forgiven, and one wheel for all timers."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, Protocol, TypeVar


class Bucket:
    """A token bucket: `burst` at once, `per_s` in the long run."""

    __slots__ = ("_at_s", "_tokens", "burst", "per_s")

    def __init__(self, per_s: float, burst: float, now_s: float) -> None:
        self.per_s = per_s
        self.burst = burst
        self._tokens = float(burst)
        self._at_s = now_s

    def take(self, now_s: float) -> bool:
        """Take one token at `now_s` [s, monotonic]; False when there is none."""
        tokens = self._tokens + (now_s - self._at_s) * self.per_s
        if tokens > self.burst:
            tokens = self.burst
        self._at_s = now_s
        if tokens < 1.0:
            self._tokens = tokens
            return False
        self._tokens = tokens - 1.0
        return True

    def wait_s(self) -> float:
        """Seconds from the last `take` until there is a token."""
        return max(0.0, (1.0 - self._tokens) / self.per_s)


class Faults:
    """Counts violations and forgives one every `forgive_s`."""

    __slots__ = ("_at_s", "_count")

    def __init__(self) -> None:
        self._count = 0.0
        self._at_s = 0.0

    def add(self, now_s: float, forgive_s: float) -> float:
        """Count one more at `now_s` [s]; return what is not forgiven yet."""
        if self._count:
            self._count = max(0.0, self._count - (now_s - self._at_s) / forgive_s)
        self._at_s = now_s
        self._count += 1.0
        return self._count


class LoginLimits:
    """How often one address may fail to log in; the oldest addresses are forgotten first.

    Only failures count, so that all stations behind one address may come at once. Checks that were
    under way when the last try was used up count too, as a debt.
    """

    def __init__(self, tries: int, forgive_s: float, most_addresses: int = 10_000) -> None:
        self._tries = tries
        self._forgive_s = forgive_s
        self._most = most_addresses
        self._failures: OrderedDict[str, tuple[float, float]] = OrderedDict()  # count, when

    def _count(self, address: str, now_s: float) -> float:
        count, at_s = self._failures.get(address, (0.0, now_s))
        return max(0.0, count - (now_s - at_s) / self._forgive_s)

    def may_try(self, address: str, now_s: float) -> bool:
        """Whether `address` may have a password checked at `now_s` [s, monotonic]."""
        return self._count(address, now_s) + 1.0 <= self._tries

    def failed(self, address: str, now_s: float) -> None:
        """Count a wrong password."""
        self._failures[address] = (self._count(address, now_s) + 1.0, now_s)
        self._failures.move_to_end(address)
        if len(self._failures) > self._most:
            self._failures.popitem(last=False)


class Sleeper(Protocol):
    """What a wheel wakes; `wake_slot` belongs to the wheel."""

    wake_slot: int


T = TypeVar("T", bound=Sleeper)


class Wheel(Generic[T]):
    """Timers for many sleepers, each with at most one: cheap to move, no task each.

    A sleeper is woken at its time or up to one `step_s` later.
    """

    def __init__(self, step_s: float, now_s: float) -> None:
        self.step_s = step_s
        self._slots: dict[int, list[T]] = {}
        self._cursor = int(now_s / step_s)

    def at_latest(self, sleeper: T, due_s: float) -> None:
        """Wake `sleeper` at `due_s` [s, monotonic], unless it wakes before that anyway."""
        slot = max(int(due_s / self.step_s) + 1, self._cursor + 1)
        if sleeper.wake_slot and sleeper.wake_slot <= slot:
            return
        sleeper.wake_slot = slot
        self._slots.setdefault(slot, []).append(sleeper)

    def advance(self, now_s: float) -> list[T]:
        """Take out all sleepers that are due at `now_s`."""
        woken: list[T] = []
        last = int(now_s / self.step_s)
        while self._cursor < last:
            self._cursor += 1
            for sleeper in self._slots.pop(self._cursor, ()):
                if sleeper.wake_slot == self._cursor:  # else it was moved to an earlier slot
                    sleeper.wake_slot = 0
                    woken.append(sleeper)
        return woken
