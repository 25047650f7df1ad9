"""Where things lie in the arrays of an ``AgeingState``, and the limits of the turn search."""

from __future__ import annotations

DEPTH = 12
"""Turning points kept per pack; when full, the oldest range is booked as a half cycle."""
HYSTERESIS_SOC = 0.005
"""Swings of the state of charge below this are noise, not cycles."""
MOVING_C = 0.005
"""A step slower than this rate [1/h] is rest: it does not water down a half cycle's mean rate."""
HALF_H = 0.5
"""Steps of fewer hours are taken together where time alone is what ages, see `ageing_rest`."""

COLD, HOT, FAST, DEEP, SHALLOW = 1, 2, 4, 8, 16
"""Bits of ``AgeingState.flags``: how a pack has left its law's tested range so far."""

# Columns of AgeingState.sums.
Z_CAL, Z_CYC, R_CAL, R_CYC, EFC, DAYS = range(6)
# Columns of AgeingState.track, kept between blocks. MOVED, MOVING_H and HEAT_CH grow from birth:
# |dsoc|, hours and degC x hours over the moving steps; E_* are their values at the last extreme.
LAST, SIGN, PEAK, MOVED, MOVING_H, HEAT_CH, E_MOVED, E_MOVING_H, E_HEAT_CH = range(9)
TRACKED = 9
# Columns of AgeingState.stack: a turning point's soc and the three sums at that moment.
POINT = 4
