"""Parameters from a Secret on a real node: the app quotes by them, and nothing else says what they are."""

from __future__ import annotations

from hashlib import sha256

import pytest
import yaml

from tests.conftest import REPOSITORY, Kube
from tests.e2e.test_walking_skeleton import Desk
from tests.resources import Json
from tests.waiting import eventually

pytestmark = pytest.mark.e2e

MARKER = "h1dd3n"


def secret(key: str, half_spread: int) -> tuple[str, Json]:
    """A key's text, and the source that names it."""
    text = f"halfSpread: {half_spread} # {MARKER}\n"
    ref = {"name": "desk-params", "key": key}
    return text, {"secretKeyRef": ref, "sha256": sha256(text.encode()).hexdigest()}


def test_an_app_quotes_by_a_secret_that_nothing_tells(installed: Kube, node_namespace: str) -> None:
    desk = Desk(installed, node_namespace)
    (text, source), (_, absent) = secret("v1", 3), secret("v2", 2)
    data = {"v1": text}
    desk.apply(
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "desk-params"}, "stringData": data}
    )
    examples = installed.kubectl("kustomize", str(REPOSITORY / "manifests" / "examples"))
    for document in yaml.safe_load_all(examples):
        if document["kind"] == "QuotingPolicy":
            baseline, candidate = document["spec"]["baseline"], document["spec"]["candidate"]
            baseline |= {"params": {"qty": 1}, "paramsFrom": source}
            candidate |= {"params": {"qty": 1}, "paramsFrom": absent}
        if document["kind"] == "Deployment":
            names = {"quoting.dev/params-secrets": "desk-params"}
            document["spec"]["template"]["metadata"]["annotations"] = names
        desk.apply(document)
    desk.app_reaches("Active baseline [970] [1030]")
    agent = ("logs", "deploy/trader", "-c", "quoting-agent")
    missing = "the baseline runs alone: candidate.paramsFrom"
    eventually(lambda: missing in desk.kubectl(*agent), "the agent to miss the candidate's parameters", 30)
    shown = [
        desk.kubectl("get", kind, "-o", "yaml") for kind in ("qp", "controllerrevisions", "events", "pods")
    ]
    shown += [desk.kubectl(*agent), desk.kubectl("logs", "deploy/trader", "-c", "quoting-engine")]
    shown.append(installed.kubectl("-n", "quoting-system", "logs", "deploy/quoting-operator"))
    assert source["sha256"] in shown[0]
    assert not [text for text in shown if MARKER in text or "halfSpread: 3" in text]
