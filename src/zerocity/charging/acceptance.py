"""How much power a pack takes at its state of charge."""

from __future__ import annotations

from numba import njit

# Constant current up to the knee, then falling in a straight line to the tail at full: the shape
# of a constant-current constant-voltage charge. Both numbers are assumptions; the level at which
# real sessions begin to fall differs by maker.
TAPER_FROM_SOC = 0.85
TAIL_SHARE = 0.15


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def acceptance(soc: float) -> float:
    """Share of its charge limit that a pack takes at ``soc`` [0-1]; 1 below the knee."""
    if soc <= TAPER_FROM_SOC:
        return 1.0
    over = min((soc - TAPER_FROM_SOC) / (1.0 - TAPER_FROM_SOC), 1.0)
    return 1.0 - (1.0 - TAIL_SHARE) * over
