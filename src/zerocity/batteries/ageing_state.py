"""Ageing of many packs at once: the state, one block of steps, and what can be read from it.

Time-major blocks go in: ``soc`` and ``temperature_c`` of shape (steps, packs), each row the value
at the END of its step. Within a step the state of charge is taken to move straight from the value
before; temperature holds for the whole step. A pack that has no value before starts at its first.

What time alone does is taken at the mean charge and temperature of each half hour from the block's
start, where steps are shorter. Against quarter hours that is within 1.5 % of the calendar sum for a
pack emptied and filled within the hour three times a day, 0.2 % for a commuter's.

Cycle depth is a rainflow range (ASTM E1049-85, clause 5.4.4) after a hysteresis of 0.5 % soc; a
half cycle of depth d counts d/2 equivalent full cycles. Its charge rate is the mean |dsoc|/dt over
the hours in which it moved faster than 0.005 C, its temperature the mean over the same hours; a
closed full cycle takes both from its first half. Rest between charges therefore does not lower
the rate, unlike in BLAST-Lite, which averages over the whole day; ``ageing_reference`` offers
that definition for comparison. Ranges still open are not booked yet.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from zerocity.batteries import ageing_models as law
from zerocity.batteries.ageing_columns import (
    DAYS,
    DEPTH,
    EFC,
    LAST,
    PEAK,
    POINT,
    R_CAL,
    R_CYC,
    SIGN,
    TRACKED,
    Z_CAL,
    Z_CYC,
)
from zerocity.batteries.ageing_cycles import cycle_damages
from zerocity.batteries.ageing_kernel import age_packs
from zerocity.batteries.ageing_models import EXPONENTS, MODEL_KEYS, PARAMETERS, SOC_CELLS
from zerocity.batteries.ageing_rest import CELL_PAIRS, REST
from zerocity.errors import InputError

Floats = npt.NDArray[np.float64]
Floats32 = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.int8]
Bits = npt.NDArray[np.uint8]
Index = npt.NDArray[np.int64] | npt.NDArray[np.bool_] | slice

LAWS = (PARAMETERS, REST, CELL_PAIRS)
"""All laws as the kernel takes them."""


@dataclass(slots=True)
class AgeingState:
    """Ageing of many packs; every array has the packs along its first axis.

    Attributes
    ----------
    sums : (packs, 6) linear sums: z of calendar and cycling loss, z of resting and cycling
        resistance, equivalent full cycles, days.
    track : (packs, 9) running values of the search for turning points.
    stack, points : (packs, 12, 4) open turning points and (packs,) how many there are.
    flags : (packs,) bits COLD, HOT, FAST, DEEP, SHALLOW of ``ageing_columns``: the pack has been
        outside the tested range of its law.
    """

    sums: Floats
    track: Floats
    stack: Floats
    points: Bytes
    flags: Bits

    def __post_init__(self) -> None:
        # The kernel reads a column of many packs at once, but all turning points of one.
        self.sums, self.track = np.asfortranarray(self.sums), np.asfortranarray(self.track)
        self.stack = np.ascontiguousarray(self.stack)

    @property
    def by_quantity(self) -> tuple[Floats, Floats, Bytes, Floats, Bits]:
        """Track (TRACKED, packs), stack, points, sums (6, packs) and flags for the kernel."""
        return self.track.T, self.stack, self.points, self.sums.T, self.flags

    @property
    def packs(self) -> int:
        """How many packs the state holds."""
        return int(self.sums.shape[0])

    @property
    def efc(self) -> Floats:
        """Equivalent full cycles: half of all |dsoc|, shape (packs,), a view."""
        return self.sums[:, EFC]

    @property
    def days(self) -> Floats:
        """Time lived [days], shape (packs,), a view."""
        return self.sums[:, DAYS]


def new_state(packs: int, soc: Floats | float | None = None) -> AgeingState:
    """Unaged packs. ``soc`` (packs,) is where they stand before the first step, if known."""
    track = np.zeros((packs, TRACKED))
    track[:, LAST] = np.nan
    state = AgeingState(
        sums=np.zeros((packs, 6)),
        track=track,
        stack=np.zeros((packs, DEPTH, POINT)),
        points=np.zeros(packs, dtype=np.int8),
        flags=np.zeros(packs, dtype=np.uint8),
    )
    if soc is not None:
        start_at(state, slice(None), soc)
    return state


def start_at(state: AgeingState, rows: Index, soc: Floats | float) -> None:
    """Give packs without history their state of charge before the first step, in place."""
    state.track[rows] = 0.0
    state.track[rows, LAST] = soc
    state.track[rows, SIGN] = 1.0
    state.track[rows, PEAK] = soc
    state.stack[rows] = 0.0
    state.stack[rows, 0, 0] = soc
    state.points[rows] = 1


def put(state: AgeingState, rows: Index, fresh: AgeingState) -> None:
    """Overwrite ``rows`` (say, of replaced packs) with the packs of ``fresh``, in place."""
    for field in fields(AgeingState):
        getattr(state, field.name)[rows] = getattr(fresh, field.name)


def age_slice(
    state: AgeingState,
    model_index: Bytes,
    spread: Floats,
    soc: Floats32,
    temperature_c: Floats32,
    step_h: float,
    lo: int,
    hi: int,
) -> None:
    """Age packs [lo, hi) over a block of steps, in place, without the interpreter's lock.

    Threads may work on disjoint slices of one state. Inputs are not searched for NaN: one turns
    the pack's sums into NaN.

    Parameters
    ----------
    model_index : (packs,) int8 row of the law, see ``ageing_models.MODEL_OF_CHEMISTRY``.
    spread : (packs,) factor on every loss of a pack, from manufacturing, > 0; 1 = as tested.
    soc : (steps, packs) float32 fraction of today's capacity at the end of each step, 0-1.
    temperature_c : (steps, packs) float32 cell temperature during each step [degC].
    step_h : length of a step [h], > 0.
    lo, hi : packs to age, 0 <= lo <= hi <= packs.
    """
    age_packs(lo, hi, soc, temperature_c, step_h, model_index, spread, *LAWS, *state.by_quantity)


def age_block(
    state: AgeingState,
    model_index: Bytes,
    spread: Floats,
    soc: Floats32,
    temperature_c: Floats32,
    step_h: float,
) -> None:
    """Check a block and age every pack over it, in place; parameters as in ``age_slice``."""
    _require_block(state, model_index, spread, soc, temperature_c, step_h)
    age_slice(state, model_index, spread, soc, temperature_c, step_h, 0, state.packs)


def _require_block(
    state: AgeingState,
    model_index: Bytes,
    spread: Floats,
    soc: Floats32,
    temperature_c: Floats32,
    step_h: float,
) -> None:
    if soc.ndim != 2 or soc.shape[0] < 1 or soc.shape[1] != state.packs:
        raise InputError("soc", f"shape {soc.shape}", f"(steps >= 1, {state.packs})")
    if temperature_c.shape != soc.shape:
        raise InputError("temperature_c", f"shape {temperature_c.shape}", f"{soc.shape}")
    for name, array in (("model_index", model_index), ("spread", spread)):
        if array.shape != (state.packs,):
            raise InputError(name, f"shape {array.shape}", f"({state.packs},)")
    _require_models(model_index)
    if not step_h > 0.0:
        raise InputError("step_h", str(step_h), "hours above 0")
    if state.packs and not float(spread.min()) > 0.0:
        raise InputError("spread", str(spread.min()), "factors above 0")


def _require_models(model_index: Bytes) -> None:
    if model_index.size and not 0 <= int(model_index.min()) <= int(model_index.max()) < len(
        MODEL_KEYS
    ):
        came = f"{model_index.min()} to {model_index.max()}"
        raise InputError("model_index", came, f"0 to {len(MODEL_KEYS) - 1}: {MODEL_KEYS}")


def calendar_loss(state: AgeingState, model_index: Bytes) -> Floats:
    """Capacity lost by time, fraction of nameplate, shape (packs,)."""
    power = 1.0 / PARAMETERS[model_index, law.CAL_INVERSE]
    return np.asarray(state.sums[:, Z_CAL] ** power)


def cycle_loss(state: AgeingState, model_index: Bytes) -> Floats:
    """Capacity lost by cycling, fraction of nameplate, shape (packs,)."""
    power = 1.0 / PARAMETERS[model_index, law.CYC_INVERSE]
    return np.asarray(state.sums[:, Z_CYC] ** power)


def loss(state: AgeingState, model_index: Bytes) -> Floats:
    """Capacity lost, calendar plus cycling, fraction of nameplate, shape (packs,).

    The laws know no end of life; above roughly 0.3 they extrapolate, and may pass 1.
    """
    return calendar_loss(state, model_index) + cycle_loss(state, model_index)


def soh(state: AgeingState, model_index: Bytes) -> Floats:
    """State of health: capacity left over nameplate, never below 0, shape (packs,)."""
    return np.maximum(1.0 - loss(state, model_index), 0.0)


def resistance_ratio(state: AgeingState, model_index: Bytes) -> Floats:
    """Resistance over that of a new pack, >= 1, shape (packs,).

    LFP: Naumann et al. 2018 and 2020, with an exponent that its readers write as 2 or 3 (2 here,
    an assumption). NMC: Schmalstieg et al. 2014, with an assumed straight open-circuit curve.
    """
    power = 1.0 / PARAMETERS[model_index, law.RES_INVERSE]
    return np.asarray(1.0 + state.sums[:, R_CAL] ** power + state.sums[:, R_CYC])


def aged_state(
    model_index: Bytes,
    spread: Floats,
    days: Floats,
    efc: Floats,
    mean_soc: Floats | float = 0.5,
    mean_temperature_c: Floats | float = 25.0,
    mean_dod: Floats | float = 0.5,
    mean_rate_c: Floats | float = 0.3,
) -> AgeingState:
    """Packs that have already lived, under constant mean stress (closed form).

    Parameters
    ----------
    model_index, spread : (packs,) as in ``age_slice``.
    days, efc : (packs,) age [days] and equivalent full cycles, >= 0.
    mean_soc, mean_temperature_c, mean_dod, mean_rate_c : (packs,) or one value. The two cycle
        defaults, depth 0.5 and 0.3 C, are assumptions of ordinary use.
    """
    _require_models(model_index)
    state = new_state(model_index.size)
    shape = (model_index.size,)
    q = PARAMETERS[model_index].T
    soc = np.broadcast_to(np.asarray(mean_soc, dtype=np.float64), shape)
    u = 308.15 / (np.broadcast_to(np.asarray(mean_temperature_c, dtype=np.float64), shape) + 273.15)
    dod = np.broadcast_to(np.asarray(mean_dod, dtype=np.float64), shape)
    rate_c = np.broadcast_to(np.asarray(mean_rate_c, dtype=np.float64), shape)
    f = q[law.CAL_U1] * u + q[law.CAL_U3] * u**3
    rate = q[law.CAL_RATE] * np.exp(f * _exponent(model_index, soc) - q[law.CAL_MIDDLE])
    state.sums[:, Z_CAL] = rate * days * spread ** q[law.CAL_INVERSE]
    # Copies of one kind, for which alone the kernel is compiled, whatever came.
    damage, celsius = np.empty(shape), 308.15 / u - 273.15
    stress = (np.array(dod), np.array(rate_c), celsius, np.array(spread))
    cycle_damages(model_index, PARAMETERS, *stress, damage)
    state.sums[:, Z_CYC] = damage * efc
    charge = q[law.RES_B0] + soc * (q[law.RES_B1] + soc * q[law.RES_B2])
    rest = q[law.RES_RATE] * np.exp(q[law.RES_E] * (1.0 - u)) * charge
    state.sums[:, R_CAL] = rest * days * spread ** q[law.RES_INVERSE]
    depth = np.maximum(q[law.RES_D0] + q[law.RES_D1] * dod + q[law.RES_D3] * (dod - 0.5) ** 3, 0.0)
    state.sums[:, R_CYC] = (
        np.maximum(q[law.RES_C0] + q[law.RES_C1] * rate_c, 0.0) * depth * efc * spread
    )
    state.sums[:, EFC], state.sums[:, DAYS] = efc, days
    return state


def _exponent(model_index: Bytes, soc: Floats) -> Floats:
    place = np.clip(soc, 0.0, 1.0) * SOC_CELLS
    cell = np.minimum(place.astype(np.int64), SOC_CELLS - 1)
    at = model_index.astype(np.int64) * (SOC_CELLS + 1) + cell
    return np.asarray(EXPONENTS[at] + (place - cell) * (EXPONENTS[at + 1] - EXPONENTS[at]))
