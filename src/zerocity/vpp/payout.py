"""Sharing an event's money among the members that earned it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zerocity.errors import InputError
from zerocity.measures.arrays import F64


@dataclass(frozen=True)
class Payout:
    """Money of each member, (members,) [CNY].

    ``floor_cny`` is what pays back the member's own cost, ``share_cny`` its part of the rest,
    ``penalty_cny`` (>= 0) its part of the penalty; ``net_cny`` the three together.
    """

    floor_cny: F64
    share_cny: F64
    penalty_cny: F64

    @property
    def net_cny(self) -> F64:
        """What each member gets, (members,) [CNY]; negative where its penalty is larger."""
        return self.floor_cny + self.share_cny - self.penalty_cny


def pay_out(
    payment_cny: float,
    penalty_cny: float,
    delivered_kwh: F64,
    assigned_kwh: F64,
    floor_cny_per_kwh: F64,
) -> Payout:
    """Share a payment by delivery and a penalty by shortfall.

    First every delivered kWh earns its member's floor price, all of them cut alike if the money is
    short; the rest goes in proportion to delivery. A penalty goes in proportion to what each
    member fell short of its share. This is the proportional rule (Moulin 2002, Axiomatic Cost and
    Surplus Sharing, doi:10.1016/S1574-0110(02)80010-8); where an event pays a fixed price for each
    kWh and no floor is set it is also the Shapley value (Shapley 1953, A Value for n-Person Games),
    because then every kWh adds the same to whatever it joins. The parts add up to the money,
    whoever delivered nothing is paid nothing, and to deliver more never pays less of the same sum.

    Parameters
    ----------
    payment_cny, penalty_cny : money of the event, both >= 0 [CNY].
    delivered_kwh : of each member, >= 0, (members,). Money without any delivery cannot be shared
        and raises InputError.
    assigned_kwh : what each was asked for, >= 0. floor_cny_per_kwh : its own cost, >= 0.
    """
    _check(payment_cny, penalty_cny, delivered_kwh, assigned_kwh, floor_cny_per_kwh)
    owed = delivered_kwh * floor_cny_per_kwh
    floor = _shared(min(payment_cny, float(owed.sum())), owed)
    rest = _shared(payment_cny - float(floor.sum()), delivered_kwh)
    short = np.maximum(assigned_kwh - delivered_kwh, 0.0)
    for basis in (short, assigned_kwh, np.ones(short.size)):
        if (basis > 0.0).any():
            return Payout(floor, rest, _shared(penalty_cny, basis))
    return Payout(floor, rest, np.zeros(short.size))


def _check(
    payment_cny: float,
    penalty_cny: float,
    delivered_kwh: F64,
    assigned_kwh: F64,
    floor_cny_per_kwh: F64,
) -> None:
    for name, values in (
        ("payment_cny", np.array([payment_cny])),
        ("penalty_cny", np.array([penalty_cny])),
        ("delivered_kwh", delivered_kwh),
        ("assigned_kwh", assigned_kwh),
        ("floor_cny_per_kwh", floor_cny_per_kwh),
    ):
        bad = np.flatnonzero(~(np.isfinite(values) & (values >= 0.0)))
        if bad.size:
            raise InputError(f"payout.{name}[{bad[0]}]", str(values[bad[0]]), "0 or more")
    if not delivered_kwh.shape == assigned_kwh.shape == floor_cny_per_kwh.shape:
        came = f"{delivered_kwh.shape}, {assigned_kwh.shape}, {floor_cny_per_kwh.shape}"
        raise InputError("payout", came, "three arrays of shape (members,)")
    if payment_cny > 0.0 and not (delivered_kwh > 0.0).any():
        raise InputError("payout.delivered_kwh", "nothing delivered", "a delivery to pay for")


def _shared(money: float, by: F64) -> F64:
    """``money`` in proportion to ``by``; scaled first, so that tiny sums keep their shares."""
    top = float(by.max(initial=0.0))
    if top <= 0.0 or money <= 0.0:
        return np.zeros(by.shape)
    part = by / top
    return np.asarray(money * (part / part.sum()))
