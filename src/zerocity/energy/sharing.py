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
    _refuse("limit_kw, site", limit_kw, np.isnan(limit_kw), "a number")
    _refuse("site, session", site, (site < 0) | (site >= limit_kw.size), "a site's number")
    for name, power in (("wanted_kw", wanted_kw), ("floor_kw", floor_kw)):
        if power is not None:
            lawful = (power >= 0.0) & (power < np.inf)
            _refuse(f"{name}, session", power, ~lawful, "a finite power of 0 or more")


def _refuse(where: str, values: npt.NDArray[np.generic], bad: BoolArray, wanted: str) -> None:
    if bad.any():
        at = int(np.argmax(bad))
        raise InputError(f"{where} {at}", str(values[at]), wanted)


@njit(cache=True, nogil=True)
def _share(limit, site, wanted, urgent):  # type: ignore[no-untyped-def]
    left = np.maximum(limit, 0.0)
    granted = np.zeros(wanted.size)
    _pour(left, site, wanted, urgent, True, granted)
    _pour(left, site, wanted, urgent, False, granted)
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
    granted = np.zeros(wanted.size)
    _pour(left, site, more, urgent, True, granted)
    _pour(left, site, more, urgent, False, granted)
    for i in range(wanted.size):
        granted[i] = min(base[i] + granted[i], wanted[i])
    _trim(limit, site, granted)
    return granted


@njit(cache=True, nogil=True)
def _pour(left, site, wanted, urgent, first, granted):  # type: ignore[no-untyped-def]
    """Fill the sessions of one rank to a common level per site; lowers ``left`` in place."""
    waiting = np.empty(wanted.size, np.int64)
    count = np.zeros(left.size, np.int64)
    n = 0
    for i in range(wanted.size):
        if urgent[i] == first and wanted[i] > 0.0:
            waiting[n] = i
            count[site[i]] += 1
            n += 1
    level = np.zeros(left.size)
    met = True
    while met:
        for s in range(left.size):
            level[s] = max(left[s], 0.0) / max(count[s], 1)
        met = False
        kept = 0
        for k in range(n):
            i = waiting[k]
            if wanted[i] <= level[site[i]]:
                granted[i] = wanted[i]
                left[site[i]] -= wanted[i]
                count[site[i]] -= 1
                met = True
            else:
                waiting[kept] = i
                kept += 1
        n = kept
    for k in range(n):
        i = waiting[k]
        granted[i] = level[site[i]]
        left[site[i]] = 0.0


@njit(cache=True, nogil=True)
def _trim(limit, site, granted):  # type: ignore[no-untyped-def]
    """Take a last digit off where the shares of a site add up to more than its limit."""
    total = np.zeros(limit.size)
    for i in range(granted.size):
        total[site[i]] += granted[i]
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
