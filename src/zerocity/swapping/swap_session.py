"""A swap at a station: the lawful steps in one table, and what each step moves.

Two rules. A message that is not a step from where the swap stands changes nothing and is kept as a
fault, because a station's report cannot be refused (OCPP 2.1 part 2 block S: the answer to
BatterySwap has no status). And a pack moves once: the same report again, under whatever message
id, moves nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """Where a swap stands."""

    NEW = "new"
    ASKED = "asked"
    AWAITED = "awaited"
    PACK_IN = "pack_in"
    PACK_OUT = "pack_out"
    DONE = "done"
    REFUSED = "refused"
    TIMED_OUT = "timed_out"


class Step(StrEnum):
    """What can happen to a swap."""

    ASK = "ask"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    BATTERY_IN = "battery_in"
    BATTERY_OUT = "battery_out"
    OUT_TIMEOUT = "out_timeout"


class Fault(StrEnum):
    """What can be wrong with a swap; a swap may have several."""

    NO_BATTERY = "no_battery"
    REJECTED = "rejected"
    TIMEOUT = "timeout"
    UNREGISTERED = "unregistered_battery"
    DUPLICATE = "duplicate"
    NOT_AUTHORISED = "not_authorised"
    OTHER_TOKEN = "other_token"
    OUT_OF_ORDER = "out_of_order"


S, E = State, Step
STEPS: dict[tuple[State, Step], State] = {
    (S.NEW, E.ASK): S.ASKED,
    (S.ASKED, E.ACCEPTED): S.AWAITED,
    (S.ASKED, E.REJECTED): S.REFUSED,
    # Begun at the station; or the report overtook the answer to our request.
    **{(s, E.BATTERY_IN): S.PACK_IN for s in (S.NEW, S.ASKED, S.AWAITED)},
    **{(s, E.BATTERY_OUT): S.PACK_OUT for s in (S.NEW, S.ASKED, S.AWAITED)},
    **{(s, E.OUT_TIMEOUT): S.TIMED_OUT for s in (S.NEW, S.ASKED, S.AWAITED, S.PACK_IN)},
    # A vehicle with several packs may hand them over one by one.
    (S.PACK_IN, E.BATTERY_IN): S.PACK_IN,
    (S.PACK_OUT, E.BATTERY_OUT): S.PACK_OUT,
    (S.PACK_IN, E.BATTERY_OUT): S.DONE,
    (S.PACK_OUT, E.BATTERY_IN): S.DONE,
    # The driver came back after all.
    (S.TIMED_OUT, E.BATTERY_OUT): S.DONE,
    # The answer to our request, late.
    **{(s, E.ACCEPTED): s for s in (S.PACK_IN, S.PACK_OUT, S.DONE, S.TIMED_OUT)},
}
ENDED = frozenset({State.DONE, State.REFUSED, State.TIMED_OUT})
# Message ids kept to know a resend from a second report; an assumption, a swap has two or three.
MOST_MESSAGES = 16


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack as a station reports it: its slot, and state of charge and of health, 0 to 1."""

    slot: int
    serial: str
    soc: float
    soh: float

    def as_json(self) -> dict[str, Any]:
        """The pack as a row's JSON."""
        return {"slot": self.slot, "serial": self.serial, "soc": self.soc, "soh": self.soh}


@dataclass(slots=True)
class Swap:
    """One swap: who, where, which packs came in and went out, and what was wrong."""

    id: str
    station: str
    request_id: int
    token: str | None
    started_at: datetime
    state: State = State.NEW
    authorised: bool = False
    ended_at: datetime | None = None
    packs_in: tuple[Pack, ...] = ()
    packs_out: tuple[Pack, ...] = ()
    faults: tuple[Fault, ...] = ()
    heard: list[str] = field(default_factory=list)

    @property
    def ended(self) -> bool:
        """True when nothing more is expected."""
        return self.state in ENDED

    def fault(self, which: Fault) -> None:
        """Note a fault, once."""
        if which not in self.faults:
            self.faults = (*self.faults, which)


@dataclass(frozen=True, slots=True)
class Taken:
    """What a report did: which packs changed hands, and whether it was heard before."""

    moved: tuple[Pack, ...] = ()
    resent: bool = False
    lawful: bool = True


def open_swap(station: str, request_id: int, token: str | None, at: datetime, opening: str) -> Swap:
    """A swap that begins at ``at``; ``opening`` (what began it) makes the id the same at a resend.

    Request ids alone are not enough: a station that reboots may count from 1 again.
    """
    digest = hashlib.blake2b(opening.encode(), digest_size=6).hexdigest()
    return Swap(f"{station}/{request_id}/{digest}", station, request_id, token, at)


def opening_words(step: Step, packs: Iterable[Pack]) -> str:
    """What began a swap at the station, for `open_swap`."""
    return f"{step}:" + ",".join(sorted(pack.serial for pack in packs))


def move(swap: Swap, step: Step, at: datetime) -> bool:
    """Take a step that moves no pack; False, with a fault noted, when the table has none."""
    after = STEPS.get((swap.state, step))
    if after is None:
        swap.fault(Fault.OUT_OF_ORDER)
        return False
    swap.state = after
    swap.ended_at = (swap.ended_at or at) if swap.ended else None
    return True


def report(swap: Swap, step: Step, packs: Sequence[Pack], message_id: str, at: datetime) -> Taken:
    """Take a station's report (BATTERY_IN, BATTERY_OUT or OUT_TIMEOUT) into ``swap``.

    The packs of an OUT_TIMEOUT are those that were offered and not taken: they do not move.
    """
    if message_id in swap.heard:
        return Taken(resent=True)
    swap.heard.append(message_id)
    del swap.heard[:-MOST_MESSAGES]
    if is_known(swap, step, packs):
        swap.fault(Fault.DUPLICATE)
        return Taken()
    if not move(swap, step, at):
        return Taken(lawful=False)
    if step is Step.OUT_TIMEOUT:
        swap.fault(Fault.TIMEOUT)
        return Taken()
    here = swap.packs_in if step is Step.BATTERY_IN else swap.packs_out
    serials = {pack.serial for pack in here}
    moved = tuple(pack for pack in packs if pack.serial not in serials)
    if step is Step.BATTERY_IN:
        swap.packs_in = (*swap.packs_in, *moved)
    else:
        swap.packs_out = (*swap.packs_out, *moved)
    return Taken(moved)


def is_known(swap: Swap, step: Step, packs: Sequence[Pack]) -> bool:
    """True when ``swap`` has heard this already: every pack named has moved that way."""
    if step is Step.OUT_TIMEOUT:
        return swap.state is State.TIMED_OUT
    here = swap.packs_in if step is Step.BATTERY_IN else swap.packs_out
    return bool(packs) and {p.serial for p in packs} <= {p.serial for p in here}


def belongs(swap: Swap, step: Step, packs: Sequence[Pack]) -> bool:
    """True when a report with the swap's request id is about this swap and not a later one.

    A late or repeated report belongs; a fresh one after the end means that the id is used again.
    """
    return not swap.ended or is_known(swap, step, packs) or (swap.state, step) in STEPS


def mermaid() -> str:
    """The table as a mermaid state diagram, for the handbook."""
    lines = ["stateDiagram-v2"]
    for (state, step), after in STEPS.items():
        start = "[*]" if state is State.NEW else state.value
        lines.append(f"    {start} --> {after.value}: {step.value}")
    lines += [f"    {state.value} --> [*]" for state in State if state in ENDED]
    return "\n".join(lines) + "\n"
