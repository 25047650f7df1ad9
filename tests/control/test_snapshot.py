"""What a decision sees and says does not change under its hands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import FrozenInstanceError, fields
from typing import Any

import pytest

from zerocity.control.decide import decide


def test_pictures_plans_and_commands_are_frozen(picture: Callable[..., Any]) -> None:
    snapshot, row = picture()
    for one in (snapshot, row, decide(snapshot, row)):
        with pytest.raises(FrozenInstanceError):
            setattr(one, fields(one)[0].name, None)
