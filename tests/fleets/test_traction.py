"""The published check values of the trace model, the measured 18 m bus, and physical laws."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerocity.errors import InputError
from zerocity.fleets.traction import (
    air_density_kg_m3,
    auxiliary_kw,
    cruise_speed_m_s,
    cycle_energy_kwh_per_km,
    segment_kwh_per_km,
    urban_stops_per_km,
)
from zerocity.fleets.vehicle import REFERENCE_VEHICLES, RoadVehicle

FloatArray = npt.NDArray[np.float64]
TRUCK, BUS, BUS_18M = (REFERENCE_VEHICLES[n] for n in ("tractor_49t", "bus_12m", "bus_18m"))
LANZHOU, SEA_LEVEL = 1.008, 1.204
FLAT = ([0.0], [1.0])


def read_cycle(path: Path) -> tuple[FloatArray, FloatArray, FloatArray]:
    rows = np.genfromtxt(path, delimiter=",", skip_header=1, encoding="utf-8-sig")
    return rows[:, 0], rows[:, 1], rows[:, 2]


def steady(vehicle: RoadVehicle, speed_kmh: float, grade: float) -> float:
    time_s = np.arange(11.0)
    speed, grades = np.full(11, speed_kmh / 3.6), np.full(11, grade)
    return cycle_energy_kwh_per_km(vehicle, time_s, speed, grades, LANZHOU)


def test_air_is_thin_in_lanzhou() -> None:
    assert air_density_kg_m3(20.0, 848.0) == pytest.approx(1.008, abs=0.0005)
    assert air_density_kg_m3(20.0, 1013.25) == pytest.approx(1.204, abs=0.0005)


@pytest.mark.parametrize(
    ("vehicle", "cycle", "lanzhou", "sea_level"),
    [
        (TRUCK, "EPA_Ph2_transient", 1.994, 2.023),
        (TRUCK, "EPA_Ph2_urban_highway_55mph", 1.572, 1.684),
        (TRUCK, "EPA_Ph2_rural_interstate_65mph", 1.726, 1.872),
        (TRUCK, "regional_haul", 1.736, 1.823),
        (TRUCK, "long_haul_cyc", 1.645, 1.768),
        (BUS, "EPA_Ph2_transient", 0.988, 1.016),
    ],
)
def test_cycles_give_their_published_check_values(
    shared_data: Path, vehicle: RoadVehicle, cycle: str, lanzhou: float, sea_level: float
) -> None:
    trace = read_cycle(shared_data / "fleets" / f"{cycle}.csv")
    assert cycle_energy_kwh_per_km(vehicle, *trace, LANZHOU) == pytest.approx(lanzhou, abs=1e-3)
    assert cycle_energy_kwh_per_km(vehicle, *trace, SEA_LEVEL) == pytest.approx(sea_level, abs=1e-3)


@pytest.mark.parametrize(
    ("vehicle", "speed_kmh", "expected", "tolerance"),
    [
        (TRUCK, 54.0, (-3.40, -1.26, 1.19, 4.16, 7.12), 0.006),
        (BUS, 25.0, (-0.85, -0.24, 0.555, 1.58, 2.61), 0.006),
    ],
)
def test_steady_grades_give_their_published_check_values(
    vehicle: RoadVehicle, speed_kmh: float, expected: tuple[float, ...], tolerance: float
) -> None:
    ours = [steady(vehicle, speed_kmh, g) for g in (-0.04, -0.02, 0.0, 0.02, 0.04)]
    assert ours == pytest.approx(expected, abs=tolerance)


def test_given_auxiliary_power_replaces_the_base() -> None:
    trace = np.arange(11.0), np.full(11, 10.0), np.zeros(11)
    without = cycle_energy_kwh_per_km(BUS, *trace, LANZHOU, aux_kw=0.0)
    cold = cycle_energy_kwh_per_km(BUS, *trace, LANZHOU, aux_kw=36.0)
    assert cold - without == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("time_s", "speed", "field"),
    [([0.0], [1.0], "time_s"), ([0.0, 0.0], [1.0, 1.0], "time_s"), ([0, 1.0], [0, 0], "speed")],
)
def test_useless_trace_is_an_error(time_s: list[float], speed: list[float], field: str) -> None:
    grade = np.zeros(len(time_s))
    with pytest.raises(InputError, match=field):
        cycle_energy_kwh_per_km(BUS, np.array(time_s), np.array(speed), grade, LANZHOU)


def test_auxiliary_power_follows_the_measured_18_m_bus() -> None:
    measured = {
        15: 4,
        22: 4,
        10: 7.5,
        7: 10.7,
        4.5: 11.4,
        -0.8: 14.5,
        -6: 14.7,
        -9: 15.7,
        -14: 19.9,
    }
    ours = auxiliary_kw(BUS_18M, list(measured))
    error = ours - np.array(list(measured.values()), float)
    assert np.sqrt(np.mean(error**2)) < 1.4
    assert np.max(np.abs(error)) < 2.5


@pytest.mark.parametrize("name", ["bus_12m", "bus_18m", "taxi", "car", "tractor_49t"])
def test_heating_grows_with_cold_and_cooling_with_heat(name: str) -> None:
    vehicle = REFERENCE_VEHICLES[name]
    power = auxiliary_kw(vehicle, np.arange(-40.0, 46.0, 0.5))
    lowest = int(np.argmin(power))
    assert power.min() == vehicle.base_aux_kw
    assert np.all(np.diff(power[: lowest + 1]) <= 1e-12)
    assert np.all(np.diff(power[lowest:]) >= -1e-12)
    assert power.max() <= vehicle.base_aux_kw + vehicle.hvac_max_kw


def test_heat_pump_saves_until_the_resistance_heater_takes_over() -> None:
    pump = replace(BUS, heat_pump_cop_at_7c=2.5, heat_pump_cop_per_k=0.05)
    saved = auxiliary_kw(BUS, [7.0, -5.0, -10.0, -20.0]) - auxiliary_kw(pump, [7.0, -5, -10, -20])
    assert saved[:2] == pytest.approx([(1 - 1 / 2.5) * 3.097, (1 - 1 / 1.9) * 7.621], abs=1e-3)
    assert saved[2:] == pytest.approx([0.0, 0.0])


# Interpolated from measured 18 m buses in Berlin [kWh/km], columns -10..30 degC by 5.
MEASURED = {
    12: (2.63, 2.44, 2.35, 2.02, 1.71, 1.39, 1.33, 1.37, 1.49),
    15: (2.40, 2.26, 2.10, 1.82, 1.55, 1.32, 1.27, 1.30, 1.40),
    18: (2.22, 2.13, 1.95, 1.68, 1.47, 1.29, 1.24, 1.27, 1.32),
    20: (2.09, 2.04, 1.86, 1.62, 1.43, 1.28, 1.24, 1.26, 1.34),
    24: (1.87, 1.85, 1.72, 1.53, 1.37, 1.25, 1.19, 1.22, 1.21),
    30: (1.74, 1.70, 1.56, 1.39, 1.26, 1.13, 1.08, 1.14, 1.14),
}


def berlin_kwh_per_km(speed_kmh: float, temperature_c: npt.ArrayLike) -> FloatArray:
    stops = urban_stops_per_km(speed_kmh)
    traction = segment_kwh_per_km(BUS_18M, speed_kmh, stops, *FLAT, temperature_c, 1013.25)
    return traction + auxiliary_kw(BUS_18M, temperature_c) / speed_kmh


def test_18_m_bus_is_within_5_percent_of_the_interpolated_table() -> None:
    ours = np.array([berlin_kwh_per_km(v, np.arange(-10.0, 31.0, 5.0)) for v in MEASURED])
    error = ours / np.array(list(MEASURED.values())) - 1.0
    assert np.mean(np.abs(error)) < 0.05
    assert np.max(np.abs(error)) < 0.12


def test_18_m_bus_is_within_5_percent_of_the_measured_cells(shared_data: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.load_workbook(
        shared_data / "fleets" / "bus_18m_speed_temperature_berlin.xlsx", read_only=True
    )
    head, *rows = book.active.iter_rows(values_only=True)
    errors = [
        berlin_kwh_per_km(row[0], temperature)[0] / value - 1.0
        for row in rows
        for temperature, value in zip(head[1:], row[1:], strict=False)
        if value and 10.0 <= row[0] <= 30.0 and -10.0 <= temperature <= 30.0
    ]
    assert len(errors) > 90
    assert np.mean(np.abs(errors)) < 0.05


def test_segment_without_stops_is_a_steady_trace() -> None:
    for grade in (-0.04, 0.0, 0.04):
        ours = segment_kwh_per_km(TRUCK, 54.0, 0.0, [grade], [1.0], 20.0, 848.0)[0]
        assert ours + 3.0 / 54.0 == pytest.approx(steady(TRUCK, 54.0, grade), rel=2e-3)


@pytest.mark.parametrize("vehicle", [BUS, TRUCK, REFERENCE_VEHICLES["taxi"]])
def test_segment_agrees_with_the_trace_of_the_same_stops(vehicle: RoadVehicle) -> None:
    """One km: speed up evenly, cruise, brake evenly, at fine steps; the segment model's picture."""
    cruise, accel, step = 12.0, vehicle.acceleration_m_s2, 0.01
    ramp = np.arange(0.0, cruise / accel, step) * accel
    hold = np.full(int((1000.0 - cruise**2 / accel) / cruise / step), cruise)
    speed = np.concatenate([ramp, hold, ramp[::-1]])
    time_s = np.arange(len(speed)) * step
    trace = cycle_energy_kwh_per_km(
        replace(vehicle, motor_kw=1e4), time_s, speed, np.zeros(len(speed)), LANZHOU, aux_kw=0.0
    )
    mean_kmh = 3.6 * float(speed.mean())
    excess = 2.0 * (3.6 * cruise / mean_kmh - 1.0)
    same = replace(vehicle, motor_kw=1e4, cruise_excess=excess)
    assert cruise_speed_m_s(same, mean_kmh, 1.0) == pytest.approx(cruise)
    ours = segment_kwh_per_km(same, mean_kmh, 1.0, *FLAT, 20.0, 848.0)[0]
    assert ours == pytest.approx(trace, rel=0.01)


