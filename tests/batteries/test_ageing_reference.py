from __future__ import annotations

import numpy as np
import pytest

from zerocity.batteries.ageing_models import MODELS
from zerocity.batteries.ageing_reference import blast_history, exact_history, total_loss
from zerocity.errors import InputError

LFP = MODELS["lfp250"]


def test_both_ways_agree_at_constant_rest() -> None:
    soc, warm = np.full(240, 0.5), np.full(240, 30.0)
    exact, blast = (make(LFP, soc, warm, 1.0) for make in (exact_history, blast_history))
    assert exact.z_calendar == pytest.approx(blast.z_calendar, rel=1e-12)
    assert exact.cycles == blast.cycles == []
    assert total_loss(LFP, exact) == pytest.approx(total_loss(LFP, blast), rel=1e-12)


def test_averaging_over_rest_hides_the_rate_of_a_daily_cycle() -> None:
    # One cycle of depth 0.8 at 0.5 C a day: the two definitions differ by a factor of two.
    day = np.full(240, 0.1)
    day[:16] = 0.1 + 0.05 * np.arange(1, 17)
    day[16:32] = 0.9 - 0.05 * np.arange(1, 17)
    soc = np.tile(day, 20)
    exact = exact_history(LFP, soc, np.full(soc.size, 25.0), 0.1)
    blast = blast_history(LFP, soc, np.full(soc.size, 25.0), 0.1)
    assert exact.cycles[5][1] == pytest.approx(0.5)
    assert blast.cycles[5][1] == pytest.approx(1.6 / 24.0)
    per_efc = (exact.z_cycle / 0.8 / 19.5) / (blast.z_cycle / blast.efc)
    assert per_efc**LFP.cycle_power == pytest.approx(2.0, abs=0.2)


def test_blast_days_must_be_whole() -> None:
    with pytest.raises(InputError, match="whole days"):
        blast_history(LFP, np.full(25, 0.5), np.full(25, 25.0), 1.0)
