from __future__ import annotations

from zerocity.measures.wording import did_you_mean, listing, printable, quote


def test_a_quote_fits_a_line() -> None:
    assert quote("a\nb") == '"a b"'
    assert len(quote("x" * 500)) == 62
    assert quote(3.5) == "3.5"


def test_a_near_name_is_suggested() -> None:
    assert (
        did_you_mean("capacty", ["capacity", "power"], "Remove it.") == 'Did you mean "capacity"?'
    )
    assert did_you_mean("zzz", ["capacity"], "Remove it.") == "Remove it."


def test_a_long_list_is_cut() -> None:
    assert listing(["b", "a"]) == "a, b"
    assert listing(str(i) for i in range(14)).endswith("and 2 more")


def test_control_characters_are_escaped() -> None:
    assert printable("a\x1b[2J") == "a\\x1b[2J"
