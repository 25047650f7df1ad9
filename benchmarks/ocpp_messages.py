"""What one OCPP message costs to check and to take in: ours, `jsonschema`, the `ocpp` library.

    python benchmarks/ocpp_messages.py
    python benchmarks/ocpp_messages.py --json

Processor time in one process, without sockets, the ways taking turns; the quickest of several
rounds counts. "Check" is a decoded payload against its schema. "Take in" is the frame: decoding it,
checking it, and the bytes of a checked answer. The library's own way is its `unpack`, its renaming
of every field, and its check of call and answer, without the threads and the dispatch that its
server adds. Then every message of the three editions goes out and comes back by each way.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import jsonschema
import ocpp.messages as library
import orjson
from ocpp.charge_point import camel_to_snake_case, snake_to_camel_case

from ocpp_words import SUBPROTOCOL, measured
from zerocity.protocols.ocpp.actions import message_names, schema_name
from zerocity.protocols.ocpp.messages import SUBPROTOCOLS, check, read_message, write_message
from zerocity.protocols.ocpp.peer import Peer
from zerocity.protocols.ocpp.schemas import schema
from zerocity.protocols.ocpp.versions import Role, Version

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "protocols" / "ocpp"))
from specimens import EVERY_MESSAGE, specimen

ANSWERS: dict[str, dict[str, Any]] = {
    "Heartbeat": {"currentTime": "2026-11-22T08:00:00Z"},
    "MeterValues": {},
    "TransactionEvent": {},
    "BatterySwap": {},
}
ROUNDS = 7
QUICK_CALLS, SLOW_CALLS = 4000, 200
PEERS = 1000

Way = Callable[[], object]


def cost_us(way: Way, calls: int) -> float:
    """Processor time of one call [us]."""
    started_s = time.process_time()
    for _ in range(calls):
        way()
    return (time.process_time() - started_s) / calls * 1e6


def quickest(ways: dict[str, tuple[Way, int]]) -> dict[str, float]:
    """The least that each way cost, the ways taking turns."""
    least = dict.fromkeys(ways, float("inf"))
    for _ in range(ROUNDS):
        for name, (way, calls) in ways.items():
            least[name] = min(least[name], cost_us(way, calls))
    return least


def ways_of(action: str) -> tuple[int, dict[str, tuple[Way, int]]]:
    """The size of a frame, and how each way deals with it."""
    version = SUBPROTOCOLS[SUBPROTOCOL[action]]
    text = measured(action, "CP-0001", {})(7)
    payload = orjson.loads(text)
    source = schema(version, schema_name(version, action, "request"))
    judge = jsonschema.validators.validator_for(source)(source)
    frame = b'[2,"%036d","' + action.encode() + b'",' + text + b"]"
    numbers = iter(range(10**9))

    def take_in() -> None:
        peer.receive(frame % next(numbers), 0.0)
        peer.answer(next(iter(peer._open)), ANSWERS[action])
        peer.take()

    def library_take_in() -> None:
        called = library.unpack((frame % next(numbers)).decode())
        library._validate_payload(called, version.value)
        camel_to_snake_case(called.payload)
        answer = called.create_call_result(snake_to_camel_case(ANSWERS[action]))
        library._validate_payload(answer, version.value)
        answer.to_json()

    called = library.Call("1", action, payload)
    peer = Peer(version, Role.CSMS)
    return len(frame % 1), {
        "check": (lambda: check(version, action, "request", payload), QUICK_CALLS),
        "check_jsonschema": (lambda: judge.is_valid(payload), SLOW_CALLS),
        "check_library": (lambda: library._validate_payload(called, version.value), SLOW_CALLS),
        "take_in": (take_in, QUICK_CALLS),
        "take_in_library": (library_take_in, SLOW_CALLS),
    }


def survives(version: Version, name: str) -> tuple[bool, bool]:
    """Whether a full payload comes back by our types, and by the library's renaming."""
    action, kind = message_names(version)[name]
    payload = specimen(version, name, Random(11), 1.0)
    payload.pop("customData", None)
    ours = write_message(version, name, read_message(version, name, payload)) == payload
    # Vendors' own fields are theirs to spell.
    bare = _without_custom_data(payload)
    renamed = snake_to_camel_case(camel_to_snake_case(bare))
    return ours, renamed == bare and check(version, action, kind, renamed) is None


def _without_custom_data(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_custom_data(one) for one in value]
    if isinstance(value, dict):
        return {k: _without_custom_data(v) for k, v in value.items() if k != "customData"}
    return value


def memory_of_a_peer() -> float:
    """What one peer holds after a few answered calls [KiB]."""
    frame = b'[2,"%036d","MeterValues",' + measured("MeterValues", "CP-0001", {})(7) + b"]"
    tracemalloc.start()
    peers = [Peer(Version.V16, Role.CSMS) for _ in range(PEERS)]
    event: Any = None
    for peer in peers:
        for number in range(12):
            for event in peer.receive(frame % number, 0.0):
                peer.answer(event.id, {})
            peer.take()
    del event
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return held / PEERS / 1024


def measure() -> dict[str, Any]:
    """Every figure of the study."""
    messages = {}
    for action in SUBPROTOCOL:
        size, ways = ways_of(action)
        cost = quickest(ways)
        messages[f"{action} {SUBPROTOCOL[action].removeprefix('ocpp')}"] = {
            "bytes": size,
            "check_us": cost["check"],
            "jsonschema / check": cost["check_jsonschema"] / cost["check"],
            "library / check": cost["check_library"] / cost["check"],
            "take_in_us": cost["take_in"],
            "library / take_in": cost["take_in_library"] / cost["take_in"],
        }
    survivors = [survives(version, name) for version, name in EVERY_MESSAGE]
    return {
        "messages": messages,
        "changed_on_the_wire": {
            "of": len(survivors),
            "ours": sum(not ours for ours, _ in survivors),
            "library": sum(not theirs for _, theirs in survivors),
        },
        "peer_kib": memory_of_a_peer(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="The cost of OCPP messages.")
    parser.add_argument("--json", action="store_true", help="figures for another program")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    figures = measure()
    if options.json:
        print(json.dumps(figures))
        return
    for name, row in figures["messages"].items():
        print(name)
        for what, value in row.items():
            print(f"    {what:20} {value:10.1f}")
    changed = figures["changed_on_the_wire"]
    print(f"changed on the wire, of {changed['of']}: ours {changed['ours']}, "
          f"the library's renaming {changed['library']}")  # fmt: skip
    print(f"a peer holds {figures['peer_kib']:.1f} KiB")


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        main()
