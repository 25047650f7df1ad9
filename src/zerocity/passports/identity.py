"""GB/T 34014-2017 battery codes: made by the hundred thousand, read with their meaning checked.

    1-3    maker              0-9 A-Z, assigned
    4      P pack, M module, C cell
    5      chemistry          A NiMH, B LFP, C LMO, D LCO, E ternary, F supercapacitor,
                             G LTO, Z other
    6-7    specification      filed by the maker
    8-14   traceability       filed by the maker
    15     year               1 = 2011 .. 9 = 2019, A = 2020 .. Y = 2040, without I O Q U Z
    16     month              1-9 A B C
    17     day                1-9 A-Y without I O Q U Z, 0 = 31
    18-24  serial             digits

A second-life product has 19 characters: 1-7 of the first code, date (3), serial (7), R and P/M/C.
Sodium-ion has no letter of its own: it is Z, and the chemistry stands elsewhere in the passport.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from zerocity.errors import InputError

LETTERS = "ABCDEFGHJKLMNPRSTVWXY"
YEARS = "123456789" + LETTERS
MONTHS = "123456789ABC"
DAYS = "123456789" + LETTERS + "0"
FIRST_YEAR = 2011
LAST_YEAR = FIRST_YEAR + len(YEARS) - 1
KINDS = {"P": "pack", "M": "module", "C": "cell"}
CHEMISTRIES = {
    "A": "NiMH", "B": "LFP", "C": "LMO", "D": "LCO", "E": "ternary", "F": "supercapacitor",
    "G": "LTO", "Z": "other",
}  # fmt: skip
LENGTH, SECOND_LIFE_LENGTH = 24, 19

Codes = npt.NDArray[np.str_]
_Bytes = npt.NDArray[np.uint8]
_ALPHANUMERIC = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")


def _symbols(text: str) -> _Bytes:
    return np.frombuffer(text.encode(), dtype=np.uint8)


def _date_bytes(dates: npt.NDArray[np.datetime64]) -> _Bytes:
    days = np.asarray(dates).astype("datetime64[D]")
    months = days.astype("datetime64[M]")
    year = days.astype("datetime64[Y]").astype(np.int64) + 1970 - FIRST_YEAR
    if year.size and (year.min() < 0 or year.max() >= len(YEARS)):
        came = f"years {year.min() + FIRST_YEAR} to {year.max() + FIRST_YEAR}"
        raise InputError("date of making", came, f"{FIRST_YEAR} to {FIRST_YEAR + len(YEARS) - 1}")
    month = months.astype(np.int64) % 12
    day = (days - months.astype("datetime64[D]")).astype(np.int64)
    parts = [_symbols(YEARS)[year], _symbols(MONTHS)[month], _symbols(DAYS)[day]]
    return np.stack(parts, axis=-1)


def _serial_bytes(serials: npt.NDArray[np.integer], digits: int = 7) -> _Bytes:
    numbers = np.asarray(serials, dtype=np.int64)
    if numbers.size and (numbers.min() < 0 or numbers.max() >= 10**digits):
        raise InputError("serial", f"{numbers.min()} to {numbers.max()}", f"0 to {10**digits - 1}")
    powers = 10 ** np.arange(digits - 1, -1, -1)
    return (numbers[:, None] // powers % 10 + ord("0")).astype(np.uint8)


def _field_bytes(value: str | Sequence[str] | Codes, name: str, width: int, count: int) -> _Bytes:
    texts = np.atleast_1d(np.asarray(value, dtype=np.str_))
    # Letter by letter, as NumPy keeps them; a shorter text ends in zeros.
    points = np.ascontiguousarray(texts).view(np.uint32).reshape(texts.size, -1)
    if points.shape[1] != width or not points.all():
        bad = texts[np.char.str_len(texts) != width]
        came = repr(str(bad[0] if bad.size else texts[0]))
        raise InputError(name, came, f"{width} characters 0-9 A-Z")
    digit = (points >= ord("0")) & (points <= ord("9"))
    if not np.all(digit | ((points >= ord("A")) & (points <= ord("Z")))):
        at = int(np.flatnonzero(~np.all(digit | ((points >= 65) & (points <= 90)), axis=1))[0])
        raise InputError(name, repr(str(texts[at])), f"{width} characters 0-9 A-Z")
    return np.asarray(np.broadcast_to(points.astype(np.uint8), (count, width)))


def _join(parts: Sequence[_Bytes]) -> Codes:
    table = np.ascontiguousarray(np.concatenate(parts, axis=1))
    return table.view(f"S{table.shape[1]}").ravel().astype(np.str_)


def make_codes(
    maker: str | Sequence[str] | Codes,
    kind: str,
    chemistry: str | Sequence[str] | Codes,
    spec: str | Sequence[str] | Codes,
    trace: str | Sequence[str] | Codes,
    dates: npt.NDArray[np.datetime64],
    serials: npt.NDArray[np.integer],
) -> Codes:
    """Make n codes, shape (n,) of 24 characters.

    Parameters
    ----------
    maker, spec, trace : 3, 2 and 7 characters 0-9 A-Z; one for all or (n,).
    kind : "P", "M" or "C". chemistry : letter of CHEMISTRIES; one for all or (n,).
    dates : (n,) day of making, 2011-2040. serials : (n,) 0 to 9999999.

    Unique as long as (maker, spec, trace, date, serial) are. Raises InputError.
    """
    serials = np.asarray(serials)
    count = serials.size
    if np.asarray(dates).size != count:
        raise InputError("dates", f"{np.asarray(dates).size} dates", f"{count}, one a serial")
    _one_of(kind, KINDS, "kind")
    for letter in np.unique(np.atleast_1d(np.asarray(chemistry, dtype=np.str_))):
        _one_of(str(letter), CHEMISTRIES, "chemistry")
    return _join(
        [
            _field_bytes(maker, "maker", 3, count),
            _field_bytes(kind, "kind", 1, count),
            _field_bytes(chemistry, "chemistry", 1, count),
            _field_bytes(spec, "specification", 2, count),
            _field_bytes(trace, "traceability", 7, count),
            _date_bytes(dates),
            _serial_bytes(serials),
        ]
    )


def second_life_codes(
    codes: Codes,
    dates: npt.NDArray[np.datetime64],
    serials: npt.NDArray[np.integer],
    kind: str = "P",
) -> Codes:
    """Codes of second-life products, shape (n,) of 19 characters; the first code stays valid.

    ``codes`` (n,) 24-character codes; ``dates`` (n,) of remaking; ``serials`` (n,); ``kind`` of
    the product.
    """
    _one_of(kind, KINDS, "kind")
    codes = np.atleast_1d(codes)
    heads = codes.astype("<U7")
    if np.any(np.char.str_len(codes) != LENGTH):
        raise InputError("first code", repr(str(codes[0])), f"{LENGTH} characters")
    count = codes.size
    return _join(
        [
            _field_bytes(heads, "first code", 7, count),
            _date_bytes(dates),
            _serial_bytes(serials),
            _field_bytes("R" + kind, "kind", 2, count),
        ]
    )


@dataclass(frozen=True, slots=True)
class Code:
    """A code's meaning. ``shifted`` marks the reading with a 6-character trace, 8-digit serial."""

    text: str
    maker: str
    kind: str
    chemistry: str
    spec: str
    trace: str
    made: date
    serial: str
    shifted: bool = False


