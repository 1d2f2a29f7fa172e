"""The Jobs of the paper stage on a real node: evidence, proof and report come back as they are read."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from quoting_operator.api.status import ProofState
from quoting_operator.rollout.conformance_job import (
    conformance_inputs,
    conformance_job,
    conformance_progress,
)
from quoting_operator.rollout.jobs import PAPER_LABEL, Workplace
from quoting_operator.rollout.paper_job import paper_inputs, paper_job, report_job, report_name
from quoting_operator.rollout.paper_progress import PaperProgress, paper_progress
from tests.conftest import REPOSITORY, Kube
from tests.paper_cases import plan, stored
from tests.resources import POLICY, Json
from tests.waiting import eventually

pytestmark = pytest.mark.e2e

REVISION = stored()
PATIENCE_S = 600


class Papers:
    """A policy in a namespace of its own, and the Jobs that are started for it."""

    def __init__(self, kube: Kube, namespace: str, image: str) -> None:
        self.kube, self.namespace = kube, namespace
        self.place = Workplace(image=image, cpu="100m")
        kube.kubectl("apply", "-k", str(REPOSITORY / "crds"))
        eventually(lambda: self.kubectl("get", "qp") or "none", "policies to be served", 30)
        self.create(POLICY)
        self.policy: Json = self.get("qp", "btc")

    def kubectl(self, *words: str, given: Json | None = None) -> str:
        text = None if given is None else json.dumps(given)
        return self.kube.kubectl("--namespace", self.namespace, *words, given=text)

    def create(self, manifest: Json) -> None:
        self.kubectl("create", "-f", "-", given=manifest)

    def get(self, *words: str) -> Any:
        return json.loads(self.kubectl("get", *words, "-o", "json"))

    def read(self, job: Json, reader: Callable[..., Any]) -> Any:
        pods = self.get("pods", "-l", f"{PAPER_LABEL}=btc")["items"]
        return reader(self.get("job", job["metadata"]["name"]), pods)

    def paper(self, job: Json) -> PaperProgress:
        self.create(job)
        return eventually(
            lambda: (p := self.read(job, paper_progress)).done and p, "the paper Job to end", PATIENCE_S
        )


@pytest.fixture
def papers(node: Kube, node_namespace: str, paper_image: str) -> Papers:
    return Papers(node, node_namespace, paper_image)


def test_sessions_come_back_as_evidence_for_the_revision_and_a_report_can_be_read(papers: Papers) -> None:
    arguments = (papers.policy, REVISION, plan(), 1)
    papers.create(paper_inputs(*arguments))
    progress = papers.paper(paper_job(*arguments, papers.place))
    assert progress.complete, progress
    assert progress.problem == ""
    assert [item.index for item in progress.sessions] == [0, 1, 2]
    assert {item.revision for item in progress.sessions} == {REVISION.digest}
    assert all("." in item.status for item in progress.sessions)

    role = yaml.safe_load((REPOSITORY / "manifests" / "base" / "paper-rbac.yaml").read_text())
    papers.kubectl("apply", "-f", "-", given=role)
    papers.kubectl("create", "serviceaccount", "quoting-paper")
    account = f"--serviceaccount={papers.namespace}:quoting-paper"
    papers.kubectl("create", "rolebinding", "quoting-paper", "--clusterrole=quoting-paper", account)
    job = report_job(*arguments, papers.place)
    assert job is not None
    papers.create(job)
    name = job["metadata"]["name"]
    papers.kubectl("wait", f"job/{name}", "--for=condition=complete", f"--timeout={PATIENCE_S}s")
    kept = papers.get("configmap", report_name(papers.policy, REVISION.digest))
    page = gzip.decompress(base64.b64decode(kept["binaryData"]["report.html.gz"])).decode()
    assert REVISION.digest in page
    assert kept["metadata"]["ownerReferences"][0]["uid"] == papers.policy["metadata"]["uid"]


def test_inputs_of_another_attempt_fail_the_job_at_once_and_are_no_evidence(papers: Papers) -> None:
    inputs = paper_inputs(papers.policy, REVISION, plan(blockLength="20s"), 2)
    papers.create(inputs)
    progress = papers.paper(paper_job(papers.policy, REVISION, plan(), 2, papers.place))
    assert progress.sessions == ()
    assert "PodFailurePolicy" in progress.problem
    assert any("another attempt" in words for _, words in progress.failed)


def test_the_clamps_are_proven_for_the_revision(papers: Papers) -> None:
    papers.create(conformance_inputs(papers.policy, REVISION, 1))
    job = conformance_job(papers.policy, REVISION, 1, papers.place)
    papers.create(job)
    found = eventually(
        lambda: (p := papers.read(job, conformance_progress)).state is not ProofState.RUNNING and p,
        "the clamps to be proven", PATIENCE_S,
    )  # fmt: skip
    assert found.state is ProofState.PASSED, found.message
    assert found.report.clamps["position"].bound > 0
