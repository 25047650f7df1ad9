"""Offers and awards of a virtual power plant's day, and what every site then does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from zerocity.energy.site_days import pick
from zerocity.errors import InputError
from zerocity.measures.arrays import F64, Bools
from zerocity.measures.wording import did_you_mean, quote
from zerocity.reports.plant_day import PlantDay, energy_rules
from zerocity.vpp.bids import DayBids, build_bids
from zerocity.vpp.clearing import clear, joined, orders_of
from zerocity.vpp.control_group import held_back
from zerocity.vpp.cost_curve import CostCurve, cost_curves
from zerocity.vpp.delivery import share_again, share_request
from zerocity.vpp.dispatch import Schedule, call, redispatch
from zerocity.vpp.follow import Followed, follow, uncontrolled
from zerocity.vpp.members import Members, at_market_prices, net_kw
from zerocity.vpp.offers import PeakOffer, ReserveOffer, peak_offer, reserve_offer, window_of
from zerocity.vpp.products import FrequencyReserve
from zerocity.vpp.program import hours_mask

OURS = 9


@dataclass(frozen=True)
class EnergyAward:
    """The plant's part of the cleared market.

    ``price_cny_per_kwh``, ``awarded_kw`` (T,): clearing prices and the plant's net purchase;
    ``cost_cny`` what it pays for it; ``moved_cny_per_kwh`` the most its bids moved a price.
    """

    bids: DayBids
    price_cny_per_kwh: F64
    awarded_kw: F64
    cost_cny: float
    moved_cny_per_kwh: float


@dataclass(frozen=True)
class EnergyDispatch:
    """The award carried out: ``first`` by all sites, ``again`` when some have failed.

    ``base_kw``, ``led_kw`` (sites, T): net import if nobody led a site, and as led.
    ``deviation_kw`` (T,) is the portfolio's net import less its award.
    """

    award: EnergyAward
    first: Followed
    again: Followed | None
    base_kw: F64
    led_kw: F64
    deviation_kw: F64


@dataclass(frozen=True)
class PeakDispatch:
    """A call for relief shared out, and shared out again when sites have failed."""

    offer: PeakOffer
    requested_kw: float
    first: Schedule
    again: Schedule | None


@dataclass(frozen=True)
class ReserveDispatch:
    """Reserve shared out in each step by what each site can hold, (sites, T) [kW] each way.

    ``down_kw``, ``up_kw`` are the last shares, after sites have failed where ``shared_again``;
    ``held_kw`` is what the portfolio then holds both ways in the weakest of the product's steps.
    """

    offer: ReserveOffer
    requested_kw: float
    down_kw: F64
    up_kw: F64
    held_kw: float
    shared_again: bool


def bid_energy(day: PlantDay) -> DayBids:
    """The plant's bids for a day, around the prices it expects."""
    rules = energy_rules(day.city)
    return build_bids(day.portfolio, rules, day.expected_cny_per_kwh, day.fixed_cny_per_kwh)


def award_energy(day: PlantDay) -> EnergyAward:
    """Bid and clear.

    The rest of the market is the city's typical day where prices come from it; else it is taken to
    be as deep as the prices it was given, so that the plant moves none of them.
    """
    rules, bids = energy_rules(day.city), bid_energy(day)
    floor, cap = rules.price_floor_cny_per_kwh, rules.price_cap_cny_per_kwh
    if not bids.admission.admitted:
        nothing = np.zeros(rules.periods)
        return EnergyAward(bids, day.expected_cny_per_kwh, nothing, 0.0, 0.0)
    market = day.city.market_day
    own_market = market is not None and np.array_equal(
        market.prices(rules), day.expected_cny_per_kwh
    )
    if market is not None and own_market:
        orders = joined(market.orders(rules), orders_of(bids.stairs, OURS))
        found = clear(orders, rules.periods, floor, cap)
        ours = orders.owner == OURS
        price = found.price_cny_per_kwh
        awarded = np.zeros(rules.periods)
        np.add.at(awarded, orders.period[ours], found.filled_kw[ours])
    else:
        price, awarded = day.expected_cny_per_kwh, bids.planned_kw
    cost = float((awarded * price).sum() * 24.0 / rules.periods)
    moved = float(np.abs(price - day.expected_cny_per_kwh).max())
    return EnergyAward(bids, price, awarded, cost, moved)


