"""permessage-deflate (RFC 7692) without context takeover, with a bound on what comes out.

Neither side keeps a window between messages: an idle connection then holds no compression state,
and the server may ask for that whether the client offered it or not (RFC 7692 section 7.1.1).
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

_TAIL = b"\x00\x00\xff\xff"
_LEVEL = 1  # an assumption: answers are short, the gain of higher levels is small
WORTH_BYTES = 512  # shorter messages leave uncompressed, as RFC 7692 section 6 allows


class TooBigError(ValueError):
    """A message inflates beyond its bound."""


@dataclass(frozen=True, slots=True)
class Deflate:
    """What was agreed: the window of what we send [bits, 9 to 15]."""

    window_bits: int = 15

    def header(self) -> str:
        """The answer for Sec-WebSocket-Extensions."""
        text = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
        return (
            text if self.window_bits == 15 else f"{text}; server_max_window_bits={self.window_bits}"
        )

    def compress(self, message: bytes) -> bytes:
        """The payload of one compressed message."""
        packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, -self.window_bits)
        return (packer.compress(message) + packer.flush(zlib.Z_SYNC_FLUSH))[:-4]


def agree(offers: str) -> Deflate | None:
    """The first offer of a Sec-WebSocket-Extensions header that we can serve, or None."""
    for offer in offers.split(","):
        name, *parameters = (part.strip() for part in offer.split(";"))
        if name.lower() == "permessage-deflate":
            agreed = _agree_one(parameters)
            if agreed is not None:
                return agreed
    return None


def _agree_one(parameters: list[str]) -> Deflate | None:
    bits = 15
    seen: set[str] = set()
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        name, value = name.strip().lower(), value.strip().strip('"')
        if name in seen:
            return None
        seen.add(name)
        if name in ("server_no_context_takeover", "client_no_context_takeover"):
            if value:
                return None
        elif name == "server_max_window_bits":
            if value not in {str(n) for n in range(9, 16)}:  # zlib cannot make raw windows of 8
                return None
            bits = int(value)
        elif name != "client_max_window_bits":
            return None
    return Deflate(bits)


def inflate(payload: bytes, most_bytes: int) -> bytes:
    """The message in `payload`; TooBigError above `most_bytes`, zlib.error when it is damaged."""
    unpacker = zlib.decompressobj(-15)
    message = unpacker.decompress(payload + _TAIL, most_bytes + 1)
    if len(message) > most_bytes:
        raise TooBigError(f"a message of more than {most_bytes} bytes")
    if unpacker.eof and unpacker.unused_data.rstrip(_TAIL):
        raise zlib.error("data after the final block")
    return message
