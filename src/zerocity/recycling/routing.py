"""Reuse or recycle: the law first, then what each way is worth, pack by pack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from zerocity.errors import InputError

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

# Five points integrate a normal error exactly for polynomials up to degree nine.
_NODES, _RAW_WEIGHTS = np.polynomial.hermite_e.hermegauss(5)
_WEIGHTS = _RAW_WEIGHTS / _RAW_WEIGHTS.sum()


@dataclass(frozen=True)
class SecondLife:
    """What a second life costs and brings. Money in CNY of the run's year.

    use, station_kwh : where the packs go (a use of the gate) and the size of that station [kWh].
    new_price_cny_per_kwh : price of the new pack it replaces. 664 = EverBatt 2023 LFP pack cost in
        China, 94.9 USD/kWh, at 7 CNY/USD. Prices of 2025 are lower (40-60 USD/kWh for cells,
        unconfirmed): below about 500 the margin of reuse vanishes.
    repack_cost_cny_per_kwh : 210 = 27 EUR/kWh, the low end of Lieskoski 2024 (27-38), at 7.8.
    bms_cost_cny_per_kwh, test_cost_cny (a pack), liability_cny_per_kwh (paid at a failure),
        failure_per_year : assumed.
    value_cny_per_kwh : what one kWh discharged earns (price spread after losses). Assumed.
    cycles_per_year, max_years, end_soh : duty of the second life. Assumed.
    new_life_years, new_end_soh : life of the new pack it replaces. Assumed.
    fade_per_year : SoH lost a year in second life, by the longest matching start of the chemistry
        key. Assumed: in the order LFP < NMC < NCA.
    discount_rate : a year. Assumed.
    soh_error : standard error of the tested SoH. Assumed.
    """

    use: str = "stationary"
    station_kwh: float = 900.0
    new_price_cny_per_kwh: float = 664.0
    repack_cost_cny_per_kwh: float = 210.0
    bms_cost_cny_per_kwh: float = 30.0
    test_cost_cny: float = 400.0
    liability_cny_per_kwh: float = 500.0
    failure_per_year: float = 0.001
    value_cny_per_kwh: float = 0.35
    cycles_per_year: float = 300.0
    max_years: float = 10.0
    end_soh: float = 0.5
    new_life_years: float = 15.0
    new_end_soh: float = 0.7
    fade_per_year: Mapping[str, float] = field(
        default_factory=lambda: {"": 0.03, "lfp": 0.018, "nmc": 0.03, "nca": 0.05}
    )
    discount_rate: float = 0.06
    soh_error: float = 0.015

    def __post_init__(self) -> None:
        for name in ("cycles_per_year", "max_years", "new_life_years", "new_price_cny_per_kwh"):
            if getattr(self, name) <= 0:
                raise InputError(f"second_life.{name}", str(getattr(self, name)), "more than 0")
        if not 0.0 < self.end_soh < 1.0:
            raise InputError("second_life.end_soh", str(self.end_soh), "a fraction in (0, 1)")
        if self.discount_rate <= -1.0 or self.soh_error < 0:
            raise InputError(
                "second_life.discount_rate, soh_error",
                f"{self.discount_rate}, {self.soh_error}",
                "> -1 and >= 0",
            )
        if "" not in self.fade_per_year or min(self.fade_per_year.values()) <= 0:
            raise InputError(
                "second_life.fade_per_year",
                str(dict(self.fade_per_year)),
                'values above 0 and a default under ""',
            )


class Route(IntEnum):
    """Where a tested pack goes."""

    REUSE = 0
    RECYCLE = 1


class Reason(IntEnum):
    """Why; the first that applies."""

    REUSE_WORTH_MORE = 0
    UNSAFE = 1
    ILLEGAL = 2
    NO_LIFE_LEFT = 3
    RECYCLE_WORTH_MORE = 4

    @property
    def label(self) -> str:
        """Lower-case words for tables and pages."""
        return self.name.lower().replace("_", " ")


@dataclass(frozen=True)
class Values:
    """Worth of n packs to their owner by either way [CNY], and years of second life expected."""

    reuse_cny: FloatArray
    recycle_cny: FloatArray
    years: FloatArray


@dataclass(frozen=True)
class Decision:
    """Route and Reason numbers of n packs, (n,) int8."""

    route: npt.NDArray[np.int8]
    reason: npt.NDArray[np.int8]


def fade_of(params: SecondLife, chemistry: npt.NDArray[np.str_]) -> FloatArray:
    """SoH lost a year in second life [1/year], shape (n,), by the longest matching key."""
    keys = np.asarray(chemistry, dtype=np.str_)
    fade = np.empty(keys.shape)
    for key in np.unique(keys):
        start = max((p for p in params.fade_per_year if str(key).startswith(p)), key=len)
        fade[keys == key] = params.fade_per_year[start]
    return fade


def _life(params: SecondLife, soh: FloatArray, fade: FloatArray) -> tuple[FloatArray, FloatArray]:
    years = np.clip((soh - params.end_soh) / fade, 0.0, params.max_years)
    return years, soh - 0.5 * fade * years


def _gross_cny_per_kwh(params: SecondLife, soh: FloatArray, fade: FloatArray) -> FloatArray:
    """min(life-adjusted price of new, discounted earnings) less failures [CNY per rated kWh]."""
    years, mean_soh = _life(params, soh, fade)
    new_mean = 0.5 * (1.0 + params.new_end_soh)
    as_new = params.new_price_cny_per_kwh * mean_soh * years / (new_mean * params.new_life_years)
    rate = np.log1p(params.discount_rate)
    annuity = years if rate == 0.0 else -np.expm1(-rate * years) / rate
    earned = params.value_cny_per_kwh * params.cycles_per_year * mean_soh * annuity
    failures = params.failure_per_year * params.liability_cny_per_kwh * annuity
    return np.asarray(np.minimum(as_new, earned) - failures)


def _reuse_cny(
    params: SecondLife, soh: FloatArray, fade: FloatArray, kwh: FloatArray, recycle: FloatArray
) -> FloatArray:
    years, _ = _life(params, soh, fade)
    later = recycle * (1.0 + params.discount_rate) ** -years
    costs = params.repack_cost_cny_per_kwh + params.bms_cost_cny_per_kwh
    return np.asarray((_gross_cny_per_kwh(params, soh, fade) - costs) * kwh + later)


def values(
    params: SecondLife,
    soh: FloatArray,
    kwh: FloatArray,
    chemistry: npt.NDArray[np.str_],
    recycle_cny: FloatArray,
    *,
    test_cost_cny: float | None = None,
) -> Values:
    """Worth of reuse and of recycling, pack by pack.

    V_reuse = E[min(C_new, sum of d^t value_t)] - test - repack - BMS - failures x liability
    + E[d^T V_recycle], with the expectation over the error of the tested SoH. C_new is the price
    of a new pack times the ratio of the energy that the used one will still deliver to what the
    new one would (life-adjusted price, after Cobb et al. 2026, Applied Energy 414).

    Parameters
    ----------
    soh : (n,) tested. kwh : (n,) rated (new) energy [kWh]. chemistry : (n,) keys.
    recycle_cny : (n,) what recycling pays the owner today [CNY], after transport; may be negative.
    test_cost_cny : a pack [CNY]; 0 once the test is done (sunk). Default the parameter's.
    """
    soh, kwh, recycle = (np.asarray(a, dtype=np.float64) for a in (soh, kwh, recycle_cny))
    fade = fade_of(params, chemistry)
    cases = soh + params.soh_error * _NODES[:, None]
    worth = np.tensordot(_WEIGHTS, _reuse_cny(params, cases, fade, kwh, recycle), axes=1)
    test = params.test_cost_cny if test_cost_cny is None else test_cost_cny
    return Values(worth - test, recycle.copy(), _life(params, soh, fade)[0])


def decide_route(worth: Values, legal: BoolArray, safe: BoolArray) -> Decision:
    """Route of each pack: safety, then law, then life left, then money. All inputs (n,)."""
    reason = np.where(
        worth.reuse_cny > worth.recycle_cny, Reason.REUSE_WORTH_MORE, Reason.RECYCLE_WORTH_MORE
    )
    reason = np.where(worth.years > 0.0, reason, Reason.NO_LIFE_LEFT)
    reason = np.where(legal, reason, Reason.ILLEGAL)
    reason = np.where(safe, reason, Reason.UNSAFE).astype(np.int8)
    route = np.where(reason == Reason.REUSE_WORTH_MORE, Route.REUSE, Route.RECYCLE)
    return Decision(route.astype(np.int8), reason)


def worth_of_testing_cny(
    params: SecondLife,
    soh: FloatArray,
    soh_spread: float,
    kwh: FloatArray,
    chemistry: npt.NDArray[np.str_],
    recycle_cny: FloatArray,
) -> FloatArray:
    """Gain from deciding after a test instead of before: E[max] - max(E) [CNY], (n,), >= 0.

    ``soh_spread`` is the standard deviation of the SoH that is known before the test. Test where
    the gain exceeds the cost of the test.
    """
    soh, kwh, recycle = (np.asarray(a, dtype=np.float64) for a in (soh, kwh, recycle_cny))
    fade = fade_of(params, chemistry)
    reuse = _reuse_cny(params, soh + soh_spread * _NODES[:, None], fade, kwh, recycle)
    informed = np.tensordot(_WEIGHTS, np.maximum(reuse, recycle), axes=1)
    blind = np.maximum(np.tensordot(_WEIGHTS, reuse, axes=1), recycle)
    return np.asarray(np.maximum(informed - blind, 0.0))


def breakeven_repack_cny_per_kwh(
    params: SecondLife,
    new_price_cny_per_kwh: FloatArray,
    soh: float,
    chemistry: str,
    recycle_cny_per_kwh: float,
    pack_kwh: float,
) -> FloatArray:
    """Repack cost at which reuse and recycling pay the same [CNY/kWh], one a new price, (m,).

    Below it reuse wins. Negative: reuse loses even when repacking is free.
    """
    breakeven = np.empty(np.shape(new_price_cny_per_kwh))
    for at, price in enumerate(np.asarray(new_price_cny_per_kwh, dtype=np.float64)):
        free = replace(params, new_price_cny_per_kwh=float(price), repack_cost_cny_per_kwh=0.0)
        worth = values(
            free, np.array([soh]), np.array([pack_kwh]), np.array([chemistry]),
            np.array([recycle_cny_per_kwh * pack_kwh]),
        )  # fmt: skip
        breakeven[at] = (worth.reuse_cny[0] - worth.recycle_cny[0]) / pack_kwh
    return breakeven
