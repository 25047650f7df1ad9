"""What clean energy met the parks' use hour by hour: a table of scores and one park's mean day."""

from __future__ import annotations

from zerocity.errors import InputError, RunStateError
from zerocity.parks.matching import SOURCES, Matching, match
from zerocity.reports import charts
from zerocity.reports.folding import Results, nothing, words
from zerocity.reports.page import Part, Picture, Table, row
from zerocity.reports.park_series import park_meters, run_parks

NAMES = {
    "pv": "own sun",
    "direct": "green line",
    "store_clean": "store, clean",
    "traced": "traced supply, no hour proven",
    "store_grid": "store, from the grid",
    "grid": "grid",
}
TINTS = {
    "own sun": charts.YELLOW,
    "green line": charts.GREEN,
    "store, clean": charts.BLUE,
    "traced supply, no hour proven": charts.SKY,
    "store, from the grid": charts.RED,
    "grid": charts.GREY,
}


def park_matching(results: Results) -> tuple[Part, ...]:
    """Parts for the section on parks; a sentence where the run does not hold what it takes."""
    try:
        specs = run_parks(results.run)
        meters = park_meters(results.run, specs)
        found = {n: match(m.by_hour(), specs[n].green_import_share) for n, m in meters.items()}
    except (RunStateError, InputError) as error:
        return nothing("No hourly matching", f"{error}.")
    used = {name: one for name, one in found.items() if float(one.use_kwh.sum()) > 0.0}
    if not used:
        return nothing("No hourly matching", "the parks used no electricity.")
    largest = max(used, key=lambda name: float(used[name].use_kwh.sum()))
    return (_picture(largest, used[largest]), _scores(used), _day(largest, used[largest]))


def _picture(name: str, found: Matching) -> Picture:
    day = found.by_hour_of_day()
    series = {text: day[key] / 1000.0 for key, text in NAMES.items()}
    shown = {text: values for text, values in series.items() if float(values.max()) > 1e-6}
    hours = [f"{hour:02d}" for hour in range(24)]
    figure = charts.bars(hours, shown, "MW", {text: TINTS[text] for text in shown})
    caption = (
        f"{words(name)}, the park with the largest use: what met its use by local hour, mean of "
        f"the run [MW]. {found.hourly_score:.0%} was clean hour by hour, {found.volume_score:.0%} "
        "when all hours are netted."
    )
    return Picture(figure, caption, 340)


def _scores(found: dict[str, Matching]) -> Table:
    columns = (
        "park", "netted over the run [-]", "hour by hour [-]",
        "hour by hour with traced supply [-]", "hours clean as a whole [-]", "clean sent out [MWh]",
    )  # fmt: skip
    rows = tuple(
        row(
            words(name), one.volume_score, one.hourly_score, one.traced_score, one.matched_steps,
            float(one.surplus_kwh.sum()) / 1000.0,
        )
        for name, one in found.items()
    )  # fmt: skip
    return Table("Clean energy hour by hour", columns, rows)


def _day(name: str, found: Matching) -> Table:
    day = found.by_hour_of_day()
    rows = tuple(
        row(f"{hour:02d}:00", *(float(day[key][hour]) / 1000.0 for key in (*SOURCES, "surplus")))
        for hour in range(24)
    )
    columns = ("hour", *(f"{NAMES[key]} [MW]" for key in SOURCES), "clean sent out [MW]")
    return Table(f"Mean day of {words(name)}", columns, rows, folded=True)
