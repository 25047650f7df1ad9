"""Vehicle identification numbers of vehicles that do not exist, with a right check digit."""

from __future__ import annotations

from zerocity.errors import InputError

# Values and weights of the characters: GB 16735 annex A (ISO 3779).
_VALUES = {
    letter: value
    for letters, values in zip(
        ("ABCDEFGH", "JKLMNPR", "STUVWXYZ"), ("12345678", "1234579", "23456789"), strict=True
    )
    for letter, value in zip(letters, map(int, values), strict=True)
}
_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)


def demo_vin(number: int) -> str:
    """A VIN of our own with a right check digit (GB 16735); ``number`` 0 to 999,999."""
    if not 0 <= number < 1_000_000:
        raise InputError("vehicle number", f"{number}", "0 to 999999")
    text = f"LZ9ZCTY00S0{number:06d}"
    total = sum(
        weight * (_VALUES[letter] if letter.isalpha() else int(letter))
        for letter, weight in zip(text, _WEIGHTS, strict=True)
    )
    check = "X" if total % 11 == 10 else str(total % 11)
    return text[:8] + check + text[9:]
