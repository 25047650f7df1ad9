"""A year of rolling plans: ``python benchmarks/rolling.py [--days 365]``.

One site with a store, 300 kW of mean load and 900 kWp, every quarter hour a new plan of 96 steps:
35,040 plans a year. Prints the processor time of the plans and of the forecasts apart, and what
each way of planning keeps of perfect foresight's value, under time-of-use prices, a demand charge
and made spot prices, with the site's own history alone and with a weather forecast.
"""

from __future__ import annotations

import argparse
import time
from datetime import date

import numpy as np
import pvlib

from zerocity.city.folder import load_city
from zerocity.energy.climate import WeatherYear
from zerocity.energy.forecast import forecast_pv
from zerocity.energy.forecasting import LOAD, SUN, Usual, study
from zerocity.energy.history import Past
from zerocity.energy.load import site_loads, smooth_noise
from zerocity.energy.outlooks import Exact, Foreseer, FromHistory, Outlook
from zerocity.energy.rolling import DAY_AHEAD, ROLLING, SCENARIOS, Policy, judge, roll
from zerocity.energy.solar import pv_kw_per_kwp, sun
from zerocity.energy.stores import StoreDays
from zerocity.energy.weather import made_weather
from zerocity.measures.seeds import stream
from zerocity.measures.timeline import Timeline

HISTORY_DAYS = 30
KWP, MEAN_KW, STORE_KWH, STORE_KW = 900.0, 300.0, 1200.0, 400.0
# Standard deviation of the load's wandering about its shape; three times the twin's, to be hard.
LOAD_NOISE = 0.15


class Timed:
    """Counts the processor time that a foreseer takes."""

    def __init__(self, inner: Foreseer) -> None:
        self.inner, self.spent_s = inner, 0.0

    def __call__(self, first: int, count: int) -> Outlook:
        """Pass on and count."""
        begin = time.process_time()
        seen = self.inner(first, count)
        self.spent_s += time.process_time() - begin
        return seen


def site(days: int) -> tuple[StoreDays, Usual, dict[str, Usual]]:
    """The truth under time-of-use prices, the load's history, the sun's without and with help."""
    city = load_city("lanzhou")
    line = Timeline(date(2024, 12, 2), HISTORY_DAYS + days + 2, 15, city.utc_offset_h)
    climate, workday = city.climate, line.is_workday()
    place = (climate.latitude, climate.longitude, climate.altitude_m)
    weather = made_weather(climate, line, 1)
    at = sun(line, *place)
    split = pvlib.irradiance.erbs(at.clear_ghi_w_m2, at.zenith_deg, line.days_of_year.repeat(96))
    clear_sky = WeatherYear(
        weather.temperature_c, at.clear_ghi_w_m2, np.asarray(split["dni"]),
        np.asarray(split["dhi"]), weather.pressure_hpa,
    )  # fmt: skip
    made, clear = (KWP * pv_kw_per_kwp(w, line, *place, 30.0)[None] for w in (weather, clear_sky))
    load = np.concatenate(
        [
            site_loads(
                np.array([MEAN_KW]), ("industrial",), bool(workday[d]),
                smooth_noise(stream(1, "load", d), 1, 96, LOAD_NOISE), 96,
            )
            for d in range(line.days)
        ],
        axis=1,
    )  # fmt: skip
    known_load = study(Past(load, np.full(load.shape, MEAN_KW), workday), LOAD)
    every, padded = np.ones(line.days, np.bool_), np.pad(made, ((0, 0), (0, 96)))
    rng = stream(1, "weather forecast")
    issued = [forecast_pv(padded[:, d * 96 : (d + 2) * 96], rng, 0.25) for d in range(line.days)]
    suns = {
        "own history": study(Past(made, clear, every), SUN),
        "with a weather forecast": study(Past(made, clear, every, np.stack(issued, 1)), SUN),
    }
    now = slice(HISTORY_DAYS * 96, (HISTORY_DAYS + days) * 96)
    prices = city.tariff.prices(line)
    return truth(load[:, now], made[:, now], prices.buy[now], prices.sell[now]), known_load, suns


