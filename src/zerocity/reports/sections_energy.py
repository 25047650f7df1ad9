"""Sections on energy, cost, carbon, one station, the map and the grid."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import numpy.typing as npt

from zerocity.reports import charts
from zerocity.reports.folding import Results, as_float, counted, hour_table, nothing, pairs, words
from zerocity.reports.page import Note, Part, Picture, Section, Table, row
from zerocity.reports.tables import SiteEnergy, site_window

FloatArray = npt.NDArray[np.float64]
NO_STEPS = "this run kept no series of its sites (table site_steps is absent or empty)."


def energy_by_hour(results: Results) -> Section:
    """Import and PV by hour of day and month."""
    anchor, title = "energy-hours", "When the city takes and makes energy"
    energy = results.energy
    if energy is None:
        return Section(anchor, title, nothing("No energy by hour", NO_STEPS))
    parts: list[Part] = []
    for column, name, scale in (
        ("import_kwh", "import from the grid", charts.LIGHT_TO_BLUE),
        ("pv_used_kwh", "solar energy used", charts.LIGHT_TO_ORANGE),
    ):
        mw = results.by_month_and_hour(energy.city[column], energy.step_h) / 1000.0
        height = 150 + 26 * max(3, len(results.months))
        figure = charts.heat_map(mw, results.months, "MW", scale)
        caption = f"All sites, {name}: mean power [MW] by local hour and month."
        parts += [
            Picture(figure, caption, height),
            hour_table(f"{name.capitalize()}, mean MW", results.months, mw),
        ]
    return Section(anchor, title, tuple(parts))


SOURCES = (
    ("import", "import_kwh"),
    ("solar", "pv_used_kwh"),
    ("storage out", "storage_discharge_kwh"),
)
USES = (
    ("charging", "charging_kwh"),
    ("load", "load_kwh"),
    ("storage in", "storage_charge_kwh"),
    ("export", "export_kwh"),
)


def energy_by_month(results: Results) -> Section:
    """Supply and use by month, and the year's energy from the summary."""
    anchor, title = "energy-months", "Energy by month"
    parts: list[Part] = []
    energy = results.energy
    if energy is None:
        parts += nothing("No energy by month", NO_STEPS)
    else:
        parts += _months(results, energy)
    totals = pairs(results.part("energy_mwh"))
    if totals:
        rows = tuple((words(name), value) for name, value in totals)
        parts.append(Table("Energy of the run [MWh]", ("flow", "MWh"), rows))
    return Section(anchor, title, tuple(parts))


def _months(results: Results, energy: SiteEnergy) -> list[Part]:
    def mwh(column: str, sign: float = 1.0) -> FloatArray:
        daily = energy.city[column].reshape(results.run.days, -1).sum(axis=1)
        return np.asarray(results.by_month(daily) * sign / 1000.0)

    series = {name: mwh(column) for name, column in SOURCES}
    series |= {name: mwh(column, -1.0) for name, column in USES}
    figure = charts.bars(results.months, series, "MWh", charts.COLOURS)
    rows = tuple(
        row(month, *(abs(float(values[i])) for values in series.values()))
        for i, month in enumerate(results.months)
    )
    caption = "All sites by month [MWh]: supply upwards, use downwards; storage counts on both."
    return [
        Picture(figure, caption, 420),
        Table("Energy by month [MWh]", ("month", *series), rows),
    ]


def cost(results: Results) -> Section:
    """Cost by component."""
    found = [(n, v) for n, v in pairs(results.part("cost_cny"))]
    return _components(
        Section("cost", "What it costs"), found, "CNY", "cost_cny",
        "Cost by component [CNY]; income is negative.",
    )  # fmt: skip


def carbon(results: Results) -> Section:
    """Carbon by component."""
    return _components(
        Section("carbon", "Carbon"), pairs(results.part("carbon_t")), "tCO2e", "carbon_t",
        "Carbon by component [tCO2e]; credits are negative. 'Avoided' compares with another city "
        "and is never part of the footprint.",
    )  # fmt: skip


