"""Plotly figures as plain data, built from arrays. Names of a city pass through ``label``."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Figure = dict[str, Any]

# Okabe and Ito's palette (2008), which the colour blind can tell apart, with two greys added.
BLUE, SKY, GREEN, YELLOW = "#0072B2", "#56B4E9", "#009E73", "#E0A800"
ORANGE, RED, PINK, GREY, PALE = "#E69F00", "#D55E00", "#CC79A7", "#7A868E", "#B7C0C5"
CYCLE = (BLUE, ORANGE, GREEN, PINK, SKY, RED, "#5D4B8C", GREY, "#8C6D46", "#1F4E5F", PALE)
LIGHT_TO_BLUE = ((0.0, "#F1F6FA"), (0.5, "#6FA8D0"), (1.0, "#08406F"))
LIGHT_TO_ORANGE = ((0.0, "#FFF8E6"), (0.5, "#F0B440"), (1.0, "#9A4200"))
Scale = Sequence[tuple[float, str]]
PLAN = "#8A5BB5"  # a violet that stands out from every area on paper and on black
COLOURS = {
    "import": BLUE, "export": PINK, "solar": YELLOW, "storage out": GREEN, "storage in": SKY,
    "charging": RED, "load": GREY,
}  # fmt: skip


def label(text: str) -> str:
    """Text that plotly shows as it is: its own small markup is switched off."""
    return html.escape(str(text), quote=False)


def colour(index: int) -> str:
    """A colour for the index-th thing."""
    return CYCLE[index % len(CYCLE)]


def _layout(**more: Any) -> Figure:
    base: Figure = {
        "margin": {"l": 64, "r": 16, "t": 24, "b": 48},
        "font": {"family": "system-ui, sans-serif", "size": 13},
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        "barmode": "stack",
        "hovermode": "closest",
    }
    return {**base, **more}


def _axis(title: str = "", **more: Any) -> Figure:
    return {"title": {"text": title}, "automargin": True, **more}


def heat_map(values: FloatArray, months: Sequence[str], title: str, scale: Scale) -> Figure:
    """Hour of day (24 columns) against month (rows): mean power, shape (months, 24)."""
    trace = {
        "type": "heatmap",
        "z": values,
        "x": list(range(24)),
        "y": list(months),
        "colorscale": [list(stop) for stop in scale],
        "zmin": 0.0,
        "zmax": max(float(np.max(values)), 1e-9),
        "colorbar": {"title": {"text": title}, "thickness": 12, "outlinewidth": 0},
        "hovertemplate": "%{y}, %{x}:00<br>%{z:.3s} " + label(title) + "<extra></extra>",
        "xgap": 1,
        "ygap": 1,
    }
    xaxis = _axis("local hour", dtick=3, showgrid=False)
    yaxis = _axis(autorange="reversed", showgrid=False, type="category")
    return {"data": [trace], "layout": _layout(xaxis=xaxis, yaxis=yaxis)}


def bars(
    categories: Sequence[str],
    series: Mapping[str, Sequence[float] | FloatArray],
    unit: str,
    colours: Mapping[str, str] | None = None,
    *,
    grouped: bool = False,
) -> Figure:
    """Bars by category: stacked, or side by side when ``grouped``."""
    data = [
        {
            "type": "bar",
            "name": label(name),
            "x": [label(c) for c in categories],
            "y": list(values),
            "marker": {"color": (colours or {}).get(name, colour(i))},
            "hovertemplate": "%{x}: %{y:,.4~s} "
            + label(unit)
            + "<extra>"
            + label(name)
            + "</extra>",
        }
        for i, (name, values) in enumerate(series.items())
    ]
    layout = _layout(
        xaxis=_axis(type="category", showgrid=False),
        yaxis=_axis(unit),
        barmode="group" if grouped else "relative",
        showlegend=len(series) > 1,
    )
    return {"data": data, "layout": layout}


def across(
    names: Sequence[str],
    values: Sequence[float],
    unit: str,
    *,
    colours: Sequence[str] | None = None,
    mark: float | None = None,
) -> Figure:
    """Horizontal bars, the first on top, with an optional line at ``mark``."""
    trace = {
        "type": "bar",
        "orientation": "h",
        "x": list(values),
        # Positions, not names: two sites of one name must stay two bars.
        "y": list(range(len(names))),
        "marker": {"color": list(colours) if colours else BLUE},
        "hovertemplate": "%{x:,.4~s} " + label(unit) + "<extra></extra>",
    }
    ticks: Figure = {"tickvals": list(range(len(names))), "ticktext": [label(n) for n in names]}
    layout = _layout(
        xaxis=_axis(unit, zeroline=True),
        yaxis=_axis(autorange="reversed", showgrid=False, **ticks),
    )
    if mark is not None:
        line = {"color": PLAN, "width": 2, "dash": "dash"}
        layout["shapes"] = [
            {
                "type": "line",
                "x0": mark,
                "x1": mark,
                "y0": 0,
                "y1": 1,
                "yref": "paper",
                "line": line,
            }
        ]
    return {"data": [trace], "layout": layout}


def lines(
    x: Sequence[Any],
    series: Mapping[str, Sequence[float] | FloatArray],
    x_title: str,
    unit: str,
    colours: Mapping[str, str] | None = None,
) -> Figure:
    """Lines over one axis."""
    data = [
        {
            "type": "scatter",
            "mode": "lines+markers" if len(x) <= 31 else "lines",
            "name": label(name),
            "x": list(x),
            "y": list(values),
            "line": {"color": (colours or {}).get(name, colour(i)), "width": 2},
        }
        for i, (name, values) in enumerate(series.items())
    ]
    layout = _layout(
        xaxis=_axis(x_title), yaxis=_axis(unit, rangemode="tozero"), hovermode="x unified"
    )
    return {"data": data, "layout": layout}


def power_balance(
    times: Sequence[str],
    sources_kw: Mapping[str, FloatArray],
    uses_kw: Mapping[str, FloatArray],
    planned_kw: FloatArray | None,
) -> Figure:
    """Where a station's power came from (up) and went (down), and the plan for its import."""
    data: list[Figure] = []
    for group, sign in ((sources_kw, 1.0), (uses_kw, -1.0)):
        for name, kw in group.items():
            data.append(
                {
                    "type": "scatter",
                    "mode": "lines",
                    "stackgroup": "up" if sign > 0.0 else "down",
                    "name": label(name),
                    "x": list(times),
                    "y": sign * kw,
                    "line": {"width": 0, "shape": "hv", "color": COLOURS.get(name, GREY)},
                }
            )
    if planned_kw is not None:
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": "import planned",
                "x": list(times),
                "y": planned_kw,
                "line": {"width": 1.6, "dash": "dot", "shape": "hv", "color": PLAN},
            }
        )
    layout = _layout(xaxis=_axis(), yaxis=_axis("kW (up: supply, down: use)"))
    layout["legend"]["traceorder"] = "normal"
    return {"data": data, "layout": {**layout, "hovermode": "x unified"}}


