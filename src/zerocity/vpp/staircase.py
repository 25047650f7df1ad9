"""Monotone staircases of power over price, and fewer steps with the least error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zerocity.errors import InputError
from zerocity.measures.arrays import F64, I64


@dataclass(frozen=True)
class Staircase:
    """Net power of T periods as a falling staircase of the price.

    ``edges_cny_per_kwh`` (T, K+1) rise from floor to cap; ``net_kw`` (T, K) falls: the level of
    segment k holds for prices from edge k to edge k+1. Positive = buys, negative = sells.
    Segments of no width fill up rows that need fewer than K; ``segments`` (T,) counts the others.
    """

    edges_cny_per_kwh: F64
    net_kw: F64

    @property
    def segments(self) -> I64:
        """Segments of some width in each period, shape (T,)."""
        count: I64 = (np.diff(self.edges_cny_per_kwh, axis=1) > 0.0).sum(axis=1)
        return count

    def at(self, price_cny_per_kwh: F64) -> F64:
        """Level of each period at its price, (T,) [kW]; at an edge the dearer side's level."""
        price = np.asarray(price_cny_per_kwh, np.float64)[:, None]
        above = self.edges_cny_per_kwh[:, 1:-1] <= price + 1e-12
        chosen = above.sum(axis=1)
        level: F64 = np.take_along_axis(self.net_kw, chosen[:, None], axis=1)[:, 0]
        return level


def falling(levels: F64, weights: F64 | None = None) -> F64:
    """Nearest falling rows in least squares, by pooling neighbours that rise; shape kept.

    Pool-adjacent-violators (Barlow et al. 1972, Statistical Inference under Order Restrictions).
    Rows that fall already come back unchanged.
    """
    rows = np.array(levels, np.float64)
    weight = np.ones_like(rows) if weights is None else np.broadcast_to(weights, rows.shape)
    for t in np.flatnonzero((np.diff(rows, axis=1) > 0.0).any(axis=1)):
        rows[t] = _pooled(rows[t], weight[t])
    return rows


def _pooled(row: F64, weight: F64) -> F64:
    blocks: list[tuple[float, float, int]] = []
    for value, w in zip(row.tolist(), weight.tolist(), strict=True):
        mean, mass, size = value, w, 1
        while blocks and blocks[-1][0] < mean:
            before, its, many = blocks.pop()
            total = its + mass
            mean = (before * its + mean * mass) / total if total > 0.0 else max(before, mean)
            mass, size = total, size + many
        blocks.append((mean, mass, size))
    return np.repeat([b[0] for b in blocks], [b[2] for b in blocks])


def sampled(prices: F64, levels: F64, floor: float, cap: float, tick: float) -> Staircase:
    """Staircase of samples: each level holds to the middle between its price and the next.

    Parameters
    ----------
    prices : (T, P) rising, within floor and cap [CNY/kWh]. levels : (T, P) falling [kW].
    tick : inner edges are rounded to multiples of it.
    """
    middle = (prices[:, 1:] + prices[:, :-1]) / 2.0
    inner = np.clip(np.round(middle / tick) * tick, floor, cap)
    side = np.ones((len(prices), 1))
    edges = np.concatenate([floor * side, np.maximum.accumulate(inner, axis=1), cap * side], axis=1)
    return Staircase(edges, levels)


def reduced(
    stairs: Staircase, least: int, most: int, keep: I64 | None = None, tolerance: float = 0.005
) -> Staircase:
    """The same staircase in ``least`` to ``most`` segments, with the least area between the two.

    The fewest segments are taken whose area error is at most ``tolerance`` of the area between
    the highest and the lowest level; else ``most``. Dynamic programming over all cuts.

    Parameters
    ----------
    keep : (T,) a segment of each period whose level must stay as it is, e.g. the one that holds
        the expected price.
    """
    if not 1 <= least <= most:
        raise InputError("segments", f"{least} to {most}", "1 or more, least to most")
    rows = [
        _row(e, q, least, most, None if keep is None else int(keep[t]), tolerance)
        for t, (e, q) in enumerate(zip(stairs.edges_cny_per_kwh, stairs.net_kw, strict=True))
    ]
    wide = max(len(q) for _, q in rows)
    edges = np.array([np.pad(e, (0, wide + 1 - len(e)), mode="edge") for e, _ in rows])
    levels = np.array([np.pad(q, (0, wide - len(q)), mode="edge") for _, q in rows])
    return Staircase(edges, levels)


def _row(
    edges: F64, levels: F64, least: int, most: int, keep: int | None, tolerance: float
) -> tuple[F64, F64]:
    width = np.diff(edges)
    error, value = _groups(width, levels, keep)
    most = min(most, len(levels))
    best, cut = _cuts(error, most)
    span = (edges[-1] - edges[0]) * (levels[0] - levels[-1])
    fine = np.flatnonzero(best[:, -1] <= tolerance * span + 1e-12)
    count = max(min(least, most), int(fine[0]) + 1 if fine.size else most)
    ends, at = [], len(levels)
    for k in range(count - 1, -1, -1):
        begin = int(cut[k, at])
        ends.append((begin, at))
        at = begin
    ends.reverse()
    new_edges = np.array([edges[b] for b, _ in ends] + [edges[-1]])
    return new_edges, np.array([value[b, e - 1] for b, e in ends])


def _groups(width: F64, levels: F64, keep: int | None) -> tuple[F64, F64]:
    """Least area error and level of each run of segments i..j, (P, P)."""
    n = len(levels)
    error, value = np.full((n, n), np.inf), np.zeros((n, n))
    for i in range(n):
        for j in range(i, n):
            w, q = width[i : j + 1], levels[i : j + 1]
            if keep is not None and i <= keep <= j:
                value[i, j] = levels[keep]
            else:
                half = np.searchsorted(np.cumsum(w), w.sum() / 2.0)
                value[i, j] = q[min(int(half), len(q) - 1)]
            error[i, j] = float((w * np.abs(q - value[i, j])).sum())
    return error, value


def _cuts(error: F64, most: int) -> tuple[F64, I64]:
    """Least error of the first n segments in k+1 groups, (most, n+1), and where the last begins."""
    n = len(error)
    best, cut = np.full((most, n + 1), np.inf), np.zeros((most, n + 1), np.int64)
    best[0, 1:], best[0, 0] = error[0], 0.0
    for k in range(1, most):
        for end in range(k + 1, n + 1):
            total = best[k - 1, k:end] + error[k:end, end - 1]
            begin = int(np.argmin(total))
            best[k, end], cut[k, end] = total[begin], begin + k
    return best, cut
