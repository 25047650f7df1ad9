"""Settings, reports, monitors, streams, files, certificates, controls of a simulated station."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from station_world import World, plugged

from zerocity.protocols.ocpp.messages import Version
from zerocity.protocols.ocpp.station.parts import Make

V2 = [Version.V201, Version.V21]


def setting(component: str, variable: str, **more: Any) -> dict[str, Any]:
    return {"component": {"name": component}, "variable": {"name": variable}, **more}


def test_keys_of_1_6_are_read_and_set() -> None:
    world = World(Version.V16).connect()
    found = world.ask("GetConfiguration", {"key": ["HeartbeatInterval", "Nothing"]})
    assert found["configurationKey"][0]["value"] == "60"
    assert found["unknownKey"] == ["Nothing"]
    assert len(world.ask("GetConfiguration", {})["configurationKey"]) > 40
    for key, value, status in (
        ("MeterValueSampleInterval", "10", "Accepted"),
        ("MeterValueSampleInterval", "-1", "Rejected"),
        ("MeterValueSampleInterval", "soon", "Rejected"),
        ("NumberOfConnectors", "9", "Rejected"),
        ("WebSocketPingInterval", "5", "RebootRequired"),
        ("LocalPreAuthorize", "maybe", "Rejected"),
        ("Nothing", "1", "NotSupported"),
    ):
        assert world.ask("ChangeConfiguration", {"key": key, "value": value})["status"] == status
    plugged(world)
    world.run(31.0)
    assert len(world.said("MeterValues")) == 3


@pytest.mark.parametrize("version", list(Version))
def test_a_new_password_is_used_and_never_shown(version: Version) -> None:
    world = World(version).connect()
    secret = "a-new-password-of-20"
    if version is Version.V16:
        asked = {"key": "AuthorizationKey", "value": secret}
        assert world.ask("ChangeConfiguration", asked)["status"] == "Accepted"
        shown = world.ask("GetConfiguration", {"key": ["AuthorizationKey"]})
    else:
        item = setting("SecurityCtrlr", "BasicAuthPassword", attributeValue=secret)
        answer = world.ask("SetVariables", {"setVariableData": [item]})
        assert answer["setVariableResult"][0]["attributeStatus"] == "Accepted"
        item = setting("SecurityCtrlr", "BasicAuthPassword")
        shown = world.ask("GetVariables", {"getVariableData": [item]})
    assert secret not in str(shown)
    assert world.station.settings.text("password") == secret
    world.run(2.0)
    assert world.station.hang_up


@pytest.mark.parametrize("version", V2)
def test_variables_are_read_and_set(version: Version) -> None:
    world = World(version).connect()
    cases = [
        (setting("OCPPCommCtrlr", "HeartbeatInterval", attributeValue="77"), "Accepted"),
        (setting("OCPPCommCtrlr", "HeartbeatInterval", attributeValue="0"), "Rejected"),
        (setting("TxCtrlr", "TxStartPoint", attributeValue="EVConnected"), "Rejected"),
        (setting("OCPPCommCtrlr", "Nothing", attributeValue="1"), "UnknownVariable"),
        (setting("Nothing", "Nothing", attributeValue="1"), "UnknownComponent"),
        (
            setting("TxCtrlr", "EVConnectionTimeOut", attributeValue="1", attributeType="MaxSet"),
            "NotSupportedAttributeType",
        ),
    ]
    answer = world.ask("SetVariables", {"setVariableData": [item for item, _ in cases]})
    statuses = [result["attributeStatus"] for result in answer["setVariableResult"]]
    assert statuses == [status for _, status in cases]
    live = {
        "component": {"name": "Connector", "evse": {"id": 1, "connectorId": 1}},
        "variable": {"name": "AvailabilityState"},
    }
    items = [setting("OCPPCommCtrlr", "HeartbeatInterval"), live]
    found = world.ask("GetVariables", {"getVariableData": items})["getVariableResult"]
    assert [result["attributeValue"] for result in found] == ["77", "Available"]


@pytest.mark.parametrize("version", V2)
def test_reports_come_in_parts_that_say_so(version: Version) -> None:
    world = World(version, Make(evses=4)).connect()
    asked = {"requestId": 4, "reportBase": "FullInventory"}
    assert world.ask("GetBaseReport", asked)["status"] == "Accepted"
    parts = world.said("NotifyReport")
    assert len(parts) > 1
    assert [part["seqNo"] for part in parts] == list(range(len(parts)))
    assert [part.get("tbc", False) for part in parts] == [True] * (len(parts) - 1) + [False]
    wanted = [{"component": {"name": "EVSE", "evse": {"id": 2}}, "variable": {"name": "Power"}}]
    world.ask("GetReport", {"requestId": 5, "componentVariable": wanted})
    (row,) = world.said("NotifyReport")[-1]["reportData"]
    assert row["component"]["evse"]["id"] == 2
    nothing = {"requestId": 6, "componentVariable": [{"component": {"name": "No"}}]}
    assert world.ask("GetReport", nothing)["status"] == "EmptyResultSet"


def monitor(kind: str, value: float, **more: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "value": value,
        "severity": 5,
        "component": {"name": "EVSE", "evse": {"id": 1}},
        "variable": {"name": "Power"},
        **more,
    }


def test_monitors_tell_thresholds_and_changes() -> None:
    world = World(Version.V201).connect()
    data = [monitor("UpperThreshold", 30_000.0), monitor("Delta", 1.0)]
    answer = world.ask("SetVariableMonitoring", {"setMonitoringData": data})
    assert [r["status"] for r in answer["setMonitoringResult"]] == ["Accepted"] * 2
    world.run(3.0)
    plugged(world)
    world.run(3.0)
    triggers = [p["eventData"][0]["trigger"] for p in world.said("NotifyEvent")]
    assert sorted(triggers) == ["Alerting", "Delta"]
    world.station.unplug(1, world.now_s, world.at)
    world.run(3.0)
    assert any(p["eventData"][0].get("cleared") for p in world.said("NotifyEvent"))
    assert world.ask("GetMonitoringReport", {"requestId": 1})["status"] == "Accepted"
    assert len(world.said("NotifyMonitoringReport")[0]["monitor"]) == 2
    results = world.ask("ClearVariableMonitoring", {"id": [1, 2, 9]})["clearMonitoringResult"]
    assert [r["status"] for r in results] == ["Accepted", "Accepted", "NotFound"]


def test_a_periodic_stream_flows_without_answers() -> None:
    world = World(Version.V21).connect()
    stream = monitor("Periodic", 1.0, periodicEventStream={"interval": 4, "values": 2})
    world.ask("SetVariableMonitoring", {"setMonitoringData": [stream]})
    plugged(world)
    world.run(21.0)
    assert {name for name, _ in world.told} == {"NotifyPeriodicEventStream"}
    assert len(world.told) == 4
    assert all(len(payload["data"]) == 2 for _, payload in world.told)
    assert len(world.ask("GetPeriodicEventStream", {})["constantStreamData"]) == 1
    slow = {"id": 1, "params": {"interval": 60, "values": 1}}
    assert world.ask("AdjustPeriodicEventStream", slow)["status"] == "Accepted"
    world.ask("ClearVariableMonitoring", {"id": [1]})
    assert world.said("ClosePeriodicEventStream") == [{"id": 1}]


# Files


@pytest.mark.parametrize(
    ("location", "last"),
    [
        ("https://files.example/fw-2.bin", "Installed"),
        ("gopher://x/y", "DownloadFailed"),
        ("https://files.example/missing.bin", "DownloadFailed"),
    ],
)
def test_firmware_goes_through_its_states(location: str, last: str) -> None:
    world = World(Version.V201).connect()
    begin = (world.at + timedelta(seconds=30)).isoformat()
    firmware = {"location": location, "retrieveDateTime": begin}
    answer = world.ask("UpdateFirmware", {"requestId": 8, "firmware": firmware})
    assert answer["status"] == "Accepted"
    world.run(60.0)
    said = world.said("FirmwareStatusNotification")
    assert said[0]["status"] == "DownloadScheduled"
    assert said[-1] == {"status": last, "requestId": 8}
    assert world.station.firmware == ("fw-2.bin" if last == "Installed" else "1.0.0")


def test_firmware_of_1_6_signed_and_not() -> None:
    world = World(Version.V16).connect()
    location, begin = "https://files.example/a.bin", world.at.isoformat()
    world.ask("UpdateFirmware", {"location": location, "retrieveDate": begin})
    world.run(20.0)
    assert [p["status"] for p in world.said("FirmwareStatusNotification")] == [
        "Downloading",
        "Downloaded",
        "Installing",
        "Installed",
    ]
    signed = {
        "location": location,
        "retrieveDateTime": begin,
        "signingCertificate": "no certificate",
        "signature": "x",
    }
    asked = {"requestId": 1, "firmware": signed}
    assert world.ask("SignedUpdateFirmware", asked)["status"] == "InvalidCertificate"
    signed["signingCertificate"] = issue("maker", ec.generate_private_key(ec.SECP256R1()), world)
    assert world.ask("SignedUpdateFirmware", asked)["status"] == "Accepted"
    world.run(20.0)
    statuses = [p["status"] for p in world.said("SignedFirmwareStatusNotification")]
    assert statuses[-1] == "Installed"
    assert "SignatureVerified" in statuses


@pytest.mark.parametrize("version", list(Version))
def test_logs_are_sent(version: Version) -> None:
    world = World(version).connect()
    log = {"remoteLocation": "https://files.example/up"}
    answer = world.ask("GetLog", {"log": log, "logType": "SecurityLog", "requestId": 3})
    assert answer["filename"].startswith("sim-0001")
    world.run(10.0)
    assert [p["status"] for p in world.said("LogStatusNotification")] == ["Uploading", "Uploaded"]


# Certificates


def issue(name: str, key: ec.EllipticCurvePrivateKey, world: World, public: Any = None) -> str:
    """A certificate for a name, signed by ``key``."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "root")]))
        .public_key(public or key.public_key())
        .serial_number(77)
        .not_valid_before(world.at - timedelta(days=1))
        .not_valid_after(world.at + timedelta(days=30))
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


