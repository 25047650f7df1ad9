"""Random one-store problems and their linear program, for the tests of the exact dispatch."""

from __future__ import annotations

import highspy
import numpy as np
from scipy import sparse

from zerocity.energy.stores import FloatArray, StoreDays


def rounded(rng: np.random.Generator, values: FloatArray) -> FloatArray:
    """The values, half of the time rounded, so that bounds and prices tie."""
    return np.round(values, int(rng.integers(0, 4))) if rng.random() < 0.5 else values


def random_days(seed: int, problems: int = 4, negative_prices: bool = False) -> StoreDays:
    """Problems with ties, degenerate and moving bounds, some of them impossible."""
    rng = np.random.default_rng(seed)
    shape = (problems, int(rng.choice([1, 2, 3, 6, 12, 24])))
    buy = rng.choice([0.3, 0.7, 1.2], shape)
    if rng.random() < 0.5:
        buy = rounded(rng, rng.uniform(0.1, 1.5, shape))
    sell = buy - rounded(rng, rng.choice([0.0, 0.1, 0.3], shape) * rng.random(shape))
    if rng.random() < 0.4:
        sell = np.minimum(0.2, buy)
    if negative_prices:
        buy = buy - rng.choice([0.0, 0.0, 1.0], shape)
        sell = np.minimum(sell, buy) - rng.choice([0.0, 0.3], shape)
    low, high, initial, discharge = _bounds(rng, shape)
    return StoreDays(
        step_h=float(rng.choice([0.25, 0.5, 1.0])),
        load_kw=rounded(rng, rng.uniform(0.0, 10.0, shape)),
        pv_kw=rounded(rng, np.maximum(rng.normal(0.0, 8.0, shape), 0.0)),
        buy_cny_per_kwh=buy,
        sell_cny_per_kwh=sell,
        import_limit_kw=rounded(rng, rng.uniform(6.0, 20.0, shape)),
        export_limit_kw=rounded(rng, rng.choice([0.0, 3.0, 10.0], shape)),
        charge_limit_kw=rounded(rng, rng.uniform(0.0, 8.0, shape)),
        discharge_limit_kw=discharge,
        low_kwh=low,
        high_kwh=high,
        initial_kwh=initial,
        charge_efficiency=rng.choice([1.0, 0.95, 0.9], problems),
        discharge_efficiency=rng.choice([1.0, 0.95, 0.9], problems),
        self_discharge=rng.choice([0.0, 0.0, 0.01, 0.0005], problems),
        wear_cny_per_kwh=rng.choice([0.0, 0.05, 0.1], problems),
        final_value_cny_per_kwh=rng.choice([0.0, 0.3, 1.0], problems),
        overload_cny_per_kwh=rng.choice([np.inf, 20.0], problems),
    )


def _bounds(
    rng: np.random.Generator, shape: tuple[int, int]
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Least and greatest content, the start, and the discharging limit."""
    capacity = rng.uniform(1.0, 40.0, shape[0])
    low, high = np.zeros(shape), np.repeat(capacity[:, None], shape[1], axis=1)
    discharge = rounded(rng, rng.uniform(0.0, 8.0, shape))
    if rng.random() < 0.5:
        low = rounded(rng, rng.uniform(0.0, 0.3, shape) * high)
        high = np.maximum(low, rounded(rng, rng.uniform(0.5, 1.0, shape) * high))
    if rng.random() < 0.2:
        discharge = np.zeros(shape)
        high = np.cumsum(rng.uniform(0.0, 2.0, shape), axis=1)
        low = np.maximum.accumulate(np.maximum(high - rng.uniform(0.0, 8.0, (shape[0], 1)), 0), 1)
    if rng.random() < 0.4:
        low[:, -1] = high[:, -1] = rng.uniform(0.0, 1.0, shape[0]) * high[:, -1]
    initial = rng.uniform(0.0, 1.0, shape[0]) * np.minimum(capacity, high[:, 0] + 1.0)
    return low, high, initial, discharge


def optimum(d: StoreDays, b: int, charge: float = 0.0, floor: float = 0.0) -> float | None:
    """The optimum of problem ``b`` by HiGHS, None where there is no plan."""
    steps, h, keep = d.load_kw.shape[1], d.step_h, 1.0 - d.self_discharge[b]
    one, none = sparse.identity(steps), sparse.csc_matrix((steps, 1))
    chain = one - keep * sparse.eye(steps, k=-1)
    into, out = -h * d.charge_efficiency[b] * one, h / d.discharge_efficiency[b] * one
    peak = sparse.csc_matrix(np.full((steps, 1), -1.0))
    # import, overload, export, sun, charge, discharge, content, peak
    matrix = sparse.csc_matrix(
        sparse.bmat([
            [one, one, -one, one, -one, one, None, none],
            [None, None, None, None, into, out, chain, none],
            [one, one, None, None, None, None, None, peak],
        ])
    )  # fmt: skip
    soft = np.isfinite(d.overload_cny_per_kwh[b])
    over = d.overload_cny_per_kwh[b] if soft else 0.0
    wear, zero = np.full(steps, h * d.wear_cny_per_kwh[b]), np.zeros(steps)
    buy = d.buy_cny_per_kwh[b]
    cost = np.concatenate(
        [h * buy, h * (buy + over), -h * d.sell_cny_per_kwh[b], zero, wear, wear, zero, [charge]]
    )
    cost[-2] -= d.final_value_cny_per_kwh[b]
    low = np.concatenate([np.zeros(6 * steps), d.low_kwh[b], [floor]])
    high = np.concatenate([
        d.import_limit_kw[b], np.full(steps, np.inf if soft else 0.0), d.export_limit_kw[b],
        d.pv_kw[b], d.charge_limit_kw[b], d.discharge_limit_kw[b], d.high_kwh[b], [np.inf],
    ])  # fmt: skip
    start = np.zeros(steps)
    start[0] = keep * d.initial_kwh[b]
    fixed = np.concatenate([d.load_kw[b], start])
    rows_low = np.concatenate([fixed, np.full(steps, -np.inf)])
    found = _solve(matrix, cost, low, high, rows_low, np.concatenate([fixed, zero]))
    return None if found is None else found - charge * floor


def _solve(
    matrix: sparse.csc_matrix, cost: FloatArray, low: FloatArray, high: FloatArray,
    rows_low: FloatArray, rows_high: FloatArray,
) -> float | None:  # fmt: skip
    program = highspy.HighsLp()
    program.num_row_, program.num_col_ = matrix.shape
    program.col_cost_, program.col_lower_, program.col_upper_ = cost, low, high
    program.row_lower_, program.row_upper_ = rows_low, rows_high
    program.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    program.a_matrix_.start_ = matrix.indptr
    program.a_matrix_.index_ = matrix.indices
    program.a_matrix_.value_ = matrix.data
    solver = highspy.Highs()
    for name, value in (
        ("output_flag", False),
        ("presolve", "off"),
        ("primal_feasibility_tolerance", 1e-9),
        ("dual_feasibility_tolerance", 1e-9),
    ):
        solver.setOptionValue(name, value)
    solver.passModel(program)
    solver.run()
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    return float(solver.getInfo().objective_function_value)
