"""Firmware updates, diagnostics and logs of a simulated station: no file moves, the words do.

A location whose scheme is unknown, or that holds "missing", fails; a signed firmware needs a
certificate that can be read. OCPP 1.6 sections 4.4, 4.5, 5.9, 5.19 and security whitepaper 5.2 to
5.5; 2.0.1 part 2, L01 to L04 and N01.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509

from zerocity.protocols.ocpp.station.core import Handler, StationCore
from zerocity.protocols.ocpp.station.parts import Message, Payload
from zerocity.protocols.ocpp.wire_words import clipped, moment

_SCHEMES = {"http", "https", "ftp", "ftps", "sftp"}


class Errand:
    """A row of statuses that goes out step by step; a new one takes the place of the old."""

    def __init__(self) -> None:
        self.status = "Idle"
        self.request_id: int | None = None
        self.name = ""
        self.signed = False
        self._run = 0

    def start(
        self, core: StationCore, steps: Sequence[str], tell: Callable[[], Message], begin_s: float
    ) -> None:
        """Say ``steps`` one after another, from ``begin_s`` seconds on.

        A first step that says that all is scheduled goes out at once.
        """
        self._run += 1
        left = list(steps)
        if left[0].endswith("Scheduled"):
            self._next(core, [left.pop(0)], tell, self._run, 0.0)
        self._next(core, left, tell, self._run, begin_s)

    def _next(
        self,
        core: StationCore,
        steps: list[str],
        tell: Callable[[], Message],
        run: int,
        wait_s: float,
    ) -> None:
        def act() -> None:
            if run != self._run:
                return
            self.status = steps.pop(0)
            core.say(tell())
            if self.status == "Installed":
                core.firmware = self.name or core.firmware
            if steps:
                self._next(core, steps, tell, run, core.make.phase_s)

        core.later(wait_s, act)


def errand(core: StationCore, kind: str) -> Errand:
    """The station's firmware, log, diagnostics or publication errand."""
    found: Errand = core.errands.setdefault(kind, Errand())
    return found


# What they say


def firmware_status(core: StationCore) -> Message:
    """The state of the firmware update; 1.6 has a second message for signed ones."""
    about = errand(core, "firmware")
    payload: Payload = {"status": about.status}
    if core.is_16 and not about.signed:
        return "FirmwareStatusNotification", payload
    if about.status != "Idle" and about.request_id is not None:
        payload["requestId"] = about.request_id
    action = "SignedFirmwareStatusNotification" if core.is_16 else "FirmwareStatusNotification"
    return action, payload


def log_status(core: StationCore) -> Message:
    """The state of a log's upload."""
    about = errand(core, "log")
    payload: Payload = {"status": about.status}
    if about.status != "Idle" and about.request_id is not None:
        payload["requestId"] = about.request_id
    return "LogStatusNotification", payload


def diagnostics_status(core: StationCore) -> Message:
    """The state of a 1.6 diagnostics upload."""
    return "DiagnosticsStatusNotification", {"status": errand(core, "diagnostics").status}


# What they are asked


def update_firmware_v16(core: StationCore, asked: Payload) -> Payload:
    """UpdateFirmware."""
    about = errand(core, "firmware")
    about.signed, about.request_id = False, None
    about.name = _name(asked["location"])
    steps = (
        ["Downloading", "Downloaded", "Installing", "Installed"]
        if _reachable(asked["location"])
        else ["Downloading", "DownloadFailed"]
    )
    about.start(core, steps, lambda: firmware_status(core), _wait_s(core, asked["retrieveDate"]))
    return {}


