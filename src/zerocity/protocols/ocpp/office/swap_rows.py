"""What a swap leaves in the store: the swap, its slots, the batteries' ledger, work orders."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from zerocity.live.registry import LiveStation, Slot
from zerocity.live.station_file import MOST_SWAPS, keep
from zerocity.passports.lifecycle import CUSTODY_MOVES, Stage
from zerocity.storage.recorder import Row
from zerocity.swapping.swap_session import Fault, Pack, State, Step, Swap

# Faults for which a person must act, and how much it matters.
WORK = {
    Fault.TIMEOUT: ("high", "a driver handed a battery in and got none"),
    Fault.UNREGISTERED: ("high", "a battery that is not in the city's register is in a slot"),
    Fault.NOT_AUTHORISED: ("high", "a battery moved without a valid token"),
    Fault.OTHER_TOKEN: ("medium", "the swap was asked for by another token"),
    Fault.OUT_OF_ORDER: ("low", "the station reported a step that the swap cannot take"),
}
# Custody is not life: these moves are lawful and change no stage (see passports.lifecycle).
HANDED_IN = (Stage.IN_SERVICE, Stage.SWAP_POOL)
HANDED_OUT = (Stage.SWAP_POOL, Stage.IN_SERVICE)
CUSTODY_EVENT = "custody_moved"


def swap_row(swap: Swap) -> Row:
    """A swap as it stands."""
    return Row(
        "swaps",
        {
            "id": swap.id,
            "station": swap.station,
            "request_id": swap.request_id,
            "token": swap.token,
            "status": swap.state.value,
            "authorised": swap.authorised,
            "started_at": swap.started_at,
            "ended_at": swap.ended_at,
            "packs_in": [pack.as_json() for pack in swap.packs_in],
            "packs_out": [pack.as_json() for pack in swap.packs_out],
            "fault": ",".join(swap.faults) or None,
        },
    )


def restore_swap(station: LiveStation, values: dict[str, Any]) -> Swap:
    """Take a row of ``swaps`` back into memory after a restart, so that later reports join it."""
    swap = Swap(
        id=values["id"],
        station=values["station"],
        request_id=values["request_id"],
        token=values["token"],
        started_at=values["started_at"],
        state=State(values["status"]),
        authorised=bool(values["authorised"]),
        ended_at=values["ended_at"],
        packs_in=tuple(Pack(**pack) for pack in values["packs_in"] or ()),
        packs_out=tuple(Pack(**pack) for pack in values["packs_out"] or ()),
        faults=tuple(Fault(name) for name in (values["fault"] or "").split(",") if name),
    )
    keep(station.file.swaps, swap.request_id, swap, MOST_SWAPS)
    return swap


def slot_row(station: str, slot: Slot) -> Row:
    """What stands in a slot; no serial number: it is empty, or nobody said."""
    return Row(
        "slots",
        {
            "station": station,
            "evse": slot.evse,
            "serial": slot.serial,
            "soc": slot.soc,
            "soh": slot.soh,
            "changed_at": slot.changed_at,
        },
    )


def work_rows(
    swap: Swap, faults: Iterable[Fault], packs: Iterable[Pack], at: datetime
) -> list[Row]:
    """A work order for each of the new ``faults`` of ``swap`` that a person must look at."""
    named = [pack.as_json() for pack in packs]
    return [
        Row(
            "work_orders",
            {
                "id": f"swap/{swap.id}/{fault.value}",
                "subject_kind": "swap",
                "subject": swap.id,
                "kind": f"swap_{fault.value}",
                "severity": WORK[fault][0],
                "reason": WORK[fault][1],
                "status": "open",
                "created_at": at,
                "evidence": {"station": swap.station, "packs": named},
            },
        )
        for fault in faults
        if fault in WORK
    ]


def ledger_rows(swap: Swap, step: Step, packs: Iterable[Pack], at: datetime) -> list[Row]:
    """A ledger event for each pack that changed hands; its key makes it happen once."""
    before, after = move_of = HANDED_IN if step is Step.BATTERY_IN else HANDED_OUT
    assert move_of in CUSTODY_MOVES
    return [
        Row(
            "ledger_events",
            {
                "key": f"{swap.id}/{step.value}/{pack.serial}",
                "battery": pack.serial,
                "at": at,
                "event": CUSTODY_EVENT,
                "data": {
                    "from": before.label,
                    "to": after.label,
                    "station": swap.station,
                    "swap": swap.id,
                    **pack.as_json(),
                },
            },
        )
        for pack in packs
    ]
