"""Sections on the fleets' service, the packs' health, and where batteries and metals went."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from zerocity.reports import charts
from zerocity.reports.folding import Results, as_float, nothing, words
from zerocity.reports.page import Note, Part, Picture, Section, Table, row
from zerocity.reports.tables import battery_state, edge_days, posted, run_days, sessions, stocks

FloatArray = npt.NDArray[np.float64]
Column = npt.NDArray[Any]

FLEET_KEYS = (
    "vehicles", "km", "kwh", "kwh_per_km", "trips_served", "trips_missed", "swaps", "charges",
)  # fmt: skip
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
SOH_BINS = np.arange(0.4, 1.0501, 0.01)


def fleets(results: Results) -> Section:
    """What each fleet drove, used and missed."""
    anchor, title = "fleets", "Service of the fleets"
    found = {n: f for n, f in results.part("fleets").items() if isinstance(f, dict)}
    if not found:
        why = "the summary names no fleet."
        return Section(anchor, title, nothing("No fleets", why))
    rows = tuple(
        row(words(name), *(as_float(f.get(key)) for key in FLEET_KEYS), _missed_share(f))
        for name, f in found.items()
    )
    columns = ("fleet", "vehicles", "km", "kWh", "kWh/km", "trips served", "trips missed",
               "swaps", "charges", "missed [%]")  # fmt: skip
    parts: list[Part] = [Table("Service over the run", columns, rows)]
    parts += _fleet_months(results)
    parts += _fleet_hours(results, list(found))
    return Section(anchor, title, tuple(parts))


def _missed_share(fleet: dict[str, Any]) -> float | None:
    served, missed = as_float(fleet.get("trips_served")), as_float(fleet.get("trips_missed"))
    if served is None or missed is None or served + missed <= 0.0:
        return None
    return 100.0 * missed / (served + missed)


def _fleet_months(results: Results) -> tuple[Part, ...]:
    found = results.run.columns("fleet_days", ["day", "fleet", "km", "kwh"])
    if found is None or len(found) < 4:
        return nothing("No use by month", "the table fleet_days is absent or empty.")
    day = run_days(results.run, found["day"])
    inside = (day >= 0) & (day < results.run.days)
    names = [_fleet_name(results, f) for f in found["fleet"]]
    use: dict[str, FloatArray] = {}
    for name in dict.fromkeys(names):
        here = inside & np.array([n == name for n in names])
        month = results.month_of_day[day[here]]
        km, kwh = (
            np.bincount(month, found[c][here].astype(float), minlength=len(results.months))
            for c in ("km", "kwh")
        )
        use[words(name)] = np.divide(kwh, km, out=np.full(len(km), np.nan), where=km > 0.0)
    relative = {n: 100.0 * v / np.nanmean(v) if np.isfinite(v).any() else v for n, v in use.items()}
    figure = charts.lines(results.months, relative, "", "% of the fleet's own mean")
    figure["layout"]["yaxis"]["rangemode"] = "normal"
    rows = tuple(
        row(month, *(float(v[i]) for v in use.values())) for i, month in enumerate(results.months)
    )
    caption = "Energy per km by month against each fleet's own mean: cold and heat at work."
    return (
        Picture(figure, caption, 340),
        Table("Energy per km by month [kWh/km]", ("month", *use), rows, folded=True),
    )


def _fleet_name(results: Results, value: Any) -> str:
    """A fleet's name, whether the table holds names or their number in the city's order."""
    names = list(results.part("fleets"))
    if isinstance(value, str):
        return value or "no fleet"
    number = int(value)
    return names[number] if 0 <= number < len(names) else f"fleet {number}"


def _fleet_hours(results: Results, names: list[str]) -> tuple[Part, ...]:
    found = sessions(results.run, len(names))
    if found is None:
        return nothing("No sessions by hour", "the table sessions is absent or empty.")
    series = {
        f"{words(name)}, {kind}": found.energy_kwh[i, k].astype(float) / 1000.0 / results.run.days
        for i, name in enumerate(names)
        for k, kind in enumerate(("charge", "swap"))
        if found.count[i, k].any()
    }
    hours = [f"{h:02d}" for h in range(24)]
    figure = charts.bars(hours, series, "MWh a day")
    rows = tuple(
        row(
            words(name), kind, int(found.count[i, k].sum()),
            float(found.energy_kwh[i, k].sum()) / 1000.0,
            float(found.energy_kwh[i, k].sum() / max(found.count[i, k].sum(), 1.0)),
            f"{int(found.count[i, k].argmax()):02d}:00",
        )
        for i, name in enumerate(names)
        for k, kind in enumerate(("charge", "swap"))
        if found.count[i, k].any()
    )  # fmt: skip
    columns = ("fleet", "kind", "sessions", "MWh", "kWh each", "busiest hour")
    caption = "Energy of the sessions by the local hour in which they began, mean day [MWh]."
    return (Picture(figure, caption, 400), Table("Charging and swapping", columns, rows))


def health(results: Results) -> Section:
    """State of health of the packs by fleet, first day against last."""
    anchor, title = "health", "Health of the packs"
    edges = edge_days(results.run)
    packs = results.run.columns("batteries", ["battery", "fleet"])
    if edges is None or packs is None or len(packs) < 2:
        why = "the table battery_days or batteries is absent or empty."
        return Section(anchor, title, nothing("No health", why))
    fleet = np.full(int(packs["battery"].max()) + 1, "", dtype=object)
    said = {f: _fleet_name(results, f) for f in set(packs["fleet"].tolist())}
    fleet[packs["battery"]] = [said[f] for f in packs["fleet"].tolist()]
    first, last = (_soh_by_fleet(results, fleet, day) for day in edges)
    if not last:
        why = "no battery has a state of health on the last day."
        return Section(anchor, title, nothing("No health", why))
    ends = {f"start ({edges[0]})": first, f"end ({edges[1]})": last}
    five = {
        name: {words(f): np.quantile(v, QUANTILES).tolist() for f, v in group.items()}
        for name, group in ends.items()
        if group
    }
    counts = {words(f): np.histogram(np.clip(v, 0.4, 1.05), SOH_BINS)[0] for f, v in last.items()}
    filled = np.flatnonzero(sum(counts.values(), np.zeros(len(SOH_BINS) - 1)))
    shown = slice(filled[0], filled[-1] + 1)
    bins = [f"{100 * b:.0f}" for b in SOH_BINS[:-1][shown]]
    histogram = charts.bars(bins, {f: c[shown] for f, c in counts.items()}, "packs")
    histogram["layout"]["xaxis"]["title"]["text"] = "state of health [%], bins of 1 %"
    caption = "State of health by fleet: box = middle half, whiskers = 5 % and 95 % of the packs."
    parts = (
        Picture(charts.boxes(five, "state of health [-]"), caption, 400),
        Picture(histogram, f"Packs by state of health on the last day ({edges[1]}).", 340),
        _health_table(first, last),
    )
    return Section(anchor, title, parts)


def _soh_by_fleet(results: Results, fleet: Column, day: Any) -> dict[str, FloatArray]:
    """soh of the packs that exist on a day, by fleet in the city's order."""
    state = battery_state(results.run, day)
    if state is None or "soh" not in state or "battery" not in state:
        return {}
    soh = state["soh"].astype(np.float64)
    number = state["battery"].astype(np.int64)
    alive = np.isfinite(soh) & (soh > 0.0) & (number >= 0) & (number < len(fleet))
    names = fleet[number[alive]]
    stored = list(results.part("fleets"))
    found = sorted(set(names.tolist()), key=lambda f: (stored.index(f) if f in stored else 99, f))
    place = {f: k for k, f in enumerate(found)}
    of, health = np.array([place[f] for f in names.tolist()]), soh[alive]
    return {f: health[of == k] for f, k in place.items()}


