"""What the OCPP server counts, read by Prometheus when it asks.

The counts are plain numbers of the event loop's thread; only a scrape turns them into metrics.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

# Upper ends of the histogram's buckets, seconds: round numbers around the goal of 50 ms.
BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class GatewayMetrics(Collector):
    """Counts of one gateway; register it with a CollectorRegistry."""

    def __init__(self) -> None:
        self.messages: Counter[tuple[str, str, str]] = Counter()  # version, action, outcome
        self.calls: Counter[tuple[str, str, str]] = Counter()
        self.violations: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()
        self.closed: Counter[str] = Counter()
        self.opened = 0
        self.paused = 0
        self._buckets = [0] * (len(BUCKETS_S) + 1)
        self._answer_s = 0.0
        self.connections: Callable[[], float] = float
        self.backlog: Callable[[], float] = float

    def answered(self, version: str, action: str, outcome: str, took_s: float) -> None:
        """Count an answer that left `took_s` seconds after its message came."""
        self.messages[version, action, outcome] += 1
        self._buckets[bisect_left(BUCKETS_S, took_s)] += 1
        self._answer_s += took_s

    def collect(self) -> Iterator[Metric]:
        """Give the metrics, as Prometheus asks for them."""
        yield GaugeMetricFamily(
            "zerocity_ocpp_connections", "Stations connected now.", value=self.connections()
        )
        yield GaugeMetricFamily(
            "zerocity_ocpp_backlog_rows", "Rows that wait to be stored.", value=self.backlog()
        )
        yield _total("opened", "Connections accepted.", self.opened)
        yield _total("pauses", "Times that reading from a station was paused.", self.paused)
        labels = ["version", "action", "outcome"]
        yield _labelled("messages", "Messages of stations answered.", labels, self.messages)
        yield _labelled("calls", "Our calls to stations that ended.", labels, self.calls)
        yield _labelled("violations", "Broken rules, by code.", ["code"], _ones(self.violations))
        yield _labelled("refusals", "Handshakes refused.", ["reason"], _ones(self.refusals))
        yield _labelled("closed", "Connections ended.", ["reason"], _ones(self.closed))
        yield self._histogram()

    def _histogram(self) -> Metric:
        family = HistogramMetricFamily(
            "zerocity_ocpp_answer_seconds", "From a message to its answer, the commit included."
        )
        ends = [*(str(end) for end in BUCKETS_S), "+Inf"]
        running, buckets = 0, []
        for end, count in zip(ends, self._buckets, strict=True):
            running += count
            buckets.append((end, float(running)))
        family.add_metric([], buckets, self._answer_s)
        return family


def _ones(counts: Counter[str]) -> Counter[tuple[str, ...]]:
    return Counter({(key,): count for key, count in counts.items()})


def _total(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"zerocity_ocpp_{name}", text, value=value)


def _labelled(
    name: str,
    text: str,
    labels: list[str],
    counts: Counter[tuple[str, ...]] | Counter[tuple[str, str, str]],
) -> Metric:
    family = CounterMetricFamily(f"zerocity_ocpp_{name}", text, labels=labels)
    for key, count in list(counts.items()):
        family.add_metric(list(key), count)
    return family
