"""What can go wrong, and whose fault it was.

ZerocityError          base: a clear message and an exit code, never a traceback
├── InputError         you gave us something unusable: file, field, what came, what was wanted
├── InputErrors        many of them, found in one pass
├── AuditError         the books do not balance: our fault, the run fails
└── RunStateError      a run folder is unfinished, locked or damaged
"""

from __future__ import annotations

from collections.abc import Sequence


class ZerocityError(Exception):
    """Base of every error meant for the user's eyes."""

    exit_code = 2


class InputError(ZerocityError):
    """One mistake in the input: where it is, what came, what was wanted, and the way out."""

    def __init__(self, where: str, came: str, wanted: str, way_out: str = "") -> None:
        self.where, self.came, self.wanted, self.way_out = where, came, wanted, way_out
        text = f"{where}: got {came}, wanted {wanted}"
        super().__init__(f"{text}. {way_out}" if way_out else text)

    def __reduce__(self) -> tuple[type[InputError], tuple[str, str, str, str]]:
        # So that it survives the way back from a worker process.
        return type(self), (self.where, self.came, self.wanted, self.way_out)


class InputErrors(ZerocityError):  # noqa: N818 - the plural of InputError
    """All mistakes that one pass over the input found."""

    def __init__(self, errors: Sequence[InputError]) -> None:
        self.errors = tuple(errors)
        super().__init__("\n".join(str(error) for error in self.errors))

    def __reduce__(self) -> tuple[type[InputErrors], tuple[tuple[InputError, ...]]]:
        return type(self), (self.errors,)


class AuditError(ZerocityError):
    """A book does not balance; the message names the account."""

    exit_code = 1


class RunStateError(ZerocityError):
    """A run folder cannot be used as it is; the message says how to go on."""
