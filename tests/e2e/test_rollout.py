"""A candidate's whole way on a real node: Jobs, injected sidecars, Prometheus, Leases, and the ways back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import Kube, unavailable
from tests.e2e.desk import DemoDesk, rollout
from tests.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def measured(installed: Kube, paper_image: str) -> Kube:
    """The operator, told where Prometheus is."""
    if installed.local is None:
        unavailable("the cluster of KUBECONFIG has a Prometheus of its own address")
    prometheus = installed.local.layout.prometheus
    installed.kubectl(
        "-n", "quoting-system", "set", "env", "deploy/quoting-operator",
        f"PROMETHEUS={prometheus}", "SCRAPE_INTERVAL=1",
    )  # fmt: skip
    rollout(installed, "quoting-operator")
    return installed


@pytest.fixture(scope="module")
def live(measured: Kube) -> Iterator[DemoDesk]:
    """A desk whose candidate has earned its way to live."""
    name = "test-rollout"
    measured.core.create_namespace({"metadata": {"name": name}})
    desk = DemoDesk(measured, name)
    desk.open()
    desk.reaches("Live", 1500)
    yield desk
    measured.core.delete_namespace(name)


def test_a_good_candidate_goes_live_and_every_stage_is_on_record(live: DemoDesk) -> None:
    status = live.status
    phases = [entry["phase"] for entry in status["history"]]
    assert phases == ["Paper", "Shadow", "Canary", "Live"]
    assert status["conformance"]["state"] == "Passed"
    assert status["rehearsal"]["state"] == "Passed"
    contract = live.get("impl", "inventory-skew-v1")["status"]
    assert {c["name"]: c["state"] for c in contract["exitCriteria"]} == {
        "paper-stability": "Met",
        "clamps-proven": "Met",
        "rollback-rehearsed": "Met",
    }
    eventually(lambda: live.arm() == "candidate", "the candidate to quote", 60)


def test_a_dead_operator_means_baseline_within_the_lease_and_a_living_one_goes_on(live: DemoDesk) -> None:
    scale = ("-n", "quoting-system", "scale", "deploy/quoting-operator")
    live.kube.kubectl(*scale, "--replicas=0")
    try:
        eventually(lambda: live.arm() == "baseline" and _silent(live), "the baseline alone", 60)
    finally:
        live.kube.kubectl(*scale, "--replicas=1")
        rollout(live.kube, "quoting-operator")
    eventually(lambda: live.arm() == "candidate", "the candidate to quote again", 90)
    assert live.status["phase"] == "Live"
    assert [entry["phase"] for entry in live.status["history"]][-1] == "Live"


def test_a_breach_rolls_back_latches_and_quarantines(live: DemoDesk) -> None:
    eventually(lambda: live.arm() == "candidate", "the candidate to quote", 60)
    digest = live.status["effective"]["digest"]
    risk = live.get("configmap", "desk-risk")
    # Tighter in one field and looser in none: it is pushed at once, and makes no new attempt.
    limits = '{maxPosition: "6", maxOrderQty: "4", priceBand: "0.02", maxDrawdown: "0.0001"}'
    risk["data"]["limits.yaml"] = f"limits: {limits}"
    live.kubectl("apply", "-f", "-", given={k: risk[k] for k in ("apiVersion", "kind", "metadata", "data")})
    status = live.reaches("RolledBack", 120)
    assert status["rollback"]["reason"] == "Breach"
    assert "drawdown" in ",".join(status["rollback"]["clamps"])
    assert [q["digest"] for q in status["quarantined"]] == [digest]
    assert not _lease(live)
    eventually(lambda: live.arm() in ("baseline", "nobody"), "no candidate", 30)
    conditions = {c["type"]: c["status"] for c in status["conditions"]}
    assert conditions["Diverged"] == "True"


def _lease(desk: DemoDesk) -> str:
    return desk.kubectl("get", "lease", "maker", "--ignore-not-found", "-o", "name").strip()


def _silent(desk: DemoDesk) -> bool:
    """Whether no candidate has quoted for two whole blocks."""
    lines = desk.venue_says(20).splitlines()
    return len(lines) == 20 and all(" candidate " not in line for line in lines)
