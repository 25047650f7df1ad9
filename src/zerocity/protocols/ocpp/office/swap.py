"""Battery swap, block S of OCPP 2.1: slots are EVSEs, and a swap joins by its request id.

A station's report cannot be refused, as the answer to BatterySwap has no status: what is wrong is
kept as the swap's fault and, where somebody must act, as a work order. Cabinets that speak 1.6 or
2.0.1 use DataTransfer in their vendor's own words; those are not understood here.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial

from zerocity.errors import InputError
from zerocity.live.registry import MOST_CONNECTORS, LiveStation, Registry, Slot
from zerocity.live.station_file import MOST_SWAPS, keep
from zerocity.live.tokens import Verdict
from zerocity.protocols.ocpp.messages import Version
from zerocity.protocols.ocpp.office.authorisation import verdict_on
from zerocity.protocols.ocpp.office.handling import (
    Context,
    Handler,
    Outcome,
    Payload,
    Refused,
    Reply,
)
from zerocity.protocols.ocpp.office.orders import Order, asked, say
from zerocity.protocols.ocpp.office.rows import message_row
from zerocity.protocols.ocpp.office.swap_rows import ledger_rows, slot_row, swap_row, work_rows
from zerocity.protocols.ocpp.steps import DISCONNECTED, TIMEOUT
from zerocity.storage.recorder import Row
from zerocity.swapping.swap_session import (
    Fault,
    Pack,
    Step,
    Swap,
    Taken,
    belongs,
    move,
    open_swap,
    opening_words,
    report,
)

STEP_OF = {
    "BatteryIn": Step.BATTERY_IN,
    "BatteryOut": Step.BATTERY_OUT,
    "BatteryOutTimeout": Step.OUT_TIMEOUT,
}
NO_BATTERY_REASON = "NoBatteryAvailable"


def begin_swap(
    registry: Registry, station: LiveStation, token: str, at: datetime, kind: str = "Central"
) -> tuple[Swap, Payload]:
    """A new swap in state ASKED, and the RequestBatterySwap to send for it (S02).

    Raises InputError when ``station`` is no swap station or ``token`` may not swap.
    """
    if station.kind != "swap":
        raise InputError(f"station {station.id}", station.kind, "a swap station")
    verdict = registry.verdict(token, at)
    if verdict is not Verdict.ACCEPTED:
        raise InputError("the token", verdict.value, "a token that is accepted")
    number = registry.city.next_request(at)
    swap = open_swap(station.id, number, token, at, f"ask:{at.isoformat()}")
    move(swap, Step.ASK, at)
    swap.authorised = True
    keep(station.file.swaps, number, swap, MOST_SWAPS)
    return swap, {"requestId": number, "idToken": {"idToken": token, "type": kind}}


def battery_swap(context: Context, payload: Payload) -> Outcome:
    """BatterySwap: batteries came in or went out, or the offered ones were not taken (S03)."""
    step = STEP_OF[payload["eventType"]]
    packs = [_pack(data) for data in payload["batteryData"]]
    token = payload["idToken"]["idToken"] or None
    swap = _swap_of(context, payload["requestId"], token, step, packs)
    before = swap.faults
    taken = report(swap, step, packs, context.message_id, context.at)
    rows = [message_row(context, "BatterySwap", payload)]
    if taken.resent:
        # Answered again only behind the commit of what it said the first time.
        return Outcome({}, [swap_row(swap), *rows])
    _judge_token(context, swap, token)
    strangers = _note_strangers(context, swap, packs)
    ours = [pack for pack in taken.moved if pack not in strangers]
    rows += [swap_row(swap), *_slot_rows(context, step, packs, taken)]
    rows += ledger_rows(swap, step, ours, context.at)
    new_faults = [fault for fault in swap.faults if fault not in before]
    rows += work_rows(swap, new_faults, packs, context.at)
    context.registry.changed(context.station.site)
    held = [pack.slot for pack in strangers if pack in taken.moved and step is Step.BATTERY_IN]
    return Outcome({}, rows, partial(_hold_slots, context, held) if held else None)


def swap_answered(context: Context, token: object, payload: Payload) -> list[Row]:
    """The result of RequestBatterySwap; no charged battery is Rejected with a reason (S02)."""
    swap = context.station.file.swaps.get(asked(token).get("requestId", -1))
    if swap is None:
        return []
    if payload["status"] == "Accepted":
        move(swap, Step.ACCEPTED, context.at)
        return [swap_row(swap)]
    reason = payload.get("statusInfo", {}).get("reasonCode", "")
    return _rejected(context, swap, reason == NO_BATTERY_REASON)


def swap_refused(context: Context, token: object, code: str, description: str) -> list[Row]:
    """RequestBatterySwap got an error. Silence decides nothing: the station may swap yet."""
    swap = context.station.file.swaps.get(asked(token).get("requestId", -1))
    if swap is None or code in (TIMEOUT, DISCONNECTED):
        return []
    return _rejected(context, swap, no_battery=False)


def hold_answered(context: Context, token: object, payload: Payload) -> list[Row]:
    """The result of ChangeAvailability: a slot to be held must not wait for its charging to end."""
    evse = asked(token).get("evse", {}).get("id", 0)
    if payload["status"] == "Scheduled" and evse in context.station.file.held:
        for order in held_orders(context.station):
            context.say(order.action, order.payload, order)
    return []


def held_orders(station: LiveStation) -> list[Order]:
    """What ends the charging of batteries that must not be handed out; a slot cannot rest before.

    Their transactions may become known only later, so ask again from time to time.
    """
    return [
        Order("RequestStopTransaction", {"transactionId": seat.session.transaction})
        for seat in station.connectors.values()
        if seat.evse in station.file.held and seat.session is not None
    ]


def _pack(data: Payload) -> Pack:
    return Pack(data["evseId"], data["serialNumber"], data["soC"] / 100.0, data["soH"] / 100.0)


def _swap_of(
    context: Context, number: int, token: str | None, step: Step, packs: list[Pack]
) -> Swap:
    swaps = context.station.file.swaps
    there = swaps.get(number)
    if there is not None and (context.message_id in there.heard or belongs(there, step, packs)):
        return there
    words = f"{opening_words(step, packs)}:{token}"
    swap = open_swap(context.station.id, number, token, context.at, words)
    keep(swaps, number, swap, MOST_SWAPS)
    return swap


def _judge_token(context: Context, swap: Swap, token: str | None) -> None:
    """A swap is authorised by our request, or by a token that is good at this moment (S01)."""
    same = token is not None and token.casefold() == (swap.token or "").casefold()
    if swap.authorised and same:
        return
    if swap.authorised:
        swap.fault(Fault.OTHER_TOKEN)
    elif token is not None and verdict_on(context, token) is Verdict.ACCEPTED:
        swap.authorised = True
    else:
        swap.fault(Fault.NOT_AUTHORISED)


def _note_strangers(context: Context, swap: Swap, packs: list[Pack]) -> list[Pack]:
    register = context.registry.city.packs
    strangers = [p for p in packs if register is not None and p.serial not in register]
    if strangers:
        swap.fault(Fault.UNREGISTERED)
    return strangers


def _slot_rows(context: Context, step: Step, packs: list[Pack], taken: Taken) -> list[Row]:
    """Move the packs in the registry: into their slots, or out of them."""
    rows = []
    for pack in packs if step is Step.OUT_TIMEOUT else taken.moved:
        slot = slot_of(context.station, pack.slot)
        if slot is None:
            continue
        slot.changed_at = context.at
        if step is not Step.BATTERY_OUT:
            slot.serial, slot.soc, slot.soh = pack.serial, pack.soc, pack.soh
        elif slot.serial in (None, pack.serial):
            slot.serial = slot.soc = slot.soh = None
            context.station.file.held.discard(slot.evse)
        rows.append(slot_row(context.station.id, slot))
    return rows


def slot_of(station: LiveStation, evse: int) -> Slot | None:
    """The slot of a swap station, made when it is new; None when there are too many."""
    if evse not in station.slots and (evse < 1 or len(station.slots) >= MOST_CONNECTORS):
        return None
    return station.slots.setdefault(evse, Slot(evse))


def _hold_slots(context: Context, slots: list[int]) -> None:
    """Keep a battery that nobody knows from being charged or handed out."""
    for evse in slots:
        if slot_of(context.station, evse) is None:
            continue
        context.station.file.held.add(evse)
        say(
            context,
            "ChangeAvailability",
            {"operationalStatus": "Inoperative", "evse": {"id": evse}},
        )


def _rejected(context: Context, swap: Swap, no_battery: bool) -> list[Row]:
    if move(swap, Step.REJECTED, context.at):
        swap.fault(Fault.NO_BATTERY if no_battery else Fault.REJECTED)
    context.registry.changed(context.station.site)
    return [swap_row(swap)]


HANDLERS: dict[tuple[Version, str], Handler] = {(Version.V21, "BatterySwap"): battery_swap}
REPLIES: dict[str, Reply] = {
    "RequestBatterySwap": swap_answered,
    "ChangeAvailability": hold_answered,
}
REFUSALS: dict[str, Refused] = {"RequestBatterySwap": swap_refused}