def _components(
    section: Section, found: list[tuple[str, float]], unit: str, key: str, caption: str
) -> Section:
    if not found:
        why = f"the summary holds no {key}."
        return Section(section.anchor, section.title, nothing("Nothing to show", why))
    shown = [(n, v) for n, v in found if n != "total"]
    tints = [charts.GREEN if v < 0.0 or n == "avoided" else charts.BLUE for n, v in shown]
    figure = charts.across([words(n) for n, _ in shown], [v for _, v in shown], unit, colours=tints)
    table = Table(
        f"{section.title} [{unit}]",
        ("component", unit),
        tuple((words(name), value) for name, value in found),
    )
    picture = Picture(figure, caption, 110 + 34 * len(shown))
    return Section(section.anchor, section.title, (picture, table))


def station_week(results: Results) -> Section:
    """A week of one integrated station, plan against what happened."""
    anchor, title = "station-week", "A typical week of one station"
    energy, sites = results.energy, results.sites
    if energy is None or sites is None:
        return Section(anchor, title, nothing("No week to show", NO_STEPS))
    site, place = _busiest_station(sites["site"], sites.get("kind"), energy)
    first, days = _typical_week(results, energy)
    week = site_window(results.run, site, first, days)
    if week is None:
        why = "the chosen station has no step in the chosen week."
        return Section(anchor, title, nothing("No week to show", why))
    start = results.run.start + timedelta(days=first)
    name = str(sites["name"][place])
    shift = results.run.offset_h * 3_600_000.0
    times = [_text(ms + shift) for ms in week["time"]]
    kw = {c: v / energy.step_h for c, v in week.items() if c != "time"}
    figure = charts.power_balance(
        times,
        {n: kw[c] for n, c in SOURCES if c in kw},
        {n: kw[c] for n, c in USES if c in kw},
        kw.get("planned_import_kwh"),
    )
    caption = (
        f"{name}, {counted(days, 'day')} from {start}: power [kW]. "
        "The dotted line is the import that the day plan foresaw."
    )
    when = "in the full week whose city-wide import is nearest the median week"
    if days < 7 or results.run.days == 7:
        when = "in the whole of this short run"
    note = Note(f"Chosen by rule: the integrated station with the most charging, {when}.")
    parts = (note, Picture(figure, caption, 440), _week_table(week, times))
    return Section(anchor, title, parts)


def _text(ms: float) -> str:
    return str(np.datetime64(int(ms), "ms").astype("datetime64[m]")).replace("T", " ")


def _busiest_station(
    numbers: npt.NDArray[np.int64], kinds: npt.NDArray[np.object_] | None, energy: SiteEnergy
) -> tuple[int, int]:
    charging = energy.by_site["charging_kwh"][numbers]
    if kinds is not None and (kinds == "integrated_station").any():
        charging = np.where(kinds == "integrated_station", charging, -1.0)
    place = int(np.argmax(charging))
    return int(numbers[place]), place


def _typical_week(results: Results, energy: SiteEnergy) -> tuple[int, int]:
    """First run day and length of the week nearest the median; a short run is its own week."""
    days = results.run.days
    if days <= 7:
        return 0, days
    daily = energy.city["import_kwh"].reshape(days, -1).sum(axis=1)
    monday = (7 - results.run.start.weekday()) % 7
    starts = np.arange(monday, days - 6, 7)
    if len(starts) == 0:
        return 0, 7
    weeks = np.array([daily[s : s + 7].sum() for s in starts])
    return int(starts[np.argmin(np.abs(weeks - np.median(weeks)))]), 7


def _week_table(week: dict[str, FloatArray], times: list[str]) -> Table:
    columns = [(n, c) for n, c in (*SOURCES, *USES) if c in week]
    if "planned_import_kwh" in week:
        columns.insert(1, ("import planned", "planned_import_kwh"))
    day = np.array([text[:10] for text in times])
    rows = tuple(
        row(str(d), *(float(week[c][day == d].sum()) for _, c in columns))
        for d in dict.fromkeys(day.tolist())
    )
    return Table("The week by day [kWh]", ("day", *(n for n, _ in columns)), rows)


def site_map(results: Results) -> Section:
    """The sites where they stand."""
    anchor, title = "map", "Where the sites are"
    sites, energy = results.sites, results.energy
    if sites is None or "longitude" not in sites or "latitude" not in sites:
        why = "the table of sites is absent or has no coordinates."
        return Section(anchor, title, nothing("No map", why))
    taken = energy.by_site["import_kwh"] if energy else np.zeros(int(sites["site"].max()) + 1)
    mwh = taken[sites["site"]] / 1000.0
    kinds = [str(k) for k in sites.get("kind", np.full(len(mwh), "site"))]
    texts = [
        f"{name} ({words(kind)}): {value:,.0f} MWh import"
        for name, kind, value in zip(sites["name"], kinds, mwh, strict=True)
    ]
    figure = charts.site_map(
        sites["longitude"].astype(float), sites["latitude"].astype(float), kinds, texts, mwh
    )
    caption = "Sites by kind; the circle's area follows the energy imported over the run."
    return Section(anchor, title, (Picture(figure, caption, 560), _kinds(results, kinds, mwh)))


