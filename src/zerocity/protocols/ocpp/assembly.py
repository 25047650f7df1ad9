"""Messages that come in fragments or compressed, put together within a bound."""

from __future__ import annotations

from zerocity.protocols.ocpp.deflate import TooBigError, inflate

# Fragments of one message: an honest sender needs few; each costs an object.
_MOST_FRAGMENTS = 4096


class FragmentError(ValueError):
    """A fragment that may not come here (RFC 6455 section 5.4, RFC 7692 section 6)."""


class Assembly:
    """One message on its way in, at most `most_bytes` long, before and after inflating."""

    __slots__ = ("_bytes", "_most", "_packed", "_parts")

    def __init__(self, most_bytes: int, packed: bool) -> None:
        self._most, self._packed = most_bytes, packed
        self._parts: list[bytes] = []
        self._bytes = 0

    def add(self, part: bytes) -> None:
        """Take one fragment; raises TooBigError."""
        self._parts.append(part)
        self._bytes += len(part)
        if self._bytes > self._most or len(self._parts) > _MOST_FRAGMENTS:
            raise TooBigError(f"a message of more than {self._most} bytes")

    def whole(self) -> bytes:
        """The message; raises TooBigError, or zlib.error when its compression is damaged."""
        data = b"".join(self._parts)
        return inflate(data, self._most) if self._packed else data