def _health_table(first: dict[str, FloatArray], last: dict[str, FloatArray]) -> Table:
    rows = []
    for name, now in last.items():
        then = first.get(name)
        start = float(np.median(then)) if then is not None and len(then) else None
        middle = float(np.median(now))
        lost = 100.0 * (start - middle) if start is not None else None
        rows.append(
            row(words(name), len(now), start, *(float(q) for q in np.quantile(now, QUANTILES)),
                lost)
        )  # fmt: skip
    columns = ("fleet", "packs", "median at start", "5 %", "25 %", "median", "75 %", "95 %",
               "median lost [points]")  # fmt: skip
    return Table("State of health on the last day", columns, tuple(rows))


def flows(results: Results) -> Section:
    """Where energy, batteries and metals went, from the books."""
    anchor, title = "flows", "Where energy, batteries and metals went"
    books = posted(results.run)
    counted = stocks(results.run)
    if not books:
        return Section(anchor, title, nothing("No flows", "the ledger is absent or empty."))
    parts: list[Part] = []
    for book, unit, what in (("energy_kwh", "kWh", "Energy"), ("batteries", "packs", "Batteries")):
        if book in books:
            parts += _one_book(books[book], unit, what)
    parts += _stock_table(counted.get("batteries", {}))
    parts += _metals(results, {b: f for b, f in books.items() if b.startswith("material_kg:")})
    return Section(anchor, title, tuple(parts))


