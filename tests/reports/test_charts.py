"""Figures hold the numbers that they were given, and no markup of a name."""

from __future__ import annotations

import json

import numpy as np
import pytest

from zerocity.reports import charts
from zerocity.reports.page import json_for_html
from zerocity.reports.sections_batteries import net

NAME = "<a href='http://x'>y</a>"


def every_figure() -> list[charts.Figure]:
    ones = np.ones(3)
    return [
        charts.heat_map(np.ones((1, 24)), ["Jan"], "MW", charts.LIGHT_TO_BLUE),
        charts.bars([NAME], {NAME: [1.0]}, "kW"),
        charts.across([NAME, NAME], [1.0, 2.0], "kW", mark=1.5),
        charts.lines([1, 2, 3], {NAME: ones}, "h", "kW"),
        charts.power_balance(["a", "b", "c"], {NAME: ones}, {"load": ones}, ones),
        charts.site_map(ones, ones, [NAME] * 3, [NAME] * 3, ones),
        charts.boxes({NAME: {NAME: [0.0, 1.0, 2.0, 3.0, 4.0]}}, "-"),
        charts.sankey([(NAME, "b", 1.0)], "kg", ["#000000"], [NAME]),
    ]


@pytest.mark.parametrize("figure", every_figure(), ids=range(8))
def test_names_carry_no_markup_and_figures_are_json(figure: charts.Figure) -> None:
    text = json.dumps(json.loads(json_for_html(figure)))
    assert "<a" not in text
    assert figure["data"]


def test_uses_point_down_and_sources_up() -> None:
    figure = charts.power_balance(["a"], {"solar": np.ones(1)}, {"load": np.ones(1)}, None)
    assert [trace["y"][0] for trace in figure["data"]] == [1.0, -1.0]


def test_the_map_keeps_equal_scale() -> None:
    figure = charts.site_map(
        np.array([103.0, 104.0]), np.array([60.0, 60.0]), ["a", "a"], ["x", "y"], np.zeros(2)
    )
    assert figure["layout"]["yaxis"]["scaleratio"] == pytest.approx(2.0)


def test_two_sites_of_one_name_stay_two_bars() -> None:
    figure = charts.across(["same", "same"], [1.0, 2.0], "kW")
    assert figure["data"][0]["y"] == [0, 1]


def test_net_takes_off_what_moved_back() -> None:
    moves = {("a", "b"): 5.0, ("b", "a"): 2.0, ("c", "c"): 1.0}
    assert net(moves) == [("a", "b", 3.0)]
