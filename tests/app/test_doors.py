"""Who may come in where: what the operator may choose, and what is refused at once."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from zerocity.app.doors import Doors, prepare, refuse_open_demo
from zerocity.errors import InputError

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