Moves = dict[tuple[str, str], float]


def net(moves: Moves) -> list[tuple[str, str, float]]:
    """What moved between two accounts after what moved back."""
    return [
        (source, target, amount - moves.get((target, source), 0.0))
        for (source, target), amount in moves.items()
        if amount > moves.get((target, source), 0.0) and source != target
    ]


def _one_book(moves: Moves, unit: str, what: str) -> tuple[Part, ...]:
    links = net(moves)
    if not links:
        return nothing(f"{what}: no flow", "nothing moved in this run.")
    caption = f"{what} moved over the run [{unit}]; what moved back is taken off."
    rows = tuple(
        row(words(source), words(target), amount)
        for (source, target), amount in sorted(moves.items(), key=lambda item: -item[1])
    )
    table = Table(f"{what}: every posting summed [{unit}]", ("from", "to", unit), rows, folded=True)
    return (Picture(charts.sankey(links, unit), caption, 400), table)


def _stock_table(counted: dict[str, tuple[float, float]]) -> tuple[Part, ...]:
    if not counted:
        return ()
    rows = tuple(row(words(a), first, last) for a, (first, last) in counted.items())
    return (Table("Batteries counted by stage", ("stage", "at the start", "at the end"), rows),)


def _metals(results: Results, books: dict[str, Moves]) -> tuple[Part, ...]:
    parts: list[Part] = []
    links, tints, names = [], [], []
    for i, (book, moves) in enumerate(sorted(books.items())):
        metal = book.split(":", 1)[1]
        for link in net(moves):
            links.append(link)
            tints.append(charts.colour(i))
            names.append(metal)
    if links:
        caption = "Metals moved over the run [kg], one band for each; what moved back is taken off."
        parts.append(Picture(charts.sankey(links, "kg", tints, names), caption, 460))
    found = {n: m for n, m in results.part("materials_kg").items() if isinstance(m, dict)}
    keys = list(dict.fromkeys(str(key) for m in found.values() for key in m))
    rows = tuple(
        row(words(name), *(as_float(m.get(k)) for k in keys), _recovered_share(m))
        for name, m in found.items()
    )
    if rows:
        columns = ("metal", *map(words, keys), "recovered / (recovered + lost) [%]")
        parts.append(Table("Metals [kg]", columns, rows))
    if not parts:
        parts.append(Note("Metals: no material moved in this run.", empty=True))
    return tuple(parts)


def _recovered_share(metal: dict[str, Any]) -> float | None:
    recovered, lost = as_float(metal.get("recovered")), as_float(metal.get("lost"))
    if recovered is None or lost is None or recovered + lost <= 0.0:
        return None
    return 100.0 * recovered / (recovered + lost)
