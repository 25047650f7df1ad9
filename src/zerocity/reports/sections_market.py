"""Sections on the virtual power plant's events and the zero-carbon parks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from zerocity.reports import charts
from zerocity.reports.folding import Results, as_float, nothing, pairs, words
from zerocity.reports.page import Note, Part, Picture, Section, Table, row
from zerocity.reports.park_matching import park_matching
from zerocity.reports.tables import run_days
from zerocity.vpp.baseline import baseline_10_of_10

FloatArray = npt.NDArray[np.float64]
Column = npt.NDArray[Any]

EVENT_COLUMNS = (
    "day", "start_h", "end_h", "requested_kwh", "baseline_kwh", "metered_kwh", "delivered_kwh",
    "payment_cny",
)  # fmt: skip


def vpp(results: Results) -> Section:
    """All events, and one of them hour by hour."""
    anchor, title = "vpp", "Events of the virtual power plant"
    found = results.run.columns("vpp_events", EVENT_COLUMNS)
    if found is None or "day" not in found:
        why = "none was called in this run: no event fell in season on its days, or the portfolio "
        why += "stayed below the admission threshold."
        return Section(anchor, title, nothing("No events", why))
    day = run_days(results.run, found["day"])
    order = np.argsort(day, kind="stable")
    found, day = {n: v[order] for n, v in found.items()}, day[order]
    dates = [str(results.run.start + timedelta(days=int(d))) for d in day]
    shown = {
        words(n.removesuffix("_kwh")): found[n].astype(float)
        for n in ("requested_kwh", "delivered_kwh")
        if n in found
    }
    parts: list[Part] = list(_one_event(results, found, day))
    if shown:
        figure = charts.bars(dates, shown, "kWh", grouped=True)
        parts.append(
            Picture(figure, "Energy of relief requested and delivered by event [kWh].", 320)
        )
    names = [n for n in EVENT_COLUMNS if n in found and n != "day"]
    rows = tuple(row(date, *(float(found[n][i]) for n in names)) for i, date in enumerate(dates))
    parts.append(Table("All events", ("day", *(words(n) for n in names)), rows))
    parts.append(Table("Sums", ("figure", "value"), _sums(results)))
    return Section(anchor, title, tuple(parts))


def _sums(results: Results) -> tuple[tuple[str, float], ...]:
    return tuple((words(name), value) for name, value in pairs(results.part("vpp")))


def _one_event(results: Results, found: dict[str, Column], day: Column) -> tuple[Part, ...]:
    """The event with the most relief, against the mean of up to ten normal days before it."""
    energy = results.energy
    if energy is None or not len(day):
        return ()
    size = found.get("delivered_kwh", np.zeros(len(day))).astype(float)
    chosen = int(np.argmax(size))
    its_day = int(day[chosen])
    if not 0 <= its_day < results.run.days:
        return ()
    net = (energy.city["import_kwh"] - energy.city["export_kwh"]) / energy.step_h
    by_day = net.reshape(results.run.days, -1)
    weekday = (results.run.start.weekday() + np.arange(results.run.days)) % 7
    normal = ~np.isin(np.arange(its_day), day) & ((weekday[:its_day] < 5) == (weekday[its_day] < 5))
    if not normal.any():
        return nothing("No curve of an event", "no normal day of its type lies before it.")
    base = baseline_10_of_10(by_day[:its_day], normal)
    hours = [round(float(h), 4) for h in np.arange(energy.steps_per_day) * energy.step_h]
    series = {"mean of normal days": base / 1000.0, "metered": by_day[its_day] / 1000.0}
    tints = {"mean of normal days": charts.GREY, "metered": charts.BLUE}
    figure = charts.lines(hours, series, "local hour", "MW", tints)
    figure["layout"]["xaxis"]["dtick"] = 3
    if "start_h" in found and "end_h" in found:
        figure["layout"]["shapes"] = [_band(float(found[k][chosen]) for k in ("start_h", "end_h"))]
    date = results.run.start + timedelta(days=its_day)
    caption = (
        f"The event of {date}, the one with the most relief: net import of all sites [MW] and the "
        f"mean of the {min(10, int(normal.sum()))} normal days before it, before the same-day "
        "adjustment; the band is the event. The table below holds the settled figures."
    )
    rows = tuple(
        row(f"{hours[i]:05.2f}", float(base[i]) / 1000.0, float(by_day[its_day][i]) / 1000.0)
        for i in range(0, len(hours), max(1, len(hours) // 24))
    )
    columns = ("local hour", "normal days [MW]", "metered [MW]")
    return (Picture(figure, caption, 340), Table("That day by hour", columns, rows, folded=True))


def _band(edges: Any) -> dict[str, Any]:
    start, end = edges
    return {
        "type": "rect", "x0": start, "x1": end, "y0": 0, "y1": 1, "yref": "paper",
        "fillcolor": charts.GREEN, "opacity": 0.15, "line": {"width": 0},
    }  # fmt: skip


PARK_ROWS = (
    ("carbon_t_per_tce", "carbon per unit of energy [tCO2/tce]"),
    ("limit_t_per_tce", "limit of the notice [tCO2/tce]"),
    ("gap_t_per_tce", "gap [tCO2/tce]"),
    ("gap_carbon_t", "carbon to remove [t a year]"),
    ("gap_clean_mwh", "grid energy to replace [MWh a year]"),
    ("carbon_kg_per_kwh", "carbon of electricity [kgCO2/kWh]"),
    ("clean_annual", "clean energy, over the run [-]"),
    ("clean_matched", "clean energy, matched by hour [-]"),
    ("self_consumption", "own generation used on site [-]"),
    ("annual_energy_tce", "energy in a year [tce]"),
    ("consumed_kwh", "electricity used [kWh]"),
    ("in_scope", "within the notice's sizes"),
    ("meets_core", "meets the core limit"),
    ("meets_clean_share", "meets the 90 % clean share"),
)


def parks(results: Results) -> Section:
    """The parks against the notice on zero-carbon parks."""
    anchor, title = "parks", "Zero-carbon parks"
    found = {n: p for n, p in results.part("parks").items() if isinstance(p, dict)}
    if not found:
        return Section(anchor, title, nothing("No parks", "this city names no park."))
    notes = Note(
        "Held against the national notice on zero-carbon parks (Fagai huanzi [2025] 910): at most "
        "0.2 tCO2/tce for parks of 0.2 to 1 million tce a year, 0.3 from 1 million tce. The size "
        "bounds come from published summaries; the annex was not read. Smaller parks are held "
        "against 0.2 as a yardstick only."
    )
    parts: list[Part] = [notes]
    shown = [(n, as_float(p.get("carbon_t_per_tce"))) for n, p in found.items()]
    drawn = [(n, v) for n, v in shown if v is not None]
    if drawn:
        limits = [as_float(found[n].get("limit_t_per_tce")) for n, _ in drawn]
        tints = [
            charts.GREEN if limit is not None and value <= limit else charts.RED
            for (_, value), limit in zip(drawn, limits, strict=True)
        ]
        figure = charts.across(
            [words(n) for n, _ in drawn], [v for _, v in drawn], "tCO2/tce", colours=tints,
            mark=min((x for x in limits if x is not None), default=None),
        )  # fmt: skip
        caption = "Carbon per unit of energy by park; the dashed line is the lowest limit."
        parts.append(Picture(figure, caption, 110 + 40 * len(drawn)))
    parts += [*_park_tables(found), *park_matching(results), *_evidence(found)]
    return Section(anchor, title, tuple(parts))


def _park_tables(found: dict[str, dict[str, Any]]) -> tuple[Table, ...]:
    known = dict(PARK_ROWS)
    extra = {
        key: words(key)
        for park in found.values()
        for key, value in sorted(park.items())
        if as_float(value) is not None and key not in known
    }
    tables = []
    for title, texts in (("Indicators", known), ("Other figures of the parks", extra)):
        rows = [
            row(text, *(_plain(p.get(key)) for p in found.values())) for key, text in texts.items()
        ]
        kept = tuple(cells for cells in rows if any(cell is not None for cell in cells[1:]))
        if kept:
            names = (words(name) for name in found)
            tables.append(Table(title, ("indicator", *names), kept, folded=texts is extra))
    return tuple(tables)


def _plain(value: Any) -> str | float | bool | None:
    return value if isinstance(value, bool | str) else as_float(value)


def _evidence(found: dict[str, dict[str, Any]]) -> tuple[Table, ...]:
    rows = tuple(
        row(name, *(str(item.get(key, "")) for key in ("claim", "basis", "standing")))
        for name, park in found.items()
        for item in park.get("evidence", [])
        if isinstance(item, dict)
    )
    columns = ("park", "claim", "what stands behind it", "standing")
    return (Table("Evidence", columns, rows, folded=True),) if rows else ()
