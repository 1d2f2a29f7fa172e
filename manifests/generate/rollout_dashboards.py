"""Dashboards for those who look after policies: all of them, and one with both its arms."""

from __future__ import annotations

from typing import Any

from manifests.generate.panels import Panel, Query, Row, dashboard, variable
from manifests.generate.queries import ONE, SOME, last, net, rate


def overview() -> dict[str, Any]:
    """All policies at a look: what quotes, what moves, what was taken back."""
    info = f"quoting_policy_info{{{SOME}}}"
    now = (
        Panel("Policies by phase", [Query(f"count by (phase) ({info})", "{{phase}}")], "bargauge", width=8),
        Panel("Policies", [Query(f"max by (namespace, policy, phase, stage) ({info})")], "table", width=16),
        Panel(
            "Share of time of candidates",
            [Query(last("policy_exposure_percent", SOME, "namespace, policy"), "{{namespace}}/{{policy}}")],
            unit="percent",
            width=12,
        ),
        Panel(
            "Sidecars by mode",
            [Query(f"count by (mode) (quoting_mode{{{SOME}}} == 1)", "{{mode}}")],
            width=12,
            about="Halted: a kill switch. NotConfigured: no revision, so no quote.",
        ),
    )
    trouble = (
        Panel(
            "Rollbacks by reason",
            [Query("sum by (reason) (increase(quoting_rollbacks_total[$__range]))", "{{reason}}")],
            "bargauge",
        ),
        Panel(
            "Breaches",
            [
                Query(
                    f"sum by (policy, breach) (increase(quoting_breaches_total{{{SOME}}}[1h]))",
                    "{{policy}} {{breach}}",
                )
            ],
            about="In the last hour, rehearsals included.",
        ),
        Panel(
            "Engines that do not answer",
            [
                Query(
                    f"sum by (namespace, policy) (1 - quoting_engine_up{{{SOME}}})",
                    "{{namespace}}/{{policy}}",
                )
            ],
        ),
        Panel(
            "Gates",
            [Query(f"max by (namespace, policy, gate, verdict) (quoting_gate_verdict{{{SOME}}} == 1)")],
            "table",
            width=12,
        ),
        Panel(
            "P&L of candidates and baselines",
            [Query(net("pnl", SOME, "policy, arm"), "{{policy}} {{arm}}")],
            about="Money a second, net of fees. Shadow arms are counterfactual.",
            width=12,
        ),
    )
    return dashboard(
        "quoting-overview",
        "Quoting: rollouts",
        (Row("Now", now), Row("Trouble", trouble)),
        (
            variable("namespace", "quoting_engine_up", "namespace"),
            variable("policy", 'quoting_engine_up{namespace=~"$namespace"}', "policy"),
        ),
    )


def policy() -> dict[str, Any]:
    """One policy: its rollout, and both arms side by side."""
    lots = rate("filled_lots", ONE, "arm")
    rollout = (
        Panel("Phase", [Query(f"quoting_policy_info{{{ONE}}}", "{{phase}} {{stage}}")], "stat", width=6),
        Panel(
            "Share of time of the candidate",
            [Query(last("policy_exposure_percent", ONE, "policy"), "exposure")],
            unit="percent",
            width=9,
        ),
        Panel(
            "Authority left, least of all pods",
            [Query(last("authority_left_seconds", ONE, "policy", "min"), "left")],
            unit="s",
            about="At 0 the baseline quotes.",
            width=9,
        ),
        Panel(
            "Gates",
            [Query(f"quoting_gate_verdict{{{ONE}}} == 1", "{{gate}}: {{verdict}}")],
            "state-timeline",
            width=12,
        ),
        Panel(
            "Rule that decides who quotes, pods",
            [Query(f"count by (rule) (quoting_precedence{{{ONE}}} == 1)", "{{rule}}")],
            width=12,
        ),
    )
    paired = (
        Panel("P&L by arm", [Query(net("pnl", ONE, "arm"), "{{arm}}")], about="Money a second, net of fees."),
        Panel(
            "Edge by arm",
            [Query(net("edge", ONE, "arm"), "{{arm}}")],
            about="Fills against the mid before them, net of fees, money a second.",
        ),
        Panel("Fills by arm", [Query(rate("fills", ONE, "arm"), "{{arm}}")], unit="ops"),
        Panel(
            "Markout by horizon and arm",
            [
                Query(
                    f"({net('markout', ONE, 'arm, horizon')}) / on (arm) group_left {lots}",
                    "{{arm}} {{horizon}}",
                )
            ],
            about="Money a lot filled, net of fees: what the market did after our fills.",
            width=12,
        ),
        Panel(
            "Sealed P&L, candidate less baseline",
            [
                Query(_sealed_difference("candidate", "baseline"), "canary and live"),
                Query(_sealed_difference("shadow_candidate", "shadow_baseline"), "shadow"),
            ],
            about="From the counters that gates read, money a second of each arm's own time.",
            width=12,
        ),
    )
    risk = (
        Panel(
            "Inventory by arm",
            [
                Query(
                    last("arm_inventory_lots", ONE, "pod, instrument, arm", "sum"),
                    "{{pod}} {{instrument}} {{arm}}",
                )
            ],
        ),
        Panel("Position", [Query(last("position_lots", ONE, "instrument", "sum"), "{{instrument}}")]),
        Panel(
            "Time beyond the excursion limit",
            [
                Query(
                    f"{rate('excursion_seconds', ONE, 'arm')} / {rate('exposure_seconds', ONE, 'arm')}",
                    "{{arm}}",
                )
            ],
            unit="percentunit",
        ),
        Panel(
            "Clamps that bound",
            [Query(rate("clamp_bound", ONE, "clamp, arm"), "{{clamp}} {{arm}}")],
            unit="ops",
            about="Binding is normal. What crosses a limit is a breach.",
        ),
        Panel("Refusals", [Query(rate("refusals", ONE, "arm"), "{{arm}}")], unit="ops"),
        Panel("Latched breaches", [Query(f"quoting_breach_latched{{{ONE}}}", "{{pod}} {{breach}}")]),
        Panel("Drawdown", [Query(last("drawdown", ONE, "instrument"), "{{instrument}}")]),
        Panel("Daily loss", [Query(last("daily_loss", ONE, "instrument"), "{{instrument}}")]),
        Panel(
            "VaR and CVaR of recent blocks",
            [
                Query(last("arm_value_at_risk", ONE, "arm"), "VaR {{arm}}"),
                Query(last("arm_conditional_value_at_risk", ONE, "arm"), "CVaR {{arm}}"),
            ],
            about="Empirical, 95 %.",
        ),
    )
    return dashboard(
        "quoting-policy",
        "Quoting: a policy",
        (Row("Rollout", rollout), Row("Arms side by side", paired), Row("Risk", risk)),
        (
            variable("namespace", "quoting_engine_up", "namespace", several=False),
            variable("policy", 'quoting_engine_up{namespace="$namespace"}', "policy", several=False),
        ),
    )


def _sealed_difference(candidate: str, baseline: str) -> str:
    """P&L a second of exposure, one arm less the other, over an hour of sealed blocks."""

    def arm(name: str) -> str:
        of = f'{ONE},arm="{name}"'

        def grown(metric: str) -> str:
            return f"sum by (policy) (increase(quoting_sealed_{metric}_total{{{of}}}[1h]))"

        return f"({grown('pnl_gain')} - {grown('pnl_loss')}) / {grown('exposure_seconds')}"

    return f"{arm(candidate)} - {arm(baseline)}"
