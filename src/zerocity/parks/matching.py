"""Which clean energy met a park's use hour by hour, beside what meets it over the whole year.

The hourly score is the one Google published (24/7 Carbon-Free Energy: Methodologies and Metrics,
February 2021): in each hour clean energy counts up to the use of that hour and no further; what is
left over never makes up for another hour. The volume score is the older yearly reading, which nets
all hours. A store passes on the origin of what charged it, less its losses, as the storage records
of EnergyTag's Granular Certificate Scheme Standard do; what it held at the start counts as grid.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt

from zerocity.errors import InputError

FloatArray = npt.NDArray[np.float64]

BALANCE = 1e-6
"""Most that sources and uses of a step may differ, as a share of the largest flow of a step."""
SOURCES = ("pv", "direct", "store_clean", "traced", "grid", "store_grid")
"""What a kWh of use came from; `grid` and `store_grid` are the residual."""


@dataclass(frozen=True, slots=True)
class ParkMeters:
    """A park's meters, each (steps,) [kWh a step], all >= 0.

    In every step pv + direct + discharge + import = use + charge + export.

    Attributes
    ----------
    step_h : length of a step [h].
    use_kwh : everything used, charging of vehicles included, the store left out.
    pv_kwh : own generation after curtailment; ``direct_kwh`` : from a dedicated green line.
    charge_kwh, discharge_kwh : the store's, on the AC side.
    import_kwh, export_kwh : exchange with the public grid.
    grid_kgco2_per_kwh : factor of the public grid.
    """

    step_h: float
    use_kwh: FloatArray
    pv_kwh: FloatArray
    direct_kwh: FloatArray
    charge_kwh: FloatArray
    discharge_kwh: FloatArray
    import_kwh: FloatArray
    export_kwh: FloatArray
    grid_kgco2_per_kwh: FloatArray

    def __post_init__(self) -> None:
        if not (np.isfinite(self.step_h) and self.step_h > 0.0):
            raise InputError("park meters: step_h", str(self.step_h), "more than 0 h")
        shape = self.use_kwh.shape
        for name in _SERIES:
            values = getattr(self, name)
            where = f"park meters: {name}"
            if values.ndim != 1 or values.shape != shape or not values.size:
                raise InputError(where, f"shape {values.shape}", f"shape (steps,), here {shape}")
            bad = np.flatnonzero(~np.isfinite(values) | (values < -1e-9))
            if bad.size:
                came = f"{values[bad[0]]:g} at step {bad[0]}"
                raise InputError(where, came, "finite numbers of at least 0")
        self._check_balance()

    def _check_balance(self) -> None:
        apart = np.abs(self._sources() - self.use_kwh - self.charge_kwh - self.export_kwh)
        worst = int(np.argmax(apart))
        if apart[worst] > BALANCE * max(float(self._sources().max()), 1e-6):
            raise InputError(
                f"park meters, step {worst}",
                f"sources and uses that differ by {apart[worst]:g} kWh",
                "pv + direct + discharge + import = use + charge + export",
                "A meter is missing or counted twice.",
            )

    def _sources(self) -> FloatArray:
        return self.pv_kwh + self.direct_kwh + self.discharge_kwh + self.import_kwh

    def by_hour(self) -> ParkMeters:
        """The same meters by hour; steps of an hour or more stay as they are."""
        per = round(1.0 / self.step_h) if self.step_h < 1.0 else 1
        if per == 1:
            return self
        if abs(per * self.step_h - 1.0) > 1e-9 or self.use_kwh.size % per:
            came = f"{self.use_kwh.size} steps of {self.step_h:g} h"
            raise InputError("park meters", came, "whole hours")
        summed = {n: getattr(self, n).reshape(-1, per).sum(axis=1) for n in _SERIES}
        taken = np.maximum(summed["import_kwh"], 1e-300)
        carbon = (self.import_kwh * self.grid_kgco2_per_kwh).reshape(-1, per).sum(axis=1)
        mean = summed["grid_kgco2_per_kwh"] / per
        # Weighted by import, so that the carbon of an hour is that of its steps.
        summed["grid_kgco2_per_kwh"] = np.where(taken > 1e-9, carbon / taken, mean)
        return replace(self, step_h=1.0, **summed)


_SERIES = tuple(f.name for f in fields(ParkMeters) if f.name != "step_h")


@dataclass(frozen=True, slots=True)
class Matching:
    """Where a park's use came from, step by step.

    Attributes
    ----------
    step_h : length of a step [h]; scores are as strict as it is short.
    use_kwh : (steps,) [kWh]; ``sources_kwh`` by name of `SOURCES`, each (steps,), add up to it.
    surplus_kwh : clean energy sent out because nothing used it in its step, (steps,).
    carbon_kg : carbon of the import that no traced supply covers, when it was taken, (steps,).
    volume_score : clean energy got in the period / use, at most 1.
    hourly_score : share of the use met by clean energy of the same step or out of the store.
    traced_score : the same with traced green supply, if the contract's hours were proven.
    grid_mix_score : the same with the clean part of the residual grid's own mix (Google's score).
    matched_steps : share of the steps that were clean as a whole, traced supply left out.
    certificates_kwh : certificates of the period; ``certificate_score`` is the volume score with
        them. They have no hour and enter no other figure.
    """

    step_h: float
    use_kwh: FloatArray
    sources_kwh: dict[str, FloatArray]
    surplus_kwh: FloatArray
    carbon_kg: FloatArray
    volume_score: float
    hourly_score: float
    traced_score: float
    grid_mix_score: float
    matched_steps: float
    certificates_kwh: float
    certificate_score: float

    def scores(self) -> dict[str, float]:
        """The scores by name."""
        names = ("volume_score", "hourly_score", "traced_score", "grid_mix_score",
                 "matched_steps", "certificate_score")  # fmt: skip
        return {name: float(getattr(self, name)) for name in names}

    def by_hour_of_day(self) -> dict[str, FloatArray]:
        """Mean power of each source by local hour, (24,) [kW]; needs whole days from midnight."""
        per_day = round(24.0 / self.step_h)
        series = {**self.sources_kwh, "surplus": self.surplus_kwh}
        return {
            name: (values / self.step_h).reshape(-1, per_day).mean(axis=0)
            .reshape(24, -1).mean(axis=1)
            for name, values in series.items()
        }  # fmt: skip


def match(
    meters: ParkMeters,
    traced_share: float = 0.0,
    certificates_kwh: float = 0.0,
    grid_clean_share: float = 0.0,
) -> Matching:
    """Match a park's use with its sources, step by step.

    Own sun meets the use first, then the green line, then the store, then the grid. What is left
    charges the store in the same order, and the rest is sent out. A step that both imports and
    exports (several sites, or a meter slower than the switching) is one park: the smaller of the
    two is taken off both, but its carbon stays.

    Parameters
    ----------
    traced_share : share of the import under a traced green supply contract, 0-1.
    certificates_kwh : green certificates of the period [kWh], shown apart.
    grid_clean_share : clean share of the residual grid mix, 0-1; 0 = not claimed.
    """
    _check_shares(traced_share, grid_clean_share, certificates_kwh)
    both = np.minimum(meters.import_kwh, meters.export_kwh)
    taken, sent = meters.import_kwh - both, meters.export_kwh - both
    to_use, left = _fill(
        meters.use_kwh, meters.pv_kwh, meters.direct_kwh, meters.discharge_kwh, taken
    )
    to_store, spare = _fill(meters.charge_kwh, left[0], left[1], left[3])
    clean_in, grid_in = to_store[0] + to_store[1], to_store[2]
    clean, traced = _store_origin(meters, clean_in, traced_share * grid_in)
    sources = {
        "pv": to_use[0],
        "direct": to_use[1],
        "store_clean": clean * to_use[2],
        "traced": traced_share * to_use[3] + traced * to_use[2],
        "grid": (1.0 - traced_share) * to_use[3],
        "store_grid": (1.0 - clean - traced) * to_use[2],
    }
    got = float((meters.pv_kwh + meters.direct_kwh).sum() + traced_share * taken.sum())
    carbon = meters.import_kwh * meters.grid_kgco2_per_kwh * (1.0 - traced_share)
    surplus = np.minimum(spare[0] + spare[1], sent)
    return _scored(meters, sources, surplus, carbon, got, certificates_kwh, grid_clean_share)


def _scored(
    meters: ParkMeters,
    sources: dict[str, FloatArray],
    surplus: FloatArray,
    carbon: FloatArray,
    got_kwh: float,
    certificates_kwh: float,
    grid_clean_share: float,
) -> Matching:
    use = meters.use_kwh
    total = float(use.sum())
    own = sources["pv"] + sources["direct"] + sources["store_clean"]

    def share(kwh: float) -> float:
        return min(1.0, kwh / total) if total > 0.0 else float("nan")

    hourly, proven = share(float(own.sum())), share(float((own + sources["traced"]).sum()))
    busy = use > 1e-9
    whole = float((own[busy] >= use[busy] * (1.0 - 1e-6)).mean()) if busy.any() else float("nan")
    return Matching(
        step_h=meters.step_h,
        use_kwh=use,
        sources_kwh=sources,
        surplus_kwh=surplus,
        carbon_kg=carbon,
        volume_score=share(got_kwh),
        hourly_score=hourly,
        traced_score=proven,
        grid_mix_score=proven + (1.0 - proven) * grid_clean_share,
        matched_steps=whole,
        certificates_kwh=certificates_kwh,
        certificate_score=share(got_kwh + certificates_kwh),
    )


def _fill(
    wanted: FloatArray, *sources: FloatArray
) -> tuple[tuple[FloatArray, ...], tuple[FloatArray, ...]]:
    """Fill a want from sources in turn; what each gives, and what each has left."""
    given, left = [], []
    for source in sources:
        part = np.minimum(wanted, source)
        given.append(part)
        left.append(source - part)
        wanted = wanted - part
    return tuple(given), tuple(left)


def _store_origin(
    meters: ParkMeters, clean_in: FloatArray, traced_in: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Clean and traced share of what the store gives in each step, (steps,) each.

    The store is one well-stirred tank. Its losses are spread evenly over all that went in.
    """
    into, out = float(meters.charge_kwh.sum()), float(meters.discharge_kwh.sum())
    kept = min(1.0, out / into) if into > 0.0 else 1.0
    path = np.cumsum(kept * meters.charge_kwh - meters.discharge_kwh)
    stock, clean, traced = max(0.0, -float(path.min())), 0.0, 0.0
    shares = np.zeros((2, path.size))
    rows = np.column_stack(
        [kept * meters.charge_kwh, kept * clean_in, kept * traced_in, meters.discharge_kwh]
    )
    for step, (all_in, green_in, proven_in, given) in enumerate(rows.tolist()):
        stock, clean, traced = stock + all_in, clean + green_in, traced + proven_in
        if given > 0.0 and stock > 0.0:
            part = min(1.0, given / stock)
            shares[:, step] = clean / stock, traced / stock
            stock, clean, traced = (x * (1.0 - part) for x in (stock, clean, traced))
    return np.minimum(shares[0], 1.0), np.minimum(shares[1], 1.0 - np.minimum(shares[0], 1.0))


def _check_shares(traced: float, mix: float, certificates_kwh: float) -> None:
    for name, value in (("traced_share", traced), ("grid_clean_share", mix)):
        if not 0.0 <= value <= 1.0:
            raise InputError(f"matching: {name}", str(value), "a share from 0 to 1")
    if not (np.isfinite(certificates_kwh) and certificates_kwh >= 0.0):
        raise InputError("matching: certificates_kwh", str(certificates_kwh), "at least 0 kWh")