@pytest.mark.parametrize("version", list(Version))
def test_a_certificate_is_asked_for_and_taken_if_it_fits(version: Version) -> None:
    world = World(version).connect()
    if version is Version.V16:
        wanted = {"requestedMessage": "SignChargePointCertificate"}
        world.ask("ExtendedTriggerMessage", wanted)
    else:
        world.ask("TriggerMessage", {"requestedMessage": "SignChargingStationCertificate"})
    request = x509.load_pem_x509_csr(world.said("SignCertificate")[0]["csr"].encode())
    names = request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert names[0].value == "sim-0001"
    root = ec.generate_private_key(ec.SECP256R1())
    for chain, status in (
        ("rubbish", "Rejected"),
        (issue("sim-0001", root, world), "Rejected"),
        (issue("somebody", root, world, request.public_key()), "Rejected"),
        (issue("sim-0001", root, world, request.public_key()), "Accepted"),
    ):
        answer = world.ask("CertificateSigned", {"certificateChain": chain})
        assert answer["status"] == status
    assert len(world.said("SecurityEventNotification")) == 3
    assert world.station.keys.chain
    assert not world.station.keys.waiting


@pytest.mark.parametrize("version", list(Version))
def test_roots_are_installed_listed_and_deleted(version: Version) -> None:
    world = World(version).connect()
    kind = "CentralSystemRootCertificate" if version is Version.V16 else "CSMSRootCertificate"
    root = issue("root", ec.generate_private_key(ec.SECP256R1()), world)
    ids = {"certificateType": kind if version is Version.V16 else [kind]}
    assert world.ask("GetInstalledCertificateIds", ids)["status"] == "NotFound"
    for pem, status in ((root, "Accepted"), ("rubbish", "Rejected")):
        asked = {"certificateType": kind, "certificate": pem}
        assert world.ask("InstallCertificate", asked)["status"] == status
    found = world.ask("GetInstalledCertificateIds", ids)
    if version is Version.V16:
        (hashed,) = found["certificateHashData"]
    else:
        hashed = found["certificateHashDataChain"][0]["certificateHashData"]
    for status in ("Accepted", "NotFound"):
        answer = world.ask("DeleteCertificate", {"certificateHashData": hashed})
        assert answer["status"] == status


