"""What Prometheus reads of the server."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, generate_latest

from zerocity.protocols.ocpp.server.metrics import BUCKETS_S, GatewayMetrics


def scrape(metrics: GatewayMetrics) -> dict[str, float]:
    registry = CollectorRegistry()
    registry.register(metrics)
    lines = generate_latest(registry).decode().splitlines()
    pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


def test_counts_are_shown_with_their_labels() -> None:
    metrics = GatewayMetrics()
    metrics.connections, metrics.backlog = lambda: 3, lambda: 17
    metrics.opened = 5
    metrics.violations["FormationViolation"] += 2
    metrics.calls["1.6", "Reset", "accepted"] += 1
    seen = scrape(metrics)
    assert seen["zerocity_ocpp_connections"] == 3
    assert seen["zerocity_ocpp_backlog_rows"] == 17
    assert seen["zerocity_ocpp_opened_total"] == 5
    assert seen['zerocity_ocpp_violations_total{code="FormationViolation"}'] == 2
    label = '{action="Reset",outcome="accepted",version="1.6"}'
    assert seen[f"zerocity_ocpp_calls_total{label}"] == 1


def test_answer_times_fill_a_histogram() -> None:
    metrics = GatewayMetrics()
    for took in (0.0005, 0.001, 0.003, 100.0):
        metrics.answered("2.1", "Heartbeat", "accepted", took)
    seen = scrape(metrics)
    name = "zerocity_ocpp_answer_seconds"
    assert seen[f'{name}_bucket{{le="0.001"}}'] == 2
    assert seen[f'{name}_bucket{{le="{BUCKETS_S[-1]}"}}'] == 3
    assert seen[f'{name}_bucket{{le="+Inf"}}'] == seen[f"{name}_count"] == 4
    assert abs(seen[f"{name}_sum"] - 100.0045) < 1e-9
    label = '{action="Heartbeat",outcome="accepted",version="2.1"}'
    assert seen[f"zerocity_ocpp_messages_total{label}"] == 4
