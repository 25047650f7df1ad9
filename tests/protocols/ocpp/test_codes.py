"""Each edition's own words for what is wrong."""

from __future__ import annotations

import pytest

from zerocity.protocols.ocpp.codes import CODE, CODES, Wrong, code_in
from zerocity.protocols.ocpp.versions import Version


def test_every_edition_has_a_code_for_every_wrong() -> None:
    for version in Version:
        assert set(CODE[version]) == set(Wrong)
        assert set(CODE[version].values()) <= CODES[version]


def test_the_codes_of_each_edition_are_those_of_its_text() -> None:
    shared = {
        "NotImplemented", "NotSupported", "InternalError", "ProtocolError", "SecurityError",
        "PropertyConstraintViolation", "TypeConstraintViolation", "GenericError",
    }  # fmt: skip
    assert CODES[Version.V16] == shared | {"FormationViolation", "OccurenceConstraintViolation"}
    second = shared | {
        "FormatViolation", "OccurrenceConstraintViolation", "RpcFrameworkError",
        "MessageTypeNotSupported",
    }  # fmt: skip
    assert CODES[Version.V201] == CODES[Version.V21] == second


@pytest.mark.parametrize(
    ("version", "code", "spelt"),
    [
        (Version.V16, "FormatViolation", "FormationViolation"),
        (Version.V21, "FormationViolation", "FormatViolation"),
        (Version.V16, "OccurrenceConstraintViolation", "OccurenceConstraintViolation"),
        (Version.V201, "OccurenceConstraintViolation", "OccurrenceConstraintViolation"),
        (Version.V201, "SecurityError", "SecurityError"),
    ],
)
def test_a_code_is_spelt_as_the_edition_does(version: Version, code: str, spelt: str) -> None:
    assert code_in(version, code) == spelt


@pytest.mark.parametrize("code", ["RpcFrameworkError", "MessageTypeNotSupported", "Oops", ""])
def test_a_code_that_1_6_does_not_define_is_a_mistake(code: str) -> None:
    with pytest.raises(ValueError, match=r"1\.6 defines no"):
        code_in(Version.V16, code)
