"""Alerts. Each has a section of its name in docs/runbooks.md."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

RUNBOOKS = "docs/runbooks.md"
OPERATOR = 'up{namespace="quoting-system",pod=~"quoting-operator-.*"}'
WEBHOOK = 'up{namespace="quoting-system",pod=~"quoting-webhook-.*"}'
WHO = "{{ $labels.namespace }}/{{ $labels.policy }}"


class Severity(StrEnum):
    """critical: somebody is woken. warning: somebody looks in working hours."""

    CRITICAL = "critical"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert. held: how long it must hold before it fires, as Prometheus writes it."""

    name: str
    expr: str
    severity: Severity
    summary: str
    held: str = "0s"

    def rule(self) -> dict[str, Any]:
        """As Prometheus reads it."""
        return {
            "alert": self.name,
            "expr": self.expr,
            "for": self.held,
            "labels": {"severity": str(self.severity)},
            "annotations": {"summary": self.summary, "runbook": f"{RUNBOOKS}#{self.name.lower()}"},
        }


POLICIES = (
    Alert(
        "QuotingBreach",
        # In shadow breaches are rehearsed on purpose, and no quote of a candidate goes out.
        "max by (namespace, policy, breach) (quoting_breach_latched == 1)"
        ' unless on (namespace, policy) quoting_policy_info{stage="Shadow"}',
        Severity.CRITICAL,
        f"{WHO}: {{{{ $labels.breach }}}} was crossed; the baseline quotes there",
    ),
    Alert(
        "QuotingRolledBack",
        'max by (namespace, policy) (quoting_policy_info{phase="RolledBack"}) == 1',
        Severity.WARNING,
        f"{WHO}: the candidate was taken out of the market and is quarantined",
    ),
    Alert(
        "QuotingKilled",
        'max by (namespace, policy) (quoting_policy_info{phase="Killed"}) == 1'
        ' or max by (namespace, policy) (quoting_mode{mode="Halted"}) == 1',
        Severity.CRITICAL,
        f"{WHO}: a kill switch is engaged",
    ),
    Alert(
        "QuotingStopped",
        'max by (namespace, policy, phase) (quoting_policy_info{phase=~"Invalid|Expired"}) == 1',
        Severity.WARNING,
        f"{WHO}: the rollout is {{{{ $labels.phase }}}} and goes on by a person only",
        "5m",
    ),
    Alert(
        "QuotingBlind",
        # A candidate has a share of the market and nobody can see how it does.
        "max by (namespace, policy) (quoting_policy_exposure_percent) > 0"
        " unless on (namespace, policy) quoting_sealed_block_complete == 1",
        Severity.CRITICAL,
        f"{WHO}: a candidate quotes, and no pod publishes a whole block of evidence",
        "2m",
    ),
    Alert(
        "QuotingSidecarMissing",
        "max by (namespace, policy) (quoting_policy_info) unless on (namespace, policy) quoting_engine_up",
        Severity.WARNING,
        f"{WHO}: no sidecar of this policy is scraped",
        "5m",
    ),
    Alert(
        "QuotingEngineDown",
        'quoting_engine_up == 0 or up{policy!=""} == 0',
        Severity.CRITICAL,
        f"{WHO}: pod {{{{ $labels.pod }}}} has no engine that answers, and so no quotes",
        "30s",
    ),
    Alert(
        "QuotingAuthorityFlapping",
        "max by (namespace, policy) (changes((quoting_authority_left_seconds > bool 0)[10m:5s])) > 4",
        Severity.WARNING,
        f"{WHO}: authority came and went {{{{ $value }}}} times in ten minutes",
    ),
    Alert(
        "QuotingLatchNotWritten",
        "increase(quoting_latch_write_failures_total[15m]) > 0",
        Severity.CRITICAL,
        f"{WHO}: pod {{{{ $labels.pod }}}} could not write a breach to its disk",
    ),
)

PROCESSES = (
    Alert(
        "QuotingOperatorDown",
        f"absent({OPERATOR} == 1)",
        Severity.CRITICAL,
        "the operator does not answer: nothing advances, authority lapses to the baseline",
        "1m",
    ),
    Alert(
        "QuotingOperatorLate",
        "quoting_operator_loop_lag_seconds > 1",
        Severity.WARNING,
        "the operator's loop is {{ $value | humanizeDuration }} late",
        "1m",
    ),
    Alert(
        "QuotingPassesFail",
        'sum(rate(quoting_operator_reconcile_total{result="error"}[5m])) > 0',
        Severity.WARNING,
        "passes of the operator fail",
        "10m",
    ),
    Alert(
        "QuotingWebhookDown",
        f"absent({WEBHOOK} == 1)",
        Severity.CRITICAL,
        "no webhook answers: pods that name a policy can't be created",
        "1m",
    ),
    Alert(
        "QuotingWebhookCertificate",
        "quoting_webhook_certificate_end_seconds - time() < 14 * 86400",
        Severity.WARNING,
        "the webhook's certificate ends in {{ $value | humanizeDuration }} and is not renewed",
        "1h",
    ),
)

ALERTS = (*POLICIES, *PROCESSES)


def groups() -> list[dict[str, Any]]:
    """Groups of rules, as a rules file and a PrometheusRule hold them."""
    both = {"quoting-policies": POLICIES, "quoting-processes": PROCESSES}
    return [{"name": name, "rules": [alert.rule() for alert in alerts]} for name, alerts in both.items()]
