"""Registers of any content give readings that can be, or one error; orders say what is meant."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from functools import partial
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zerocity.protocols.sunspec import orders, words
from zerocity.protocols.sunspec.models import Part, Values, layout

# Zero, one, the codes of "not implemented", a float that is none, and usual scale factors.
ODD = (0, 1, 3, 0xFFFF, 0x8000, 0x7FFF, 0x7FC0, 0x7F80, 0xFFFD, 0xFFFE, 2, 0x000A, 0xFFF6)
STORE_PARTS = {words.CAPACITY: words.capacity_part(), words.STORE: words.store_part(words.STORE)}


def garbage(rng: Random, part: Part) -> Values:
    """What a part says when its registers hold anything."""
    share = rng.choice((0.0, 0.5, 0.9, 1.0))
    return part.decoded([
        rng.choice(ODD) if rng.random() < share else rng.randrange(0x10000)
        for _ in range(part.count)
    ])  # fmt: skip


def judge_readings(rng: Random) -> None:
    """Every word that is taken is a number that can be."""
    for model in words.METERS:
        values = garbage(rng, words.meter_part(model))
        try:
            found = words.meter_words(values)
        except words.ReadingError:
            continue
        assert abs(found.kw) <= words.MOST_KW
        for register in (found.import_kwh, found.export_kwh):
            assert math.isnan(register) or 0.0 <= register <= words.MOST_REGISTER_KWH
    for model in words.INVERTERS:
        try:
            kw = words.inverter_kw(model, garbage(rng, words.inverter_part(model)))
        except words.ReadingError:
            continue
        assert abs(kw) <= words.MOST_KW
    for model in words.SUN_CONTROLS:
        assert 0.0 <= words.share(model, garbage(rng, words.share_part(model))) <= 1.0
    ratings = words.ratings_words(garbage(rng, words.ratings_part()))
    for model, part in STORE_PARTS.items():
        try:
            held = words.held_kwh(model, garbage(rng, part), ratings)
        except words.ReadingError:
            continue
        assert 0.0 <= held <= words.MOST_KWH


def judge_orders(rng: Random) -> None:
    """What is written says what was meant, to half a step of the device's own scale."""
    ratings = words.ratings_words(garbage(rng, words.ratings_part()))
    for model in words.SUN_CONTROLS:
        values = garbage(rng, words.share_part(model))
        wanted = rng.choice((0.0, 1.0, rng.random(), rng.uniform(-2.0, 3.0)))
        judge_written(model, values, partial(orders.share_order, model, values, wanted))
    for model in words.STORE_CONTROLS:
        values = garbage(rng, words.store_part(model))
        kw = rng.choice((0.0, rng.uniform(-1e3, 1e3), 1e5, -1e5))
        judge_written(model, values, partial(orders.store_order, model, values, ratings, kw))


def judge_written(model: int, values: Values, make: Callable[[], orders.Order]) -> None:
    """Read the registers of an order as the device will; `OrderError` is an answer too."""
    shape = layout(model)
    try:
        order = make()
        runs = [(step, orders.step_writes(model, step, values)) for step in order.steps]
    except orders.OrderError:
        return
    for step, writes in runs:
        written = dict(said(model, writes, values))
        assert set(written) == set(step)
        for name, value in step.items():
            scale = shape.points[name].scale
            factor = scale if isinstance(scale, int) else values.get(scale) if scale else 0
            half = 0.5 * 10.0 ** int(factor or 0) + 1e-9 * abs(value)
            assert abs(written[name] - value) <= half, (model, name, value, written[name])


def said(
    model: int, writes: list[tuple[int, list[int]]], values: Values
) -> list[tuple[str, float]]:
    """Points and values that the registers of a step say."""
    shape, found = layout(model), []
    for offset, registers in writes:
        assert all(0 <= register <= 0xFFFF for register in registers)
        for point in shape.points.values():
            if not offset <= point.offset < offset + len(registers):
                continue
            at = point.offset - offset
            raw = struct.pack(f">{point.size}H", *registers[at : at + point.size])
            number = int.from_bytes(raw, "big", signed=point.kind.startswith(("int", "sunssf")))
            scale = point.scale if isinstance(point.scale, int) else values.get(point.scale or "")
            found.append((point.name, number * 10.0 ** int(scale or 0)))
    return found


@settings(max_examples=150)
@given(st.integers(0, 2**64 - 1))
def test_any_registers_give_a_reading_that_can_be_or_one_error(seed: int) -> None:
    judge_readings(Random(seed))


@settings(max_examples=150)
@given(st.integers(0, 2**64 - 1))
def test_what_is_written_says_what_was_meant(seed: int) -> None:
    judge_orders(Random(seed))


def test_thousands_of_answers() -> None:
    rng = Random(20261122)
    for _ in range(1_500):
        judge_readings(rng)
        judge_orders(rng)


@pytest.mark.parametrize("exponent", [-19_389.0, 400.0, 11.0])
@pytest.mark.parametrize("model", words.SUN_CONTROLS)
def test_an_order_to_a_device_with_an_absurd_scale_is_refused(model: int, exponent: float) -> None:
    """Found by fuzzing: a division by zero, or a number too large, in place of a refusal."""
    names = [point.name for point in words.share_part(model).points]
    values: Values = dict.fromkeys(names, 0.0) | {"WMaxLimPct_SF": exponent}
    with pytest.raises(orders.OrderError):
        orders.share_order(model, values, 1.0)


def test_a_register_beyond_all_meters_is_no_register() -> None:
    """Found by fuzzing: any float was taken for the energy of a meter."""
    found = words.meter_words({"W": 1.0, "TotWhImp": 3e38, "TotWhExp": 5_000.0})
    assert math.isnan(found.import_kwh)
    assert found.export_kwh == 5.0
