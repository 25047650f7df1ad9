"""Token buckets, forgiven faults, failed logins and the wheel of timers, by their laws."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from zerocity.protocols.ocpp.server.limits import Bucket, Faults, LoginLimits, Wheel

steps = st.lists(st.floats(0.0, 5.0), max_size=60)


@given(steps, st.floats(0.1, 100.0), st.integers(1, 20))
def test_a_bucket_never_gives_more_than_burst_and_rate(
    waits: list[float], per_s: float, burst: int
) -> None:
    bucket, now, taken = Bucket(per_s, burst, 0.0), 0.0, 0
    for wait in waits:
        now += wait
        taken += bucket.take(now)
        assert taken <= burst + now * per_s + 1e-6


@given(st.floats(0.1, 100.0), st.integers(1, 20))
def test_an_empty_bucket_says_when_it_has_a_token(per_s: float, burst: int) -> None:
    bucket = Bucket(per_s, burst, 0.0)
    for _ in range(burst):
        assert bucket.take(0.0)
    assert not bucket.take(0.0)
    wait = bucket.wait_s()
    assert not bucket.take(wait * 0.5)
    assert bucket.take(wait * 0.5 + bucket.wait_s() * 1.001)


def test_a_bucket_is_not_emptied_by_a_clock_that_stands_still() -> None:
    bucket = Bucket(1.0, 2, 10.0)
    assert [bucket.take(10.0) for _ in range(3)] == [True, True, False]
    assert bucket.take(11.0)


def test_faults_are_forgiven_one_by_one() -> None:
    faults = Faults()
    assert [faults.add(0.0, 10.0) for _ in range(3)] == [1.0, 2.0, 3.0]
    assert faults.add(10.0, 10.0) == 3.0
    assert faults.add(1000.0, 10.0) == 1.0


def test_only_failed_logins_count_and_debts_are_kept() -> None:
    limits = LoginLimits(3, 10.0)
    assert all(limits.may_try("a", 0.0) for _ in range(100))
    for _ in range(5):  # five checks were under way at once
        limits.failed("a", 0.0)
    assert not limits.may_try("a", 20.0)
    assert limits.may_try("a", 30.0)
    assert limits.may_try("b", 0.0)


def test_failed_logins_of_many_addresses_stay_within_a_bound() -> None:
    limits = LoginLimits(1, 10.0, most_addresses=10)
    for number in range(1000):
        limits.failed(str(number), 0.0)
    assert len(limits._failures) == 10
    assert not limits.may_try("999", 0.0)


class Sleeper:
    def __init__(self) -> None:
        self.wake_slot = 0


@given(st.lists(st.floats(0.0, 50.0), min_size=1, max_size=30), st.floats(0.01, 2.0))
def test_a_wheel_wakes_each_once_at_its_time_or_one_step_later(
    dues: list[float], step: float
) -> None:
    wheel: Wheel[Sleeper] = Wheel(step, 0.0)
    due_of = {}
    for due in dues:
        sleeper = Sleeper()
        due_of[sleeper] = due
        wheel.at_latest(sleeper, due)
    now = 0.0
    while now < 60.0:
        now += step / 3
        for sleeper in wheel.advance(now):
            due = due_of.pop(sleeper)
            assert due <= now + 1e-9 <= due + 2.5 * step + 1e-6
    assert not due_of


@given(st.lists(st.floats(0.0, 50.0), min_size=1, max_size=30))
def test_of_several_times_the_earliest_counts_and_only_once(dues: list[float]) -> None:
    wheel, sleeper = Wheel[Sleeper](0.5, 0.0), Sleeper()
    for due in dues:
        wheel.at_latest(sleeper, due)
    woken = [now for tick in range(130) for now in [tick * 0.5] if wheel.advance(now)]
    assert len(woken) == 1
    assert min(dues) <= woken[0] <= min(dues) + 1.0


def test_a_time_in_the_past_wakes_at_the_next_step() -> None:
    wheel, sleeper = Wheel[Sleeper](1.0, 100.0), Sleeper()
    wheel.at_latest(sleeper, 3.0)
    assert wheel.advance(101.0) == [sleeper]
    wheel.at_latest(sleeper, 105.0)
    assert not wheel.advance(104.0)
    assert wheel.advance(200.0) == [sleeper]
