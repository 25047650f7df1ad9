"""Fair sharing of each site's power among its charging sessions.

Max-min fairness (Bertsekas and Gallager, Data Networks, 1992, section 6.5.2): no session can get
more without another, which has no more than it, getting less. Urgent sessions share first.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from zerocity.errors import InputError

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

# A sum of some thousand shares may round to just above the limit; this much is taken off then.
_ROUNDING = 1e-12


def share(
    limit_kw: FloatArray,
    site: IntArray,
    wanted_kw: FloatArray,
    urgent: BoolArray,
    floor_kw: FloatArray | None = None,
) -> FloatArray:
    """Share each site's power among its sessions.

    Urgent sessions share first, the others what is left; among equals the smaller wishes are met
    and the larger ones get equal power.

    Parameters
    ----------
    limit_kw : power of each site, (sites,) [kW]; below 0 counts as 0.
    site : the site of each session, (n,), 0 to sites - 1.
    wanted_kw : wish of each session, >= 0, (n,) [kW].
    urgent : (n,) whether the session comes first.
    floor_kw : least power at which the session can charge at all, (n,) [kW], or None. A session
        gets at least its floor (or its wish, when that is smaller) or nothing: sessions are let in
        urgent first, then in order, as long as their floors fit, and share what is left above.

    Returns the power granted, (n,) [kW]: never above the wish, a site's sum never above its limit.

    Raises InputError naming the array and the session for wrong shapes or values.
    """
    _check(limit_kw, site, wanted_kw, urgent, floor_kw)
    if floor_kw is None:
        return np.asarray(_share(limit_kw, site, wanted_kw, urgent))
    return np.asarray(_share_above_floors(limit_kw, site, wanted_kw, urgent, floor_kw))


def _check(
    limit_kw: FloatArray,
    site: IntArray,
    wanted_kw: FloatArray,
    urgent: BoolArray,
    floor_kw: FloatArray | None,
) -> None:
    shapes = {"site": site.shape, "wanted_kw": wanted_kw.shape, "urgent": urgent.shape}
    if floor_kw is not None:
        shapes["floor_kw"] = floor_kw.shape
    for name, shape in shapes.items():
        if shape != (wanted_kw.size,):
            raise InputError(name, f"shape {shape}", f"shape {(wanted_kw.size,)}")
    if floor_kw is None and _lawful(limit_kw, site, wanted_kw):
        return
    _refuse("limit_kw, site", limit_kw, np.isnan(limit_kw), "a number")
    _refuse("site, session", site, (site < 0) | (site >= limit_kw.size), "a site's number")
    for name, power in (("wanted_kw", wanted_kw), ("floor_kw", floor_kw)):
        if power is not None:
            lawful = (power >= 0.0) & (power < np.inf)
            _refuse(f"{name}, session", power, ~lawful, "a finite power of 0 or more")


@njit(cache=True, nogil=True)
def _lawful(limit, site, wanted):  # type: ignore[no-untyped-def]
    """Whether all is as it should be, in one walk."""
    bad = 0
    for g in range(limit.size):
        bad += np.isnan(limit[g])
    for k in range(wanted.size):
        bad += not (0.0 <= wanted[k] < np.inf) or not 0 <= site[k] < limit.size
    return bad == 0


def _refuse(where: str, values: npt.NDArray[np.generic], bad: BoolArray, wanted: str) -> None:
    if bad.any():
        at = int(np.argmax(bad))
        raise InputError(f"{where} {at}", str(values[at]), wanted)


@njit(cache=True, nogil=True)
def _share(limit, site, wanted, urgent):  # type: ignore[no-untyped-def]
    granted = np.empty(wanted.size)
    _pour(np.maximum(limit, 0.0), site, wanted, urgent, granted)
    _trim(limit, site, granted)
    return granted


@njit(cache=True, nogil=True)
def _share_above_floors(limit, site, wanted, urgent, floor):  # type: ignore[no-untyped-def]
    left = np.maximum(limit, 0.0)
    base = np.zeros(wanted.size)
    more = np.zeros(wanted.size)
    for first in (True, False):
        for i in range(wanted.size):
            least = min(floor[i], wanted[i])
            if urgent[i] == first and least <= left[site[i]]:
                left[site[i]] -= least
                base[i] = least
                more[i] = wanted[i] - least
    granted = np.empty(wanted.size)
    _pour(left, site, more, urgent, granted)
    for i in range(wanted.size):
        granted[i] = min(base[i] + granted[i], wanted[i])
    _trim(limit, site, granted)
    return granted


@njit(cache=True, nogil=True)
def _pour(budget, site, wanted, urgent, granted):  # type: ignore[no-untyped-def]
    """Fill the sessions of each site and rank to a common level.

    A rank is met whole or shares what the rank before it left, so both ranks fill at once: group
    2 s is the urgent rank of site s, group 2 s + 1 the other.
    """
    group = np.empty(wanted.size, np.int32)
    count = np.zeros(2 * budget.size, np.int64)
    asked = np.zeros(2 * budget.size)
    for i in range(wanted.size):
        g = 2 * site[i] + 1 - urgent[i]
        group[i] = g
        count[g] += 1
        asked[g] += wanted[i]
    left = np.repeat(budget, 2)
    left[1::2] = np.maximum(budget - asked[::2], 0.0)
    level = _levels(left, asked, count, group, wanted)
    for i in range(wanted.size):
        granted[i] = min(wanted[i], level[group[i]])


@njit(cache=True, nogil=True)
def _levels(left, asked, count, group, wish):  # type: ignore[no-untyped-def]
    """The level that uses up each group's power, infinite where all wishes can be met."""
    level = np.full(left.size, np.inf)
    nothing = (asked > left) & (left == 0.0)
    scarce = (asked > left) & ~nothing
    # The wishes of each scarce group side by side; all others go to one place behind them.
    end = np.cumsum(np.where(scarce, count, 0))
    to = np.where(scarce, end - count, end[-1])
    ours = np.empty(end[-1] + 1)
    for k in range(wish.size):
        g = group[k]
        ours[to[g]] = wish[k]
        to[g] += scarce[g]
    for g in range(left.size):
        if scarce[g]:
            level[g] = _level(ours[end[g] - count[g] : end[g]], asked[g], left[g])
        elif nothing[g]:
            level[g] = 0.0
    return level


