from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerocity.errors import InputError
from zerocity.protocols.gbt32960.fields import Edition, Gap
from zerocity.protocols.gbt32960.frames import FrameFault
from zerocity.protocols.gbt32960.messages import Clock, Settings
from zerocity.protocols.gbt32960.parameters import NUMBERS, read_parameters, write_parameters

CLOCK = Clock(25, 10, 27, 20, 2, 2)
OLD, NEW = Edition.Y2016, Edition.Y2025


@given(st.sampled_from(Edition), st.data())
def test_numbers_read_as_written(edition: Edition, data: st.DataObject) -> None:
    known = NUMBERS[edition]
    ids = data.draw(st.lists(st.sampled_from(sorted(set(known) - {4, 13}))))
    pairs = [
        (i, data.draw(st.integers(0, known[i].top - 2) | st.sampled_from(list(Gap)))) for i in ids
    ]
    found = read_parameters(write_parameters(CLOCK, pairs, edition), edition)
    assert [(each.id, each.value) for each in found] == pairs


def test_domain_names_bring_their_length() -> None:
    settings = write_parameters(CLOCK, [(0x05, "iov.example"), (0x07, "HW1")], OLD)
    found = {each.name: each.value for each in read_parameters(settings, OLD)}
    assert found == {
        "platform_domain_length": 11,
        "platform_domain": "iov.example",
        "hardware_version": "HW1",
    }
    assert settings.count == 3


def test_periods_changed_their_size_between_the_editions() -> None:
    assert write_parameters(CLOCK, [(0x02, 10)], OLD).items == b"\x02\x00\x0a"
    assert write_parameters(CLOCK, [(0x02, 10)], NEW).items == b"\x02\x0a"


@pytest.mark.parametrize(
    ("count", "items", "rule", "offset"),
    [
        (1, b"", "block-length", 31),
        (1, b"\x06\x01", "block-length", 31),
        (1, b"\x0c\x05\x00", "trailing", 33),
        (1, b"\x05abc", "parameter", 31),
        (2, b"\x0c\x05\x80\x00", "parameter", 33),
    ],
)
def test_what_cannot_be_read_is_refused(count: int, items: bytes, rule: str, offset: int) -> None:
    with pytest.raises(FrameFault) as caught:
        read_parameters(Settings(CLOCK, count, items), OLD)
    assert (caught.value.rule, caught.value.offset) == (rule, offset)


@pytest.mark.parametrize(
    "pair", [(0x11, 1), (0x06, 70_000), (0x07, "too long"), (0x06, "80"), (0x05, "x" * 256)]
)
def test_what_cannot_be_set_is_refused(pair: tuple[int, int | str]) -> None:
    with pytest.raises(InputError):
        write_parameters(CLOCK, [pair], OLD)


def test_codes_instead_of_a_count_announce_nothing() -> None:
    assert read_parameters(Settings(CLOCK, 0xFE, b""), OLD) == ()