def truth(load: np.ndarray, made: np.ndarray, buy: np.ndarray, sell: np.ndarray) -> StoreDays:
    """A site with these series, half full at both ends."""
    ones, one = np.ones(load.shape), np.ones(1)
    low, high = 0.0 * ones, STORE_KWH * ones
    low[:, -1] = high[:, -1] = STORE_KWH / 2.0
    return StoreDays(
        0.25, load.copy(), made.copy(), buy[None].copy(), np.minimum(sell, buy)[None].copy(),
        1500.0 * ones, 900.0 * ones, STORE_KW * ones, STORE_KW * ones, low, high,
        STORE_KWH / 2.0 * one, 0.95 * one, 0.95 * one, 0.0 * one, 0.02 * one, 0.0 * one,
        np.full(1, np.inf),
    )  # fmt: skip


def spot(days: StoreDays) -> StoreDays:
    """The same site under made spot prices: low at noon, high in the evening, noisy by the hour."""
    steps = days.load_kw.shape[1]
    hour = np.arange(steps) % 96 / 4.0
    noise = np.repeat(stream(1, "spot").normal(0.0, 0.05, steps // 4), 4)
    shape = (
        0.25 - 0.2 * np.exp(-(((hour - 13) / 3) ** 2)) + 0.15 * np.exp(-(((hour - 20) / 2) ** 2))
    )
    buy = np.clip(shape + noise, 0.04, 0.5) + 0.2
    return truth(days.load_kw, days.pv_kw, buy, np.full(steps, 0.2))


def show(
    name: str, days: StoreDays, known_load: Usual, known_sun: Usual, charge: float = 0.0
) -> None:
    """Print one line a policy."""
    steps = days.load_kw.shape[1]
    demand, month = np.array([charge]), np.arange(steps) // (30 * 96)
    print(f"\n{name}\n  {'policy':30s} {'of perfect':>10s} {'paid CNY':>11s} {'plans s':>8s} "
          f"{'forecasts s':>12s} {'weighed':>8s}")  # fmt: skip
    policies: list[tuple[Policy, int]] = [
        (DAY_AHEAD, 0), (Policy("day-ahead, price followed", 96), 0),
        (Policy("rolling, power held", 1, follow=False), 0), (ROLLING, 0), (SCENARIOS, 8),
    ]  # fmt: skip
    start = HISTORY_DAYS * 96
    runs: list[tuple[Policy, Foreseer]] = [
        (p, FromHistory(known_load, known_sun, start, scenarios=m)) for p, m in policies
    ]
    runs.append((Policy("rolling, nothing unknown"), Exact(days.load_kw, days.pv_kw)))
    for policy, inner in runs:
        seen, begin = Timed(inner), time.process_time()
        lived = roll(days, seen, policy, demand, month)
        spent = time.process_time() - begin - seen.spent_s
        found = judge(days, lived, demand, month)
        print(f"  {policy.name:30s} {100 * found.share:9.1f}% {found.paid_cny.sum():11.0f} "
              f"{spent:8.2f} {seen.spent_s:12.2f} {int(lived.weighed.sum()):8d}")  # fmt: skip


def main() -> None:
    """Warm the kernels up, then live the year under each tariff."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=365)
    days, load, suns = site(parser.parse_args().days)
    short = site(2)[0]
    roll(short, Exact(short.load_kw, short.pv_kw), SCENARIOS)
    for name, history in suns.items():
        show(f"time of use, {name}", days, load, history)
        show(f"spot, {name}", spot(days), load, history)
    history = suns["with a weather forecast"]
    show("time of use, 32 CNY/kW a month, with a weather forecast", days, load, history, 32.0)


if __name__ == "__main__":
    main()
