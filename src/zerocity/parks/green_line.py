"""What a dedicated green line delivers hour by hour: read from a file, or made."""

from __future__ import annotations

import math

import numpy as np

from zerocity.energy.memory import remembering
from zerocity.errors import InputError
from zerocity.measures.seeds import stream
from zerocity.measures.timeline import Timeline
from zerocity.parks.park_case import FloatArray

# No wind record of the city is at hand: everything here is an assumption about a site in the
# Hexi corridor, chosen so that the year comes to about 2,300 full-load hours.
WIND_SHARE = 0.6
MEAN_SPEED_M_S = 6.6
MEMORY_H = 14.0
SPRING_SPEED = 0.15
"""April's mean speed above the year's, October's below, as a share."""
CUT_IN_M_S, RATED_M_S, CUT_OUT_M_S = 3.0, 11.0, 25.0
SUN_PEAK_KW_PER_KWP = 0.9
"""Yield at which the line's panels fill their part of it."""


def made_line(
    timeline: Timeline, sun_kw_per_kwp: FloatArray, seed: int, wind_share: float = WIND_SHARE
) -> FloatArray:
    """A made profile of a line fed by wind and sun, (steps,), a share of its power, 0-1.

    Wind speed follows a Rayleigh law with hours of memory and a season; power rises with its cube
    up to the rated speed.
    """
    if not 0.0 <= wind_share <= 1.0:
        raise InputError("wind_share", str(wind_share), "a share from 0 to 1")
    sun = np.minimum(sun_kw_per_kwp / SUN_PEAK_KW_PER_KWP, 1.0)
    return wind_share * _wind(timeline, seed) + (1.0 - wind_share) * sun


def _wind(timeline: Timeline, seed: int) -> FloatArray:
    rng = stream(seed, "green line")
    memory = math.exp(-timeline.step_h / MEMORY_H)
    noise = rng.normal(size=(2, timeline.steps + 200)) * math.sqrt(1.0 - memory**2)
    # Two normal components with memory give a Rayleigh speed with memory.
    parts = remembering(noise, memory)[:, 200:]
    day = np.repeat(timeline.days_of_year, timeline.steps_per_day)
    season = 1.0 + SPRING_SPEED * np.cos(2.0 * np.pi * (day - 105.0) / 365.25)
    speed = np.hypot(*parts) * MEAN_SPEED_M_S * season / math.sqrt(math.pi / 2.0)
    power = (speed**3 - CUT_IN_M_S**3) / (RATED_M_S**3 - CUT_IN_M_S**3)
    return np.where(speed < CUT_OUT_M_S, np.clip(power, 0.0, 1.0), 0.0)


def parse_line(text: str, name: str, steps: int) -> FloatArray:
    """Read a profile, ``step,share`` with a header and one row a step, into (steps,).

    Raises InputError that names the line for a wrong header, a missing or surplus step, or a value
    that is no share from 0 to 1.
    """
    lines = [line.strip() for line in text.lstrip("\ufeff").splitlines() if line.strip()]
    header = [cell.strip() for cell in lines[0].split(",")] if lines else []
    if header != ["step", "share"]:
        raise InputError(f"{name}, line 1", repr(lines[0] if lines else ""), "step,share")
    shares = np.empty(len(lines) - 1)
    for row, line in enumerate(lines[1:]):
        shares[row] = _share(line, f"{name}, line {row + 2}", row)
    if shares.size != steps:
        raise InputError(name, f"{shares.size} steps", f"{steps}, one for each hour of the year")
    return shares


def _share(line: str, where: str, step: int) -> float:
    cells = [cell.strip() for cell in line.split(",")]
    if len(cells) != 2 or cells[0] != str(step):
        raise InputError(where, repr(line), f"step {step} and its share")
    try:
        value = float(cells[1])
    except ValueError:
        raise InputError(where, repr(cells[1]), "a number") from None
    if not 0.0 <= value <= 1.0:
        raise InputError(where, cells[1], "a share from 0 to 1")
    return value