def update_firmware(core: StationCore, asked: Payload) -> Payload:
    """UpdateFirmware of 2.x and SignedUpdateFirmware of 1.6."""
    firmware = asked["firmware"]
    signed = "signingCertificate" in firmware
    if signed and not _readable(firmware["signingCertificate"]):
        return {"status": "InvalidCertificate"}
    about = errand(core, "firmware")
    replaced = about.status not in ("Idle", "Installed", "DownloadFailed", "InvalidSignature")
    about.signed, about.request_id = True, asked["requestId"]
    about.name = _name(firmware["location"])
    steps = ["Downloading"]
    if not _reachable(firmware["location"]):
        steps.append("DownloadFailed")
    else:
        steps += ["Downloaded"]
        valid = not signed or bool(firmware.get("signature"))
        if signed:
            steps.append("SignatureVerified" if valid else "InvalidSignature")
        if valid:
            steps += ["Installing", "Installed"]
    wait_s = _wait_s(core, firmware["retrieveDateTime"])
    if wait_s > 0.0:
        steps.insert(0, "DownloadScheduled")
    about.start(core, steps, lambda: firmware_status(core), wait_s)
    return {"status": "AcceptedCanceled" if replaced else "Accepted"}


def get_diagnostics(core: StationCore, asked: Payload) -> Payload:
    """GetDiagnostics (1.6)."""
    steps = ["Uploading", "Uploaded" if _reachable(asked["location"]) else "UploadFailed"]
    errand(core, "diagnostics").start(core, steps, lambda: diagnostics_status(core), 0.0)
    return {"fileName": clipped(f"{core.id}-diagnostics.zip", 255)}


def get_log(core: StationCore, asked: Payload) -> Payload:
    """GetLog (security whitepaper; N01)."""
    about = errand(core, "log")
    replaced = about.status == "Uploading"
    about.request_id = asked["requestId"]
    place = asked["log"]["remoteLocation"]
    steps = ["Uploading", "Uploaded" if _reachable(place) else "UploadFailure"]
    about.start(core, steps, lambda: log_status(core), 0.0)
    name = f"{core.id}-{asked['logType']}-{asked['requestId']}.log"
    status = "AcceptedCanceled" if replaced else "Accepted"
    return {"status": status, "filename": clipped(name, 255)}


def publish_firmware(core: StationCore, asked: Payload) -> Payload:
    """PublishFirmware (L03): the station would offer it to its neighbours."""
    about = errand(core, "publish")
    about.request_id, about.name = asked["requestId"], asked["checksum"]
    ok = _reachable(asked["location"])
    steps = ["Downloading"]
    steps += ["Downloaded", "ChecksumVerified", "Published"] if ok else ["DownloadFailed"]

    def tell() -> Message:
        payload: Payload = {"status": about.status, "requestId": asked["requestId"]}
        if about.status == "Published":
            payload["location"] = [asked["location"]]
        return "PublishFirmwareStatusNotification", payload

    about.start(core, steps, tell, 0.0)
    return {"status": "Accepted"}


def unpublish_firmware(core: StationCore, asked: Payload) -> Payload:
    """UnpublishFirmware (L04)."""
    about = errand(core, "publish")
    if about.name != asked["checksum"] or about.status == "Idle":
        return {"status": "NoFirmware"}
    if about.status != "Published":
        return {"status": "DownloadOngoing"}
    about.status, about.name = "Idle", ""
    return {"status": "Unpublished"}


def _reachable(location: str) -> bool:
    parts = urlsplit(location)
    return parts.scheme in _SCHEMES and bool(parts.netloc) and "missing" not in location


def _name(location: str) -> str:
    return clipped(urlsplit(location).path.rsplit("/", 1)[-1], 50)


def _wait_s(core: StationCore, text: str) -> float:
    at: datetime | None = moment(text)
    return 0.0 if at is None else max((at - core.at).total_seconds(), 0.0)


def _readable(pem: Any) -> bool:
    try:
        x509.load_pem_x509_certificate(str(pem).encode())
    except ValueError:
        return False
    return True


V16: dict[str, Handler] = {
    "UpdateFirmware": update_firmware_v16,
    "SignedUpdateFirmware": update_firmware,
    "GetDiagnostics": get_diagnostics,
    "GetLog": get_log,
}
V2: dict[str, Handler] = {
    "UpdateFirmware": update_firmware,
    "GetLog": get_log,
    "PublishFirmware": publish_firmware,
    "UnpublishFirmware": unpublish_firmware,
}
