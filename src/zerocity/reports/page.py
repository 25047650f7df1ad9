"""One self-contained HTML page from sections: text is escaped here and nowhere else.

The page asks the network for nothing: plotly.js stands in it once, and a content security policy
forbids every load. Without JavaScript the tables still tell everything.
"""

from __future__ import annotations

import html
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from zerocity.reports.style import SCRIPT, STYLE

Cell = str | float | int | bool | None
Figure = dict[str, Any]

CSP = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"
FOLD_ROWS = 16
MISSING = "–"


@dataclass(frozen=True)
class Table:
    """Rows under headings; ``folded`` closes it behind its title, as long tables are anyway."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    folded: bool = False


def row(*cells: Cell) -> tuple[Cell, ...]:
    """A row of a table."""
    return cells


@dataclass(frozen=True)
class Picture:
    """A plotly figure as plain data, with what it shows in one sentence."""

    figure: Figure
    caption: str
    height_px: int = 380


@dataclass(frozen=True)
class Tile:
    """One key figure: label, value with unit, and a line on what it means."""

    label: str
    value: str
    unit: str = ""
    note: str = ""


@dataclass(frozen=True)
class Note:
    """A paragraph; ``empty`` marks it as the reason why a section has nothing to show."""

    text: str
    empty: bool = False


Part = Table | Picture | Note | tuple[Tile, ...]


@dataclass(frozen=True)
class Section:
    """A heading with its anchor and what stands under it."""

    anchor: str
    title: str
    parts: tuple[Part, ...] = field(default_factory=tuple)


def number(value: float | int | None) -> str:
    """A number for people: three to four figures that matter, thousands apart."""
    if value is None or not math.isfinite(value):
        return MISSING
    size = abs(value)
    if size == 0.0:
        return "0"
    if isinstance(value, int) or size >= 1000.0:
        return f"{value:,.0f}"
    if size < 0.001:
        return f"{value:.1e}"
    digits = 0 if size >= 100.0 else 1 if size >= 10.0 else 2 if size >= 1.0 else 3
    return f"{value:.{digits}f}"


def page(title: str, subtitle: str, sections: Sequence[Section], plotly_js: str) -> str:
    """The whole document. ``plotly_js`` is trusted code, everything else is escaped."""
    anchors = [section.anchor for section in sections]
    if len(set(anchors)) != len(anchors):
        raise ValueError(f"anchors must differ: {anchors}")
    contents = "".join(f'<li><a href="#{_a(s.anchor)}">{_t(s.title)}</a></li>' for s in sections)
    body = "".join(_section(section) for section in sections)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_a(CSP)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="referrer" content="no-referrer"><link rel="icon" href="data:,">'
        f"<title>{_t(title)}</title><style>{STYLE}</style></head><body>"
        f'<header><h1>{_t(title)}</h1><p class="sub">{_t(subtitle)}</p></header>'
        f'<div class="frame"><nav aria-label="Contents"><ol>{contents}</ol></nav>'
        "<main><noscript><p>The pictures need JavaScript. Every figure in them also stands in a "
        f"table.</p></noscript>{body}</main></div>"
        f"<script>{plotly_js}</script><script>{SCRIPT}</script></body></html>\n"
    )


def _section(section: Section) -> str:
    anchor = _a(section.anchor)
    parts = "".join(_part(part, f"{section.anchor}-{i}") for i, part in enumerate(section.parts))
    return (
        f'<section id="{anchor}"><h2><a href="#{anchor}">{_t(section.title)}</a></h2>'
        f"{parts}</section>"
    )


def _part(part: Part, key: str) -> str:
    if isinstance(part, Table):
        return _table(part)
    if isinstance(part, Picture):
        return _picture(part, key)
    if isinstance(part, Note):
        return f'<p class="{"empty" if part.empty else "note"}">{_t(part.text)}</p>'
    return f'<dl class="tiles">{"".join(map(_tile, part))}</dl>'


def _tile(tile: Tile) -> str:
    unit = f" <span>{_t(tile.unit)}</span>" if tile.unit else ""
    note = f'<dd class="what">{_t(tile.note)}</dd>' if tile.note else ""
    return f"<div><dt>{_t(tile.label)}</dt><dd>{_t(tile.value)}{unit}</dd>{note}</div>"


def _picture(picture: Picture, key: str) -> str:
    data = json_for_html(picture.figure)
    label = _a(picture.caption)
    return (
        f'<figure><div class="plot" id="plot-{_a(key)}" style="height:{int(picture.height_px)}px" '
        f'role="img" aria-label="{label}"></div>'
        f'<script type="application/json" data-for="plot-{_a(key)}">{data}</script>'
        f"<figcaption>{_t(picture.caption)}</figcaption></figure>"
    )


def json_for_html(value: Any) -> str:
    """JSON that cannot end its script element; nan becomes null."""
    text = json.dumps(_plain(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for bad, safe in (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026"),
                      ("\u2028", "\\u2028"), ("\u2029", "\\u2029")):  # fmt: skip
        text = text.replace(bad, safe)
    return text


def _plain(value: Any) -> Any:
    """Plain data of numbers that JSON has, floats cut to six figures to keep the page small."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value


def _table(table: Table) -> str:
    numeric = [_is_numeric(cells[i] for cells in table.rows) for i in range(len(table.columns))]
    head = "".join(
        f'<th scope="col"{_right(n)}>{_t(c)}</th>'
        for c, n in zip(table.columns, numeric, strict=True)
    )
    rows = "".join(f"<tr>{_row(cells, numeric)}</tr>" for cells in table.rows)
    narrow = ' class="narrow"' if len(table.columns) <= 3 and all(numeric[1:]) else ""
    inner = (
        f'<div class="scroll"><table{narrow}><thead><tr>{head}</tr></thead><tbody>{rows}</tbody>'
        "</table></div>"
    )
    if table.folded or len(table.rows) > FOLD_ROWS:
        return f"<details><summary>{_t(table.title)}</summary>{inner}</details>"
    return f"<h3>{_t(table.title)}</h3>{inner}"


def _row(cells: tuple[Cell, ...], numeric: Sequence[bool]) -> str:
    return "".join(
        f"<td{_right(n)}>{_t(_cell(c))}</td>" for c, n in zip(cells, numeric, strict=True)
    )


def _right(numeric: bool) -> str:
    return ' class="n"' if numeric else ""


def _is_numeric(cells: Iterable[Cell]) -> bool:
    """Numbers, among which a yes or no may stand."""
    kinds = [c for c in cells if c is not None]
    return all(isinstance(c, int | float) for c in kinds) and not all(
        isinstance(c, bool) for c in kinds
    )


def _cell(cell: Cell) -> str:
    if cell is None:
        return MISSING
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    return number(cell) if isinstance(cell, int | float) else cell


def _t(text: str) -> str:
    return html.escape(text, quote=True)


_a = _t
