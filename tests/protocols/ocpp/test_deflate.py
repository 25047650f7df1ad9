"""permessage-deflate: what is agreed, that nothing is lost, and that nothing inflates too far."""

from __future__ import annotations

import contextlib
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerocity.protocols.ocpp.assembly import Assembly
from zerocity.protocols.ocpp.deflate import Deflate, TooBigError, agree, inflate

BOTH = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"


@given(st.binary(max_size=5000), st.integers(9, 15))
def test_what_is_packed_comes_out_again(message: bytes, bits: int) -> None:
    packed = Deflate(bits).compress(message)
    assert inflate(packed, 5000) == message
    assert Deflate(bits).compress(message) == packed  # no memory between messages


@given(st.binary(max_size=200))
def test_any_bytes_inflate_within_the_bound_or_fail(payload: bytes) -> None:
    with contextlib.suppress(zlib.error, TooBigError):
        assert len(inflate(payload, 64)) <= 64


def test_a_bomb_is_stopped_at_the_bound() -> None:
    bomb = Deflate().compress(b"x" * 10_000_000)
    with pytest.raises(TooBigError):
        inflate(bomb, 1000)
    assert len(inflate(Deflate().compress(b"x" * 1000), 1000)) == 1000


def test_data_after_the_final_block_is_refused() -> None:
    packer = zlib.compressobj(wbits=-15)
    whole = packer.compress(b"first") + packer.flush(zlib.Z_FINISH)
    assert inflate(whole, 100) == b"first"
    with pytest.raises(zlib.error):
        inflate(whole + b"second", 100)


@pytest.mark.parametrize(
    ("offer", "answer"),
    [
        ("permessage-deflate", BOTH),
        ("permessage-deflate; client_max_window_bits", BOTH),
        ('permessage-deflate; server_max_window_bits="10"', f"{BOTH}; server_max_window_bits=10"),
        ("permessage-deflate; server_max_window_bits=8, permessage-deflate", BOTH),
        ("permessage-deflate; server_max_window_bits=8", None),
        ("permessage-deflate; unknown", None),
        ("permessage-deflate; server_no_context_takeover=1", None),
        ("permessage-deflate; client_max_window_bits; client_max_window_bits", None),
        ("x-other", None),
        ("", None),
    ],
)
def test_the_first_offer_that_we_can_serve_is_taken(offer: str, answer: str | None) -> None:
    agreed = agree(offer)
    assert (agreed.header() if agreed else None) == answer


@given(st.lists(st.binary(max_size=50), max_size=20), st.integers(0, 400))
def test_an_assembly_joins_fragments_up_to_its_bound(parts: list[bytes], most: int) -> None:
    assembly = Assembly(most, packed=False)
    try:
        for part in parts:
            assembly.add(part)
    except TooBigError:
        assert len(b"".join(parts)) > most
    else:
        assert assembly.whole() == b"".join(parts)


def test_empty_fragments_without_end_are_bounded_too() -> None:
    assembly = Assembly(100, packed=False)
    for _ in range(4096):
        assembly.add(b"")
    with pytest.raises(TooBigError):
        assembly.add(b"")
