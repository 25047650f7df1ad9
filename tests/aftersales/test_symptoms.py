"""Symptoms: what calls a pack in."""

from __future__ import annotations

import numpy as np
import pytest

from zerocity.aftersales.symptoms import Symptom, SymptomLimits, draw_faults, suspicious
from zerocity.errors import InputError
from zerocity.measures.seeds import stream


def test_each_symptom_alone_and_all_together() -> None:
    found = suspicious(
        soh=np.array([0.95, 0.89, 0.95, 0.95, 0.80]),
        expected_soh=np.full(5, 0.95),
        resistance_ratio=np.array([1.2, 1.2, 1.6, 1.2, 3.0]),
        fault=np.array([False, False, False, True, True]),
    )
    assert found.flag.tolist() == [False, True, True, True, True]
    assert found.symptoms.tolist() == [0, 1, 2, 4, 7]
    assert Symptom(7).words == "fast fade, high resistance, fault"
    assert Symptom(0).words == ""


def test_twice_the_expected_fade_is_the_bound_itself_and_passes() -> None:
    limits = SymptomLimits(fade_ratio=2.0, fade_floor=0.0)
    none = np.zeros(2, dtype=bool)
    soh = np.array([0.75, 0.5])  # exact in binary
    found = suspicious(soh, np.full(2, 0.875), np.ones(2), none, limits=limits)
    assert found.flag.tolist() == [False, True]


def test_small_fades_are_noise() -> None:
    none = np.zeros(1, dtype=bool)
    assert not suspicious(np.array([0.985]), np.array([1.0]), np.ones(1), none).flag[0]
    assert suspicious(np.array([0.97]), np.array([1.0]), np.ones(1), none).flag[0]


def test_fade_can_be_counted_from_the_last_check() -> None:
    none = np.zeros(1, dtype=bool)
    soh, expected = np.array([0.80]), np.array([0.84])
    assert not suspicious(soh, expected, np.ones(1), none).flag[0]
    assert suspicious(soh, expected, np.ones(1), none, soh_before=0.86).flag[0]


def test_faults_come_at_the_rate_and_from_the_seed() -> None:
    hits = draw_faults(stream(1, "faults"), 400_000, 0.05, days=365.0)
    assert hits.mean() == pytest.approx(1.0 - np.exp(-0.05), abs=4 * np.sqrt(0.05 / 400_000))
    assert np.array_equal(hits, draw_faults(stream(1, "faults"), 400_000, 0.05, days=365.0))
    assert not draw_faults(stream(1, "faults"), 100, 0.0).any()
    with pytest.raises(InputError):
        draw_faults(stream(1, "faults"), 10, -1.0)
