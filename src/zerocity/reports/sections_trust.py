"""Sections that say how far the result can be trusted, and the key figures on top."""

from __future__ import annotations

from collections import Counter
from typing import Any

from zerocity.reports.folding import Results, as_float, nothing, words
from zerocity.reports.page import Note, Section, Table, Tile, number, row
from zerocity.reports.sections_energy import clean_share

TOLERANCE = 1e-9  # the audit's own, relative to what moved through the book


def key_figures(results: Results) -> Section:
    """The tiles on top."""
    part = results.part
    batteries, energy, carbon = part("batteries"), part("energy_mwh"), part("carbon_t")
    fleets = [f for f in part("fleets").values() if isinstance(f, dict)]
    clean = clean_share(results)
    worst = _worst(part("audit"))
    cost = as_float(part("cost_cny").get("total"))
    tiles = (
        _tile("Batteries", batteries.get("total"), "", _ends(batteries)),
        _tile("Mean state of health", _percent(batteries.get("mean_soh")), "%", "at the end"),
        _tile("Vehicles", _sum(fleets, "vehicles"), "", f"in {len(fleets)} fleets"),
        _tile("Driven", _scaled(_sum(fleets, "km"), 1e6), "million km", _missed(fleets)),
        _tile("From the grid", _scaled(energy.get("grid_import"), 1e3), "GWh", "bought"),
        _tile("From the sun", _scaled(energy.get("pv"), 1e3), "GWh", _share_note(clean)),
        _tile("Grid carbon", _scaled(carbon.get("grid"), 1e3), "kt CO2", "from imported energy"),
        _tile("Cost", _scaled(cost, 1e6), "million CNY", "of the run, all components"),
        _tile("Relief delivered", part("vpp").get("delivered_mwh"), "MWh",
              f"in {number(as_float(part('vpp').get('events')))} events"),
        _tile("Books: worst relative residual", None if worst is None else worst[1], "",
              "balanced" if worst and worst[1] <= TOLERANCE else ""),
    )  # fmt: skip
    return Section("key-figures", "Key figures", (tiles,))


def _tile(label: str, value: Any, unit: str, note: str) -> Tile:
    shown = as_float(value)
    whole = int(shown) if shown is not None and shown == int(shown) else shown
    return Tile(label, number(whole), unit, note)


def _ends(batteries: dict[str, Any]) -> str:
    known = [(k, as_float(batteries.get(k))) for k in ("retired", "second_life", "recycled")]
    return ", ".join(f"{number(int(v))} {words(k)}" for k, v in known if v is not None)


def _sum(fleets: list[dict[str, Any]], key: str) -> float | None:
    values = [v for v in (as_float(f.get(key)) for f in fleets) if v is not None]
    return sum(values) if values else None


def _missed(fleets: list[dict[str, Any]]) -> str:
    missed = _sum(fleets, "trips_missed")
    return "" if missed is None else f"{number(int(missed))} trips missed"


def _scaled(value: Any, by: float) -> float | None:
    found = as_float(value)
    return None if found is None else found / by


def _percent(value: Any) -> float | None:
    found = as_float(value)
    return None if found is None else 100.0 * found


def _share_note(share: float | None) -> str:
    return "" if share is None else f"{100.0 * share:.1f} % of the energy supplied"


def _worst(audit: dict[str, Any]) -> tuple[str, float] | None:
    found = [
        (book, abs(value))
        for book, entry in audit.items()
        if isinstance(entry, dict) and (value := as_float(entry.get("relative"))) is not None
    ]
    return max(found, key=lambda item: item[1]) if found else None


def audit(results: Results) -> Section:
    """Whether each book balances."""
    anchor, title = "audit", "Do the books balance?"
    found = {b: e for b, e in results.part("audit").items() if isinstance(e, dict)}
    if not found:
        return Section(anchor, title, nothing("No audit", "the summary holds none."))
    rows = tuple(
        row(book, str(entry.get("account", "")) or None, as_float(entry.get("residual")), relative,
            None if relative is None else abs(relative) <= TOLERANCE)
        for book, entry in found.items()
        for relative in [as_float(entry.get("relative"))]
    )  # fmt: skip
    note = Note(
        "Whatever moves in the city is posted from one account to another, and stocks are counted "
        "apart from the postings. The residual is what the worst account of a book lacks; relative "
        f"means against what moved through the book. Up to {TOLERANCE:g} counts as balanced."
    )
    columns = ("book", "worst account", "residual", "relative", "balances")
    return Section(anchor, title, (note, Table("Audit", columns, rows)))