def site_map(
    longitude: FloatArray,
    latitude: FloatArray,
    kinds: Sequence[str],
    texts: Sequence[str],
    size: FloatArray,
) -> Figure:
    """Sites on plain axes of equal scale; the circle's area follows ``size``."""
    biggest = float(size.max()) if len(size) and size.max() > 0.0 else 1.0
    radius = 6.0 + 26.0 * np.sqrt(np.maximum(size, 0.0) / biggest)
    data = []
    for i, kind in enumerate(sorted(set(kinds))):
        here = [j for j, k in enumerate(kinds) if k == kind]
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": label(kind.replace("_", " ")),
                "x": longitude[here],
                "y": latitude[here],
                "text": [label(texts[j]) for j in here],
                "hovertemplate": "%{text}<extra></extra>",
                "marker": {
                    "size": radius[here],
                    "color": colour(i),
                    "symbol": "circle" if i < len(CYCLE) else "diamond",
                    "opacity": 0.75,
                    "line": {"width": 0.5, "color": "rgba(255,255,255,.7)"},
                },
            }
        )
    middle = math.cos(math.radians(float(latitude.mean()))) if len(latitude) else 1.0
    layout = _layout(
        xaxis=_axis("longitude [°E]"),
        yaxis=_axis("latitude [°N]", scaleanchor="x", scaleratio=1.0 / max(middle, 0.05)),
    )
    layout["legend"]["itemsizing"] = "constant"
    return {"data": data, "layout": layout}


def boxes(groups: Mapping[str, Mapping[str, Sequence[float]]], unit: str) -> Figure:
    """Box plots from quantiles 5, 25, 50, 75, 95 %: series -> category -> five numbers."""
    data = []
    for i, (name, by_category) in enumerate(groups.items()):
        five = np.array(list(by_category.values()), dtype=np.float64).reshape(-1, 5)
        data.append(
            {
                "type": "box",
                "name": label(name),
                "x": [label(c) for c in by_category],
                "lowerfence": five[:, 0],
                "q1": five[:, 1],
                "median": five[:, 2],
                "q3": five[:, 3],
                "upperfence": five[:, 4],
                "line": {"color": PALE if i == 0 and len(groups) > 1 else BLUE},
            }
        )
    layout = _layout(
        xaxis=_axis(type="category", showgrid=False), yaxis=_axis(unit), boxmode="group"
    )
    return {"data": data, "layout": layout}


def sankey(
    flows: Sequence[tuple[str, str, float]],
    unit: str,
    link_colours: Sequence[str] | None = None,
    link_names: Sequence[str] | None = None,
) -> Figure:
    """Flows between named accounts: (from, to, amount > 0)."""
    names = list(dict.fromkeys(n for source, target, _ in flows for n in (source, target)))
    index = {name: i for i, name in enumerate(names)}
    tints = link_colours or [colour(index[source]) for source, _, _ in flows]
    trace = {
        "type": "sankey",
        "valueformat": ",.4~s",
        "valuesuffix": f" {label(unit)}",
        "node": {
            "label": [label(name.replace("_", " ")) for name in names],
            "color": [colour(i) for i in range(len(names))],
            "pad": 22,
            "thickness": 14,
            "line": {"width": 0},
        },
        "link": {
            "source": [index[source] for source, _, _ in flows],
            "target": [index[target] for _, target, _ in flows],
            "value": [amount for _, _, amount in flows],
            "color": [_see_through(tint) for tint in tints],
            "label": [label(n) for n in link_names] if link_names else [""] * len(flows),
        },
    }
    layout = _layout(
        margin={"l": 16, "r": 16, "t": 16, "b": 24},
        xaxis={"visible": False},
        yaxis={"visible": False},
    )
    keys = dict(zip(link_names or (), tints, strict=False))
    return {"data": [trace, *(_key(name, tint) for name, tint in keys.items())], "layout": layout}


def _key(name: str, tint: str) -> Figure:
    """An entry in the legend for a kind of link: a Sankey has no legend of its own."""
    return {
        "type": "scatter",
        "mode": "markers",
        "name": label(name),
        "x": [None],
        "y": [None],
        "marker": {"color": tint, "size": 10, "symbol": "square"},
        "showlegend": True,
    }


def _see_through(tint: str) -> str:
    red, green, blue = (int(tint[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.38)"
