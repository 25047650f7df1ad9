"""Many simulated stations made from one plan, and what they did in the end."""

from __future__ import annotations

import ssl
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zerocity.errors import InputError
from zerocity.protocols.ocpp.messages import Version
from zerocity.protocols.ocpp.station.drivers import stocked
from zerocity.protocols.ocpp.station.gateway import MakeTls, StationFleet
from zerocity.protocols.ocpp.station.parts import Make
from zerocity.protocols.ocpp.station.station import SimStation
from zerocity.protocols.ocpp.station.swap import SwapCabinet

CHARGER, SWAP = "charger", "swap"
_MOST_STATIONS = 20_000  # an assumption: beyond it one process is the bottleneck


@dataclass(frozen=True, slots=True)
class FleetPlan:
    """What to build: ``versions`` are dealt out in turn; powers in kW a connector or slot."""

    count: int
    versions: Sequence[Version] = (Version.V201,)
    kind: str = CHARGER
    id_pattern: str = "sim-{n:04d}"
    password: str = ""
    passwords: dict[str, str] = field(default_factory=dict)
    connectors: int = 1
    slots: int = 12
    power_kw: float = 60.0
    meter_interval_s: int = 60
    seed: int = 1


def make_stations(plan: FleetPlan) -> list[SimStation]:
    """The stations of a plan, each switched off; raises InputError for a plan that cannot be."""
    _check(plan)
    return [_make_one(plan, n) for n in range(1, plan.count + 1)]


def _make_one(plan: FleetPlan, n: int) -> SimStation:
    name = _name(plan.id_pattern, n)
    password = plan.passwords.get(name, plan.password)
    if plan.kind == SWAP:
        make = Make(
            model="Simulated cabinet",
            evses=plan.slots,
            max_kw=plan.power_kw,
            is_swap=True,
            token_type="Central",
        )
        packs = stocked(name, plan.slots, seed=plan.seed)
        station: SimStation = SwapCabinet(name, make, packs, seed=plan.seed, password=password)
    else:
        version = plan.versions[(n - 1) % len(plan.versions)]
        make = Make(evses=plan.connectors, max_kw=plan.power_kw)
        station = SimStation(name, version, make, seed=plan.seed, password=password)
    station.settings.put("meter_s", str(plan.meter_interval_s))
    return station


def _check(plan: FleetPlan) -> None:
    _within("--count", plan.count, 1, _MOST_STATIONS)
    _within("--connectors", plan.connectors, 1, 100)
    _within("--slots", plan.slots, 2, 200)
    _within("--meter-interval", plan.meter_interval_s, 0, 86_400)
    if not 0.0 < plan.power_kw <= 10_000.0:
        raise InputError("--power-kw", f"{plan.power_kw:g}", "above 0, at most 10000")
    if plan.kind not in (CHARGER, SWAP):
        raise InputError("--kind", plan.kind, f"{CHARGER} or {SWAP}")
    if plan.kind == SWAP and any(version is not Version.V21 for version in plan.versions):
        came = ", ".join(version.value for version in plan.versions)
        raise InputError("--version", came, "2.1", "Only OCPP 2.1 has battery swap")
    if plan.count > 1 and _name(plan.id_pattern, 1) == _name(plan.id_pattern, 2):
        way_out = "Put {n} into the pattern"
        raise InputError("--id-pattern", plan.id_pattern, "a different name for each", way_out)