def assumptions(results: Results) -> Section:
    """The flagged figures, the ones that weigh most first."""
    anchor, title = "assumptions", "Assumptions that matter"
    found = [a for a in results.summary.get("assumptions") or [] if isinstance(a, dict)]
    if not found:
        why = "the summary lists no assumption; this does not mean that there is none."
        return Section(anchor, title, nothing("Nothing listed", why))
    found.sort(key=lambda a: (-(as_float(a.get("weight")) or 0.0), str(a.get("path", ""))))
    rows = tuple(
        row(str(a.get("path", "")), _value(a.get("value")), str(a.get("unit") or ""),
            as_float(a.get("weight")), str(a.get("note") or ""), str(a.get("source") or ""))
        for a in found
    )  # fmt: skip
    columns = ("figure", "value", "unit", "weight (0 to 3)", "why it is open", "source")
    most = sum(1 for a in found if (as_float(a.get("weight")) or 0.0) >= 2.0)
    note = Note(
        f"{len(found)} figures were assumed, because nobody published them or no text could be "
        f"read; the result hangs on {most} of them much (weight 2 or 3). Replace these first."
    )
    top = rows[:15]
    parts: list[Note | Table] = [note, Table("Heaviest first", columns, top)]
    if len(rows) > len(top):
        parts.append(Table(f"The other {len(rows) - len(top)}", columns, rows[15:], folded=True))
    return Section(anchor, title, tuple(parts))


def _value(value: Any) -> str:
    found = as_float(value)
    return str(value) if found is None else f"{found:,.10g}"


def confidence(results: Results) -> Section:
    """How sure we are, and why."""
    counts = _certainty(results)
    rows = tuple(row(name, amount, text) for name, amount, text in counts)
    parts: list[Note | Table] = []
    if rows:
        columns = ("certainty", "figures", "meaning")
        parts.append(Table("Figures of this city by certainty", columns, rows))
    parts += [
        Note(
            "Ageing is the widest of the model's own doubts: published models that are all valid "
            "for lithium iron phosphate cells differ by a factor of 3.6 in capacity lost at 25 °C. "
            "Read the health of the packs, their retirements and the cost of wear as one of "
            "several possible futures."
        ),
        Note(
            "Trips, weather and faults are drawn at random from the seed; another seed gives "
            "another year of the same kind. The same seed gives the same report."
        ),
    ]
    batteries = results.part("batteries")
    outside, total = (
        as_float(batteries.get("outside_tested_range")),
        as_float(batteries.get("total")),
    )
    if outside and total:
        parts.append(
            Note(
                f"{100.0 * outside / total:.0f} % of the packs have at some time left the range in "
                "which their ageing law was tested (10 to 45 °C, limited charge rates, deep "
                "cycles): there the law is extrapolated."
            )
        )
    runtime = _runtime(results)
    if runtime:
        parts.append(Table("How it was computed", ("figure", "value"), runtime))
    return Section("confidence", "How sure we are, and why", tuple(parts))


MEANING = {
    "read": "read in the source that is named",
    "derived": "worked out from figures that were read",
    "assumed": "set by judgement, because no source was found",
}


def _certainty(results: Results) -> list[tuple[str, int, str]]:
    found = results.part("certainty")
    if not found:
        listed = results.summary.get("assumptions") or []
        found = Counter(str(a.get("certainty", "assumed")) for a in listed if isinstance(a, dict))
    order = [*MEANING, *sorted(set(found) - set(MEANING))]
    return [(n, int(found[n]), MEANING.get(n, "")) for n in order if as_float(found.get(n))]


RUNTIME = {
    "wall_s": "time taken [s]",
    "battery_steps_per_s": "steps of a battery a second [1/s]",
    "peak_memory_mb": "most memory held [MB]",
}


SPLIT = "of it, to {} [s]"


def _runtime(results: Results) -> tuple[tuple[str, Any], ...]:
    runtime = dict(results.part("runtime"))
    split = runtime.pop("split_s", None) or {}
    known = [("seed", results.summary.get("seed")), *runtime.items()]
    known += [(SPLIT.format(name), spent) for name, spent in split.items()]
    rows = [(RUNTIME.get(k, words(k)), as_float(v)) for k, v in known]
    return tuple(r for r in rows if r[1] is not None)