def parse_code(text: str, *, kind: str = "", not_after: date | None = None) -> Code:
    """The standard reading of a 24-character code.

    ``kind`` : "P", "M", "C" when the reader knows what it holds; ``not_after`` : day of reading.
    Raises InputError for a wrong length, character, letter, calendar date, for a code of another
    kind, and for a day of making that is yet to come.
    """
    code = _reading(text, shift=0)
    if kind and code.kind != kind:
        raise InputError(
            f"battery code {text}", f"a {KINDS[code.kind]} code", f"a {KINDS.get(kind, kind)} code",
            "The fourth character tells the kind",
        )  # fmt: skip
    if not_after is not None and code.made > not_after:
        raise InputError(f"battery code {text}", f"made {code.made}", f"at latest {not_after}")
    return code


def readings(text: str, *, not_after: date) -> tuple[Code, ...]:
    """Every reading that makes sense on the day of reading; two = ambiguous, to be reported.

    Some makers shift the date one place to the left and use eight serial digits; decoders
    disagree on such codes. Raises InputError when no reading holds.
    """
    found: list[Code] = []
    for shift in (0, 1):
        try:
            code = _reading(text, shift)
        except InputError:
            continue
        if code.made <= not_after:
            found.append(code)
    if not found:
        parse_code(text, not_after=not_after)
    return tuple(found)


def parse_second_life_code(text: str) -> Code:
    """Reading of a 19-character second-life code; ``trace`` is empty, ``made`` is the remaking."""
    _check_text(text, SECOND_LIFE_LENGTH)
    if text[17] != "R":
        raise InputError(f"second-life code {text}", repr(text[17]), "R as 18th character")
    _one_of(text[18], KINDS, f"second-life code {text}, 19th character")
    _check_head(text)
    return Code(
        text, text[:3], text[18], text[4], text[5:7], "", _parse_date(text, 7),
        _parse_serial(text, text[10:17]),
    )  # fmt: skip


def _reading(text: str, shift: int) -> Code:
    _check_text(text, LENGTH)
    _check_head(text)
    at = 14 - shift
    return Code(
        text, text[:3], text[3], text[4], text[5:7], text[7:at], _parse_date(text, at),
        _parse_serial(text, text[at + 3 :]), shifted=bool(shift),
    )  # fmt: skip


def _check_text(text: str, length: int) -> None:
    if len(text) != length:
        raise InputError("battery code", f"{len(text)} characters {text!r}", f"{length} characters")
    odd = sorted(set(text) - _ALPHANUMERIC)
    if odd:
        raise InputError(f"battery code {text!r}", f"{''.join(odd)!r}", "characters 0-9 A-Z")


def _check_head(text: str) -> None:
    _one_of(text[3], KINDS, f"battery code {text}, 4th character")
    _one_of(text[4], CHEMISTRIES, f"battery code {text}, 5th character")


def _one_of(letter: str, table: dict[str, str], where: str) -> None:
    if letter not in table:
        wanted = ", ".join(f"{key} {name}" for key, name in table.items())
        raise InputError(where, repr(letter), "one of " + wanted)


def _parse_date(text: str, at: int) -> date:
    year, month, day = YEARS.find(text[at]), MONTHS.find(text[at + 1]), DAYS.find(text[at + 2])
    where = f"battery code {text}, characters {at + 1}-{at + 3}"
    if min(year, month, day) < 0:
        raise InputError(where, repr(text[at : at + 3]), "symbols of year, month and day")
    try:
        return date(FIRST_YEAR + year, month + 1, day + 1)
    except ValueError:
        came = f"{FIRST_YEAR + year}-{month + 1:02}-{day + 1:02}"
        raise InputError(where, came, "a day of the calendar") from None


def _parse_serial(text: str, serial: str) -> str:
    if not serial.isdigit():
        raise InputError(f"battery code {text}, serial", repr(serial), "digits")
    return serial
