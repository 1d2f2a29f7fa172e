"""The operator's own metrics."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

PASSES = Counter("quoting_operator_reconcile_total", "Reconcile passes.", ["result"])
SECONDS = Histogram(
    "quoting_operator_reconcile_seconds",
    "Duration of a reconcile pass.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
STATUS_WRITES = Counter("quoting_operator_status_writes_total", "Times that a status was written.")
QUEUE = Gauge("quoting_operator_queue_waiting", "Policies that are due and not worked on yet.")
LOOP_LAG = Gauge("quoting_operator_loop_lag_seconds", "How late the event loop was at its last check.")
