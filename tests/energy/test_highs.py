"""A program from arrays, solved quietly."""

from __future__ import annotations

import highspy
import numpy as np
import pytest

from zerocity.energy.highs import new_model, new_solver, pass_program


def test_a_small_program_by_hand(capfd: pytest.CaptureFixture[str]) -> None:
    """Least -x - 2y with x + y <= 4, x + 3y <= 6, both from 0 to 3: (3, 1)."""
    starts, rows = np.array([0, 2, 4], np.int32), np.array([0, 1, 0, 1], np.int32)
    model = new_model(
        np.array([-1.0, -2.0]),
        (np.zeros(2), np.full(2, 3.0)),
        (np.full(2, -np.inf), np.array([4.0, 6.0])),
        (starts, rows, np.array([1.0, 1.0, 1.0, 3.0])),
    )
    solver = new_solver(1e-9, solver="simplex")
    solver.passModel(model)
    solver.run()
    assert list(solver.getSolution().col_value) == pytest.approx([3.0, 1.0])
    assert solver.getOptionValue("primal_feasibility_tolerance")[1] == 1e-9
    assert solver.getOptionValue("threads")[1] == 1
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize(("whole", "best"), [(False, [3.5, 1.0]), (True, [3.0, 1.0])])
def test_arrays_are_passed_as_they_are(whole: bool, best: list[float]) -> None:
    """Least -2x - y with 2x + y <= 8, x <= 3.5, y <= 1; x whole or not."""
    kinds = np.array([highspy.HighsVarType.kInteger.value * whole, 0], np.int32)
    solver = new_solver(1e-9)
    pass_program(
        solver,
        np.array([-2.0, -1.0]),
        (np.zeros(2), np.array([3.5, 1.0])),
        (np.array([-np.inf]), np.array([8.0])),
        (np.array([0, 1, 2], np.int32), np.zeros(2, np.int32), np.array([2.0, 1.0])),
        kinds if whole else None,
    )
    solver.run()
    assert list(solver.getSolution().col_value) == pytest.approx(best)