# Controls of 2.1


def test_der_controls_supersede_each_other_by_priority() -> None:
    world = World(Version.V21).connect()

    def fixed(number: str, priority: int, **more: Any) -> dict[str, Any]:
        body = {"priority": priority, "setpoint": 10.0, "unit": "PctMaxW", **more}
        return {
            "isDefault": False,
            "controlId": number,
            "controlType": "FixedVar",
            "fixedVar": body,
        }

    assert world.ask("SetDERControl", fixed("a", 5))["status"] == "Accepted"
    answer = world.ask("SetDERControl", fixed("b", 1, duration=30.0))
    assert answer["supersededIds"] == ["a"]
    assert world.ask("GetDERControl", {"requestId": 1})["status"] == "Accepted"
    rows = world.said("ReportDERControl")[0]["fixedVar"]
    assert {row["id"]: row["isSuperseded"] for row in rows} == {"a": True, "b": False}
    world.run(31.0)
    starts = [(p["controlId"], p["started"]) for p in world.said("NotifyDERStartStop")]
    assert starts == [("a", True), ("b", True), ("b", False)]
    assert world.ask("ClearDERControl", {"isDefault": False})["status"] == "Accepted"
    assert world.ask("ClearDERControl", {"isDefault": False})["status"] == "NotFound"


def test_profiles_are_reported_and_the_composite_is_told() -> None:
    world = World(Version.V201, Make(evses=2)).connect()
    profile = {
        "id": 4,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": [
            {
                "id": 1,
                "chargingRateUnit": "W",
                "startSchedule": world.at.isoformat(),
                "chargingSchedulePeriod": [
                    {"startPeriod": 0, "limit": 8000.0},
                    {"startPeriod": 600, "limit": 4000.0},
                ],
            }
        ],
    }
    world.ask("SetChargingProfile", {"evseId": 0, "chargingProfile": profile})
    asked: dict[str, Any] = {"requestId": 2, "chargingProfile": {}}
    assert world.ask("GetChargingProfiles", asked)["status"] == "Accepted"
    assert world.said("ReportChargingProfiles")[0]["chargingProfile"] == [profile]
    for evse, first in ((1, 8000.0), (0, 16_000.0)):
        schedule = world.ask("GetCompositeSchedule", {"duration": 900, "evseId": evse})["schedule"]
        assert schedule["chargingSchedulePeriod"] == [
            {"startPeriod": 0, "limit": first},
            {"startPeriod": 600, "limit": first / 2},
        ]
    assert world.ask("ClearChargingProfile", {"chargingProfileId": 4})["status"] == "Accepted"
    assert world.ask("ClearChargingProfile", {"chargingProfileId": 4})["status"] == "Unknown"
