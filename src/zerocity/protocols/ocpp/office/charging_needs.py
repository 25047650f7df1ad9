"""What a vehicle needs, by when, and what it can give back (OCPP 2.0.1 K15-K17; 2.1 K15-K20, Q).

Energies come in Wh and powers in W; the session holds kWh and kW.
"""

from __future__ import annotations

import math
from typing import Any

from zerocity.live.registry import Registry
from zerocity.live.sessions import LiveSession
from zerocity.live.station_file import MOST_LIMITS, V2xRoom, keep
from zerocity.protocols.ocpp.messages import Version
from zerocity.protocols.ocpp.office.handling import Context, Handler, Outcome, Payload
from zerocity.protocols.ocpp.office.orders import V2
from zerocity.protocols.ocpp.office.rows import message_row
from zerocity.protocols.ocpp.office.smart_charging import evse_of, rate_kw
from zerocity.protocols.ocpp.wire_words import moment, status_info

# A vehicle's own schedule may exceed its limit by a rounding of this share; an assumption.
TOLERANCE = 0.01
# Above this an AC voltage is meant between phases: no grid has so much to neutral.
PHASE_TO_PHASE_V = 300.0
PHASES = {"AC_single_phase": 1, "AC_two_phase": 2, "AC_three_phase": 3}
# What priority charging lifts a session to: the highest of OCPP 2.x chargingPriority (-9 to 9).
FIRST_PRIORITY = 9


def charging_needs(context: Context, payload: Payload) -> Outcome:
    """NotifyEVChargingNeeds: energy, departure, power, and room to give back, into the session.

    Accepted when a session is at the EVSE, as a limit follows at the next decision.
    """
    evse, needs = payload["evseId"], payload["chargingNeeds"]
    session = session_at(context, evse)
    name = session.id if session is not None else None
    rows = [message_row(context, "NotifyEVChargingNeeds", payload, name)]
    if session is None:
        info = status_info("NoTransaction", f"no session is known at EVSE {evse}")
        return Outcome({"status": "Rejected", "statusInfo": info}, rows)
    session.depart_at = moment(needs.get("departureTime")) or session.depart_at
    _take_dc(session, needs.get("dcChargingParameters"))
    _take_ac(session, needs.get("acChargingParameters"), needs["requestedEnergyTransfer"])
    room = v2x_room(session.id, needs)
    if room is not None:
        keep(context.station.file.v2x, evse, room, MOST_LIMITS)
        session.limit_kw = min(session.limit_kw, room.max_charge_kw or math.inf)
        target = _kwh(needs["v2xChargingParameters"], "evTargetEnergyRequest")
        session.need_kwh = session.need_kwh if target is None else max(target, 0.0)
    context.registry.changed(context.station.site)
    return Outcome({"status": "Accepted"}, rows)


def charging_schedule(context: Context, payload: Payload) -> Outcome:
    """NotifyEVChargingSchedule: what the vehicle means to do; refused above its limit (K16)."""
    session = session_at(context, payload["evseId"])
    rows = [message_row(context, "NotifyEVChargingSchedule", payload)]
    schedule = payload["chargingSchedule"]
    limits = [p.get("limit", 0.0) for p in schedule["chargingSchedulePeriod"]]
    most_kw = rate_kw(max(limits), schedule["chargingRateUnit"])
    granted = None if session is None else session.granted_kw
    if granted is None or most_kw <= granted * (1.0 + TOLERANCE):
        return Outcome({"status": "Accepted"}, rows)
    # The next decision sends a limit again, which begins a new agreement with the vehicle.
    context.registry.changed(context.station.site)
    info = status_info("LimitExceeded", f"{most_kw:.1f} kW asked, {granted:.1f} kW granted")
    return Outcome({"status": "Rejected", "statusInfo": info}, rows)


def priority_charging(context: Context, payload: Payload) -> Outcome:
    """NotifyPriorityCharging: the driver asked, at the station, to be served first (2.1 K22)."""
    session = session_named(context, payload["transactionId"])
    if session is not None:
        set_priority(context.registry, session, payload["activated"])
        context.registry.changed(context.station.site)
    return Outcome({}, [message_row(context, "NotifyPriorityCharging", payload)])