def test_weak_motor_takes_less_braking_work() -> None:
    strong, weak = (replace(TRUCK, motor_kw=kw) for kw in (5000.0, 100.0))
    args = (40.0, 1.0, *FLAT, 20.0, 848.0)
    assert segment_kwh_per_km(weak, *args)[0] > segment_kwh_per_km(strong, *args)[0] * 1.05


@given(
    name=st.sampled_from(sorted(REFERENCE_VEHICLES)),
    speed=st.floats(8.0, 80.0),
    stops=st.floats(0.0, 8.0),
    temperature=st.floats(-25.0, 40.0),
    grade=st.floats(0.0, 0.06),
)
def test_more_mass_grade_and_air_never_save_energy(
    name: str, speed: float, stops: float, temperature: float, grade: float
) -> None:
    vehicle = REFERENCE_VEHICLES[name]

    def energy(thing: RoadVehicle = vehicle, slope: float = grade, hpa: float = 850.0) -> float:
        bins = [slope, -slope], [0.5, 0.5]
        return float(segment_kwh_per_km(thing, speed, stops, *bins, temperature, hpa)[0])

    base = energy()
    tiny = 1e-12 + 1e-9 * base
    assert base > 0
    assert energy(replace(vehicle, payload_kg=1.2 * vehicle.payload_kg)) >= base - tiny
    assert energy(slope=grade + 0.01) >= base - tiny
    assert energy(hpa=1000.0) >= base - tiny
    assert energy(replace(vehicle, regen_share=0.0)) >= base - tiny


@given(speed=st.floats(5.0, 100.0), stops=st.floats(0.0, 20.0))
def test_cruise_fits_between_the_stops(speed: float, stops: float) -> None:
    cruise = cruise_speed_m_s(BUS, speed, stops)
    assert cruise > 0
    assert stops * cruise**2 / BUS.acceleration_m_s2 <= 1000.0 + 1e-6