@njit(cache=True, nogil=True)
def _level(wish, asked, left):  # type: ignore[no-untyped-def]
    """The level that shares ``left`` among ``wish`` (n,), which together want more: ``asked``.

    Each round tries the mean of the open wishes as level: if it fits, the wishes below are met,
    else those above are capped. So the open ones dwindle, in time about linear in their number.
    Reorders ``wish``.
    """
    first, last, met, capped = 0, wish.size, 0.0, 0
    while last > first:
        # A hair above the mean, so that rounding never leaves all wishes above it.
        pivot = asked / (last - first) * (1.0 + _ROUNDING)
        low_sum, middle = 0.0, first
        # Without a branch: every second guess would be wrong, and cost a wait.
        for k in range(first, last):
            w = wish[k]
            wish[k], wish[middle] = wish[middle], w
            low_sum += w if w <= pivot else 0.0
            middle += w <= pivot
        if met + low_sum + pivot * (capped + last - middle) <= left:
            met, asked, first = met + low_sum, asked - low_sum, middle
        elif middle < last:
            capped, asked, last = capped + last - middle, low_sum, middle
        else:
            capped, last = capped + last - first, first
    # One that is scarce by its last digit alone has every wish met and nobody to cap.
    return max(left - met, 0.0) / capped if capped else np.inf


@njit(cache=True, nogil=True)
def _trim(limit, site, granted):  # type: ignore[no-untyped-def]
    """Take a last digit off where the shares of a site add up to more than its limit."""
    total = np.zeros(limit.size)
    for i in range(granted.size):
        total[site[i]] += granted[i]
    if not (total > np.maximum(limit, 0.0)).any():
        return
    for i in range(granted.size):
        s = site[i]
        if total[s] > max(limit[s], 0.0):
            granted[i] *= max(limit[s], 0.0) / total[s] * (1.0 - _ROUNDING)


def share_reference(
    limit_kw: FloatArray, site: IntArray, wanted_kw: FloatArray, urgent: BoolArray
) -> FloatArray:
    """The same shares without floors by sorting wishes, site by site: slow and plain."""
    granted = np.zeros(wanted_kw.size)
    for s in range(limit_kw.size):
        left = max(float(limit_kw[s]), 0.0)
        for rank in (True, False):
            here = np.flatnonzero((site == s) & (urgent == rank))
            here = here[np.argsort(wanted_kw[here], kind="stable")]
            for place, i in enumerate(here):
                granted[i] = min(float(wanted_kw[i]), left / (here.size - place))
                left -= granted[i]
    return granted
