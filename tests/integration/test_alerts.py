"""Alerts and panels' queries, parsed and evaluated by Prometheus' own promtool."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from localcluster.build import build
from manifests.generate.alerts import ALERTS
from manifests.generate.files import DASHBOARDS, MANIFESTS

pytestmark = pytest.mark.integration

PLAIN = MANIFESTS / "components" / "monitoring-plain"
WHO = {"namespace": "desk", "policy": "btc"}
_WHO = 'namespace="desk",policy="btc"'
_POD = f'{_WHO},pod="trader-0"'
_OPERATOR = 'up{namespace="quoting-system",pod="quoting-operator-1"}'
_WEBHOOK = 'up{namespace="quoting-system",pod="quoting-webhook-1"}'


class Case(NamedTuple):
    """What is scraped every 15 s, and what fires at a time. fires: labels of the alert; None: no alert."""

    alert: str
    series: dict[str, str]
    at: str
    fires: dict[str, str] | None


def info(phase: str, stage: str = "") -> dict[str, str]:
    return {f'quoting_policy_info{{{_WHO},phase="{phase}",stage="{stage}"}}': "1x400"}


BREACH = {f'quoting_breach_latched{{{_POD},digest="d",breach="max_position"}}': "1x400"}
EXPOSED = {f"quoting_policy_exposure_percent{{{_WHO}}}": "5x400"}
ENGINE = f"quoting_engine_up{{{_POD}}}"
WHOLE = f'quoting_sealed_block_complete{{{_POD},instrument="BTC-USDT",digest="d"}}'
LEFT = f"quoting_authority_left_seconds{{{_POD}}}"
LATCH = f"quoting_latch_write_failures_total{{{_POD}}}"
BREACHED = {**WHO, "breach": "max_position"}
POD = {**WHO, "pod": "trader-0"}
LAG = 'quoting_operator_loop_lag_seconds{namespace="quoting-system",pod="quoting-operator-1"}'
PASSES = 'quoting_operator_reconcile_total{namespace="quoting-system",pod="quoting-operator-1",result="%s"}'
END = 'quoting_webhook_certificate_end_seconds{namespace="quoting-system",pod="quoting-webhook-1"}'
OF_OPERATOR = {"namespace": "quoting-system", "pod": "quoting-operator-1"}
OF_WEBHOOK = {"namespace": "quoting-system", "pod": "quoting-webhook-1"}

CASES = (
    Case("QuotingBreach", {**BREACH, **info("Canary", "Canary")}, "1m", BREACHED),
    Case("QuotingBreach", BREACH, "1m", BREACHED),  # the operator is dead
    Case("QuotingBreach", {**BREACH, **info("Shadow", "Shadow")}, "1m", None),
    Case("QuotingRolledBack", info("RolledBack", "Canary"), "1m", WHO),
    Case("QuotingRolledBack", info("Live", "Live"), "1m", None),
    Case("QuotingKilled", info("Killed", "Canary"), "1m", WHO),
    Case("QuotingKilled", {f'quoting_mode{{{_POD},mode="Halted"}}': "1x400"}, "1m", WHO),
    Case("QuotingKilled", {f'quoting_mode{{{_POD},mode="Halted"}}': "0x400"}, "1m", None),
    Case("QuotingStopped", info("Expired", "Shadow"), "10m", {**WHO, "phase": "Expired"}),
    Case("QuotingStopped", info("Expired", "Shadow"), "4m", None),
    Case("QuotingStopped", info("Paused", "Shadow"), "10m", None),
    Case("QuotingBlind", {**EXPOSED, WHOLE: "0x400"}, "5m", WHO),
    Case("QuotingBlind", EXPOSED, "5m", WHO),
    Case("QuotingBlind", {**EXPOSED, WHOLE: "1x400"}, "5m", None),
    Case("QuotingBlind", {**EXPOSED, WHOLE: "1x10 _x400"}, "20m", WHO),
    Case("QuotingSidecarMissing", info("Live", "Live"), "10m", WHO),
    Case("QuotingSidecarMissing", {**info("Live", "Live"), ENGINE: "1x400"}, "10m", None),
    Case("QuotingEngineDown", {ENGINE: "0x400"}, "2m", POD),
    Case("QuotingEngineDown", {f"up{{{_POD}}}": "0x400"}, "2m", POD),
    Case("QuotingEngineDown", {ENGINE: "1x400", f"up{{{_POD}}}": "1x400"}, "2m", None),
    Case("QuotingAuthorityFlapping", {LEFT: " ".join(["15x3", "0x3"] * 10)}, "10m", WHO),
    Case("QuotingAuthorityFlapping", {LEFT: " ".join(["15x100", "0x100"])}, "30m", None),
    Case("QuotingLatchNotWritten", {LATCH: "0x20 1x380"}, "6m", POD),
    Case("QuotingLatchNotWritten", {LATCH: "1x400"}, "6m", None),
    Case("QuotingOperatorDown", {_OPERATOR: "1x20 0x400"}, "10m", {}),
    Case("QuotingOperatorDown", {}, "10m", {}),
    Case("QuotingOperatorDown", {_OPERATOR: "1x400"}, "10m", None),
    Case("QuotingOperatorLate", {LAG: "3x400"}, "5m", OF_OPERATOR),
    Case("QuotingOperatorLate", {LAG: "0.1x400"}, "5m", None),
    Case("QuotingPassesFail", {PASSES % "error": "0+1x400"}, "20m", {}),
    Case("QuotingPassesFail", {PASSES % "done": "0+1x400", PASSES % "error": "3x400"}, "20m", None),
    Case("QuotingWebhookDown", {_WEBHOOK: "0x400"}, "10m", {}),
    Case("QuotingWebhookDown", {_WEBHOOK: "1x400"}, "10m", None),
    Case("QuotingWebhookCertificate", {END: f"{13 * 86400}x400"}, "90m", OF_WEBHOOK),
    Case("QuotingWebhookCertificate", {END: f"{29 * 86400}x400"}, "90m", None),
)


def promtool(*words: str, folder: Path) -> str:
    program = build(["prometheus"])["promtool"]
    done = subprocess.run([program, *words], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def unit_test(case: Case) -> dict[str, Any]:
    """The case as promtool reads it. Texts of annotations are checked by what they name, not word by word."""
    rule = next(alert.rule() for alert in ALERTS if alert.name == case.alert)
    expected = [] if case.fires is None else [{"exp_labels": {**case.fires, **rule["labels"]}}]
    return {
        "interval": "15s",
        "input_series": [{"series": name, "values": values} for name, values in case.series.items()],
        "alert_rule_test": [{"eval_time": case.at, "alertname": case.alert, "exp_alerts": expected}],
    }


def without_annotations() -> dict[str, Any]:
    groups = yaml.safe_load((PLAIN / "rules.yaml").read_text())
    for group in groups["groups"]:
        for rule in group["rules"]:
            del rule["annotations"]
    return groups


@pytest.mark.parametrize(
    "case", CASES, ids=lambda c: f"{c.alert}-{'fires' if c.fires is not None else 'is quiet'}"
)
def test_an_alert_fires_when_it_should_and_not_otherwise(case: Case, tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(without_annotations()))
    tests = {"rule_files": ["rules.yaml"], "evaluation_interval": "15s", "tests": [unit_test(case)]}
    (tmp_path / "tests.yaml").write_text(yaml.safe_dump(tests))
    promtool("test", "rules", "tests.yaml", folder=tmp_path)


def test_every_alert_is_seen_to_fire_and_to_be_quiet() -> None:
    for fires in (True, False):
        assert {case.alert for case in CASES if (case.fires is not None) is fires} == {a.name for a in ALERTS}


def test_prometheus_takes_the_rules() -> None:
    told = promtool("check", "rules", "--lint=all", "--lint-fatal", "rules.yaml", folder=PLAIN)
    assert f"{len(ALERTS)} rules found" in told


def test_prometheus_takes_the_scrape_configuration(tmp_path: Path) -> None:
    files = {"scrape_config_files": [str(PLAIN / "scrape.yaml")], "rule_files": [str(PLAIN / "rules.yaml")]}
    (tmp_path / "prometheus.yaml").write_text(yaml.safe_dump(files))
    promtool("check", "config", "prometheus.yaml", folder=tmp_path)


def test_prometheus_parses_the_query_of_every_panel(tmp_path: Path) -> None:
    asked = [
        target["expr"].replace("$__rate_interval", "1m").replace("$__range", "3h")
        for make in DASHBOARDS.values()
        for panel in make()["panels"]
        for target in panel.get("targets", ())
    ]
    rules = [{"record": f"panel:{index}", "expr": expr} for index, expr in enumerate(asked)]
    (tmp_path / "panels.yaml").write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    assert f"{len(asked)} rules found" in promtool("check", "rules", "panels.yaml", folder=tmp_path)