def dispatch_energy(day: PlantDay, failing: Sequence[str] = ()) -> EnergyDispatch:
    """Carry out the award with every site; with the ``failing`` ones left to themselves, again."""
    award = award_energy(day)
    if not award.bids.admission.admitted:
        raise InputError("--product", "energy", "an offer large enough to take part",
                         award.bids.admission.reason)  # fmt: skip
    at_market = at_market_prices(day.portfolio.days, award.price_cny_per_kwh, day.fixed_cny_per_kwh)
    portfolio = replace(day.portfolio, days=at_market)
    base = portfolio.planner(uncontrolled(at_market))
    first = follow(portfolio, award.awarded_kw)
    led, again = net_kw(first.plans), None
    failed = failed_sites(portfolio, failing)
    if failed.any():
        left = portfolio.without(failed)
        free = net_kw(portfolio.planner(uncontrolled(pick(at_market, np.flatnonzero(failed)))))
        again = follow(left, award.awarded_kw - free.sum(axis=0))
        led = led.copy()
        led[failed], led[~failed] = free, net_kw(again.plans)
    off = led.sum(axis=0) - award.awarded_kw
    return EnergyDispatch(award, first, again, net_kw(base), led, off)


def called_part(day: PlantDay) -> PlantDay:
    """The day without the sites that the city's ``control_share`` keeps from every call."""
    names = day.portfolio.names
    kept = held_back(names, day.city.vpp.control_share)
    if not kept.any():
        return day
    origin = f"{day.origin}; {int(kept.sum())} of {len(names)} sites held back as control group"
    return replace(day, portfolio=day.portfolio.without(kept), origin=origin)


def bid_peak(day: PlantDay) -> PeakOffer:
    """What the plant offers to the city's peak shaving."""
    return peak_offer(day.portfolio, day.portfolio.plan(), day.city.vpp)


def peak_bands(day: PlantDay) -> list[CostCurve]:
    """Cost curves of less and more import from the product's first hour on, for 0.25 to 4 hours."""
    window = window_of(day.city.vpp, day.portfolio.days.steps)
    return cost_curves(day.portfolio, day.portfolio.plan(), int(np.argmax(window)))


def dispatch_peak(
    day: PlantDay, requested_kw: float | None = None, failing: Sequence[str] = ()
) -> PeakDispatch:
    """Call for relief in the product's window; default as much as was offered."""
    base = day.portfolio.plan()
    offer = peak_offer(day.portfolio, base, day.city.vpp)
    asked = _asked(requested_kw, offer.offered_kw, offer.admission.reason)
    window = window_of(day.city.vpp, day.portfolio.days.steps)
    energy = asked * float(window.sum()) * day.portfolio.days.step_h
    first = call(day.portfolio, base, window, energy)
    failed = failed_sites(day.portfolio, failing)
    again = redispatch(day.portfolio, first, window, failed, base) if failed.any() else None
    return PeakDispatch(offer, asked, first, again)


def bid_reserve(day: PlantDay) -> ReserveOffer:
    """What the plant offers to frequency reserve."""
    return reserve_offer(day.portfolio, day.portfolio.plan(), reserve_rules(day))


def dispatch_reserve(
    day: PlantDay, requested_kw: float | None = None, failing: Sequence[str] = ()
) -> ReserveDispatch:
    """Share reserve out in each step, less import and more import apart, by what sites can hold."""
    offer = bid_reserve(day)
    asked = _asked(requested_kw, offer.offered_kw, offer.admission.reason)
    failed, rules = failed_sites(day.portfolio, failing), reserve_rules(day)
    shares = []
    for able in (offer.down_kw, offer.up_kw):
        first = share_request(np.full(able.shape[1], asked), able)
        shares.append(share_again(first, able, failed) if failed.any() else first)
    window = hours_mask(rules.window_start_h, rules.window_end_h, day.portfolio.days.steps)
    held = min(float(share.sum(axis=0)[window].min()) for share in shares)
    return ReserveDispatch(offer, asked, shares[0], shares[1], held, bool(failed.any()))


def reserve_rules(day: PlantDay) -> FrequencyReserve:
    """The city's frequency reserve; InputError when its vpp.toml has none."""
    if day.city.frequency_reserve is None:
        raise InputError(
            "--product", "frequency_reserve", "a product of the city",
            "vpp.toml has no table [frequency_reserve].",
        )  # fmt: skip
    return day.city.frequency_reserve


def failed_sites(portfolio: Members, names: Sequence[str]) -> Bools:
    """Which sites are named, (sites,); InputError for a name that no site has."""
    failed = np.zeros(len(portfolio.names), np.bool_)
    for name in names:
        if name not in portfolio.names:
            hint = did_you_mean(name, portfolio.names, "See sites.geojson for the names.")
            raise InputError("--fail", quote(name), "the name of a site", hint)
        failed[portfolio.names.index(name)] = True
    return failed


def _asked(requested_kw: float | None, offered_kw: float, why_not: str) -> float:
    if requested_kw is None:
        if why_not:
            raise InputError(
                "the offer", why_not, "an offer large enough to take part",
                "Name a request with --request to share it out all the same.",
            )  # fmt: skip
        return offered_kw
    if not (np.isfinite(requested_kw) and requested_kw > 0.0):
        raise InputError("--request", f"{requested_kw:g}", "a power above 0 kW")
    return requested_kw
