from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerocity.errors import InputError
from zerocity.protocols.gbt32960 import fields as f
from zerocity.protocols.gbt32960.fields import Edition, Field, Gap, Layout, alarm_names, gear_name

LAYOUTS = [each for each in vars(f).values() if isinstance(each, Layout)]
EVERY = [field for layout in LAYOUTS for field in layout.fields]


@pytest.mark.parametrize("field", EVERY, ids=lambda field: field.name)
@given(data=st.data())
def test_a_reading_finds_back_to_its_raw_number(field: Field, data: st.DataObject) -> None:
    ends = st.sampled_from([0, 1, field.top - 2, field.top - 1, field.top])
    raw = data.draw(st.integers(0, field.top) | ends)
    assert field.raw(field.value(raw)) == raw


@pytest.mark.parametrize("field", EVERY, ids=lambda field: field.name)
def test_what_a_field_cannot_hold_is_refused(field: Field) -> None:
    for value in (math.nan, math.inf, -1e12, 1e12):
        with pytest.raises(InputError, match=field.name):
            field.raw(value)


def test_codes_are_kept_apart_from_values() -> None:
    speed = f.VEHICLE_2016.field("speed_km_h")
    assert speed.value(0xFFFE) is Gap.ABNORMAL
    assert speed.value(0xFFFF) is Gap.INVALID
    assert speed.value(0xFFFD) == pytest.approx(6553.3)
    assert speed.raw(Gap.ABNORMAL) == 0xFFFE
    assert f.VEHICLE_2016.field("insulation_kohm").value(0xFFFF) == 65_535
    assert f.VEHICLE_2025.field("insulation_kohm").value(0xFFFF) is Gap.INVALID
    with pytest.raises(InputError, match="no codes"):
        f.VEHICLE_2016.field("gear").raw(Gap.INVALID)


@pytest.mark.parametrize(
    ("layout", "size"),
    [
        (f.VEHICLE_2016, 20),
        (f.VEHICLE_2025, 18),
        (f.MOTOR_2016, 12),
        (f.MOTOR_2025, 10),
        (f.HYDROGEN_2016, 10),
        (f.HYDROGEN_2025, 12),
        (f.STACK_2025, 10),
        (f.ENGINE_2016, 5),
        (f.POSITION_2016, 9),
        (f.POSITION_2025, 10),
        (f.EXTREMES_2016, 14),
        (f.CAPACITOR_EXTREMES_2025, 18),
        (f.PACK_2016, 9),
    ],
)
def test_the_sizes_are_those_of_the_standard(layout: Layout, size: int) -> None:
    assert layout.size == size == sum(field.size for field in layout.fields)


def test_the_offsets_of_current_and_speed_follow_the_edition() -> None:
    assert f.PACK_2016.field("current_a").value(10_000) == 0.0
    assert f.PACK_2025.field("current_a").value(30_000) == 0.0
    assert f.VEHICLE_2025.field("current_a").value(0) == -3000.0
    assert f.MOTOR_2016.field("speed_rpm").value(20_000) == 0
    assert f.MOTOR_2025.field("speed_rpm").value(32_000) == 0
    assert f.MOTOR_2016.field("torque_nm").value(20_000) == 0.0
    assert f.MOTOR_2025.field("torque_nm").value(200_000) == 0.0


def test_every_alarm_bit_has_a_name_or_is_told_as_reserved() -> None:
    every = alarm_names(0xFFFFFFFF, Edition.Y2016)
    assert len(every) == 32
    assert every[18:20] == ("overcharge", "bit_19")
    newer = alarm_names(0xFFFFFFFF, Edition.Y2025)
    assert newer[:19] == every[:19]
    assert newer[23] == "thermal_event"
    assert newer[27:] == ("stack_hot", "bit_28", "bit_29", "bit_30", "bit_31")
    assert len(set(newer)) == 32


def test_gears_are_named() -> None:
    assert [gear_name(g) for g in (0x00, 0x21, 0x0D, 0x3E, 0x1F)] == ["N", "1", "R", "D", "P"]


def test_an_unknown_field_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        f.VEHICLE_2016.field("soc")
