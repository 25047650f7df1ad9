"""Who may come in where: what the operator may choose, and what is refused at once."""

from __future__ import annotations

import ssl
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from zerocity.app.doors import Doors, certificate_files, prepare, refuse_open_demo, show_anew
from zerocity.errors import InputError
from zerocity.protocols.ocpp.server.settings import TlsFiles

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"certificate": Path("a.pem"), "tls_port": 1}, "both"),
        ({"client_ca": Path("a.pem")}, "--tls-port"),
        ({"names": ("a.example",)}, "--tls-port"),
        ({"least_profile": 2}, "--tls-port 9311"),
        ({"least_profile": 3, "vehicle_tls_port": 9321}, "--tls-port 9311"),
    ],
)
def test_doors_that_do_not_fit_are_refused(options: dict[str, Any], word: str) -> None:
    with pytest.raises(InputError, match=word):
        Doors(**options)


def test_free_sites_must_be_there() -> None:
    doors = Doors(free_vend=("a",))
    doors.check_sites(["a", "b"])
    assert doors.is_free("a")
    assert not doors.is_free("b")
    assert Doors(free_vend=("all",)).is_free("b")
    with pytest.raises(InputError, match="a site of the city"):
        doors.check_sites(["b"])


def test_without_tls_only_the_plain_ports_open(tmp_path: Path) -> None:
    opened = prepare(Doors(), tmp_path, "town", "127.0.0.1", (1, 2), False, AT)
    assert (opened.ocpp.port, opened.ocpp.tls_port, opened.ocpp.least_profile) == (1, None, 1)
    assert opened.vehicle_tls is None
    assert not (tmp_path / "keys" / "server.key").exists()


def test_where_tls_is_the_least_the_plain_port_stays_shut(tmp_path: Path) -> None:
    doors = Doors(tls_port=3, vehicle_tls_port=4, least_profile=2)
    opened = prepare(doors, tmp_path, "town", "0.0.0.0", (1, 2), False, AT)
    assert (opened.ocpp.port, opened.ocpp.tls_port) == (None, 3)
    assert opened.vehicle_tls is not None
    assert (opened.vehicles.port, opened.vehicles.tls_port) == (2, 4)


def test_a_demonstration_stays_on_this_machine() -> None:
    refuse_open_demo("127.0.0.1")
    refuse_open_demo("localhost")
    with pytest.raises(InputError, match="without a password"):
        refuse_open_demo("0.0.0.0")


def shown_serial(server: ssl.SSLContext, root: Path) -> int:
    """The serial number of the certificate that a client is shown, by a handshake in memory."""
    client = ssl.create_default_context(cafile=root)
    ours, theirs = (ssl.MemoryBIO(), ssl.MemoryBIO()), (ssl.MemoryBIO(), ssl.MemoryBIO())
    hears = client.wrap_bio(*ours, server_hostname="localhost")
    shows = server.wrap_bio(*theirs, server_side=True)
    for _ in range(4):
        for end, (_, out), (into, _) in ((hears, ours, theirs), (shows, theirs, ours)):
            with suppress(ssl.SSLWantReadError):
                end.do_handshake()
            into.write(out.read())
    found = hears.getpeercert(binary_form=True)
    assert found is not None
    return x509.load_der_x509_certificate(found).serial_number


def test_a_new_certificate_is_shown_without_a_restart(tmp_path: Path) -> None:
    doors, now = Doors(tls_port=3, vehicle_tls_port=4), datetime.now(UTC)
    begun = now - timedelta(days=350)
    opened = prepare(doors, tmp_path, "town", "127.0.0.1", (1, 2), False, begun)
    context, root = opened.vehicle_tls, tmp_path / "keys" / "authority.pem"
    assert context is not None

    def anew(at: datetime) -> int:
        files = certificate_files(doors, tmp_path, opened.authority, "127.0.0.1", at)
        assert files is not None
        show_anew(files, (None, context))
        return shown_serial(context, root)

    first = shown_serial(context, root)
    assert anew(begun + timedelta(days=300)) == first
    second = anew(now)
    assert second != first
    assert anew(now) == second

    server = tmp_path / "keys" / "server.key"
    with pytest.raises(InputError, match="cannot be used"):
        show_anew(TlsFiles(root, server, None), (context,))
    assert shown_serial(context, root) == second


def test_a_city_without_tls_has_no_certificate_to_renew(tmp_path: Path) -> None:
    opened = prepare(Doors(), tmp_path, "town", "127.0.0.1", (1, 2), False, AT)
    assert certificate_files(Doors(), tmp_path, opened.authority, "127.0.0.1", AT) is None
