"""The search for the portfolio's prices: a climb of the noisy dual, then rounds with the master."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import Bounds, minimize

from zerocity.vpp.master import Master, Mix
from zerocity.vpp.portfolio import Portfolio, kinks
from zerocity.vpp.site_oracle import Answer, Question, SiteOracle

FloatArray = npt.NDArray[np.float64]

FIRST_DITHER, SHRINK = 0.1, 0.3
"""The first noise as a share of the mean price, and from level to level."""
LEVELS, LEVELS_LONG, LONG_STEPS = 4, 5, 192
"""Levels of noise before the master leads to the end, and for more steps than so many, where a
round of the master costs more than a climb. A choice of speed alone."""
CLIMB_STEPS, CLIMB_MEMORY, CLIMB_STOP, CLIMB_STOP_LONG = 30, 20, 3e-4, 1e-4
"""Most steps of a climb, its memory, and the gain, as a share of the noise's own error, below which
it stops; the last for long horizons."""
KEPT, KEPT_LONG = 3, 8
"""Answers of each climb that the master gets, the best ones; the second of the last climb before a
mix of long horizons, where a climb is cheap beside a mix."""
GAIN = 0.25
"""For long horizons the next level follows at once, without the master, while a climb raises the
bound by more than this share of the goal."""
DRAWS = 4
"""More noisy answers at the best price between two mixes without a box."""
WORTH = 0.7
"""Rounds of an early level go on while each cuts the model's gap to this share."""
WIDEN, NARROW, LAST_DITHER = 3.0, 0.5, 0.3
"""Factors of a box's side, and the last noise as a share of the median side."""


