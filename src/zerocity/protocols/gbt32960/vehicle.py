"""A simulated vehicle: readings in, reports of either edition out, with the standard's rhythm.

``SimVehicle`` is pure. Whoever moves it (the twin, or `drive` for the command line) hands it a
`Reading` at least once a period and once a second where alarms shall be caught in time.

Source: GB/T 32960.3-2016 and -2025, 7.2 and B.2.1; GB 16735 for the VIN.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from zerocity.errors import InputError
from zerocity.protocols.gbt32960 import blocks as b
from zerocity.protocols.gbt32960 import messages as m
from zerocity.protocols.gbt32960.crypto import PrivateKey, sign
from zerocity.protocols.gbt32960.fields import Edition, Gap
from zerocity.protocols.gbt32960.message_writer import signed_part, write_unit
from zerocity.protocols.gbt32960.peer import TIMINGS, Timing
from zerocity.protocols.gbt32960.reading import Reading

_CHARGING = {"parked": 1, "driving": 2, "none": 3, "full": 4}
_STARTED, _OFF, _ELECTRIC, _ON = 1, 2, 1, 1
_WGS84 = 1
_GEAR_D, _GEAR_P, _PULLS, _BRAKES = 14, 15, 0x20, 0x10
# Cells of one pack in one frame, and cells that a pack of 2016 can number (tables 16, B.6).
MOST_CELLS_2016 = 200
# The thermal event has no bit in 2016: there it is the hot battery of the highest level.
_THERMAL_2025, _HOT, _HIGHEST_2016, _LAST_2016 = 23, 1, 3, 18
# What the wire holds: most current [A] and torque [Nm] of an edition (tables 9, 11, 10, 16).
_MOST_A = {Edition.Y2016: 1000.0, Edition.Y2025: 3000.0}
_MOST_NM = {Edition.Y2016: 2000.0, Edition.Y2025: 20_000.0}


def _value(number: float, most: float = math.inf) -> float | Gap:
    if not math.isfinite(number):
        return Gap.INVALID
    return number if abs(number) <= most else Gap.ABNORMAL


def _whole(number: float) -> int | Gap:
    return round(number) if math.isfinite(number) else Gap.INVALID


def _vehicle(reading: Reading, edition: Edition) -> b.Vehicle:
    moves = reading.speed_kmh > 0.5
    gear = (_GEAR_D if moves or reading.started else _GEAR_P) | (
        _PULLS if reading.motor_nm > 1 else _BRAKES if reading.motor_nm < -1 else 0
    )
    old = edition is Edition.Y2016
    pulls = round(min(max(reading.motor_nm, 0.0) / 10.0, 100.0)) if old else None
    brakes = round(min(max(-reading.motor_nm, 0.0) / 10.0, 100.0)) if old else None
    return b.Vehicle(
        state=_STARTED if reading.started else _OFF,
        charging=_CHARGING[reading.charging],
        mode=_ELECTRIC,
        speed_km_h=_value(reading.speed_kmh),
        odometer_km=_value(reading.odometer_km),
        voltage_v=_value(reading.voltage_v),
        # Out of the battery is positive on the wire, as makers send it; ours is into it.
        current_a=_value(-reading.current_a, _MOST_A[edition]),
        soc_percent=_whole(100.0 * reading.soc),
        dcdc=_ON,
        gear=gear,
        insulation_kohm=_whole(reading.insulation_kohm),
        accelerator_percent=pulls,
        brake_percent=brakes,
    )


def _motor(reading: Reading, edition: Edition) -> b.Motors:
    old = edition is Edition.Y2016
    state = 1 if reading.motor_nm > 1 else 2 if reading.motor_nm < -1 else 4
    one = b.Motor(
        number=1,
        state=state,
        controller_c=round(reading.motor_c),
        speed_rpm=round(reading.motor_rpm),
        torque_nm=_value(reading.motor_nm, _MOST_NM[edition]),
        motor_c=round(reading.motor_c) + 5,
        voltage_v=_value(reading.voltage_v) if old else None,
        current_a=_value(-reading.current_a, _MOST_A[edition]) if old else None,
    )
    return b.Motors((one,))


def _position(reading: Reading, edition: Edition) -> b.Position:
    valid = math.isfinite(reading.longitude) and math.isfinite(reading.latitude)
    place = (reading.longitude, reading.latitude) if valid else (0.0, 0.0)
    coordinates = _WGS84 if edition is Edition.Y2025 else None
    return b.Position.at(*place, valid=valid, coordinates=coordinates)


def _extremes(reading: Reading) -> b.Extremes:
    cells, probes = list(reading.cells_v), list(reading.probes_c)
    high, low = max(cells), min(cells)
    hot, cold = max(probes), min(probes)
    return b.Extremes(
        1, min(cells.index(high) + 1, 250), high, 1, min(cells.index(low) + 1, 250), low,
        1, min(probes.index(hot) + 1, 250), round(hot), 1, min(probes.index(cold) + 1, 250),
        round(cold),
    )  # fmt: skip


def _alarm(reading: Reading, edition: Edition) -> b.Alarm:
    alarms = reading.alarms
    if edition is Edition.Y2016:
        alarms = {
            _HOT if bit == _THERMAL_2025 else bit: min(level, _HIGHEST_2016)
            for bit, level in alarms.items()
            if bit <= _LAST_2016 or bit == _THERMAL_2025
        }
    bits = sum(1 << bit for bit in alarms)
    levels = tuple(sorted(alarms.items())) if edition is Edition.Y2025 else None
    return b.Alarm(max(alarms.values(), default=0), bits, levels=levels)


def blocks_of(reading: Reading, edition: Edition) -> tuple[b.Block, ...]:
    """The blocks of a report that says all of a reading; empty sensor lists give no block.

    Raises
    ------
    InputError : more than 200 cells in 2016 (such a report must be split), or a value off the wire.
    """
    found: list[b.Block] = [_vehicle(reading, edition)]
    if reading.charging != "parked":
        found.append(_motor(reading, edition))
    found.append(_position(reading, edition))
    old = edition is Edition.Y2016
    cells = tuple(map(float, reading.cells_v))
    if old and len(cells) > MOST_CELLS_2016:
        raise InputError("cells", f"{len(cells)}", f"at most {MOST_CELLS_2016} in one report")
    if old and cells and len(reading.probes_c):
        found.append(_extremes(reading))
    found.append(_alarm(reading, edition))
    if cells:
        volts = _value(reading.voltage_v)
        amps = _value(-reading.current_a, _MOST_A[edition])
        found.append(b.CellVoltages((b.PackCells(1, volts, amps, len(cells), 1, cells),)))
    if len(reading.probes_c):
        probes = tuple(float(round(one)) for one in reading.probes_c)
        found.append(b.Temperatures((b.PackProbes(1, probes),)))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Due:
    """A report that is due: its data unit, its time, and whether it goes as a resent one."""

    unit: bytes
    at: datetime
    late: bool = False


def _second(at: datetime) -> datetime:
    return at.replace(microsecond=0)


class SimVehicle:
    """One vehicle that decides when to report what.

    Parameters
    ----------
    vin : 17 characters. iccid : 20 of the SIM card. pack_code : 24 by GB/T 34014, or "".
    period_s : between two reports, at most 30 s by the standard. offset_s : moves its rhythm, so
    that a fleet does not speak at once. timing : of the edition unless given.
    key : signs each report (2025).
    """

    def __init__(
        self,
        vin: str,
        edition: Edition,
        *,
        iccid: str = "",
        pack_code: str = "",
        period_s: float = 10.0,
        offset_s: float = 0.0,
        timing: Timing | None = None,
        key: PrivateKey | None = None,
    ) -> None:
        self.timing = timing or TIMINGS[edition]
        if len(vin) != 17 or not vin.isascii():
            raise InputError("vin", f"{len(vin)} characters", "17 letters and digits")
        if not 0.0 < period_s <= self.timing.report_s:
            wanted = f"above 0 and at most {self.timing.report_s:g} s (clause B.2.1)"
            raise InputError("period", f"{period_s:g} s", wanted)
        self.vin, self.edition, self.iccid, self.pack_code = vin, edition, iccid, pack_code
        self.period_s, self._due_s, self._key = period_s, offset_s, key
        self._past: deque[tuple[float, Reading]] = deque()
        self._sent: deque[datetime] = deque()
        self._sent_s = -math.inf
        self._fast_until_s = -math.inf
        self._grave = False

    def login_unit(self, at: datetime, serial: int) -> bytes:
        """The data unit of a login (tables 6)."""
        codes = (self.pack_code,) if self.pack_code else ()
        if self.edition is Edition.Y2025:
            packs = (1,) if codes else ()
            login = m.Login(m.Clock.of(at), serial, self.iccid, codes, packs_per_bms=packs)
        else:
            size = len(self.pack_code)
            login = m.Login(m.Clock.of(at), serial, self.iccid, codes, len(codes), size)
        return write_unit(login, self.edition)

    def unit(self, reading: Reading) -> bytes:
        """The data unit of a report, signed if there is a key."""
        report = m.Report(m.Clock.of(reading.at), blocks_of(reading, self.edition))
        if self._key is None or self.edition is Edition.Y2016:
            return write_unit(report, self.edition)
        made = m.Signature(*sign(self._key, signed_part(report, self.edition)))
        signed = m.Report(report.clock, report.blocks, made)
        return write_unit(signed, self.edition)

    def is_due(self, now_s: float, grave: bool) -> bool:
        """Whether a reading at ``now_s`` would make a report (to spare those that would not)."""
        return grave or self._grave or now_s >= self._due_s or now_s <= self._fast_until_s

    def observe(
        self,
        reading: Reading,
        now_s: float,
        past: Callable[[], list[Reading]] | None = None,
    ) -> list[Due]:
        """Take a reading; the reports that are due now.

        When a grave alarm begins, what was read in the 30 s before goes as resent reports, and
        each reading (at most one a second) is reported until 30 s after (2025: until it ends).
        ``past`` gives the readings of the 30 s before where they were not handed in one by one.
        """
        timing, due = self.timing, []
        grave = reading.alarm_level >= timing.grave
        if grave and not self._grave:
            self._fast_until_s = now_s + timing.around_s
            earlier = past() if past is not None else [one for _, one in self._past]
            due = self._late(earlier, reading.at)
        elif grave and timing.until_cleared:
            self._fast_until_s = now_s + timing.around_s
        self._grave = grave
        fast = now_s <= self._fast_until_s and now_s - self._sent_s >= timing.alarm_s
        # The wire tells whole seconds: a second is reported once.
        told = bool(self._sent) and _second(self._sent[-1]) == _second(reading.at)
        if (fast or now_s >= self._due_s) and not told:
            due.append(Due(self.unit(reading), reading.at))
            self._sent_s = now_s
            self._sent.append(reading.at)
            while self._due_s <= now_s:
                self._due_s += self.period_s
        elif past is None:
            self._past.append((now_s, reading))
        self._forget(reading.at, now_s)
        return due

    def _late(self, earlier: list[Reading], at: datetime) -> list[Due]:
        """One reading a second of the time before, but those that were reported already."""
        told = {m.Clock.of(one) for one in (*self._sent, at)}
        due: list[Due] = []
        for one in earlier:
            clock = m.Clock.of(one.at)
            if clock not in told and 0 < (at - one.at).total_seconds() <= self.timing.around_s:
                told.add(clock)
                due.append(Due(self.unit(one), one.at, late=True))
        return due

    def _forget(self, at: datetime, now_s: float) -> None:
        around_s = self.timing.around_s
        while self._past and self._past[0][0] < now_s - around_s:
            self._past.popleft()
        while self._sent and (at - self._sent[0]).total_seconds() > around_s:
            self._sent.popleft()
