"""The virtual power plant of the twin: asked the day before, steered by price, settled after."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from zerocity.city.scenario import City
from zerocity.control.ports import Planner
from zerocity.energy.climate import WeatherYear
from zerocity.energy.site_days import SiteDays, SitePlans
from zerocity.measures.arrays import F64
from zerocity.measures.seeds import stream
from zerocity.measures.timeline import Timeline
from zerocity.twin.rows import Sink, part_of
from zerocity.twin.world import DayMeters
from zerocity.vpp.baseline import day_baseline
from zerocity.vpp.control_group import held_back
from zerocity.vpp.delivery import offer_kw
from zerocity.vpp.flexibility import aggregate, assets_of
from zerocity.vpp.program import event_days
from zerocity.vpp.settlement import settle

# The desk steers its sites by a price on import in the window; high enough that whatever can be
# shifted is shifted. An internal signal, not money that anyone pays.
CALL_PRICE_CNY_PER_KWH = 2.0
# Strain on the grid as the distance of the day's mean temperature from comfort [degC], and the
# error of its forecast [K]; assumptions.
COMFORT_C, FORECAST_SD_K = 18.0, 1.5
# Fewer normal days than this prove nothing, so no event is called; an assumption.
MIN_BASELINE_DAYS = 5


class VirtualPlant:
    """Events of a run, decided from what the day before knew."""

    def __init__(self, city: City, timeline: Timeline, weather: WeatherYear, seed: int) -> None:
        self.program, self.timeline = city.vpp, timeline
        days, steps = timeline.days, timeline.steps_per_day
        mean_c = weather.temperature_c.reshape(days, steps).mean(axis=1)
        error = np.array(
            [stream(seed, "strain", d).normal(0.0, FORECAST_SD_K) for d in range(days)]
        )
        self._workdays = timeline.is_workday()
        self.called = event_days(
            self.program,
            months=timeline.months,
            workdays=self._workdays,
            forecast_peak_kw=np.abs(mean_c + error - COMFORT_C),
        )
        self.uncalled = held_back(city.sites.name, self.program.control_share)
        self.metered_kw = np.zeros((days, steps))
        self._offer_kw = 0.0
        self.events = 0
        self.flexible_kw: list[float] = []
        self.requested_kwh, self.delivered_kwh = 0.0, 0.0
        self.baseline_kwh, self.payment_cny = 0.0, 0.0

    def answer(
        self, day: int, problem: SiteDays, plans: SitePlans, planner: Planner
    ) -> tuple[SiteDays, SitePlans]:
        """Return the day's problem and plans; on a called day they give relief in the window."""
        self._offer_kw = 0.0
        if not self.called[day]:
            return problem, plans
        window = self.program.window_mask(problem.steps)
        asked = ~self.uncalled[:, None] & window
        signal = np.where(asked, CALL_PRICE_CNY_PER_KWH, 0.0)
        called = replace(
            problem,
            buy_cny_per_kwh=problem.buy_cny_per_kwh + signal,
            sell_cny_per_kwh=problem.sell_cny_per_kwh + signal,
        )
        answer = planner(called)
        relief = _net_kw(plans)[:, window] - _net_kw(answer)[:, window]
        self._offer_kw = offer_kw(self.program, relief.mean(axis=1))
        if self._offer_kw <= 0.0 or not self._provable(day):
            # Too small for the market, or nothing to measure it against: the day stays normal.
            self._offer_kw = 0.0
            self.called[day] = False
            return problem, plans
        found = aggregate(assets_of(problem, plans), int(window.sum()))
        self.flexible_kw.append(float(found.total_down_kw[window].mean()))
        return called, answer

    def _provable(self, day: int) -> bool:
        same = ~self.called[:day] & (self._workdays[:day] == self._workdays[day])
        return int(same.sum()) >= MIN_BASELINE_DAYS

    def settle(self, day: int, m: DayMeters, sink: Sink, timeline: Timeline) -> float:
        """Take in the day's meters; return the pay for an event of this day [CNY]."""
        net = (m.import_kwh - m.export_kwh).sum(axis=1) / timeline.step_h
        self.metered_kw[day] = net
        if self._offer_kw <= 0.0:
            return 0.0
        baseline = day_baseline(
            self.program, self.metered_kw, day, events=self.called, workdays=self._workdays
        )
        result = settle(
            self.program,
            baseline_kw=baseline.power_kw[None, :],
            metered_kw=net[None, :],
            requested_kw=np.full((1, 1), self._offer_kw),
        )
        pay = float(result.payment_cny[0] - result.penalty_cny[0])
        self.events += 1
        self.requested_kwh += float(result.requested_kwh[0])
        self.delivered_kwh += float(result.delivered_kwh[0])
        self.baseline_kwh += float(result.baseline_kwh[0])
        self.payment_cny += pay
        sink.write(
            "vpp_events",
            part_of(timeline, day),
            {
                "day": np.array([timeline.local_date(day)], "datetime64[D]"),
                "start_h": [self.program.window_start_h],
                "end_h": [self.program.window_end_h],
                "requested_kwh": result.requested_kwh,
                "baseline_kwh": result.baseline_kwh,
                "metered_kwh": result.metered_kwh,
                "delivered_kwh": result.delivered_kwh,
                "payment_cny": [pay],
            },
        )
        return pay


def _net_kw(plans: SitePlans) -> F64:
    return plans.import_kw - plans.export_kw