def _kinds(results: Results, kinds: list[str], mwh: FloatArray) -> Table:
    sites, energy = results.sites, results.energy
    assert sites is not None
    kind = np.array(kinds)

    def total(column: str, here: npt.NDArray[np.bool_]) -> float | None:
        return float(sites[column][here].sum()) if column in sites else None

    rows = []
    for name in sorted(set(kinds)):
        here = kind == name
        sent = energy.by_site["charging_kwh"][sites["site"]][here].sum() if energy else 0.0
        rows.append(
            (
                words(name), int(here.sum()), total("grid_limit_kw", here),
                total("pv_kwp", here), total("storage_kwh", here), total("plugs", here),
                total("swap_slots", here), float(mwh[here].sum()), float(sent) / 1000.0,
            )
        )  # fmt: skip
    columns = ("kind", "sites", "grid limit [kW]", "PV [kWp]", "storage [kWh]", "plugs",
               "swap slots", "import [MWh]", "charging [MWh]")  # fmt: skip
    return Table("Sites by kind", columns, tuple(rows))


def grid(results: Results) -> Section:
    """Peak import against the limit of the connection."""
    anchor, title = "grid", "Peak loads and the grid's limits"
    sites, energy = results.sites, results.energy
    if sites is None or energy is None or "grid_limit_kw" not in sites:
        return Section(anchor, title, nothing("No peaks", NO_STEPS))
    limit = sites["grid_limit_kw"].astype(float)
    peak, over = energy.peak_kw[sites["site"]], energy.over_h[sites["site"]]
    used = np.divide(peak, limit, out=np.zeros_like(peak), where=limit > 0.0)
    top = np.argsort(-used, kind="stable")[:20]
    names = [str(sites["name"][i]) for i in top]
    tints = [charts.RED if used[i] > 1.0 else charts.BLUE for i in top]
    figure = charts.across(
        names, [100.0 * used[i] for i in top], "% of the limit", colours=tints, mark=100.0
    )
    rows = tuple(
        (str(sites["name"][i]), str(sites.get("kind", limit)[i]), float(limit[i]), float(peak[i]),
         100.0 * float(used[i]), _peak_time(results, energy, int(sites["site"][i])),
         float(over[i]))
        for i in top
    )  # fmt: skip
    columns = ("site", "kind", "limit [kW]", "peak [kW]", "use [%]", "when (local)", "over [h]")
    many = int((over > 0.0).sum())
    note = Note(
        f"{many} of {len(peak)} sites went above their limit for at least one step; city-wide, "
        f"all sites together peaked at {energy.city['import_kwh'].max() / energy.step_h:,.0f} kW."
    )
    caption = "Highest mean import of a step against the connection's limit, 20 highest."
    table = Table("The 20 most used connections", columns, rows, folded=True)
    return Section(anchor, title, (note, Picture(figure, caption, 120 + 24 * len(top)), table))


def _peak_time(results: Results, energy: SiteEnergy, site: int) -> str:
    if energy.peak_kw[site] <= 0.0:
        return "–"
    step = int(energy.peak_step[site])
    day = results.run.start + timedelta(days=step // energy.steps_per_day)
    minutes = round(step % energy.steps_per_day * energy.step_h * 60)
    return f"{day} {minutes // 60:02d}:{minutes % 60:02d}"


def clean_share(results: Results) -> float | None:
    """Solar energy used over solar used plus import, 0-1."""
    if results.energy is not None:
        used = float(results.energy.city["pv_used_kwh"].sum())
        whole = used + float(results.energy.city["import_kwh"].sum())
        return used / whole if whole > 0.0 else None
    found = results.part("energy_mwh")
    made, taken = as_float(found.get("pv")), as_float(found.get("grid_import"))
    if made is None or taken is None:
        return None
    used = made - (as_float(found.get("pv_curtailed")) or 0.0)
    return used / (used + taken) if used + taken > 0.0 else None
