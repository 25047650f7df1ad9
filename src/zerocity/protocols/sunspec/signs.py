"""Whether a meter's power and its registers agree about the direction. No socket, no clock."""

from __future__ import annotations

import math

# Energy by the registers after which a judgement is made [kWh], and the share of it that the power
# must explain: a power read every few seconds misses some, but not half: assumptions.
WINDOW_KWH = 2.0
LEAST_SHARE = 0.5
# A longer gap between two readings says nothing about the power in between [s].
LONGEST_GAP_S = 60.0


class SignCheck:
    """Compares power over time with what the registers counted meanwhile."""

    def __init__(self) -> None:
        self.turned = False
        self._last: tuple[float, float, float] | None = None
        self._power_kwh = self._counted_kwh = 0.0

    def take(self, kw: float, import_kwh: float, export_kwh: float, at_s: float) -> bool:
        """Take a reading; True while power and registers have opposite signs.

        kw : import positive. import_kwh, export_kwh : registers; NaN where the meter has none.
        """
        counted = import_kwh - export_kwh
        if not math.isfinite(counted):
            return self.turned
        last, self._last = self._last, (kw, counted, at_s)
        if last is None or not 0.0 < at_s - last[2] <= LONGEST_GAP_S:
            self._power_kwh = self._counted_kwh = 0.0
            return self.turned
        self._power_kwh += 0.5 * (kw + last[0]) * (at_s - last[2]) / 3600.0
        self._counted_kwh += counted - last[1]
        if abs(self._counted_kwh) >= WINDOW_KWH:
            self._judge()
        return self.turned

    def _judge(self) -> None:
        share = self._power_kwh / self._counted_kwh
        if abs(share) >= LEAST_SHARE:
            self.turned = share < 0.0
        self._power_kwh = self._counted_kwh = 0.0
