"""Layouts of SunSpec models, against the reference implementation of the alliance."""

from __future__ import annotations

import math
import struct

import pytest
import sunspec2.mdef as mdef
from hypothesis import given
from hypothesis import strategies as st
from sunspec2 import mb
from sunspec2.modbus.client import SunSpecModbusClientModel

from zerocity.protocols.sunspec.models import COMMON, layout, part

MODELS = (1, 101, 103, 113, 120, 121, 123, 124, 201, 203, 204, 213, 701, 702, 704, 713)


def _oracle(model: int, registers: list[int]) -> SunSpecModbusClientModel:
    raw = struct.pack(f">{len(registers)}H", *registers)
    return SunSpecModbusClientModel(model_id=model, model_len=len(registers) - 2, data=raw)


@pytest.mark.parametrize("model", MODELS)
def test_the_layout_is_that_of_the_reference(model: int) -> None:
    shape = layout(model)
    found = _oracle(model, shape.encoded({}, {}))
    for name, point in found.points.items():
        assert shape.points[name].offset == point.offset
        assert shape.points[name].size == point.len


@pytest.mark.parametrize("kind", ["int16", "uint16", "int32", "uint32", "int64", "uint64",
                                  "enum16", "bitfield16", "bitfield32", "sunssf"])  # fmt: skip
def test_absent_values_are_those_of_the_reference(kind: str) -> None:
    for model in MODELS:
        shape = layout(model)
        decoded = shape.decoded(shape.encoded({}, {}))
        oracle = _oracle(model, shape.encoded({}, {}))
        for name, point in shape.points.items():
            if point.kind == kind and "." not in name and name not in ("ID", "L"):
                assert decoded[name] is None
                assert oracle.points[name].value is None
    assert kind in mb.unimpl_value or kind == mdef.TYPE_SUNSSF


@pytest.mark.parametrize("model", [m for m in MODELS if m not in (1, 113, 213)])
def test_any_registers_read_as_the_reference_reads_them(model: int) -> None:
    shape = layout(model)
    registers = [(7919 * k + model) % 0x10000 for k in range(2 + shape.length)]
    registers[0], registers[1] = model, shape.length
    for point in shape.points.values():
        if point.kind == "sunssf":
            registers[point.offset] = (point.offset % 3 - 1) & 0xFFFF
    decoded, oracle = shape.decoded(registers), _oracle(model, registers)
    for name, point in oracle.points.items():
        if shape.points[name].kind in ("pad", "string"):
            continue
        wanted = point.cvalue
        if wanted is None or shape.points[name].kind.startswith("acc"):
            continue
        assert decoded[name] == pytest.approx(float(wanted), rel=1e-12), name


@given(st.floats(-3e8, 3e8), st.integers(-2, 3))
def test_a_power_survives_within_half_a_step_or_is_not_said(watts: float, scale: int) -> None:
    shape = layout(203)
    found = shape.decoded(shape.encoded({"W": watts}, {"W_SF": scale}))["W"]
    if found is None:
        assert abs(watts) > 32_767 * 10.0**scale - 10.0**scale
    else:
        assert found == pytest.approx(watts, abs=0.5 * 10.0**scale * (1 + 1e-9))


def test_a_point_without_its_scale_factor_says_nothing() -> None:
    shape = layout(203)
    registers = shape.encoded({"W": 1000.0}, {"W_SF": 0})
    registers[shape.points["W_SF"].offset] = 0x8000
    assert shape.decoded(registers)["W"] is None
    registers[shape.points["W_SF"].offset] = 99
    assert shape.decoded(registers)["W"] is None


@pytest.mark.parametrize("bits", [0x7FC00000, 0x7F800000, 0xFF800000])
def test_a_float_that_is_no_number_is_not_given(bits: int) -> None:
    shape = layout(213)
    registers = shape.encoded({"W": 1.5}, {})
    assert shape.decoded(registers)["W"] == 1.5
    at = shape.points["W"].offset
    registers[at : at + 2] = [bits >> 16, bits & 0xFFFF]
    assert shape.decoded(registers)["W"] is None


def test_strings_end_at_their_first_zero() -> None:
    shape = layout(COMMON)
    found = shape.decoded(shape.encoded({"Mn": "Maker", "SN": "x" * 99}, {}))
    assert found["Mn"] == "Maker"
    assert found["SN"] == "x" * 32


def test_a_part_is_one_short_run_with_its_scale_factors() -> None:
    found = part(203, "W", "TotWhImp", "TotWhExp")
    assert found.count == 37
    registers = layout(203).encoded(
        {"W": -1500.0, "TotWhImp": 12_000.0, "TotWhExp": 0.0}, {"W_SF": 1, "TotWh_SF": 3}
    )
    run = registers[found.first : found.first + found.count]
    assert found.decoded(run) == {
        "W": -1500.0, "TotWhImp": 12_000.0, "TotWhExp": 0.0, "W_SF": 1, "TotWh_SF": 3,
    }  # fmt: skip
    with pytest.raises(ValueError, match="registers came"):
        found.decoded(run[:-1])


def test_one_point_is_written_by_the_device_s_own_scale() -> None:
    shape = layout(704)
    assert shape.registers("WMaxLimPct", 33.3, {"WMaxLimPct_SF": -1.0}) == [333]
    assert shape.registers("WSet", -5000.0, {"WSet_SF": 0.0}) == [0xFFFF, 0x10000 - 5000]
    with pytest.raises(ValueError, match="cannot say"):
        shape.registers("WMaxLimPct", 33.3, {"WMaxLimPct_SF": None})
    with pytest.raises(ValueError, match="cannot say"):
        shape.registers("WMaxLimPct", 33.3, {"WMaxLimPct_SF": -10.0})
    with pytest.raises(ValueError, match="cannot say"):
        shape.registers("WSet", math.nan, {"WSet_SF": 0.0})


def test_an_unknown_model_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="no SunSpec model 9999"):
        layout(9999)
