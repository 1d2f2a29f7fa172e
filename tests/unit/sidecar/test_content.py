"""Weights and secret parameters on their way to the engine: no log, no metric and no answer shows them."""

from __future__ import annotations

import logging
from hashlib import sha256

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quoting_policy.domain import ArmSpec, Frozen
from quoting_policy.protocol.control import BaselineOnly, Configure, Done, Refused, TakeSnapshot
from quoting_policy.sidecar.metrics import exposition
from tests.unit.engine.desk import revision
from tests.unit.sidecar.rig import ThreadedEngine, eventually
from tests.unit.sidecar.test_processes import get

MARKER = "h1dd3n"
SECRET = f"halfSpread: 2.0 # {MARKER}".encode()


def with_secret(content: bytes, arm: str = "candidate") -> Frozen:
    hidden = ArmSpec(model="FixedSpread", params={"qty": 2}, params_sha256=sha256(content).hexdigest())
    return Frozen.of(msgspec.structs.replace(revision(), **{arm: hidden}))


def test_a_candidate_runs_once_its_content_is_told(threaded: ThreadedEngine) -> None:
    frozen = with_secret(SECRET)
    reply = threaded.tell(Configure(frozen))
    assert isinstance(reply, BaselineOnly)
    assert "candidate.paramsFrom" in reply.message
    assert threaded.tell(Configure(frozen, (SECRET,))) == Done()


def test_a_baseline_without_its_content_is_refused(threaded: ThreadedEngine) -> None:
    reply = threaded.tell(Configure(with_secret(SECRET, "baseline"), (b"changed without a new sha256",)))
    assert isinstance(reply, Refused)
    assert "baseline.paramsFrom" in reply.message


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.sampled_from([
        "halfSpread: {}", "halfSpread: 3\n# {}", "{}", "- {}", "{}: 1", "halfSpread: [{}",
        "qty: {}\nhalfSpread: 1", '{{"halfSpread": "{}"}}', "halfSpread: 1\nqty: 1\nnot_{}: 2",
        "a: &b {}\nqty: *b",
    ]),
    arm=st.sampled_from(["baseline", "candidate"]),
)  # fmt: skip
def test_no_log_metric_or_answer_shows_a_secret(
    threaded: ThreadedEngine, caplog: pytest.LogCaptureFixture, text: str, arm: str
) -> None:
    caplog.set_level(logging.DEBUG)
    content = text.format(MARKER).encode()
    message = Configure(with_secret(content, arm), (content,))
    said = [message, threaded.tell(message), threaded.tell(TakeSnapshot())]
    said += [exposition(said[2]), *(record.__dict__ for record in caplog.records), threaded.engine.revision]
    assert MARKER not in repr(said)


def test_readiness_tells_that_the_baseline_runs_alone_and_why(sidecar) -> None:
    content = sidecar.source / "content"
    content.mkdir()
    sidecar.put("revision.json", with_secret(SECRET))
    sidecar.put("kill.json", {"action": "None"})
    sidecar.start_engine()
    sidecar.start_agent()
    eventually(lambda: get(sidecar, "/readyz")[0] == 200, "readiness")
    assert get(sidecar, "/readyz")[1].startswith(
        "no_candidate\nthe baseline runs alone: candidate.paramsFrom"
    )
    (content / "params.yaml").write_bytes(SECRET)
    sidecar.put("revision.json", with_secret(SECRET))
    eventually(lambda: get(sidecar, "/readyz")[1] == "no_authority\n", "the candidate")
