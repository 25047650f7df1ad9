"""A charging session as one table: state and event lead to the next state.

Two rules. What the table does not name is unlawful: it is told, and the state stays. Nothing leaves
ENDED. A station may skip states whose messages were lost, so a step over several is lawful; what
happened at the plug is the station's to say (OCPP 2.1 part 2, E; TransactionEvent.chargingState).
"""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where a session stands, from the first contact to its end."""

    PLUGGED = "plugged"  # vehicle at the plug, nobody known to pay
    READY = "ready"  # authorised, no energy yet
    CHARGING = "charging"
    VEHICLE_PAUSE = "vehicle_pause"  # the vehicle takes nothing
    STATION_PAUSE = "station_pause"  # the station offers nothing
    REFUSED = "refused"  # the token was refused: no energy may flow
    UNPLUGGED = "unplugged"  # cable out, the transaction not ended
    ENDED = "ended"


class Event(StrEnum):
    """What can happen to a session."""

    PLUG = "plug"
    AUTHORISE = "authorise"
    REFUSE = "refuse"
    CHARGE = "charge"
    PAUSE_BY_VEHICLE = "pause_by_vehicle"
    PAUSE_BY_STATION = "pause_by_station"
    UNPLUG = "unplug"
    END = "end"


S, E = State, Event
TABLE: dict[State, dict[Event, State]] = {
    S.PLUGGED: {
        E.PLUG: S.PLUGGED, E.AUTHORISE: S.READY, E.REFUSE: S.REFUSED, E.CHARGE: S.CHARGING,
        E.PAUSE_BY_VEHICLE: S.VEHICLE_PAUSE, E.PAUSE_BY_STATION: S.STATION_PAUSE,
        E.UNPLUG: S.UNPLUGGED, E.END: S.ENDED,
    },
    S.READY: {
        E.PLUG: S.READY, E.AUTHORISE: S.READY, E.REFUSE: S.REFUSED, E.CHARGE: S.CHARGING,
        E.PAUSE_BY_VEHICLE: S.VEHICLE_PAUSE, E.PAUSE_BY_STATION: S.STATION_PAUSE,
        E.UNPLUG: S.UNPLUGGED, E.END: S.ENDED,
    },
    S.CHARGING: {
        E.PLUG: S.READY, E.AUTHORISE: S.CHARGING, E.REFUSE: S.REFUSED, E.CHARGE: S.CHARGING,
        E.PAUSE_BY_VEHICLE: S.VEHICLE_PAUSE, E.PAUSE_BY_STATION: S.STATION_PAUSE,
        E.UNPLUG: S.UNPLUGGED, E.END: S.ENDED,
    },
    S.VEHICLE_PAUSE: {
        E.PLUG: S.READY, E.AUTHORISE: S.VEHICLE_PAUSE, E.REFUSE: S.REFUSED, E.CHARGE: S.CHARGING,
        E.PAUSE_BY_VEHICLE: S.VEHICLE_PAUSE, E.PAUSE_BY_STATION: S.STATION_PAUSE,
        E.UNPLUG: S.UNPLUGGED, E.END: S.ENDED,
    },
    S.STATION_PAUSE: {
        E.PLUG: S.READY, E.AUTHORISE: S.STATION_PAUSE, E.REFUSE: S.REFUSED, E.CHARGE: S.CHARGING,
        E.PAUSE_BY_VEHICLE: S.VEHICLE_PAUSE, E.PAUSE_BY_STATION: S.STATION_PAUSE,
        E.UNPLUG: S.UNPLUGGED, E.END: S.ENDED,
    },
    # A refused session may still show a plugged or paused vehicle; it may not charge. Another
    # token can be accepted in its place.
    S.REFUSED: {
        E.PLUG: S.REFUSED, E.AUTHORISE: S.READY, E.REFUSE: S.REFUSED,
        E.PAUSE_BY_VEHICLE: S.REFUSED, E.PAUSE_BY_STATION: S.REFUSED,
        E.UNPLUG: S.UNPLUGGED, E.END: S.ENDED,
    },
    # A token may be shown before the plug is in.
    S.UNPLUGGED: {
        E.PLUG: S.PLUGGED, E.AUTHORISE: S.UNPLUGGED, E.REFUSE: S.REFUSED, E.CHARGE: S.CHARGING,
        E.PAUSE_BY_VEHICLE: S.VEHICLE_PAUSE, E.PAUSE_BY_STATION: S.STATION_PAUSE,
        E.UNPLUG: S.UNPLUGGED, E.END: S.ENDED,
    },
    S.ENDED: {E.END: S.ENDED},
}  # fmt: skip


def step(state: State, event: Event) -> State | None:
    """The state after ``event``, or None when the table does not allow it."""
    return TABLE[state].get(event)
