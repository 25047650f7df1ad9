"""What the operator may choose about the OCPP server, with bounds that hold by default."""

from __future__ import annotations

import ipaddress
import math
from dataclasses import dataclass, fields
from pathlib import Path

from zerocity.errors import InputError

LARGEST_FRAME_BYTES = 16 * 1024 * 1024  # an assumption: no OCPP message comes near it


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Files of the TLS listener: our chain and key, and who signs the stations' certificates.

    Without `client_ca` no station certificate is asked for, so security profile 3 is not offered.
    """

    certificate: Path
    key: Path
    client_ca: Path | None = None


@dataclass(frozen=True, slots=True)
class OcppSettings:
    """Where the server listens and how much one station may cost it.

    Times in seconds, sizes in bytes. `port` or `tls_port` None: that listener is not opened; 0: any
    free port. `least_profile` is the lowest OCPP security profile that any station may use; a
    station's own minimum may be higher. `demo` lets stations without a password in, but only while
    both the listener and the caller are on the loopback interface.
    The numbers without another source are assumptions, meant for stations that send a message
    every few seconds.
    """

    host: str = "127.0.0.1"
    port: int | None = 9310
    tls_port: int | None = None
    tls: TlsFiles | None = None
    path: str = "/ocpp/"
    demo: bool = False
    least_profile: int = 1
    most_connections: int = 20_000
    most_handshakes: int = 1_000
    handshake_s: float = 10.0
    frame_bytes: int = 64 * 1024
    messages_per_s: float = 50.0
    burst: int = 200
    ping_s: float = 60.0
    pong_s: float = 20.0
    rival_s: float = 2.0
    write_bytes: int = 256 * 1024
    drain_s: float = 10.0
    violations: int = 20
    forgive_s: float = 10.0
    login_tries: int = 10
    login_forgive_s: float = 30.0
    refusal_s: float = 0.25
    credential_age_s: float = 30.0
    call_timeout_s: float = 30.0

    def __post_init__(self) -> None:
        _check_numbers(self)
        if self.port is None and self.tls_port is None:
            raise _wrong("port", "no port", "a plain or a TLS port", "Give port or tls_port")
        if (self.tls_port is None) != (self.tls is None):
            raise _wrong("tls", "one of port and files", "both or neither", "Give tls_port and tls")
        if self.demo and not is_loopback(self.host):
            way_out = "Listen on 127.0.0.1, or give each station a password"
            raise _wrong("demo", f"host {self.host}", "a loopback address", way_out)
        if not (self.path.startswith("/") and self.path.endswith("/")):
            raise _wrong("path", self.path, "a path that starts and ends with /", "Try /ocpp/")


def is_loopback(address: str) -> bool:
    """Whether `address` (IP text or 'localhost') is on this machine only."""
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return False


_MAY_BE_ZERO = {"port", "tls_port", "least_profile"}


def _check_numbers(settings: OcppSettings) -> None:
    for field in fields(settings):
        value = getattr(settings, field.name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        least = 0 if field.name in _MAY_BE_ZERO else 1e-3
        if not (math.isfinite(value) and value >= least):
            raise _wrong(field.name, str(value), f"at least {least:g}", "")
    if settings.least_profile > 3:
        raise _wrong("least_profile", str(settings.least_profile), "0 to 3", "")
    if not 512 <= settings.frame_bytes <= LARGEST_FRAME_BYTES:
        wanted = f"512 to {LARGEST_FRAME_BYTES} bytes"
        raise _wrong("frame_bytes", str(settings.frame_bytes), wanted, "")


def _wrong(field: str, came: str, wanted: str, way_out: str) -> InputError:
    return InputError(f"ocpp.{field}", came, wanted, way_out)
