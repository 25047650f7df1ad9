"""How much power a pack takes at its state of charge."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

# Constant current up to the knee, then falling in a straight line to the tail at full: the shape
# of a constant-current constant-voltage charge. Both numbers are assumptions; the level at which
# real sessions begin to fall differs by maker.
TAPER_FROM_SOC = 0.85
TAIL_SHARE = 0.15

# -ln(acceptance) between the knee and full, in straight pieces: exact to 1e-5, and five times as
# fast as the logarithm, which every plugged pack would need at every step.
_PIECES = 1024
_PIECES_PER_SOC = _PIECES / (1.0 - TAPER_FROM_SOC)
# State of charge over which acceptance would fall by one.
_SPAN = (1.0 - TAPER_FROM_SOC) / (1.0 - TAIL_SHARE)
_PER_SPAN = 1.0 / _SPAN
_MINUS_LN = -np.log(np.linspace(1.0, TAIL_SHARE, _PIECES + 1))


# Without branches, and where a division by zero is a number: many packs go side by side.
_side_by_side: Any = njit(  # type: ignore[call-overload,unused-ignore]
    cache=True, nogil=True, error_model="numpy"
)


@_side_by_side  # type: ignore[untyped-decorator,unused-ignore]
def acceptance(soc: float) -> float:
    """Share of its charge limit that a pack takes at ``soc`` [0-1]; 1 below the knee."""
    return float(min(max(1.0 - (soc - TAPER_FROM_SOC) * _PER_SPAN, TAIL_SHARE), 1.0))


@_side_by_side  # type: ignore[untyped-decorator,unused-ignore]
def _minus_ln_acceptance(soc: float) -> float:
    place = (soc - TAPER_FROM_SOC) * _PIECES_PER_SOC
    place = min(max(place, 0.0), float(_PIECES))
    piece = np.uint64(min(int(place), _PIECES - 1))
    low = _MINUS_LN[piece]
    return float(low + (place - piece) * (_MINUS_LN[piece + np.uint64(1)] - low))


@_side_by_side  # type: ignore[untyped-decorator,unused-ignore]
def hours_to_charge(
    soc: float, target: float, usable_kwh: float, pack_kw: float, plug_kw: float
) -> float:
    """Hours from ``soc`` to ``target`` at the most that pack and plug allow [h].

    The pack takes ``pack_kw`` times `acceptance`; the plug gives at most ``plug_kw`` (both on the
    pack's side [kW], above 0). Closed form: constant power up to where the falling line meets the
    plug, then d(soc)/dt falls in a straight line with soc, so soc nears the end exponentially.
    """
    rate_kw = min(plug_kw, pack_kw)
    knee = 1.0 - _SPAN * (rate_kw / pack_kw - TAIL_SHARE)
    flat_kwh = max(min(target, knee) - soc, 0.0) * usable_kwh
    falling = _minus_ln_acceptance(target) - _minus_ln_acceptance(max(soc, knee))
    return float(flat_kwh / rate_kw + usable_kwh * _SPAN * max(falling, 0.0) / pack_kw)
