"""Section on what the run's forecasts and store plans were worth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zerocity.reports import charts
from zerocity.reports.folding import Results, as_float, counted, nothing
from zerocity.reports.page import Note, Part, Picture, Section, Table, Tile, number, row

SHOWN_SITES = 20
SERIES = {"load": "load of the sites", "pv": "solar power"}


def foresight(results: Results) -> Section:
    """Money lost against perfect foresight, by site, and the forecasts against yesterday."""
    anchor, title = "foresight", "What better foresight would have been worth"
    found = results.part("foresight")
    parts: list[Part] = list(_stores(found)) if found else list(
        nothing("No comparison", "no site of this run has a store, or the run is of an older kind.")
    )  # fmt: skip
    table = _forecasts(results.part("forecast"))
    if table is not None:
        parts.append(table)
    return Section(anchor, title, tuple(parts))


def _stores(found: dict[str, Any]) -> tuple[Part, ...]:
    paid, best, lost = (as_float(found.get(f"{n}_cny")) for n in ("realised", "perfect", "lost"))
    share, captured = (as_float(found.get(f"{n}_share")) for n in ("lost", "captured"))
    rows = [r for r in found.get("sites", []) if isinstance(r, dict)]
    tiles = (
        Tile("Paid", number(paid), "CNY", "energy and wear of the sites with a store"),
        Tile("With perfect foresight", number(best), "CNY", "the least possible in hindsight"),
        Tile("Lost", number(lost), "CNY", f"{_percent(share)} of what was paid"),
        Tile("Captured", _percent(captured), "", "of what stores can save against standing idle"),
    )
    return (Note(_sentence(rows, lost, captured)), tiles, *_sites(rows), Note(_method(found)))


def _sentence(rows: list[dict[str, Any]], lost: float | None, captured: float | None) -> str:
    return (
        f"Had everyone known load, charging and sun in advance, the stores of "
        f"{counted(len(rows), 'site')} could have saved {number(lost)} CNY more; they captured "
        f"{_percent(captured)} of what was to be had."
    )


def _method(found: dict[str, Any]) -> str:
    left_out = sum(1 for r in found.get("sites", []) if r.get("perfect_cny") is None)
    text = (
        "Each store's run is solved again as one exact problem: metered load, charging and sun, "
        "the same content at both ends, the same losses and wear, and in no month more import "
        "than was really drawn. Demand charges and payments for events are left out on both "
        f"sides. The optimum is proven to a share of {_proof(found)}."
    )
    if left_out:
        text += f" {counted(left_out, 'site')} could not be compared: the meters contradict."
    return text


def _sites(rows: list[dict[str, Any]]) -> tuple[Part, ...]:
    known = [r for r in rows if as_float(r.get("lost_cny")) is not None]
    if not known:
        return ()
    known.sort(key=lambda r: -float(r["lost_cny"]))
    top = known[:SHOWN_SITES]
    names = [str(r.get("site")) for r in top]
    figure = charts.across(names, [float(r["lost_cny"]) for r in top], "CNY")
    caption = f"Lost against perfect foresight by site [CNY], {len(top)} highest."
    cells = tuple(
        row(str(r.get("site")), *(as_float(r.get(f"{n}_cny")) for n in _COLUMNS)) for r in known
    )
    columns = ("site", "paid", "perfect foresight", "lost", "store idle")
    table = Table("Sites with a store [CNY]", columns, cells, folded=True)
    return (Picture(figure, caption, 110 + 24 * len(top)), table)


_COLUMNS = ("realised", "perfect", "lost", "idle")


def _forecasts(found: dict[str, Any]) -> Table | None:
    rows = tuple(
        row(
            SERIES.get(name, name),
            *(as_float(score.get(k)) for k in ("mae_kw", "bias_kw", "persistence_mae_kw")),
            _percent(as_float(score.get("skill"))),
        )
        for name, score in found.items()
        if isinstance(score, dict) and score
    )
    if not rows:
        return None
    columns = ("forecast", "mean error [kW]", "bias [kW]", "error of yesterday [kW]", "better by")
    return Table("Day-ahead forecasts, mean by site", columns, rows)


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100.0 * share:.1f} %"


def _proof(found: Mapping[str, Any]) -> str:
    gap = as_float(found.get("gap")) or 0.0
    return f"{gap:.0e}" if gap > 1e-12 else "1e-12"
