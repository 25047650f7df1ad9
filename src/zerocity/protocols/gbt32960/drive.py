"""A small drive model, so that simulated vehicles report what hangs together.

Each vehicle drives, stops, charges and parks. Power at the battery follows the forces of
``zerocity.fleets.traction``; voltage and current follow ``zerocity.batteries.circuit``. It exists
for demonstrations and load tests: the twin has its own, better physics and feeds its own readings.
All vehicles move as arrays of shape (n,), seeded: the same seed and steps give the same readings.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from zerocity.batteries.chemistries import CHEMISTRIES
from zerocity.batteries.circuit import internal_power_kw
from zerocity.errors import InputError
from zerocity.fleets.traction import GRAVITY_M_S2
from zerocity.fleets.vehicle import REFERENCE_VEHICLES
from zerocity.protocols.gbt32960.reading import Reading

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

PARKED, DRIVING, CHARGING = 0, 1, 2
# Open-circuit voltage of an LFP cell over its charge [V]: the usual flat shape, an assumption.
OCV_SOC = (0.0, 0.05, 0.1, 0.2, 0.4, 0.6, 0.7, 0.9, 0.97, 1.0)
OCV_V = (2.85, 3.12, 3.20, 3.25, 3.285, 3.30, 3.33, 3.335, 3.345, 3.42)
# Air at 1,500 m and 15 degC [kg/m3], an assumption for an inland city.
AIR_KG_M3 = 1.03
# Where it charges, parks and what it does between stops: assumptions.
CHARGE_BELOW, CHARGE_TO = 0.25, 0.90
CHARGE_SHARE_PER_H = 0.5
PARK_S = (120.0, 1200.0)
CRUISE_S = (20.0, 90.0)
STOP_S = (5.0, 40.0)
STOP_SHARE = 0.3
ROAM_DEG = 0.12
DEG_PER_M = 1.0 / 111_320.0
AMBIENT_C = 15.0
# The pack's heat leaves it with this time constant [s], an assumption.
COOLING_S = 4.0 * 3600.0
SOC_LOW = 0.15
# Friction brakes take what the motor cannot [Nm], an assumption.
MOST_NM = 1500.0


@dataclass(frozen=True)
class Design:
    """One type: its physics by name in ``REFERENCE_VEHICLES``, its pack and its usual speed.

    cells : in series. loss_per_kw : k of ``batteries.circuit`` [1/kW]. All assumptions.
    """

    vehicle: str
    capacity_kwh: float
    cells: int
    probes: int
    speed_kmh: float
    loss_per_kw: float
    wheel_m: float
    ratio: float


DESIGNS: dict[str, Design] = {
    "taxi": Design("taxi", 60.0, 112, 16, 32.0, 4.5e-4, 0.33, 9.0),
    "bus": Design("bus_12m", 282.0, 176, 32, 22.0, 1.0e-4, 0.48, 12.0),
    "truck": Design("tractor_49t", 282.0, 192, 32, 45.0, 1.0e-4, 0.50, 18.0),
}

# What goes wrong in a simulated vehicle: bit of table 18 (2016) or 24 (2025), level.
_TROUBLES = ((1, 2), (10, 1), (11, 3), (23, 4))
SOC_LOW_BIT = 4
HOT_BIT, UNEVEN_BIT, INSULATION_BIT, THERMAL_BIT = 1, 10, 11, 23


class FleetDrive:
    """``count`` vehicles that begin at ``at`` (UTC).

    Parameters
    ----------
    centre : longitude and latitude about which they roam [degrees].
    alarm_share : share of the vehicles that have one alarm, some time within ``alarm_within_s``.
    kinds : names of ``DESIGNS``, dealt out in turn.
    """

    def __init__(
        self,
        count: int,
        at: datetime,
        *,
        seed: int = 1,
        centre: tuple[float, float] = (103.83, 36.06),
        alarm_share: float = 0.0,
        alarm_within_s: float = 600.0,
        kinds: tuple[str, ...] = ("taxi", "bus", "truck"),
    ) -> None:
        if count < 1 or not 0.0 <= alarm_share <= 1.0:
            raise InputError("vehicles", f"{count}, {alarm_share}", "1 or more, a share of 0 to 1")
        self.at, self.passed_s, self._centre = at, 0.0, centre
        self._rng = rng = np.random.default_rng(seed)
        self.designs = [DESIGNS[kinds[row % len(kinds)]] for row in range(count)]
        self._physics()
        self.soc = rng.uniform(0.3, 0.95, count)
        self.odometer_km = rng.uniform(500.0, 250_000.0, count)
        self.speed_m_s = np.zeros(count)
        self._target_m_s = np.zeros(count)
        self._left_s = np.zeros(count)
        self.phase: Ints = rng.choice(
            np.array([PARKED, DRIVING, CHARGING]), count, p=[0.1, 0.8, 0.1]
        )
        self._phase_left_s = rng.uniform(*PARK_S, count)
        self._heading = rng.uniform(0.0, 2 * np.pi, count)
        self.longitude = centre[0] + rng.uniform(-ROAM_DEG, ROAM_DEG, count)
        self.latitude = centre[1] + rng.uniform(-ROAM_DEG, ROAM_DEG, count)
        self.temperature_c = np.full(count, AMBIENT_C + 8.0)
        self.power_kw = np.zeros(count)
        self._wheel_w = np.zeros(count)
        self._uneven_v = [rng.normal(0.0, 0.004, design.cells) for design in self.designs]
        self._warm_c = [rng.uniform(-2.0, 2.0, design.probes) for design in self.designs]
        self._troubles(count, alarm_share, alarm_within_s)

    def __len__(self) -> int:
        return len(self.designs)

    def _physics(self) -> None:
        types = [REFERENCE_VEHICLES[design.vehicle] for design in self.designs]
        self._mass = np.array([one.total_kg for one in types])
        self._drag = np.array([0.5 * AIR_KG_M3 * one.cd_a_m2 for one in types])
        self._rolling = np.array([one.rolling for one in types])
        self._eta = np.array([one.eta_drive for one in types])
        self._back = np.array([one.eta_regen * one.regen_share for one in types])
        self._motor_w = np.array([1000.0 * one.motor_kw for one in types])
        self._aux_kw = np.array([one.base_aux_kw for one in types])
        self._acceleration = np.array([one.acceleration_m_s2 for one in types])
        self._usual_m_s = np.array([design.speed_kmh / 3.6 for design in self.designs])
        self.capacity_kwh = np.array([design.capacity_kwh for design in self.designs])
        self._cells = np.array([design.cells for design in self.designs])
        self._loss = np.array([design.loss_per_kw for design in self.designs])
        lfp = CHEMISTRIES["lfp"]
        self._heat_kwh_per_k = (
            self.capacity_kwh * lfp.pack_kg_per_kwh * lfp.heat_capacity_j_per_kg_k / 3.6e6
        )

    def _troubles(self, count: int, share: float, within_s: float) -> None:
        rng = self._rng
        ill = rng.random(count) < share
        self._trouble = np.where(ill, rng.integers(0, len(_TROUBLES), count), -1)
        self._trouble_from_s = rng.uniform(0.0, within_s, count)
        self._trouble_to_s = self._trouble_from_s + rng.uniform(40.0, 180.0, count)

    def step(self, seconds: float) -> None:
        """Let ``seconds`` pass for all vehicles, in steps of at most a second."""
        left = seconds
        while left > 1e-9:
            part = min(left, 1.0)
            self._move(part)
            left -= part
        self.at += timedelta(seconds=seconds)
        self.passed_s += seconds

    def _move(self, dt: float) -> None:
        self._turn_phases(dt)
        self._choose_speeds(dt)
        before = self.speed_m_s
        change = np.clip(self._target_m_s - before, -1.5 * dt, self._acceleration * dt)
        self.speed_m_s = speed = np.maximum(before + change, 0.0)
        self._draw_power((speed - before) / dt, speed)
        inside_kw = internal_power_kw(self.power_kw, self._loss)
        self.soc = np.clip(self.soc + inside_kw * dt / 3600.0 / self.capacity_kwh, 0.0, 1.0)
        heat_kw = self.power_kw - inside_kw
        self.temperature_c = (
            self.temperature_c
            + heat_kw * dt / 3600.0 / self._heat_kwh_per_k
            - (self.temperature_c - AMBIENT_C) * dt / COOLING_S
        )
        self._go(speed * dt)

    def _turn_phases(self, dt: float) -> None:
        self._phase_left_s -= dt
        driving = self.phase == DRIVING
        empty = driving & (self.soc < CHARGE_BELOW) & (self.speed_m_s < 0.1)
        full = (self.phase == CHARGING) & (self.soc >= CHARGE_TO)
        leaves = (self.phase == PARKED) & (self._phase_left_s <= 0.0)
        self.phase = np.where(
            empty, CHARGING, np.where(full, PARKED, np.where(leaves, DRIVING, self.phase))
        )
        self._phase_left_s = np.where(
            full, self._rng.uniform(*PARK_S, len(self)), self._phase_left_s
        )

    def _choose_speeds(self, dt: float) -> None:
        rng, count = self._rng, len(self)
        self._left_s -= dt
        due = self._left_s <= 0.0
        stops = (rng.random(count) < STOP_SHARE) | (self.soc < CHARGE_BELOW)
        cruise = self._usual_m_s * rng.uniform(0.7, 1.6, count)
        stay_s = np.where(stops, rng.uniform(*STOP_S, count), rng.uniform(*CRUISE_S, count))
        self._target_m_s = np.where(due, np.where(stops, 0.0, cruise), self._target_m_s)
        self._target_m_s = np.where(self.phase == DRIVING, self._target_m_s, 0.0)
        self._left_s = np.where(due, stay_s, self._left_s)
        self._heading = np.where(due, self._heading + rng.normal(0.0, 0.6, count), self._heading)

    def _draw_power(self, acceleration: Floats, speed: Floats) -> None:
        """Set the power into each battery [kW] from the forces at the wheels."""
        force = self._mass * (1.05 * acceleration + GRAVITY_M_S2 * self._rolling * (speed > 0))
        wheel_w = np.clip((force + self._drag * speed**2) * speed, -self._motor_w, self._motor_w)
        self._wheel_w = wheel_w
        drive_kw = np.where(wheel_w > 0, wheel_w / self._eta, wheel_w * self._back) / 1000.0
        used_kw = drive_kw + np.where(self.phase == DRIVING, self._aux_kw, 0.02)
        charge_kw = CHARGE_SHARE_PER_H * self.capacity_kwh
        self.power_kw = np.where(self.phase == CHARGING, charge_kw, -used_kw)

    def _go(self, metres: Floats) -> None:
        self.odometer_km = self.odometer_km + metres / 1000.0
        east, north = self._centre
        longitude = self.longitude + metres * np.sin(self._heading) * DEG_PER_M / np.cos(
            np.radians(north)
        )
        latitude = self.latitude + metres * np.cos(self._heading) * DEG_PER_M
        self.longitude = np.clip(longitude, east - ROAM_DEG, east + ROAM_DEG)
        self.latitude = np.clip(latitude, north - ROAM_DEG, north + ROAM_DEG)
        lost = (self.longitude != longitude) | (self.latitude != latitude)
        self._heading = np.where(lost, self._heading + np.pi * 0.7, self._heading)

    def alarms(self, row: int) -> dict[int, int]:
        """Bit -> level of the alarms that hold now in one vehicle."""
        found = {SOC_LOW_BIT: 1} if self.soc[row] < SOC_LOW else {}
        trouble = int(self._trouble[row])
        if trouble >= 0 and self._trouble_from_s[row] <= self.passed_s < self._trouble_to_s[row]:
            bit, level = _TROUBLES[trouble]
            found[bit] = level
        return found

    def reading(self, row: int) -> Reading:
        """What the terminal of one vehicle reads now."""
        design, alarms = self.designs[row], self.alarms(row)
        open_v = float(np.interp(self.soc[row], OCV_SOC, OCV_V))
        inside_kw = float(internal_power_kw(self.power_kw[row : row + 1], self._loss[row])[0])
        current_a = 1000.0 * inside_kw / (open_v * design.cells)
        over_v = open_v * float(self._loss[row]) * inside_kw
        cells_v = open_v + over_v + self._uneven_v[row]
        probes_c = self.temperature_c[row] + self._warm_c[row]
        if UNEVEN_BIT in alarms:
            cells_v[design.cells // 3] -= 0.35
        if HOT_BIT in alarms or THERMAL_BIT in alarms:
            probes_c[0] += 75.0 if THERMAL_BIT in alarms else 33.0
        speed = float(self.speed_m_s[row])
        turns_per_s = speed / (2 * np.pi * design.wheel_m) * design.ratio
        torque = float(self._wheel_w[row]) / (2 * np.pi * turns_per_s) if turns_per_s > 1 else 0.0
        torque = max(min(torque, MOST_NM), -MOST_NM)
        return Reading(
            at=self.at,
            speed_kmh=3.6 * speed,
            odometer_km=float(self.odometer_km[row]),
            soc=float(self.soc[row]),
            voltage_v=float(cells_v.sum()),
            current_a=current_a,
            cells_v=cells_v.tolist(),
            probes_c=probes_c.tolist(),
            charging="parked" if self.phase[row] == CHARGING else "none",
            started=bool(self.phase[row] == DRIVING),
            longitude=float(self.longitude[row]),
            latitude=float(self.latitude[row]),
            insulation_kohm=60.0 if INSULATION_BIT in alarms else 2500.0,
            motor_rpm=60.0 * turns_per_s,
            motor_nm=torque,
            motor_c=float(self.temperature_c[row]) + 15.0,
            alarms=alarms,
        )