def pull_schedule(context: Context, payload: Payload) -> Outcome:
    """PullDynamicScheduleUpdate: the station asks for its limit of this moment (2.1 K28)."""
    session = session_at(context, evse_of(payload["chargingProfileId"]))
    if session is None or session.granted_kw is None:
        info = status_info("NoLimit", "no limit is in force for this profile")
        return Outcome({"status": "Rejected", "statusInfo": info})
    watts = math.trunc(session.granted_kw * 1000.0)
    name = "limit" if watts >= 0 else "setpoint"
    return Outcome({"status": "Accepted", "scheduleUpdate": {name: watts}})


def set_priority(registry: Registry, session: LiveSession, activated: bool) -> None:
    """Serve a session first, or again as its token says."""
    token = registry.token(session.token)
    usual = token.priority if token is not None else 0
    session.priority = FIRST_PRIORITY if activated else usual


def session_at(context: Context, evse: int) -> LiveSession | None:
    """The open session at an EVSE of this station."""
    for seat in context.station.connectors.values():
        if seat.evse == evse and seat.session is not None:
            return seat.session
    return None


def session_named(context: Context, transaction: str) -> LiveSession | None:
    """The open session that the station calls ``transaction``."""
    for seat in context.station.connectors.values():
        if seat.session is not None and seat.session.transaction == transaction:
            return seat.session
    return None


def v2x_room(session: str, needs: Payload) -> V2xRoom | None:
    """What a vehicle can give back; None when it named no V2X parameters."""
    said = needs.get("v2xChargingParameters")
    if said is None:
        return None
    target = said.get("targetSoC")
    return V2xRoom(
        session=session,
        max_discharge_kw=_power_kw(said, "maxDischargePower"),
        min_discharge_kw=_power_kw(said, "minDischargePower"),
        max_charge_kw=_power_kw(said, "maxChargePower"),
        min_energy_kwh=_kwh(said, "evMinEnergyRequest"),
        max_energy_kwh=_kwh(said, "evMaxEnergyRequest"),
        min_v2x_energy_kwh=_kwh(said, "evMinV2XEnergyRequest"),
        max_v2x_energy_kwh=_kwh(said, "evMaxV2XEnergyRequest"),
        target_soc=None if target is None else target / 100.0,
        transfer=needs["requestedEnergyTransfer"],
        control=needs.get("controlMode", ""),
    )


def _take_dc(session: LiveSession, said: dict[str, Any] | None) -> None:
    if said is None:
        return
    watts = said.get("evMaxPower", said["evMaxCurrent"] * said["evMaxVoltage"])
    if watts > 0:
        session.limit_kw = min(session.limit_kw, watts / 1000.0)
    capacity, soc = said.get("evEnergyCapacity"), said.get("stateOfCharge")
    if capacity:
        session.capacity_kwh = capacity / 1000.0
    if soc is not None:
        session.soc = soc / 100.0
    full = said.get("fullSoC", 100)
    if "energyAmount" in said:
        session.need_kwh = max(said["energyAmount"] / 1000.0, 0.0)
    elif capacity and soc is not None:
        session.need_kwh = max(full - soc, 0) / 100.0 * capacity / 1000.0


def _take_ac(session: LiveSession, said: dict[str, Any] | None, transfer: str) -> None:
    if said is None:
        return
    session.need_kwh = max(said["energyAmount"] / 1000.0, 0.0)
    volts, amps = said["evMaxVoltage"], said["evMaxCurrent"]
    if volts > PHASE_TO_PHASE_V:
        volts /= math.sqrt(3.0)
    kw = volts * amps * PHASES.get(transfer, 3) / 1000.0
    if kw > 0.0:
        session.limit_kw = min(session.limit_kw, kw)


def _power_kw(said: dict[str, Any], name: str) -> float | None:
    """The sum over the phases that are named, as a magnitude [kW]."""
    phases = [said[key] for key in (name, f"{name}_L2", f"{name}_L3") if key in said]
    return abs(sum(phases)) / 1000.0 if phases else None


def _kwh(said: dict[str, Any], name: str) -> float | None:
    return said[name] / 1000.0 if name in said else None


HANDLERS: dict[tuple[Version, str], Handler] = {
    **{(version, "NotifyEVChargingNeeds"): charging_needs for version in V2},
    **{(version, "NotifyEVChargingSchedule"): charging_schedule for version in V2},
    (Version.V21, "NotifyPriorityCharging"): priority_charging,
    (Version.V21, "PullDynamicScheduleUpdate"): pull_schedule,
}
