"""What a kilowatt-hour through a battery costs in battery: the wear price of a dispatch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from zerocity.batteries.ageing_state import AgeingState, Bytes, Floats, aged_state, cycle_loss
from zerocity.errors import InputError

USABLE_LOSS = 0.4
"""Loss of capacity from new to the end of use in a store. An assumption: second-life practice puts
the end between 0.3 and 0.4."""
AHEAD_EFC = 100.0
"""Cycles over which the next loss is averaged. The laws rise infinitely steeply from new, so that a
new pack has no marginal loss of its first cycle alone."""


def wear_price(
    state: AgeingState,
    model_index: Bytes,
    price_cny_per_kwh: npt.ArrayLike,
    *,
    dod: npt.ArrayLike = 0.8,
    rate_c: npt.ArrayLike = 0.5,
    temperature_c: npt.ArrayLike = 25.0,
    spread: npt.ArrayLike = 1.0,
    charge_efficiency: npt.ArrayLike = 1.0,
    discharge_efficiency: npt.ArrayLike = 1.0,
    usable_loss: float = USABLE_LOSS,
    ahead_efc: float = AHEAD_EFC,
) -> Floats:
    """Return the price of each AC kWh charged and of each discharged, (packs,) [CNY/kWh].

    The capacity that the next ``ahead_efc`` equivalent full cycles will take from a pack at its
    state, by its cycling law, as a share of ``usable_loss``, is the share of its price they use up.
    Recompute it daily: it falls as the pack ages, since the laws flatten. Calendar ageing is no
    part of it, for resting would cost that too.

    Parameters
    ----------
    state, model_index : (packs,) the packs and the rows of their laws.
    price_cny_per_kwh : of a new pack less its worth at the end, per nameplate kWh, >= 0 [CNY/kWh].
    dod, rate_c, temperature_c : the cycles to come: depth of 1, rate [1/h], [degC].
    spread : factor of the pack on its law, as in ``age_block``.
    charge_efficiency, discharge_efficiency : AC to stored and stored to AC, in (0, 1].
    usable_loss : in (0, 1].
    ahead_efc : > 0.

    Each may be one value or (packs,). Raises InputError for a loss or a span of cycles that is not
    positive.
    """
    for name, value in (("usable_loss", usable_loss), ("ahead_efc", ahead_efc)):
        if not value > 0.0:
            raise InputError(name, f"{value:g}", "a number above 0")
    shape = (state.packs,)
    factor = np.broadcast_to(np.asarray(spread, dtype=np.float64), shape)
    cycles = np.full(shape, ahead_efc)
    coming = aged_state(
        model_index, factor, np.zeros(shape), cycles, mean_dod=_array(dod),
        mean_rate_c=_array(rate_c), mean_temperature_c=_array(temperature_c),
    )  # fmt: skip
    # The sums of a state are linear in what a pack lives through, so that they may be added.
    later = replace(state, sums=state.sums + coming.sums)
    taken = (cycle_loss(later, model_index) - cycle_loss(state, model_index)) / ahead_efc
    moved = 1.0 / _array(charge_efficiency) + _array(discharge_efficiency)
    return np.asarray(taken / usable_loss * _array(price_cny_per_kwh) / moved)


def _array(values: npt.ArrayLike) -> Floats:
    return np.asarray(values, dtype=np.float64)