def _within(where: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise InputError(where, str(value), f"{least} to {most}")


def _name(pattern: str, n: int) -> str:
    try:
        name = pattern.format(n=n)
    except (KeyError, IndexError, ValueError):
        raise InputError("--id-pattern", pattern, "a pattern like sim-{n:04d}") from None
    if not name or len(name) > 48:
        raise InputError("--id-pattern", pattern, "names of 1 to 48 characters")
    return name


def read_versions(text: str) -> list[Version]:
    """Versions as a user writes them: one, or several with commas between."""
    try:
        return [Version(part.strip()) for part in text.split(",")]
    except ValueError:
        wanted = ", ".join(version.value for version in Version)
        raise InputError("--version", text, f"one or more of {wanted}") from None


def read_passwords(path: Path) -> dict[str, str]:
    """Lines of `id,password`; raises InputError naming the line, never the password."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(str(path), type(error).__name__, "a text file of id,password") from None
    found = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("#"):
            continue
        name, comma, password = line.partition(",")
        if not comma or not password.strip():
            raise InputError(f"{path}, line {number}", "no password", "id,password")
        found[name.strip()] = password.strip()
    return found


def make_tls(ca: Path | None, certificate: str = "", key: str = "") -> MakeTls:
    """Contexts for wss: ``ca`` to trust besides the system's, a client certificate by pattern.

    ``{id}`` in the paths stands for the station's id. A station that got a certificate over OCPP
    shows that one. Raises InputError for files that cannot be used.
    """
    shared = None if certificate else _context(ca)

    def tls(station: SimStation) -> ssl.SSLContext:
        keys = station.keys
        if keys.chain:
            context = _context(ca)
            _show(context, keys.chain.encode(), keys.private)
            return context
        if shared is not None:
            return shared
        context = _context(ca)
        shown = certificate.replace("{id}", station.id)
        secret = key.replace("{id}", station.id) or None
        try:
            context.load_cert_chain(shown, secret)
        except (OSError, ssl.SSLError) as error:
            raise InputError(shown, str(error), "a PEM certificate and key") from None
        return context

    return tls


def _context(ca: Path | None) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=None if ca is None else str(ca))
    except (OSError, ssl.SSLError) as error:
        raise InputError(str(ca), str(error), "a PEM file of certificates") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _show(context: ssl.SSLContext, chain: bytes, key: bytes) -> None:
    """The standard library reads keys from files alone; this one is gone at once."""
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:
        file.write(key + b"\n" + chain)
        file.flush()
        context.load_cert_chain(file.name)


def totals(stations: Sequence[SimStation]) -> dict[str, Any]:
    """What all stations did: messages, sessions, swaps, energy at the meters [kWh]."""
    names = ("sent", "received", "answered", "refused", "broken", "dropped")
    found: dict[str, Any] = {
        "messages": {name: _sum(stations, _count(name)) for name in names}
        | {"queued": sum(station.queued for station in stations)},
        "sessions": _sum(stations, _count("sessions")),
        "swaps": _sum(stations, _count("swaps")),
        "swaps_refused": _sum(stations, _count("swaps_refused")),
        "energy_kwh": round(sum(energy_kwh(station) for station in stations), 3),
    }
    refusals: Counter[str] = Counter()
    for station in stations:
        refusals.update(station.counts.refusals)
    return found | {"refusals": dict(refusals)}


def summary(stations: Sequence[SimStation], fleet: StationFleet, seconds: float) -> dict[str, Any]:
    """The end of a run, ready for JSON."""
    versions = Counter(station.version.value for station in stations)
    return {
        "stations": len(stations),
        "versions": dict(versions),
        "seconds": round(seconds, 1),
        "ever_connected": sum(station.counts.connects > 0 for station in stations),
        "reconnects": fleet.reconnects,
        "troubles": dict(fleet.troubles),
        **totals(stations),
        "by_station": [
            {
                "id": station.id,
                "version": station.version.value,
                "energy_kwh": round(energy_kwh(station), 3),
                "sessions": station.counts.sessions,
                "swaps": station.counts.swaps,
                "sent": station.counts.sent,
                "answered": station.counts.answered,
                "refused": station.counts.refused,
                "connects": station.counts.connects,
            }
            for station in stations
        ],
    }


def energy_kwh(station: SimStation) -> float:
    """What a station's meters counted since it was made [kWh]."""
    return sum(evse.energy_wh for evse in station.evses.values()) / 1000.0


def charging_kw(station: SimStation) -> float:
    """What a station takes now [kW]."""
    return sum(evse.power_kw for evse in station.evses.values())


def _count(name: str) -> Callable[[SimStation], int]:
    return lambda station: int(getattr(station.counts, name))


def _sum(stations: Sequence[SimStation], of: Callable[[SimStation], int]) -> int:
    return sum(of(station) for station in stations)
