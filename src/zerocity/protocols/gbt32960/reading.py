"""What a vehicle's terminal reads from its buses at one moment, in our words and units."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

NAN = math.nan


@dataclass(slots=True)
class Reading:
    """One moment of one vehicle; NaN where a sensor is dead.

    at : UTC. soc : 0-1. current_a : into the battery positive, the sum of all packs [A].
    cells_v : each cell of the one pack [V]. probes_c : each temperature probe [degC].
    charging : "parked", "driving", "none" or "full". started : the vehicle is switched on.
    longitude, latitude : degrees, WGS 84, east and north positive.
    insulation_kohm : against the body [kOhm]. motor_rpm, motor_nm : of the drive motor.
    alarms : bit of table 18 (2016) or 24 (2025) -> level 1-4.
    """

    at: datetime
    speed_kmh: float = 0.0
    odometer_km: float = 0.0
    soc: float = NAN
    voltage_v: float = NAN
    current_a: float = NAN
    cells_v: Sequence[float] = ()
    probes_c: Sequence[float] = ()
    charging: str = "none"
    started: bool = True
    longitude: float = NAN
    latitude: float = NAN
    insulation_kohm: float = 2000.0
    motor_rpm: float = 0.0
    motor_nm: float = 0.0
    motor_c: float = 40.0
    alarms: dict[int, int] = field(default_factory=dict)

    @property
    def alarm_level(self) -> int:
        """The highest level of the alarms that hold, 0 for none."""
        return max(self.alarms.values(), default=0)
