"""The program behind a plan: its rows mean what they say."""

from __future__ import annotations

import numpy as np
import pytest
from park_years import FACTOR, small_case

from zerocity.parks.indicators import ParkSpec
from zerocity.parks.park_case import KWH_PER_TCE, Target
from zerocity.parks.park_lp import Solver, budgets, build, heat_credits, mean_factor

GAS = ParkSpec("north", ("site",), other_energy_tce=100.0, other_carbon_t=163.0)


def test_budgets_by_hand() -> None:
    case = small_case(spec=GAS)
    use_mwh = case.year.use_kwh / 1000.0
    right = budgets(case, Target(0.2, 0.9, 0.8))
    assert right["carbon"] == pytest.approx(0.2 * (use_mwh * 1000 / KWH_PER_TCE + 100.0) - 163.0)
    assert right["clean"] == pytest.approx(0.1 * use_mwh)
    assert right["hourly"] == pytest.approx(0.2 * use_mwh)
    assert set(budgets(case, Target()).values()) == {np.inf}


def test_electric_heat_is_energy_and_use_too() -> None:
    case = small_case(spec=GAS)
    credit = heat_credits(case, Target(0.2, 0.9))
    heat_mwh = 100.0 * KWH_PER_TCE * 0.9 / 1.8 / 1000.0
    assert credit["clean"] == pytest.approx(0.1 * heat_mwh)
    assert credit["carbon"] == pytest.approx(0.2 * (50.0 - 100.0))


def test_what_waits_is_used_on_its_own_day() -> None:
    case = small_case(levers={"shiftable_share": 0.2})
    solver = Solver(case)
    columns, _, _ = solver.solve(Target())
    flex = columns[solver.program.flow("flex")].reshape(-1, 24)
    wanted = 0.2 * case.year.use_kw.reshape(-1, 24).sum(axis=1)
    assert flex.sum(axis=1) == pytest.approx(wanted)
    assert flex.std() > 0.0


def test_the_store_ends_each_block_as_it_began_it() -> None:
    case = small_case()
    solver = Solver(case)
    columns, _, _ = solver.solve(Target(0.3))
    into, out = (columns[solver.program.flow(n)].reshape(2, -1) for n in ("charge", "discharge"))
    gained = 0.95 * into.sum(axis=1) - out.sum(axis=1) / 0.95
    assert gained == pytest.approx(np.zeros(2), abs=1e-5)
    assert into.sum() > 0.0


def test_only_own_sun_is_sent_out() -> None:
    solver = Solver(small_case(assets={"pv_kwp": 4000.0}))
    columns, _, _ = solver.solve(Target())
    sent, sun = (columns[solver.program.flow(n)] for n in ("export", "sun"))
    assert sent.max() > 0.0
    assert (sent <= sun + 1e-6).all()


def test_a_park_as_it_is_keeps_its_contract() -> None:
    spec = ParkSpec("north", ("site",), green_import_share=0.3)
    solver = Solver(small_case(spec=spec))
    columns, _, _ = solver.solve(Target(), levers=False)
    hours = solver.case.year.hours
    taken = float(hours @ columns[solver.program.flow("import")]) / 1000.0
    assert columns[solver.program.size("traced")] == pytest.approx(0.3 * taken)
    columns, _, _ = solver.solve(Target())
    assert columns[solver.program.size("traced")] == pytest.approx(0.0, abs=1e-6)


def test_the_matrix_is_sparse() -> None:
    program = build(small_case())
    assert program.matrix.nnz < 40 * program.steps
    assert (program.matrix.data != 0.0).all()
    assert mean_factor(small_case()) == pytest.approx(FACTOR)
