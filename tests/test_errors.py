"""Errors are for the user's eyes: what came, what was wanted, the way out; and they travel."""

from __future__ import annotations

import pickle

import pytest

from zerocity.errors import AuditError, InputError, InputErrors, RunStateError, ZerocityError

ONE = InputError("fleets.bus.vehicles", "-3", "0 or more", "Did you mean 3?")


def test_an_input_error_says_where_what_and_the_way_out() -> None:
    assert str(ONE) == "fleets.bus.vehicles: got -3, wanted 0 or more. Did you mean 3?"
    assert str(InputError("days", "0", "1")) == "days: got 0, wanted 1"


def test_many_errors_are_told_in_one_go() -> None:
    many = InputErrors([ONE, InputError("days", "0", "1")])
    assert str(many).splitlines() == [str(error) for error in many.errors]


@pytest.mark.parametrize(
    "error", [ONE, InputErrors([ONE, ONE]), AuditError("books"), RunStateError("locked")]
)
def test_errors_come_back_whole_from_a_worker(error: ZerocityError) -> None:
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is type(error)
    assert str(back) == str(error)
    assert back.exit_code == error.exit_code
    assert vars(back).keys() == vars(error).keys()


def test_whose_fault_it_was_is_in_the_exit_code() -> None:
    assert [e.exit_code for e in (InputError, InputErrors, RunStateError, AuditError)] == [
        2, 2, 2, 1,
    ]  # fmt: skip
    assert all(issubclass(e, ZerocityError) for e in (InputError, InputErrors, AuditError))
