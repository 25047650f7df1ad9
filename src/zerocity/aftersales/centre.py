"""The regional technology centre: what it can do in a day, and what that costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zerocity.errors import InputError

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Centre:
    """Capacity, prices and test quality of the after-sales centre.

    No public price list of a Chinese battery service centre was found: the money and the times
    are assumptions of ours, to be set by the city that uses them.

    tests_per_day : packs tested a day (a full module test takes 6-10 h, ReJoule; a quick test
        less); diagnosis bays times shifts. Assumed.
    test_cost_cny : cost of one pack test [CNY]. Assumed.
    test_soh_error : standard error of the measured SoH [fraction]. Assumed; SoH spreads up to
        0.15 between modules of one pack (ReJoule), so a pack figure hides more than this.
    check_interval_days : days between two routine checks of a pack at work. Assumed.
    check_cost_cny : routine check [CNY]. Assumed.
    repair_cost_cny, repair_days : one repair (module swap, balancing) [CNY], [d]. Assumed.
    repair_success : share of repairs that bring the pack back to work [0-1]. Assumed.
    fault_rate_per_year : share of packs that develop a fault in a year. 0.00038-0.00075 of the
        vehicles are faulty in fleet data (doi:10.1038/s41467-023-41226-5), with no exposure time
        given: "per year" is assumed.
    """

    tests_per_day: int = 40
    test_cost_cny: float = 400.0
    test_soh_error: float = 0.015
    check_interval_days: int = 180
    check_cost_cny: float = 60.0
    repair_cost_cny: float = 2500.0
    repair_days: int = 7
    repair_success: float = 0.9
    fault_rate_per_year: float = 0.00057

    def __post_init__(self) -> None:
        for field in ("repair_success", "fault_rate_per_year", "test_soh_error"):
            value = getattr(self, field)
            if not 0.0 <= value <= 1.0:
                raise InputError(f"centre.{field}", str(value), "a fraction from 0 to 1")
        for field in ("tests_per_day", "check_interval_days", "repair_days"):
            value = getattr(self, field)
            if value < 1:
                raise InputError(f"centre.{field}", str(value), "an integer of at least 1")
        for field in ("test_cost_cny", "check_cost_cny", "repair_cost_cny"):
            value = getattr(self, field)
            if value < 0:
                raise InputError(f"centre.{field}", str(value), "a cost of 0 CNY or more")


def todays_tests(arrived_day: npt.NDArray[np.integer], capacity: int) -> IntArray:
    """Positions of the packs to test today: first come, first served, shape (<= capacity,).

    ``arrived_day`` (n,) of the packs that wait; equal days keep their order.
    """
    return np.argsort(arrived_day, kind="stable")[: max(capacity, 0)]


def due_for_check(
    days_since_check: npt.NDArray[np.integer], centre: Centre
) -> npt.NDArray[np.bool_]:
    """Packs whose routine check is due, shape (n,)."""
    return np.asarray(days_since_check >= centre.check_interval_days)


def days_cost_cny(centre: Centre, *, tests: int = 0, checks: int = 0, repairs: int = 0) -> float:
    """Cost of a day's work [CNY]."""
    return (
        tests * centre.test_cost_cny
        + checks * centre.check_cost_cny
        + repairs * centre.repair_cost_cny
    )