class Search:
    """Bounds from below and above that close on each other; all that happens is in order."""

    def __init__(
        self, oracle: SiteOracle, portfolio: Portfolio, gap: float, most_calls: int
    ) -> None:
        self.oracle, self.portfolio, self.goal, self.most_calls = oracle, portfolio, gap, most_calls
        self.bends = kinks(portfolio)
        self.step_h, self.long = oracle.days.step_h, oracle.steps > LONG_STEPS
        self.questions: list[Question] = []
        self.history: list[tuple[float, float, float, int]] = []
        self.best_price: FloatArray = np.zeros(oracle.steps)
        self.bound_cny, self.upper_cny = -np.inf, np.inf
        self.weights: FloatArray = np.zeros((0, oracle.groups))
        self.rounds = self._draws = 0
        self._seen: list[tuple[float, Question, Answer]] = []
        self.scale = float(np.abs(oracle.days.buy_cny_per_kwh).mean()) or 1.0
        self.dither = FIRST_DITHER * self.scale
        self.side: FloatArray = np.full(oracle.steps, self.dither)
        start = np.clip(self.best_price, self.bends.low, self.bends.high)
        answer = oracle.ask(Question(start, 0.0, 0))
        self.master = Master(self.bends, oracle.groups, self.step_h, float(answer.cost_cny.sum()))
        self._keep(Question(start, 0.0, 0), answer)
        self._raise_bound(start, answer)

    @property
    def gap(self) -> float:
        """Proven relative distance of the best mix to the optimum."""
        return (self.upper_cny - self.bound_cny) / max(abs(self.upper_cny), 1e-9)

    @property
    def done(self) -> bool:
        """Near enough, or out of questions."""
        return self.gap <= self.goal or self.oracle.calls >= self.most_calls

    def run(self) -> None:
        """Levels of noise, each with a climb and some rounds; the last one goes on to the end."""
        self._mix(self.bends.low, self.bends.high)
        levels = LEVELS_LONG if self.long else LEVELS
        error = 0.0
        for level in range(levels):
            if self.done:
                break
            last, before = level == levels - 1, self.bound_cny
            error = self._climb(error) * SHRINK
            self.dither *= SHRINK
            self.side = np.maximum(self.side * (SHRINK if level else 1.0), self.dither)
            if not self.long:
                self._keep_best(KEPT)
            else:
                gained = (self.bound_cny - before) / max(abs(self.bound_cny), 1e-9)
                if gained > GAIN * self.goal and not last:
                    self._keep_best(KEPT)
                    continue
                self._keep_best(KEPT_LONG)
                self._gather()
            self._rounds(last)
        if not self.done or self.gap > self.goal:
            self._mix(self.bends.low, self.bends.high)

    def _keep_best(self, count: int) -> None:
        """Give the master the best answers of the last climb."""
        for _, question, answer in self._seen[:count]:
            self._keep(question, answer)

    def _gather(self) -> None:
        """Mix without a box, with more noisy answers at the best price while they help."""
        before = np.inf
        while True:
            self._mix(self.bends.low, self.bends.high)
            if self.done or self.gap > WORTH * before:
                return
            before = self.gap
            for _ in range(DRAWS):
                self._draws += 1
                question = Question(self.best_price.copy(), self.dither / SHRINK, self._draws)
                self._keep(question, self.oracle.ask(question))

    def _dual(self, price: FloatArray, answer: Answer) -> float:
        return answer.dual_cny + self.step_h * float(self.bends.dual(price).sum())

    def _slope(self, price: FloatArray, answer: Answer) -> FloatArray:
        net = answer.net_kw.sum(axis=0)
        return np.asarray(self.step_h * (net - self.bends.nearest(price, net)))

    def _keep(self, question: Question, answer: Answer) -> None:
        self.master.add(answer.net_kw, answer.cost_cny)
        self.questions.append(question)

    def _raise_bound(self, price: FloatArray, answer: Answer) -> float:
        value = self._dual(price, answer)
        if value > self.bound_cny:
            self.bound_cny, self.best_price = value, price.copy()
        return value

    def _exact(self, price: FloatArray) -> tuple[Answer, float]:
        question = Question(price.copy(), 0.0, 0)
        answer = self.oracle.ask(question)
        self._keep(question, answer)
        return answer, self._raise_bound(price, answer)

    def _mix(self, low: FloatArray, high: FloatArray) -> Mix:
        mix = self.master.solve(low, high)
        self.rounds += 1
        cost = mix.cost_cny + self.step_h * float(self.portfolio.cost(mix.net_kw).sum())
        if cost < self.upper_cny:
            self.upper_cny, self.weights = cost, mix.weights
        self.history.append((self.bound_cny, self.upper_cny, self.dither, self.oracle.calls))
        return mix

    def _climb(self, error: float) -> float:
        """Climb the dual under the present noise; return by how much the noise lowers it [CNY].

        ``error`` is a guess of that, or 0. The best answers wait in ``_seen``.
        """
        self._draws += 1
        draw, unit = self._draws, self.scale
        start = self.best_price
        seen: list[tuple[float, Question, Answer]] = []

        def value(price: FloatArray) -> tuple[float, FloatArray]:
            question = Question(price.copy(), self.dither, draw)
            answer = self.oracle.ask(question)
            dual = self._dual(price, answer)
            seen.append((dual, question, answer))
            seen.sort(key=lambda s: -s[0])
            del seen[max(KEPT, KEPT_LONG) :]
            return dual, self._slope(price, answer)

        first, _ = value(start)
        error = max(error or self.bound_cny - first, 1e-9 * abs(self.bound_cny), 1e-9)

        def fall(x: FloatArray) -> tuple[float, FloatArray]:
            dual, slope = value(x * unit)
            return -(dual - first) / error, -slope * (unit / error)

        found = minimize(
            fall,
            start / unit,
            jac=True,
            method="L-BFGS-B",
            bounds=Bounds(self.bends.low / unit, self.bends.high / unit),
            options={
                "maxiter": CLIMB_STEPS,
                "maxfun": 2 * CLIMB_STEPS,
                "maxcor": CLIMB_MEMORY,
                "ftol": CLIMB_STOP_LONG if self.long else CLIMB_STOP,
                "gtol": 1e-12,
            },
        )
        price = np.clip(found.x * unit, self.bends.low, self.bends.high)
        _, exact = self._exact(price)
        self._seen = seen
        return max(exact - seen[0][0], 0.0)

    def _rounds(self, last: bool) -> None:
        """Let the master name prices, ask the sites, and follow what they answer."""
        before = np.inf
        while not self.done:
            low = np.maximum(self.best_price - self.side, self.bends.low)
            high = np.minimum(self.best_price + self.side, self.bends.high)
            mix = self._mix(low, high)
            left = (mix.model_cny - self.bound_cny) / max(abs(mix.model_cny), 1e-9)
            if left <= 0.5 * self.goal < self.gap:
                self._mix(self.bends.low, self.bends.high)
            if self.done:
                return
            left = self._try(mix, low, high)
            if not last and left > WORTH * before:
                return
            before = min(before, left)
            if last:
                self.dither = LAST_DITHER * float(np.median(self.side))

    def _try(self, mix: Mix, low: FloatArray, high: FloatArray) -> float:
        """Ask at the master's price; return what the model has left to gain, as a share."""
        centre, bound = self.best_price, self.bound_cny
        answer, value = self._exact(mix.price)
        self._draws += 1
        noisy = Question(mix.price.copy(), self.dither, self._draws)
        self._keep(noisy, self.oracle.ask(noisy))
        hoped = mix.model_cny - bound
        worth = (value - bound) / hoped if hoped > 0.0 else 1.0
        uphill = self._slope(mix.price, answer) * (mix.price - centre)
        slack = 1e-12 * self.scale
        binds = ((mix.price >= high - slack) & (high < self.bends.high)) | (
            (mix.price <= low + slack) & (low > self.bends.low)
        )
        if worth > 0.5:
            self.side = np.where(binds, WIDEN * self.side, self.side)
        else:
            self.side = np.where(binds & (uphill > 0.0), WIDEN * self.side, self.side)
            if worth <= 0.0:
                self.side = np.where(uphill < 0.0, NARROW * self.side, self.side)
        left = (mix.model_cny - self.bound_cny) / max(abs(mix.model_cny), 1e-9)
        if left < self.goal:
            # The model has nothing left to gain in so small a box.
            self.side = self.side * 10.0
        self.side = np.minimum(self.side, self.bends.high - self.bends.low)
        return left
