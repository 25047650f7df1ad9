"""stub"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zerocity.energy.case import Case


def is_flexmeasures(raw: Mapping[str, Any]) -> bool:
    return "flex-model" in raw or "flex-context" in raw


def read_flexmeasures(raw: Mapping[str, Any]) -> Case:
    raise NotImplementedError
