"""What a fuzzer of OCPP frames feeds, and what must hold for every input.

An input is three bytes that set the scene (edition and role; which call of ours waits) and then
frames between separators. Whatever they are, a peer reports events and never raises; what it
passes on, the judge accepts too; what it says is a frame of the edition.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from itertools import product
from random import Random
from typing import Any

import msgspec
import orjson
from specimens import judge, judged, specimen, spoil

from zerocity.protocols.ocpp.actions import CALLED_BY, SENT_BY, message_names
from zerocity.protocols.ocpp.codes import CODES
from zerocity.protocols.ocpp.frames import CALL, CALLERROR, CALLRESULT, CALLRESULTERROR, SEND
from zerocity.protocols.ocpp.lanes import Lanes, lanes
from zerocity.protocols.ocpp.peer import Answered, Asked, Broke, Event, Peer, Refused, Told
from zerocity.protocols.ocpp.versions import Role, Version

SCENES = list(product(Version, Role))
SEPARATOR = b"\x1e"
OUR_ID = "n1"
MOST_FRAMES = 4  # of one input
LONGEST_INPUT = 200_000  # bytes: three times what a gateway lets in


@cache
def calls(version: Version, role: Role) -> list[str]:
    """The actions of ours that may wait for an answer."""
    return sorted(CALLED_BY[version, role])


@cache
def bare(version: Version, name: str) -> dict[str, Any]:
    return specimen(version, name, Random(0), 0.0)


@cache
def every_lane(version: Version) -> Lanes:
    """Lanes for all calls of stations whose types can say all that their schemas do."""
    found: dict[str, Any] = {}
    for action in CALLED_BY[version, Role.STATION]:
        with suppress(ValueError):
            found |= lanes(version, frozenset({action}))
    return found


@dataclass
class Tally:
    """What came of the inputs."""

    inputs: int = 0
    frames: int = 0
    events: Counter[str] = field(default_factory=Counter)
    crashes: list[tuple[str, bytes]] = field(default_factory=list)
    wrong_accepts: list[tuple[str, bytes]] = field(default_factory=list)
    stricter: Counter[str] = field(default_factory=Counter)
    slowest_s: float = 0.0
    longest: int = 0

    def run(self, data: bytes, *, also_refusals: bool = False) -> None:
        """Feed one input; nothing is raised, all is noted."""
        self.inputs += 1
        self.longest = max(self.longest, len(data))
        try:
            self._feed(data, also_refusals)
        except Exception as error:
            self.crashes.append((repr(error), data))

    def _feed(self, data: bytes, also_refusals: bool) -> None:
        version, role = SCENES[(data[0] if data else 0) % len(SCENES)]
        waiting = calls(version, role)
        action = waiting[int.from_bytes(data[1:3], "big") % len(waiting)]
        quick = every_lane(version) if role is Role.CSMS else None
        peer = Peer(version, role, next_id=lambda: OUR_ID, max_waiting=2, lanes=quick)
        peer.call(action, bare(version, f"{action}Request"), 0.0)
        peer.take()
        for frame in data[3:].split(SEPARATOR)[:MOST_FRAMES]:
            self.frames += 1
            started_s = time.process_time()
            events = peer.receive(frame, 0.0)
            said = peer.take()
            self.slowest_s = max(self.slowest_s, time.process_time() - started_s)
            assert len(events) <= 1
            for event in events:
                self._note(event, frame, version, action)
                if isinstance(event, Asked) and len(frame) % 2:
                    peer.refuse(event.id, "GenericError")
            check_answers([*said, *peer.take()], version)
            if also_refusals and events and isinstance(events[0], Broke):
                self._note_refusal(frame, version, events[0])

    def _note(self, event: Event, frame: bytes, version: Version, waiting: str) -> None:
        self.events[type(event).__name__] += 1
        match event:
            case Asked(action=action, payload=payload):
                assert msgspec.to_builtins(payload) == orjson.loads(frame)[3]
                name, place = f"{action}Request", 3
            case Told(action=action):
                name, place = action, 3
            case Answered():
                name, place = f"{waiting}Response", 2
            case Refused(code=code) | Broke(code=code):
                assert code in CODES[version] or orjson.loads(frame)[0] in (
                    CALLERROR,
                    CALLRESULTERROR,
                )
                return
        if not judged_part(version, name, frame, place):
            self.wrong_accepts.append((f"{version} {name}", frame))

    def _note_refusal(self, frame: bytes, version: Version, event: Broke) -> None:
        """Count calls that are refused though the judge would pass their payload."""
        try:
            parts = json.loads(frame)
        except (ValueError, RecursionError):
            return
        if not isinstance(parts, list) or len(parts) != 4:
            return
        kind, _, action, _ = parts
        name = f"{action}Request"
        if kind != CALL or name not in message_names(version) or event.code == "NotSupported":
            return
        if judged_part(version, name, frame, 3):
            self.stricter[event.description.split(": ", 1)[-1][:60]] += 1


def judged_part(version: Version, name: str, frame: bytes, place: int) -> bool:
    """What the judge says of the payload at this place of a frame."""
    try:
        payload = json.loads(frame)[place]
    except (ValueError, RecursionError, IndexError):
        return False
    return judged(version, name, json.dumps(payload).encode())


def check_answers(frames: list[bytes], version: Version) -> None:
    """Whatever came, what is said keeps the rules."""
    for frame in frames:
        kind, message_id, *rest = orjson.loads(frame)
        assert kind in (CALLERROR, CALLRESULTERROR)
        assert kind == CALLERROR or version is Version.V21
        assert 0 < len(message_id) <= 36
        code, description, details = rest
        assert code in CODES[version]
        assert len(description) <= 255
        assert details == {}


# Inputs


def make_input(rng: Random) -> bytes:
    """One input: mostly frames that are nearly lawful, some with their bytes bent."""
    scene = rng.randrange(len(SCENES))
    version, role = SCENES[scene]
    waiting = rng.randrange(len(calls(version, role)))
    frames = [_frame(version, role, calls(version, role)[waiting], rng)]
    while rng.random() < 0.15:
        frames.append(rng.choice([frames[-1], _frame(version, role, "Reset", rng)]))
    if rng.random() < 0.3:
        frames = [bend_bytes(frame, rng) for frame in frames]
    made = bytes([scene]) + waiting.to_bytes(2, "big") + SEPARATOR.join(frames)
    return made[:LONGEST_INPUT]


def _frame(version: Version, role: Role, waiting: str, rng: Random) -> bytes:
    theirs = sorted(CALLED_BY[version, role.other])
    kind = rng.choice([CALL] * 6 + [CALLRESULT] * 3 + [CALLERROR, CALLRESULTERROR, SEND, 7])
    message_id: Any = rng.choice(["a"] * 8 + ["b", OUR_ID, "", "i" * 37, 5])
    if kind == CALLRESULT:
        name = f"{waiting}Response"
        known = name in message_names(version)
        payload = _payload(version, name if known else "ResetResponse", rng)
        return _dump([kind, rng.choice([OUR_ID, OUR_ID, message_id]), payload])
    if kind in (CALLERROR, CALLRESULTERROR):
        code = rng.choice([*sorted(CODES[version]), "Nope", None, 5])
        return _dump([kind, rng.choice([OUR_ID, message_id]), code, "d" * rng.choice([0, 9, 300]),
                      rng.choice([{}, {"a": 1}, None])])  # fmt: skip
    sent = sorted(SENT_BY[version, role.other])
    action = rng.choice(sent) if kind == SEND and sent else rng.choice(theirs)
    name = action if action in sent else f"{action}Request"
    return _dump([kind, message_id, action, _payload(version, name, rng)])


def _payload(version: Version, name: str, rng: Random) -> Any:
    payload = specimen(version, name, rng, rng.choice([0.0, 0.3, 0.8]))
    return spoil(payload, rng, rng.choice([0, 0, 0, 1, 1, 2]))


def _dump(parts: list[Any]) -> bytes:
    # Not orjson: what it cannot write must be tried as well.
    return json.dumps(parts, ensure_ascii=False, separators=(",", ":")).encode(
        "utf-8", "surrogatepass"
    )


TOKENS = [
    b"{", b"}", b"[", b"]", b",", b":", b'"', b"null", b"true", b"1e999", b"-0", b"1.0", b"NaN",
    b"\\u0000", b"\\ud800", b"\xff", b"\xef\xbb\xbf", b"\x00", b"9" * 30, b"0.1", b'{"a":' * 70,
    b"[" * 70, b'"customData":{"vendorId":"v"},', b'"idTag":"x",', b"\\", b"//", b"'", b"\xe2\x80",
]  # fmt: skip


def bend_bytes(data: bytes, rng: Random) -> bytes:
    """Flip, drop, double and put in bytes."""
    bent = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 5])):
        at = rng.randrange(len(bent) + 1)
        end = min(len(bent), at + rng.choice([1, 2, 8, 40]))
        match rng.randrange(5):
            case 0:
                bent[at:end] = bytes(byte ^ (1 << rng.randrange(8)) for byte in bent[at:end])
            case 1:
                del bent[at:end]
            case 2:
                bent[at:at] = bent[at:end]
            case 3:
                bent[at:at] = rng.choice(TOKENS)
            case _:
                bent[at:end] = rng.choice(TOKENS)
    return bytes(bent)


def spoil_input(data: bytes, rng: Random) -> bytes:
    """Change the payload of an input's first frame as JSON; as it is if that is no JSON."""
    first, *others = data[3:].split(SEPARATOR)
    try:
        parts = json.loads(first)
    except (ValueError, RecursionError):
        return data
    if not isinstance(parts, list) or not parts or not isinstance(parts[-1], dict):
        return data
    parts[-1] = spoil(parts[-1], rng)
    return data[:3] + SEPARATOR.join([_dump(parts), *others])


def warm_up() -> None:
    """Compile every schema on both sides, so that timings show inputs alone."""
    for version in Version:
        for name in message_names(version):
            judge(version, name)
            bare(version, name)
