"""The power of each site of a street: load, sun, store and chargers, as its meters see them."""

from __future__ import annotations

import numpy as np

from zerocity.measures.arrays import F64
from zerocity.protocols.sunspec.device import SimSite
from zerocity.twin.street import Street


class StreetSites:
    """The meters and inverters of all sites, second by second.

    ``store_kw``, ``pv_used_kw`` (sites,): mean power since the last `minute`.
    """

    def __init__(self, street: Street, devices: list[SimSite]) -> None:
        self._street, self._devices = street, devices
        n = len(devices)
        self._import_kwh, self._export_kwh = np.zeros(n), np.zeros(n)
        self._store_kw, self._pv_used_kw, self._net_kw = np.zeros(n), np.zeros(n), np.zeros(n)
        self._store_sum, self._pv_sum, self._span_s = np.zeros(n), np.zeros(n), 0.0
        self._held_kwh, self._room_kwh = np.zeros(n), np.zeros(n)
        self._last_s: float | None = None

    def look(self) -> None:
        """Take over what the stores hold at the beginning of a minute."""
        self._room_kwh, self._held_kwh = self._street.store_soc()

    def second(self, now_s: float, charging_kw: F64, charging_kwh: F64) -> None:
        """Count the time that has passed at the old powers, and set the new ones."""
        self._count(now_s)
        seen = self._street.seen
        if seen is None:
            return
        share = np.array([device.pv_share(now_s) for device in self._devices])
        order = np.array([device.store_order_kw(now_s) for device in self._devices])
        low, high = -seen.store_discharge_limit_kw, seen.store_charge_limit_kw
        self._store_kw = np.clip(order, low, high)
        self._pv_used_kw = np.minimum(seen.pv_kw, share * self._street.city.sites.pv_kwp)
        self._net_kw = seen.load_kw + charging_kw + self._store_kw - self._pv_used_kw
        for k, device in enumerate(self._devices):
            device.set_state(
                net_kw=float(self._net_kw[k]),
                charging_kw=float(charging_kw[k]),
                pv_kw=float(self._pv_used_kw[k]),
                store_kw=float(self._store_kw[k]),
                store_kwh=float(self._held_kwh[k]),
                store_capacity_kwh=float(self._room_kwh[k]),
                import_kwh=float(self._import_kwh[k]),
                export_kwh=float(self._export_kwh[k]),
                charging_kwh=float(charging_kwh[k]),
            )

    def minute(self) -> tuple[F64, F64]:
        """Mean power of stores and of used sun since the last call, (sites,) each [kW]."""
        span = max(self._span_s, 1e-9)
        means = self._store_sum / span, self._pv_sum / span
        self._store_sum, self._pv_sum = np.zeros_like(means[0]), np.zeros_like(means[0])
        self._span_s = 0.0
        return means

    def _count(self, now_s: float) -> None:
        if self._last_s is not None:
            span_s = now_s - self._last_s
            self._import_kwh += np.maximum(self._net_kw, 0.0) * span_s / 3600.0
            self._export_kwh += np.maximum(-self._net_kw, 0.0) * span_s / 3600.0
            self._store_sum += self._store_kw * span_s
            self._pv_sum += self._pv_used_kw * span_s
            # Between two minutes the content moves with the power; the minute sets it right.
            self._held_kwh = np.clip(
                self._held_kwh + self._store_kw * span_s / 3600.0, 0.0, self._room_kwh
            )
            self._span_s += span_s
        self._last_s = now_s
