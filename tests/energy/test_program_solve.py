from __future__ import annotations

import highspy
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerocity.energy.program import Program
from zerocity.energy.program_solve import solve
from zerocity.errors import ZerocityError


def random_program(seed: int) -> Program:
    """Always solvable: every column may be 0, and 0 keeps every row."""
    rng = np.random.default_rng(seed)
    program = Program()
    rows = program.rows(4, -rng.uniform(0, 5, 4), rng.uniform(0, 5, 4))
    for name in "abc":
        entries = [(rows, rng.normal(size=4)), (np.roll(rows, 1), rng.normal(size=4))]
        program.columns(name, rng.normal(size=4), 10.0, entries, 4, tie=rng.uniform(0, 1, 4))
        lonely = int(rng.integers(0, 3))
        program.columns(f"in no row {name}", rng.normal(size=lonely), 3.0, [], lonely)
    return program


@given(st.integers(0, 10**6))
def test_the_duals_prove_the_optimum(seed: int) -> None:
    found = solve(random_program(seed))
    assert found.cost - found.bound == pytest.approx(0.0, abs=1e-8 * (1 + abs(found.cost)))
    assert found.finished


def test_among_equal_plans_the_tie_decides_and_costs_nothing() -> None:
    program = Program()
    row = program.rows(1, 1.0, 1.0)
    program.columns("x", 1.0, 1.0, [(np.repeat(row, 3), 1.0)], 3, tie=[3.0, 1.0, 2.0])
    found = solve(program)
    assert found.value.tolist() == [0.0, 1.0, 0.0]
    assert found.cost == 1.0
    assert found.bound == pytest.approx(1.0, abs=1e-12)


def test_a_tie_never_outweighs_money() -> None:
    program = Program()
    row = program.rows(1, 1.0, 1.0)
    cost = [1.0, 1.0 + 1e-9]
    program.columns("x", cost, 1.0, [(np.repeat(row, 2), 1.0)], 2, tie=[1.0, 0.0])
    assert solve(program).value.tolist() == [1.0, 0.0]


def test_binaries_are_chosen_and_the_rest_priced() -> None:
    """Either the dear source whole or the cheap one that comes in a lump of at least 3."""
    program = Program()
    row = program.rows(1, 2.0, 4.0)
    program.columns("dear", 5.0, 10.0, [(row, 1.0)], 1)
    kind = highspy.HighsVarType.kSemiContinuous
    program.columns("lump", 1.0, 10.0, [(row, 1.0)], 1, low=3.0, kind=kind)
    found = solve(program)
    assert found.value == pytest.approx([0.0, 3.0])
    assert found.cost == pytest.approx(3.0)
    assert found.bound <= found.cost + 1e-12
    program.columns("switch", 0.0, 0.0, [(row, 1.0)], 1)
    assert solve(program).dual.shape == (1,)


def test_a_program_without_a_plan_says_so() -> None:
    program = Program()
    row = program.rows(1, 2.0, 2.0)
    program.columns("x", 1.0, 1.0, [(row, 1.0)], 1)
    with pytest.raises(ZerocityError, match="Infeasible"):
        solve(program)
    program.binaries("y", [(program.rows(1, 2.0, 2.0), 1.0)], 1)
    with pytest.raises(ZerocityError, match="Infeasible"):
        solve(program)
