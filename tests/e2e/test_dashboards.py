"""Dashboards on a desk whose baseline quotes: what has data, and what waits for something to happen."""

from __future__ import annotations

import pytest

from manifests.generate.files import DASHBOARDS
from tests.e2e.test_walking_skeleton import Desk, desk  # noqa: F401  a fixture
from tests.panels import without_data
from tests.waiting import eventually

pytestmark = pytest.mark.e2e

UNTIL_SOMETHING_HAPPENS = {
    "operator": {"Reactions, p99", "Rollbacks"},
    "overview": {"Breaches", "Gates", "Rollbacks by reason"},
    "sidecar": {"Last sealed block seen whole", "Age of the last sealed block"},
    "policy": {
        "Gates",
        "Latched breaches",
        "Sealed P&L, candidate less baseline",
        "Markout by horizon and arm",
    }
    | {"Refusals", "VaR and CVaR of recent blocks", "Clamps that bound"},
}
"""Dashboard -> panels that are empty while nothing but a baseline quotes, and nothing fills."""


@pytest.mark.parametrize("name", sorted(DASHBOARDS))
def test_panels_have_data_as_soon_as_a_baseline_quotes(desk: Desk, name: str) -> None:  # noqa: F811  a fixture
    if desk.kube.local is None:
        pytest.skip("the cluster of KUBECONFIG has a Prometheus of its own configuration")
    prometheus = desk.kube.local.layout.prometheus
    variables = {"namespace": desk.namespace, "policy": "btc", "pod": "trader-.*"}
    expected = UNTIL_SOMETHING_HAPPENS[name]

    def empty() -> bool:
        found = without_data(prometheus, DASHBOARDS[name](), variables) - expected
        if found:
            raise AssertionError(f"no data: {sorted(found)}")
        return True

    eventually(empty, f"data on the dashboard {name}", 60)
