"""Firmware: what stations report, and campaigns that reach a few of them at a time.

OCPP 1.6 4.5 and 5.19, its security whitepaper edition 3 (SignedUpdateFirmware), OCPP 2.x L01-L04.
A campaign's station goes through one table of steps; what is over stays over.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from zerocity.errors import InputError
from zerocity.live.registry import LiveStation, Registry
from zerocity.protocols.ocpp.messages import Version
from zerocity.protocols.ocpp.office.handling import (
    Context,
    Handler,
    Outcome,
    Payload,
    Refused,
    Reply,
)
from zerocity.protocols.ocpp.office.orders import ALL, V2, Order, asked
from zerocity.protocols.ocpp.wire_words import stamp
from zerocity.storage.recorder import Row

# Updates outside a campaign stand in the table under this name.
BY_HAND = "by_hand"


class Step(StrEnum):
    """How far a station is with an update."""

    WAITING = "waiting"
    ASKED = "asked"
    DOWNLOADING = "downloading"
    DOWNLOADED = "downloaded"
    INSTALLING = "installing"
    INSTALLED = "installed"
    FAILED = "failed"
    REFUSED = "refused"


ENDED = frozenset({Step.INSTALLED, Step.FAILED, Step.REFUSED})
UNDER_WAY = frozenset({Step.ASKED, Step.DOWNLOADING, Step.DOWNLOADED, Step.INSTALLING})
# What a station's word makes of it; Idle says nothing.
STEP_OF = {
    "DownloadScheduled": Step.DOWNLOADING,
    "Downloading": Step.DOWNLOADING,
    "DownloadPaused": Step.DOWNLOADING,
    "Downloaded": Step.DOWNLOADED,
    "SignatureVerified": Step.DOWNLOADED,
    "InstallScheduled": Step.INSTALLING,
    "Installing": Step.INSTALLING,
    "InstallRebooting": Step.INSTALLING,
    "Installed": Step.INSTALLED,
    "DownloadFailed": Step.FAILED,
    "InstallationFailed": Step.FAILED,
    "InstallVerificationFailed": Step.FAILED,
    "InvalidSignature": Step.FAILED,
}
_REFUSALS = ("Rejected", "InvalidCertificate", "RevokedCertificate")


@dataclass(slots=True)
class Campaign:
    """One firmware for many stations.

    ``share``: part of the stations that may be under way at once, above 0 to 1 (at least one
    station). ``most_failures``: with more failed or refused ones the campaign stops.
    """

    id: str
    location: str
    created_at: datetime
    retrieve_at: datetime
    signature: str | None = None
    certificate: str | None = None
    share: float = 0.1
    most_failures: int = 3
    status: str = "running"
    steps: dict[str, Step] = field(default_factory=dict)

    @property
    def failures(self) -> int:
        """Stations that failed or refused."""
        return sum(step in (Step.FAILED, Step.REFUSED) for step in self.steps.values())

    def next_stations(self, online: Iterable[str]) -> list[str]:
        """Those to ask now, in the order of the campaign, among the stations that are online."""
        if self.status != "running":
            return []
        here = set(online)
        under_way = sum(step in UNDER_WAY for step in self.steps.values())
        room = max(math.floor(self.share * len(self.steps)), 1) - under_way
        waiting = [s for s, step in self.steps.items() if step is Step.WAITING and s in here]
        return waiting[: max(room, 0)]

    def take(self, station: str, step: Step) -> bool:
        """Note a station's step; False when it is not in the campaign or was over already."""
        before = self.steps.get(station)
        if before is None or before in ENDED or before is step:
            return False
        self.steps[station] = step
        if self.failures > self.most_failures:
            self.status = "stopped"
        elif all(step in ENDED for step in self.steps.values()):
            self.status = "done"
        return True


def start_campaign(
    registry: Registry, campaign: Campaign, stations: Iterable[str], at: datetime
) -> list[Row]:
    """Begin a campaign over ``stations``; the rows to store.

    Raises InputError for no station, an unknown one, a share outside 0-1, or a name used before.
    """
    names = list(dict.fromkeys(stations))
    if not names or campaign.id in registry.city.campaigns or campaign.id == BY_HAND:
        raise InputError("a campaign", campaign.id, "a new name, and at least one station")
    if not 0.0 < campaign.share <= 1.0 or campaign.most_failures < 0:
        raise InputError("a campaign's share", str(campaign.share), "above 0 to 1")
    for name in names:
        if name not in registry.stations:
            raise InputError("a campaign's station", name, "one that is known")
    campaign.steps = dict.fromkeys(names, Step.WAITING)
    registry.city.campaigns[campaign.id] = campaign
    return [campaign_row(campaign)] + [
        update_row(campaign.id, name, Step.WAITING, at) for name in names
    ]


