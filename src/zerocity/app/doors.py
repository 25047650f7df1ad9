"""Who may come in where: ports, TLS, the least security, and where charging is free."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from zerocity.app.keys import open_authority, own_names, server_certificate, trusted_clients
from zerocity.errors import InputError
from zerocity.protocols.gbt32960.gateway import Settings as VehicleSettings
from zerocity.protocols.ocpp.office.certificates import Authority
from zerocity.protocols.ocpp.server.settings import OcppSettings, TlsFiles, is_loopback
from zerocity.protocols.ocpp.server.tls import load_files, server_context

# Every site, where sites are named.
ALL = "all"


@dataclass(frozen=True)
class Doors:
    """What the operator chose. Ports None: that listener is not opened.

    certificate, key : PEM files of the server; None: the city's own authority makes them. names :
    by which that certificate calls this server. client_ca : who else than the city signs stations'
    certificates. least_profile : OCPP security profile below which nobody comes in. free_vend :
    sites where a token that nobody knows may charge, or `ALL`.
    """

    tls_port: int | None = None
    vehicle_tls_port: int | None = None
    certificate: Path | None = None
    key: Path | None = None
    names: tuple[str, ...] = ()
    client_ca: Path | None = None
    least_profile: int = 1
    free_vend: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if (self.certificate is None) != (self.key is None):
            raise InputError("--tls-cert and --tls-key", "one of them", "both, or neither")
        has_tls = self.tls_port is not None or self.vehicle_tls_port is not None
        if not has_tls and (self.certificate or self.client_ca or self.names):
            raise InputError("TLS", "no port for it", "--tls-port or --vehicle-tls-port")
        if self.least_profile >= 2 and self.tls_port is None:
            raise InputError(
                "--least-profile", f"{self.least_profile} without TLS", "a port for TLS",
                "Add --tls-port 9311",
            )  # fmt: skip

    def check_sites(self, sites: Sequence[str]) -> None:
        """Raise InputError for a free site that the city does not have."""
        for name in self.free_vend:
            if name != ALL and name not in sites:
                raise InputError("--free-vend", repr(name), f"a site of the city, or {ALL}")

    def is_free(self, site: str) -> bool:
        """Whether charging is free at a site."""
        return site in self.free_vend or ALL in self.free_vend


@dataclass(frozen=True)
class Opened:
    """The settings that follow, with the city's authority."""

    authority: Authority
    ocpp: OcppSettings
    vehicles: VehicleSettings
    vehicle_tls: ssl.SSLContext | None


def prepare(
    doors: Doors, data: Path, city: str, host: str, ports: tuple[int, int], demo: bool, at: datetime
) -> Opened:
    """Settings of both gateways; ``ports`` of stations and vehicles without TLS.

    Makes the city's authority at the first start. Below security profile 2 passwords of stations
    cross the wire in the clear; where that is not wanted, the plain port is not opened at all.
    """
    authority = open_authority(data, city, at)
    files = certificate_files(doors, data, authority, host, at)
    settings = OcppSettings(
        host=host, port=ports[0] if doors.least_profile < 2 else None, demo=demo,
        tls_port=doors.tls_port, tls=files if doors.tls_port is not None else None,
        least_profile=0 if demo else doors.least_profile,
    )  # fmt: skip
    context = None
    if files is not None and doors.vehicle_tls_port is not None:
        context = server_context(files)
    vehicles = VehicleSettings(host=host, port=ports[1], tls_port=doors.vehicle_tls_port)
    return Opened(authority, settings, vehicles, context)


def certificate_files(
    doors: Doors, data: Path, authority: Authority, host: str, at: datetime
) -> TlsFiles | None:
    """What the secure ports show; our own certificate is made anew near its end."""
    if doors.tls_port is None and doors.vehicle_tls_port is None:
        return None
    clients = trusted_clients(data, authority, doors.client_ca)
    if doors.certificate is not None and doors.key is not None:
        return TlsFiles(doors.certificate, doors.key, clients)
    own = server_certificate(data, authority, own_names(host, doors.names), at)
    return TlsFiles(own, own, clients)


def show_anew(files: TlsFiles, contexts: Sequence[ssl.SSLContext | None]) -> None:
    """Have the secure ports show what the files hold now.

    Raises InputError for files that cannot be used; what was shown before is shown on.
    """
    server_context(files)
    for context in contexts:
        if context is not None:
            load_files(context, files)


def refuse_open_demo(host: str) -> None:
    """Raise InputError for a demonstration that others could reach: its doors have no locks."""
    if not is_loopback(host):
        raise InputError(
            "--twin", f"--host {host}", "an address of this machine only",
            "In a demonstration every device comes in without a password: use 127.0.0.1, or "
            "leave --twin out",
        )  # fmt: skip
