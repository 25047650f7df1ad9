from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from zerocity.energy.epw import weather_from_epw
from zerocity.errors import InputError
from zerocity.measures.timeline import Timeline

HEADER = ["LOCATION,Nowhere,X,CHN,Test,1,36.0,103.9,8.0,1500.0", *["COMMENTS"] * 7]
MONTH_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def made_rows() -> list[list[str]]:
    rows = []
    for month, days in enumerate(MONTH_DAYS, 1):
        for day in range(1, days + 1):
            for hour in range(1, 25):
                sun = max(0.0, np.sin((hour - 6.5) / 12 * np.pi)) * 800
                row = ["2005", str(month), str(day), str(hour), "0", "?"] + ["0"] * 29
                row[6], row[9] = f"{month + hour / 10}", "85000"
                row[13], row[14], row[15] = f"{sun:.1f}", f"{sun:.1f}", f"{sun / 4:.1f}"
                rows.append(row)
    return rows


def as_text(rows: list[list[str]]) -> str:
    return "\n".join([*HEADER, *map(",".join, rows)]) + "\n"


def test_energy_of_every_hour_is_kept() -> None:
    rows = made_rows()
    weather = weather_from_epw(as_text(rows), "a.epw", Timeline(date(2026, 1, 1), 365))
    hourly = np.array([float(r[13]) for r in rows])
    np.testing.assert_allclose(weather.ghi_w_m2.reshape(-1, 4).mean(axis=1), hourly, atol=1e-6)
    assert (weather.ghi_w_m2 >= 0).all()
    np.testing.assert_allclose(weather.pressure_hpa, 850.0)
    assert weather.temperature_c[48] == pytest.approx(2.2, abs=0.02), "holds at the hour's end"


def test_runs_may_start_anywhere_and_outlast_the_year() -> None:
    text = as_text(made_rows())
    long = weather_from_epw(text, "a.epw", Timeline(date(2027, 12, 30), 500, 60))
    part = weather_from_epw(text, "a.epw", Timeline(date(2028, 2, 28), 3, 60))
    at = 24 * 60
    np.testing.assert_allclose(long.temperature_c[at : at + 72], part.temperature_c)
    assert part.temperature_c[30] == pytest.approx(part.temperature_c[6]), "29 February repeats"


def test_another_time_zone_shifts_the_hours() -> None:
    text = as_text(made_rows())
    here = weather_from_epw(text, "a.epw", Timeline(date(2026, 6, 1), 3, 60, 8.0))
    west = weather_from_epw(text, "a.epw", Timeline(date(2026, 6, 1), 3, 60, 6.0))
    np.testing.assert_allclose(west.ghi_w_m2[:-2], here.ghi_w_m2[2:])


def test_short_gaps_are_bridged_and_long_ones_refused() -> None:
    rows = made_rows()
    for k in (100, 101, 102):
        rows[k][6] = "99.9"
    weather = weather_from_epw(as_text(rows), "a.epw", Timeline(date(2026, 1, 1), 365, 60))
    whole = weather_from_epw(as_text(made_rows()), "a.epw", Timeline(date(2026, 1, 1), 365, 60))
    np.testing.assert_allclose(weather.temperature_c, whole.temperature_c, atol=0.05)
    for k in range(100, 110):
        rows[k][6] = "nan"
    with pytest.raises(InputError, match=r"a.epw, line 109, dry bulb.*10 missing hours"):
        weather_from_epw(as_text(rows), "a.epw", Timeline(date(2026, 1, 1), 1))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda r: r.pop(), r"line 8767: got 8759 hourly rows"),
        (lambda r: r[5].__setitem__(3, "9"), r"line 14: got hour 9, wanted hour 6"),
        (lambda r: r[0].__setitem__(slice(10, None), []), r"line 9: got 10 fields"),
        (lambda r: r[9].__setitem__(13, "-50"), r"line 18, global horizontal irradiance: got -50"),
        (lambda r: r[9].__setitem__(6, "warm"), r"line 18, dry bulb temperature: got 'warm'"),
    ],
)
def test_wrong_rows_are_named(spoil, message: str) -> None:  # type: ignore[no-untyped-def]
    rows = made_rows()
    spoil(rows)
    with pytest.raises(InputError, match=message):
        weather_from_epw(as_text(rows), "a.epw", Timeline(date(2026, 1, 1), 1))


def test_wrong_headers_are_named() -> None:
    for text in ("", "Year,Month\n", as_text(made_rows()).replace(",8.0,", ",99,", 1)):
        with pytest.raises(InputError, match=r"a\.epw, line 1"):
            weather_from_epw(text, "a.epw", Timeline(date(2026, 1, 1), 1))


def test_the_lanzhou_file(shared_data: Path) -> None:
    text = (shared_data / "weather/CHN_Gansu.Lanzhou.528890_CSWD.epw").read_text()
    weather = weather_from_epw(text, "lanzhou.epw", Timeline(date(2026, 1, 1), 365))
    assert weather.ghi_w_m2.sum() / 4000 == pytest.approx(1403.27, abs=0.01)
    assert weather.temperature_c.mean() == pytest.approx(10.25, abs=0.01)
