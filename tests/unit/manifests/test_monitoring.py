"""Dashboards, alerts and scraping speak of what our code exports, and the files are what is generated."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml

from localcluster.components import prometheus
from localcluster.layout import Layout
from localcluster.network import Link
from manifests.generate.alerts import ALERTS, RUNBOOKS
from manifests.generate.files import DASHBOARDS, MANIFESTS, files
from manifests.generate.scraping import scrape_configs
from quoting_operator.api.status import Phase
from quoting_policy.accounting import TRACKS
from quoting_policy.domain import Mode
from tests.conftest import REPOSITORY
from tests.unit.manifests.exported import exported
from tests.unit.manifests.promql import grouped, selectors, strangers

EXPORTED = exported()
PHASES, MODES = set(map(str, Phase)), set(map(str, Mode))
VALUES = {"mode": MODES, "phase": PHASES, "stage": PHASES, "arm": set(TRACKS), "result": {"done", "error"}}
"""Values that a label can have, where they are known."""


def panels() -> list[Any]:
    return [
        pytest.param(target["expr"], id=f"{name}/{panel['title']}/{target['refId']}")
        for name, make in DASHBOARDS.items()
        for panel in make()["panels"]
        for target in panel.get("targets", ())
    ]


def variables() -> list[Any]:
    found = [
        (f"{name}/${variable['name']}", re.fullmatch(r"label_values\((.*), \w+\)", variable["definition"]))
        for name, make in DASHBOARDS.items()
        for variable in make()["templating"]["list"]
        if variable["type"] == "query"
    ]
    return [pytest.param(match[1], id=name) for name, match in found if match]


QUERIES = panels() + variables() + [pytest.param(alert.expr, id=alert.name) for alert in ALERTS]


@pytest.mark.parametrize("path", sorted(files()))
def test_a_generated_file_is_what_make_manifests_writes(path: str) -> None:
    assert (MANIFESTS / path).read_text() == files()[path], "run `make manifests` and commit what it wrote"


@pytest.mark.parametrize("expr", QUERIES)
def test_a_query_names_what_is_exported_and_labels_that_it_has(expr: str) -> None:
    assert strangers(expr) == set()
    read = selectors(expr)
    assert read
    for metric, matchers in read:
        assert metric in EXPORTED
        assert set(matchers) <= EXPORTED[metric] | {"namespace", "pod"}
    labels = frozenset().union(*(EXPORTED[metric] for metric, _ in read)) | {"namespace", "pod"}
    assert grouped(expr) <= labels


@pytest.mark.parametrize("expr", QUERIES)
def test_a_query_asks_for_values_that_occur(expr: str) -> None:
    for _, matchers in selectors(expr):
        for label, asked in matchers.items():
            if label in VALUES:
                assert set(asked.split("|")) <= VALUES[label]


def test_dashboards_have_places_of_their_own_and_no_two_of_one_name() -> None:
    made = [make() for make in DASHBOARDS.values()]
    assert len({found["uid"] for found in made}) == len({found["title"] for found in made}) == len(made)
    for found in made:
        cells = [
            (x, y)
            for panel in found["panels"]
            for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
            for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
        ]
        assert len(cells) == len(set(cells))
        assert max(x for x, _ in cells) < 24
        ids = [panel["id"] for panel in found["panels"]]
        assert len(ids) == len(set(ids))


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    text = (REPOSITORY / RUNBOOKS).read_text()
    sections = set(re.findall(r"^## (Quoting\w+)$", text, re.MULTILINE))
    assert sections == {alert.name for alert in ALERTS}


def test_the_guide_lists_every_alert_with_its_severity() -> None:
    text = (REPOSITORY / "docs" / "monitoring.md").read_text()
    rows = dict(re.findall(r"^\| `(Quoting\w+)` \|.*\| (\w+) \|$", text, re.MULTILINE))
    assert rows == {alert.name: str(alert.severity) for alert in ALERTS}


def test_the_operators_rule_and_the_rules_file_hold_the_same_alerts() -> None:
    plain = yaml.safe_load((MANIFESTS / "components/monitoring-plain/rules.yaml").read_text())
    theirs = yaml.safe_load((MANIFESTS / "components/monitoring/prometheus-rule.yaml").read_text())
    assert theirs["spec"] == plain


def test_the_local_clusters_prometheus_scrapes_as_the_plain_component_says() -> None:
    layout = Layout.boxed("x", MANIFESTS, Link(1), control_plane_only=False)
    made = prometheus(layout, {"prometheus": "prometheus"})
    local = json.loads(made.files["prometheus.json"])["scrape_configs"]
    for job in local:
        for found in job["kubernetes_sd_configs"]:
            found.pop("kubeconfig_file")
    assert local == scrape_configs()


def test_only_the_operator_may_speak_of_other_pods() -> None:
    honoured = [job["job_name"] for job in scrape_configs() if job.get("honor_labels")]
    monitors = yaml.safe_load_all((MANIFESTS / "components/monitoring/pod-monitors.yaml").read_text())
    believed = [
        monitor["metadata"]["name"]
        for monitor in monitors
        if any(end.get("honorLabels") for end in monitor["spec"]["podMetricsEndpoints"])
    ]
    assert honoured == believed == ["quoting-operator"]
