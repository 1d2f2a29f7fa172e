"""The operator's own metrics, and what its policies' statuses say, for dashboards and alerts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from quoting_operator.api.status import RollbackReason
from quoting_operator.rollout.decision import Decision
from quoting_operator.rollout.observed import Observed

PASSES = Counter("quoting_operator_reconcile_total", "Reconcile passes.", ["result"])
SECONDS = Histogram(
    "quoting_operator_reconcile_seconds",
    "Duration of a reconcile pass.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
STATUS_WRITES = Counter("quoting_operator_status_writes_total", "Times that a status was written.")
QUEUE = Gauge("quoting_operator_queue_waiting", "Policies that are due and not worked on yet.")
LOOP_LAG = Gauge("quoting_operator_loop_lag_seconds", "How late the event loop was at its last check.")
ROLLBACKS = Counter("quoting_rollbacks_total", "Rollbacks decided.", ["reason"])
REACTION = Histogram(
    "quoting_reaction_seconds",
    "From what happened in a pod to the status that says so; clocks of both machines count.",
    ["reaction"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60),
)


def tell_rollback(seen: Observed, decision: Decision, now: datetime) -> None:
    """Count a rollback that has just been recorded; of a breach, also how long that took."""
    rollback = decision.status.rollback
    if rollback is None or rollback == seen.status.rollback:
        return
    ROLLBACKS.labels(rollback.reason.value).inc()
    breaches = [b.at for b in seen.breaches if b.digest == rollback.digest and not b.rehearsal]
    if rollback.reason is RollbackReason.BREACH and breaches:
        REACTION.labels("breach").observe(max(0.0, (now - breaches[-1]).total_seconds()))


class Statuses(Collector):
    """Gauges read from the statuses as last seen: an object that is gone leaves no series behind."""

    def __init__(self, policies: Callable[[], Iterable[Mapping[str, Any]]]) -> None:
        self._policies = policies

    def collect(self) -> Iterator[Metric]:
        """One scrape."""
        one = ["namespace", "policy"]
        info = GaugeMetricFamily(
            "quoting_policy_info", "1 for where it stands.", labels=[*one, "phase", "stage"]
        )
        exposure = GaugeMetricFamily(
            "quoting_policy_exposure_percent", "Share of time that the candidate may quote.", labels=one
        )
        gates = GaugeMetricFamily(
            "quoting_gate_verdict", "1 for the verdict of a gate.", labels=[*one, "gate", "verdict"]
        )
        for policy in self._policies():
            metadata, status = policy["metadata"], policy.get("status") or {}
            who = [metadata["namespace"], metadata["name"]]
            info.add_metric([*who, status.get("phase", ""), status.get("stage", "")], 1.0)
            exposure.add_metric(who, float((status.get("effective") or {}).get("exposurePercent", 0)))
            for gate in status.get("gates") or ():
                gates.add_metric([*who, gate["name"], gate["verdict"]], 1.0)
        yield from (info, exposure, gates)
