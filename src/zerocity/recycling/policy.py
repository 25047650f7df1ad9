"""The legality gate: which reuse the law allows on a day, as dated rules; and the levers.

Law stands before money: a use that a rule forbids has no value, however well it would pay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from zerocity.errors import InputError

BoolArray = npt.NDArray[np.bool_]

USES = ("stationary", "two_wheeler", "cell_reuse")
NEEDS = ("never", "screened", "traceable")

# The NEA requirements speak of medium and large stations; the bound was not in the text read.
# Assumed 1 MWh, a lever of Policy.
MEDIUM_STATION_KWH = 1000.0


@dataclass(frozen=True)
class Rule:
    """One dated rule.

    uses : uses it speaks of. chemistries : prefixes of chemistry keys, empty = all.
    medium_or_larger : speaks only of stations from the policy's ``medium_station_kwh`` on.
    needs : subset of NEEDS that lifts the ban; ("never",) = nothing lifts it.
    """

    id: str
    title: str
    source: str
    in_force: date
    uses: tuple[str, ...]
    needs: tuple[str, ...]
    certainty: str
    chemistries: tuple[str, ...] = ()
    medium_or_larger: bool = False


CHINA_RULES: tuple[Rule, ...] = (
    Rule(
        id="cn-2026-banned-fields",
        title="Waste packs, whole or processed, must not go into banned fields such as e-bikes",
        source="Interim Measures on recycling and comprehensive utilisation of waste power "
        "batteries of new-energy vehicles, six ministries, 2025-12-31",
        in_force=date(2026, 4, 1),
        uses=("two_wheeler",),
        needs=("never",),
        certainty="read",
    ),
    Rule(
        id="cn-nea-25-no-ternary",
        title="Medium and large storage stations must not use ternary lithium batteries",
        source="NEA 25 key requirements against power accidents, 2022 draft for comment; "
        "date of force assumed",
        in_force=date(2022, 7, 1),
        uses=("stationary",),
        needs=("never",),
        certainty="assumed",
        chemistries=("nmc", "nca"),
        medium_or_larger=True,
    ),
    Rule(
        id="cn-nea-25-second-life",
        title="Second-life packs in medium and large stations only after consistency screening "
        "and a safety assessment on traceable data",
        source="NEA 25 key requirements against power accidents, 2022 draft for comment; "
        "date of force assumed",
        in_force=date(2022, 7, 1),
        uses=("stationary",),
        needs=("screened", "traceable"),
        certainty="assumed",
        medium_or_larger=True,
    ),
    Rule(
        id="iec-63338-traceability",
        title="No reuse of single cells or assemblies without recorded lifetime data",
        source="IEC 63338:2024; day of publication assumed",
        in_force=date(2024, 1, 1),
        uses=("cell_reuse",),
        needs=("traceable",),
        certainty="read",
    ),
)


@dataclass(frozen=True)
class Policy:
    """The rules that hold in the city, and the levers that move where packs go.

    informal_share : share of retired packs that leave for informal buyers with no lever pulled
        [0-1]. The formal share was put below 0.25 by the press (2023-25) and below 0.50 by SAMR
        (2025-11); fleets under contract should leak less. 0.5 is assumed.
    deposit_cny_per_kwh : paid back to the owner who hands in formally. Shenzhen sets aside
        20 CNY/kWh; default none.
    fine_cny_per_kwh, detection : fine for informal sale and the chance of being caught [0-1].
    choice_scale_cny_per_kwh : gain that multiplies the odds of the formal channel by e. Assumed.
    medium_station_kwh : from this size on a station counts as medium or large. Assumed.
    """

    informal_share: float = 0.5
    rules: tuple[Rule, ...] = CHINA_RULES
    deposit_cny_per_kwh: float = 0.0
    fine_cny_per_kwh: float = 0.0
    detection: float = 0.0
    choice_scale_cny_per_kwh: float = 40.0
    medium_station_kwh: float = MEDIUM_STATION_KWH

    def __post_init__(self) -> None:
        for field in ("informal_share", "detection"):
            value = getattr(self, field)
            if not 0.0 <= value <= 1.0:
                raise InputError(f"policy.{field}", str(value), "a fraction from 0 to 1")
        if self.choice_scale_cny_per_kwh <= 0:
            raise InputError(
                "policy.choice_scale_cny_per_kwh",
                str(self.choice_scale_cny_per_kwh),
                "more than 0 CNY/kWh",
            )

    def leak_share(self) -> float:
        """Share of retired packs lost to informal buyers once the levers act [0-1].

        A binary logit around ``informal_share``: deposit and expected fine raise the odds of the
        formal channel by exp(gain / scale). A scenario, not a forecast.
        """
        gain = self.deposit_cny_per_kwh + self.detection * self.fine_cny_per_kwh
        leak = self.informal_share * np.exp(-gain / self.choice_scale_cny_per_kwh)
        return float(leak / (1.0 - self.informal_share + leak))


@dataclass(frozen=True)
class Verdict:
    """Answer of the gate for n packs: ``allowed`` (n,), and which rule broke which pack."""

    allowed: BoolArray
    rule_ids: tuple[str, ...]
    broken: BoolArray

    def reasons(self, pack: int) -> tuple[str, ...]:
        """Ids of the rules that forbid pack ``pack``."""
        return tuple(i for i, hit in zip(self.rule_ids, self.broken[:, pack], strict=True) if hit)


def legal_uses(
    policy: Policy,
    day: date,
    use: str,
    chemistry: Sequence[str] | npt.NDArray[np.str_],
    size_kwh: float | npt.NDArray[np.float64],
    screened: bool | BoolArray,
    traceable: bool | BoolArray,
) -> Verdict:
    """May retired packs go to ``use`` on ``day``?

    Parameters
    ----------
    use : one of USES. chemistry : (n,) chemistry keys such as "lfp", "nmc622".
    size_kwh : size of the whole station [kWh], for use "stationary"; scalar or (n,).
    screened : passed consistency screening; scalar or (n,).
    traceable : recorded lifetime data exist; scalar or (n,).
    """
    if use not in USES:
        raise InputError("use", repr(use), "one of " + ", ".join(USES))
    keys = np.asarray(chemistry, dtype=np.str_)
    shape = (keys.size,)
    met = {
        "never": np.zeros(shape, dtype=np.bool_),
        "screened": np.broadcast_to(np.asarray(screened, dtype=np.bool_), shape),
        "traceable": np.broadcast_to(np.asarray(traceable, dtype=np.bool_), shape),
    }
    large = np.broadcast_to(np.asarray(size_kwh) >= policy.medium_station_kwh, shape)
    broken = np.zeros((len(policy.rules), keys.size), dtype=np.bool_)
    for row, rule in enumerate(policy.rules):
        if day < rule.in_force or use not in rule.uses:
            continue
        speaks = large if rule.medium_or_larger else np.ones(shape, dtype=np.bool_)
        if rule.chemistries:
            speaks = speaks & np.any(
                [np.char.startswith(keys, p) for p in rule.chemistries], axis=0
            )
        broken[row] = speaks & ~np.all([met[need] for need in rule.needs], axis=0)
    return Verdict(np.asarray(~broken.any(axis=0)), tuple(rule.id for rule in policy.rules), broken)


def legal(
    policy: Policy,
    day: date,
    use: str,
    chemistry: str,
    size_kwh: float,
    screened: bool,
    traceable: bool,
) -> tuple[bool, tuple[str, ...]]:
    """``legal_uses`` for one pack: allowed, and the ids of the rules that forbid it."""
    verdict = legal_uses(policy, day, use, [chemistry], size_kwh, screened, traceable)
    return bool(verdict.allowed[0]), verdict.reasons(0)