def campaign_orders(
    registry: Registry, campaign: Campaign, at: datetime
) -> tuple[list[tuple[str, Order]], list[Row]]:
    """Whom to ask now, with the order to send to each, and the rows to store."""
    online = [name for name in campaign.steps if _is_online(registry, name)]
    orders, rows = [], []
    for name in campaign.next_stations(online):
        station = registry.stations[name]
        number = registry.city.next_request(at)
        action, payload = update_message(
            Version(station.version or Version.V16),
            campaign.location,
            campaign.retrieve_at,
            number,
            signature=campaign.signature,
            certificate=campaign.certificate,
        )
        station.file.firmware_order = (campaign.id, number)
        campaign.take(name, Step.ASKED)
        orders.append((name, Order(action, payload)))
        rows.append(update_row(campaign.id, name, Step.ASKED, at))
    return orders, rows


def update_message(
    version: Version,
    location: str,
    retrieve_at: datetime,
    number: int,
    *,
    signature: str | None = None,
    certificate: str | None = None,
) -> tuple[str, Payload]:
    """UpdateFirmware; signed when both a signature and its certificate (PEM) are given."""
    signed = signature is not None and certificate is not None
    if version is Version.V16 and not signed:
        return "UpdateFirmware", {"location": location, "retrieveDate": stamp(retrieve_at)}
    firmware: Payload = {"location": location, "retrieveDateTime": stamp(retrieve_at)}
    if signed:
        firmware |= {"signature": signature, "signingCertificate": certificate}
    action = "SignedUpdateFirmware" if version is Version.V16 else "UpdateFirmware"
    return action, {"requestId": number, "firmware": firmware}


def firmware_status(context: Context, payload: Payload) -> Outcome:
    """FirmwareStatusNotification, and SignedFirmwareStatusNotification of 1.6 (L01)."""
    word = payload["status"]
    context.station.file.firmware_state = word
    step = STEP_OF.get(word)
    if step is None:
        return Outcome({})
    return Outcome({}, _take(context, step, payload.get("requestId")))


def publish_status(context: Context, payload: Payload) -> Outcome:
    """PublishFirmwareStatusNotification: a local controller offers a firmware to others (L03)."""
    word = payload["status"]
    return Outcome({}, [_word_row(f"publish/{payload.get('requestId', 0)}", context, word)])


def update_answered(context: Context, token: object, payload: Payload) -> list[Row]:
    """The result of UpdateFirmware or SignedUpdateFirmware; 1.6's plain one has no status."""
    if payload.get("status") in _REFUSALS:
        return _take(context, Step.REFUSED, asked(token).get("requestId"))
    return []


def update_refused(context: Context, token: object, code: str, description: str) -> list[Row]:
    """The update got an error or no answer: the station counts as failed, for a person to see."""
    return _take(context, Step.FAILED, asked(token).get("requestId"))


def campaign_row(campaign: Campaign) -> Row:
    """A campaign as it stands."""
    return Row(
        "firmware_campaigns",
        {
            "id": campaign.id,
            "created_at": campaign.created_at,
            "location": campaign.location,
            "signature": campaign.signature,
            "certificate": campaign.certificate,
            "retrieve_at": campaign.retrieve_at,
            "status": campaign.status,
        },
    )


def update_row(campaign: str, station: str, step: str, at: datetime) -> Row:
    """How far one station of a campaign is."""
    values = {"campaign": campaign, "station": station, "status": step, "changed_at": at}
    return Row("firmware_updates", values)


def _take(context: Context, step: Step, number: int | None) -> list[Row]:
    station = context.station
    name, asked_as = station.file.firmware_order or (BY_HAND, number)
    if None not in (number, asked_as) and number != asked_as:
        name = BY_HAND
    campaign = context.registry.city.campaigns.get(name)
    if not isinstance(campaign, Campaign):
        return [update_row(BY_HAND, station.id, step, context.at)]
    before = campaign.status
    if not campaign.take(station.id, step):
        return []
    rows = [update_row(name, station.id, step, context.at)]
    return [*rows, campaign_row(campaign)] if campaign.status != before else rows


def _word_row(campaign: str, context: Context, word: str) -> Row:
    return update_row(campaign, context.station.id, word, context.at)


def _is_online(registry: Registry, name: str) -> bool:
    station: LiveStation | None = registry.stations.get(name)
    return station is not None and station.online and station.boot == "accepted"


HANDLERS: dict[tuple[Version, str], Handler] = {
    **{(version, "FirmwareStatusNotification"): firmware_status for version in ALL},
    (Version.V16, "SignedFirmwareStatusNotification"): firmware_status,
    **{(version, "PublishFirmwareStatusNotification"): publish_status for version in V2},
}
REPLIES: dict[str, Reply] = {
    "UpdateFirmware": update_answered,
    "SignedUpdateFirmware": update_answered,
}
REFUSALS: dict[str, Refused] = {
    "UpdateFirmware": update_refused,
    "SignedUpdateFirmware": update_refused,
}
