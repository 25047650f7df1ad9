"""Sharing a portfolio's request out to its sites, and out again when one fails."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from zerocity.errors import InputError
from zerocity.vpp.program import Program

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


def offer_kw(program: Program, available_kw: FloatArray) -> float:
    """Relief that the portfolio offers for a window [kW]; 0 below the admission threshold.

    ``available_kw`` : relief that each site can hold over the window [kW], shape (sites,).
    """
    offered = program.request_share * float(np.sum(available_kw))
    return offered if offered >= program.admission_kw else 0.0


def share_request(requested_kw: float | FloatArray, available_kw: FloatArray) -> FloatArray:
    """Share of each site in the request, in proportion to what it can give [kW].

    Parameters
    ----------
    requested_kw : relief asked of the portfolio [kW], >= 0, one number or shape (steps,).
    available_kw : what each site can give [kW], >= 0, shape (sites,) or (sites, steps).

    Returns
    -------
    Shape of ``available_kw``; no site above its available power, sum = the lesser of the request
    and what all can give.
    """
    available = np.asarray(available_kw, dtype=np.float64)
    requested = np.asarray(requested_kw, dtype=np.float64)
    for where, came in (("requested_kw", requested), ("available_kw", available)):
        if not np.isfinite(came).all() or (came < 0.0).any():
            raise InputError(f"vpp.delivery.{where}", "a negative or no number", ">= 0 kW")
    total = available.sum(axis=0)
    # Where the request is at least all there is, everybody gives all: no division, no overflow.
    short = requested < total
    part = np.divide(requested, total, out=np.ones_like(total), where=short)
    return np.asarray(available * part)


def share_again(assigned_kw: FloatArray, available_kw: FloatArray, failed: BoolArray) -> FloatArray:
    """New shares after some sites failed: the others take over in proportion to what is left.

    Parameters
    ----------
    assigned_kw, available_kw : shape (sites,) or (sites, steps) [kW].
    failed : shape (sites,).

    Returns
    -------
    Same shape; failed sites 0, others never below their old share nor above what they can give.
    """
    down = failed if assigned_kw.ndim == 1 else failed[:, None]
    lost = np.where(down, assigned_kw, 0.0).sum(axis=0)
    left = np.where(down, 0.0, np.maximum(available_kw - assigned_kw, 0.0))
    return np.where(down, 0.0, assigned_kw) + share_request(lost, left)
