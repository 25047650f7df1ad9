"""The loop's own figures for Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

Figure = tuple[str, str, str, Callable[[], float]]


class Figures(Collector):
    """Figures that are read when they are asked for: (kind, name, help, value)."""

    def __init__(self, figures: list[Figure]) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        """Give the metrics, as Prometheus asks for them."""
        for kind, name, text, value in self._figures:
            family = CounterMetricFamily if kind == "counter" else GaugeMetricFamily
            yield family(f"zerocity_{name}", text, value=float(value()))
