"""Dashboards for those who look after processes: sidecars, the operator and its webhook."""

from __future__ import annotations

from typing import Any

from manifests.generate.panels import Panel, Query, Row, dashboard, variable
from manifests.generate.queries import OURS, POD, RATE, SOME, last, rate


def sidecar() -> dict[str, Any]:
    """The sidecars of a policy, pod by pod."""
    buckets = f"sum by (le, arm) (rate(quoting_decision_latency_seconds_bucket{{{POD}}}{RATE}))"
    state = (
        Panel(
            "Engine answers", [Query(f"quoting_engine_up{{{POD}}}", "{{pod}}")], "state-timeline", width=12
        ),
        Panel("Mode", [Query(f"quoting_mode{{{POD}}} == 1", "{{pod}} {{mode}}")], "state-timeline", width=12),
        Panel(
            "Rule that decides",
            [Query(f"quoting_precedence{{{POD}}}", "{{pod}} {{rule}} {{arm}}")],
            "state-timeline",
            width=12,
        ),
        Panel("Authority left", [Query(f"quoting_authority_left_seconds{{{POD}}}", "{{pod}}")], unit="s"),
        Panel("Connected apps", [Query(f"quoting_connections{{{POD}}}", "{{pod}}")], width=4),
    )
    work = (
        Panel("Quotes", [Query(rate("quotes", POD, "pod, arm"), "{{pod}} {{arm}}")], unit="reqps"),
        Panel("Orders", [Query(rate("orders", POD, "pod, arm"), "{{pod}} {{arm}}")], unit="ops"),
        Panel("Fills", [Query(rate("fills", POD, "pod, arm"), "{{pod}} {{arm}}")], unit="ops"),
        Panel(
            "Time of a decision",
            [
                Query(f"histogram_quantile({q}, {buckets})", f"p{name} {{{{arm}}}}")
                for q, name in ((0.5, "50"), (0.99, "99"))
            ],
            unit="s",
        ),
        Panel(
            "Decisions beyond their budget",
            [Query(f"{rate('slow_decisions', POD, 'pod')} / {rate('decisions', POD, 'pod')}", "{{pod}}")],
            unit="percentunit",
        ),
        Panel(
            "Latches that the disk refused",
            [Query(f"quoting_latch_write_failures_total{{{POD}}}", "{{pod}}")],
            about="A latch that is not on disk is lost with the container: nothing else remembers it there.",
        ),
    )
    blocks = (
        Panel(
            "Last sealed block seen whole",
            [Query(f"quoting_sealed_block_complete{{{POD}}}", "{{pod}} {{instrument}}")],
            "state-timeline",
            width=12,
        ),
        Panel(
            "Age of the last sealed block",
            [Query(f"time() - quoting_sealed_block_end_seconds{{{POD}}}", "{{pod}} {{instrument}}")],
            unit="s",
            width=12,
        ),
    )
    return dashboard(
        "quoting-sidecar",
        "Quoting: sidecars",
        (Row("State", state), Row("Work", work), Row("Evidence", blocks)),
        (
            variable("namespace", "quoting_engine_up", "namespace"),
            variable("policy", 'quoting_engine_up{namespace=~"$namespace"}', "policy"),
            variable("pod", f"quoting_engine_up{{{SOME}}}", "pod"),
        ),
    )


def operator() -> dict[str, Any]:
    """The operator and its webhook."""

    def quantile(q: float, metric: str, by: str) -> str:
        return f"histogram_quantile({q}, sum by (le{by}) (rate({metric}_bucket{{{OURS}}}{RATE})))"

    seconds, reaction = "quoting_operator_reconcile_seconds", "quoting_reaction_seconds"
    process = (
        Panel("Up", [Query(f"up{{{OURS}}}", "{{pod}}")], "state-timeline", width=12),
        Panel(
            "How late the event loop is",
            [Query(last("operator_loop_lag_seconds", OURS, "pod"), "{{pod}}")],
            unit="s",
            width=12,
        ),
        Panel("Passes", [Query(rate("operator_reconcile", OURS, "result"), "{{result}}")], unit="ops"),
        Panel(
            "Duration of a pass",
            [Query(quantile(q, seconds, ""), f"p{round(q * 100)}") for q in (0.5, 0.99)],
            unit="s",
        ),
        Panel(
            "Policies that wait for a pass", [Query(last("operator_queue_waiting", OURS, "pod"), "{{pod}}")]
        ),
        Panel(
            "Status writes",
            [Query(rate("operator_status_writes", OURS, "pod"), "{{pod}}")],
            unit="wps",
            about="None while nothing changes.",
        ),
    )
    reactions = (
        Panel(
            "Reactions, p99",
            [Query(quantile(0.99, reaction, ", reaction"), "{{reaction}}")],
            unit="s",
            width=12,
        ),
        Panel(
            "Rollbacks",
            [Query("sum by (reason) (increase(quoting_rollbacks_total[1h]))", "{{reason}}")],
            width=12,
        ),
    )
    webhook = (
        Panel(
            "Reviews of pods",
            [Query(rate("webhook_reviews", OURS, "result"), "{{result}}")],
            unit="ops",
            width=12,
        ),
        Panel(
            "Certificate ends in",
            [Query(f"quoting_webhook_certificate_end_seconds{{{OURS}}} - time()", "{{pod}}")],
            unit="s",
            width=12,
        ),
    )
    rows = (Row("Process", process), Row("Reactions", reactions), Row("Webhook", webhook))
    return dashboard("quoting-operator", "Quoting: operator", rows)
