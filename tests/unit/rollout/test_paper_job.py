"""The Jobs of the paper stage as they are asked for, and what is made of what their pods say."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from random import Random

import msgspec
import pytest
import yaml

from quoting_operator.api.status import ProofState
from quoting_operator.gates import Decision, Stage, level, parse_gates, start
from quoting_operator.gates.paper import judge_paper
from quoting_operator.rollout.conformance_job import (
    conformance_inputs,
    conformance_job,
    conformance_progress,
)
from quoting_operator.rollout.jobs import PAPER_LABEL, job_name
from quoting_operator.rollout.paper_job import paper_inputs, paper_job, report_job
from quoting_operator.rollout.paper_progress import paper_progress
from quoting_policy.domain.conformance import ClampCount, ClampReport
from quoting_policy.domain.conformance import encode as encode_report
from quoting_policy.domain.session import MOST_BLOCKS, MOST_BYTES, SessionEvidence, encode, packed
from quoting_policy.paper.differences import METRICS
from quoting_policy.paper.inputs import FLOWS, read_inputs
from quoting_policy.sim.flow import SCENARIOS
from tests.paper_cases import GATES, PAPER, PLACE, POLICY, plan, stored

GOLDEN = Path(__file__).parent / "golden"
JOB_UID = "99999999-0000-0000-0000-000000000000"
REVISION = stored()


def job(**status):
    made = paper_job(POLICY, REVISION, plan(), 1, PLACE)
    return made | {"metadata": made["metadata"] | {"uid": JOB_UID}, "status": status}


def evidence(index: int, **changes) -> SessionEvidence:
    fields = {
        "digest": "d" * 64, "candidate": "A-S", "index": index, "name": f"BTC-{index}", "block_s": 10.0,
        "metrics": ("pnl",), "status": "....", "values": packed({"pnl": [1.0, 2.0, 1.5, 1.0]}),
        "revision": REVISION.digest,
    }  # fmt: skip
    return SessionEvidence(**(fields | changes))


def pod(index, message, *, code=0, at="2026-01-01T00:00:00Z", uid=JOB_UID, name=None):
    text = message.decode() if isinstance(message, bytes) else message
    ended = {"exitCode": code, "finishedAt": at, "message": text}
    return {
        "metadata": {
            "name": name or f"btc-{index}-{code}",
            "annotations": {"batch.kubernetes.io/job-completion-index": str(index)},
            "ownerReferences": [{"kind": "Job", "uid": uid}],
        },
        "status": {"containerStatuses": [{"name": "quoting", "state": {"terminated": ended}}]},
    }


COMPLETE = {"conditions": [{"type": "Complete", "status": "True"}]}


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("paper-inputs", paper_inputs(POLICY, REVISION, plan(), 1)),
        ("paper-job", paper_job(POLICY, REVISION, plan(), 1, PLACE)),
        ("report-job", report_job(POLICY, REVISION, plan(), 1, PLACE)),
        ("conformance-inputs", conformance_inputs(POLICY, REVISION, 1)),
        ("conformance-job", conformance_job(POLICY, REVISION, 1, PLACE)),
    ],
)
def test_what_is_asked_of_the_cluster_is_what_was_agreed(name, made):
    assert made == yaml.safe_load((GOLDEN / f"{name}.yaml").read_text())


def test_recorded_markets_are_mounted_read_only():
    data = {"type": "Volume", "volume": {"claimName": "tapes", "path": "/btc/"}}
    made = paper_job(POLICY, REVISION, plan(data=data), 1, PLACE)["spec"]["template"]["spec"]
    claims = [v["persistentVolumeClaim"] for v in made["volumes"] if "persistentVolumeClaim" in v]
    assert claims == [{"claimName": "tapes", "readOnly": True}]
    inputs = json.loads(paper_inputs(POLICY, REVISION, plan(data=data), 1)["data"]["paper.json"])
    assert inputs["recorded"] == {"folder": "/market/btc"}


def test_no_pod_takes_the_label_that_injects_a_sidecar():
    for made in (
        job(),
        report_job(POLICY, REVISION, plan(), 1, PLACE),
        conformance_job(POLICY, REVISION, 1, PLACE),
    ):
        labels = made["spec"]["template"]["metadata"]["labels"]
        assert labels == {PAPER_LABEL: "btc"}


def test_without_an_account_there_is_no_report_and_sessions_never_have_a_token():
    assert report_job(POLICY, REVISION, plan(reportServiceAccount=None), 1, PLACE) is None
    for made in (job(), conformance_job(POLICY, REVISION, 1, PLACE)):
        spec = made["spec"]["template"]["spec"]
        assert spec["automountServiceAccountToken"] is False
        assert "serviceAccountName" not in spec


@pytest.mark.parametrize("policy", ["btc", "a.b", "x" * 63, "x" * 40 + ".y" * 10])
def test_names_fit_a_pods_host_name_and_stay_different(policy):
    name = job_name(policy, "paper", "d" * 64, 123)
    assert len(f"{name}-9999") <= 63
    assert "." not in name
    assert name != job_name(policy + "z", "paper", "d" * 64, 123)
    assert name != job_name(policy.replace(".", "-") + "-", "paper", "d" * 64, 123)


def test_pods_can_read_what_the_operator_writes(tmp_path):
    text = paper_inputs(POLICY, REVISION, plan(), 4)["data"]["paper.json"]
    (tmp_path / "paper.json").write_text(text)
    inputs = read_inputs(tmp_path / "paper.json", hashlib.sha256(text.encode()).hexdigest())
    assert inputs.revision().digest == REVISION.digest
    assert (inputs.sessions, inputs.block_s, inputs.decision_s, inputs.attempt) == (3, 10.0, 0.5, 4)
    assert inputs.gates == list(GATES)
    arguments = paper_job(POLICY, REVISION, plan(), 4, PLACE)["spec"]["template"]["spec"]["containers"][0][
        "args"
    ]
    assert f"--sha256={hashlib.sha256(text.encode()).hexdigest()}" in arguments


def test_every_scenario_of_the_api_is_one_of_the_simulator():
    assert {
        "".join(word[0].upper() + word[1:] for word in name.replace("-", " ").split()) for name in SCENARIOS
    } == set(FLOWS)


def test_sessions_finished_in_any_order_count_by_index():
    progress = paper_progress(job(**COMPLETE), [pod(i, encode(evidence(i))) for i in (2, 0, 1)])
    assert [item.index for item in progress.sessions] == [0, 1, 2]
    assert progress.complete
    assert (progress.failed, progress.problem) == ((), "")


def test_of_two_pods_of_an_index_the_later_one_counts():
    first = pod(0, encode(evidence(0, name="early")), at="2026-01-01T00:00:00Z", name="a")
    second = pod(0, encode(evidence(0, name="late")), at="2026-01-01T00:00:09Z", name="b")
    assert [s.name for s in paper_progress(job(), [second, first]).sessions] == ["late"]


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (b"", "a whole message"),
        (b"\x00\x01", "a whole message"),
        (b"null", "a whole message"),
        (b"[" * 4000, "whole message"),
        (encode(evidence(0))[:-3], "a whole message"),
        (encode(evidence(0, revision="e" * 64)), "the revision that is judged"),
        (encode(evidence(0, revision="")), "the revision that is judged"),
        (encode(evidence(1)), "the index of its pod"),
        (encode(evidence(0, status="?...")), "at most 40 of"),
        (encode(evidence(0, values="AAAA")), "bytes"),
    ],
)
def test_a_message_that_is_no_evidence_for_this_session_does_not_count(message, words):
    progress = paper_progress(job(**COMPLETE), [pod(0, message)])
    assert progress.sessions == ()
    assert words in progress.problem
    assert "btc-0-0" in progress.problem
    assert words in dict(progress.failed)[0]
    assert not progress.complete


def test_pods_of_a_namesake_job_do_not_count():
    assert paper_progress(job(), [pod(0, encode(evidence(0)), uid="another")]).sessions == ()


def test_an_index_outside_of_the_job_does_not_count():
    progress = paper_progress(job(), [pod(7, encode(evidence(7)))])
    assert progress.sessions == ()
    assert "no index of this Job" in progress.problem


def test_a_failed_session_says_why_in_its_own_words():
    words = "quoting paper-session: inputs.blockS: 1 must be valid"
    progress = paper_progress(job(failedIndexes="1"), [pod(1, f"noise\n{words}\n", code=2)])
    assert progress.failed == ((1, f"exit status 2: {words}"),)
    assert not progress.done


def test_a_failure_that_was_made_good_is_none():
    pods = [pod(0, "oom", code=137), pod(0, encode(evidence(0)), at="2026-01-01T00:01:00Z")]
    assert paper_progress(job(), pods).failed == ()


def test_evidence_that_has_vanished_is_missing_once_the_job_is_done():
    progress = paper_progress(job(**COMPLETE), [pod(0, encode(evidence(0)))])
    assert [index for index, _ in progress.failed] == [1, 2]
    assert not progress.complete


def test_a_job_that_failed_says_why():
    condition = {"type": "Failed", "status": "True", "reason": "DeadlineExceeded", "message": "too long"}
    progress = paper_progress(job(conditions=[condition]), [])
    assert progress.done
    assert progress.problem == "DeadlineExceeded: too long"


def test_without_a_job_nothing_is_known():
    progress = paper_progress(None, [])
    assert (progress.total, progress.done, progress.complete) == (0, False, False)


def gates():
    specs = parse_gates([{"name": "pnl", "metric": "pnl", "kind": "success", "alpha": 0.1, "minBlocks": 2}])
    return [start(spec, level(spec, specs, attempt=0), Stage.PAPER) for spec in specs]


DRAW = Random(1)
GOOD = [
    evidence(i, values=packed({"pnl": [DRAW.gauss(1.0, 0.3) for _ in range(20)]}), status="." * 20)
    for i in range(3)
]


def test_evidence_that_is_whole_promotes_and_a_missing_session_never_does():
    assert judge_paper(gates(), GOOD).decision.decision is Decision.PROMOTE
    partial = judge_paper(gates(), GOOD, complete=False)
    assert partial.decision.decision is Decision.HOLD


def test_a_candidate_that_crashed_anywhere_rolls_back():
    crashed = [*GOOD[:2], msgspec.structs.replace(GOOD[2], rejections=("candidate crashed: ValueError",))]
    assert judge_paper(gates(), crashed).decision.decision is Decision.ROLLBACK


def test_a_baseline_that_crashed_keeps_the_run_from_promoting():
    crashed = [*GOOD[:2], msgspec.structs.replace(GOOD[2], rejections=("baseline crashed: ValueError",))]
    assert judge_paper(gates(), crashed).decision.decision is Decision.HOLD


def test_the_longest_session_with_every_metric_fits_into_a_message():
    values = packed({name: [0.1] * MOST_BLOCKS for name in METRICS})
    longest = evidence(
        9999,
        candidate="c" * 63,
        name="n" * 40,
        metrics=tuple(METRICS),
        status="." * MOST_BLOCKS,
        values=values,
    )
    assert len(encode(longest)) <= MOST_BYTES


FOUND = ClampReport(
    digest=REVISION.digest, decisions=9, clamps={"position": ClampCount(exercised=9, bound=2)}
)


def clamps_job(**status):
    made = conformance_job(POLICY, REVISION, 1, PLACE)
    return made | {"metadata": made["metadata"] | {"uid": JOB_UID}, "status": status}


@pytest.mark.parametrize(
    ("job", "pods", "state", "words"),
    [
        (None, [], ProofState.RUNNING, "not begun"),
        (clamps_job(), [], ProofState.RUNNING, ""),
        (clamps_job(), [pod("", encode_report(FOUND))], ProofState.PASSED, "bound 2 times"),
        (clamps_job(**COMPLETE), [pod("", "{}")], ProofState.FAILED, "a whole message"),
        (clamps_job(**COMPLETE), [], ProofState.FAILED, "no pod of it"),
        (clamps_job(), [pod("", encode_report(FOUND), code=1)], ProofState.RUNNING, ""),
        (
            clamps_job(**COMPLETE),
            [pod("", encode_report(msgspec.structs.replace(FOUND, digest="e" * 64)))],
            ProofState.FAILED,
            "the revision at hand",
        ),
        (
            clamps_job(**COMPLETE),
            [pod("", encode_report(msgspec.structs.replace(FOUND, failures=("position: no",))))],
            ProofState.FAILED,
            "1 failed: position: no",
        ),
    ],
)  # fmt: skip
def test_only_findings_for_this_digest_prove_the_clamps(job, pods, state, words):
    progress = conformance_progress(job, pods)
    assert progress.state is state
    assert words in progress.message


def test_defaults_of_the_paper_stage_make_a_job_that_can_run():
    minimal = {key: PAPER[key] for key in ("data", "sessions")}
    made = paper_job(POLICY, REVISION, plan().model_copy(update={"rollout": {"paper": minimal}}), 1, PLACE)
    assert made["spec"]["parallelism"] == 3
    assert made["spec"]["activeDeadlineSeconds"] == 7200
