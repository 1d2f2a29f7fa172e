"""Engine and agent as real processes: what happens when one of them dies, stops or lies."""

from __future__ import annotations

import signal
import time
import urllib.error
import urllib.request

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from quoting_policy.domain import Arm, Frozen, Kill, KillAction, Limits, Mode, Stage
from tests.unit.engine.desk import revision
from tests.unit.sidecar.rig import STATE, eventually


def get(sidecar, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{sidecar.port}{path}", timeout=10) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)


def metrics(sidecar):
    _, text = get(sidecar, "/metrics")
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def arm(client):
    quote = client.quote("X", STATE)
    return quote.arm if quote else None


@pytest.fixture
def frozen():
    return Frozen.of(revision())


@pytest.fixture
def running(sidecar, frozen):
    """Both processes up, revision and kill state told, baseline quoting."""
    sidecar.put("revision.json", frozen)
    sidecar.put("kill.json", Kill(action=KillAction.NONE))
    sidecar.start_engine()
    sidecar.start_agent()
    client = sidecar.client()
    eventually(lambda: arm(client) is Arm.BASELINE, "the first quote")
    client.close()
    return sidecar


def test_the_candidate_quotes_while_authority_lives_and_not_a_moment_without_renewal(running, frozen):
    with running.client() as client:
        running.allow(frozen.digest, lifetime_s=1.0)
        eventually(lambda: arm(client) is Arm.CANDIDATE, "the candidate's turn")
        eventually(lambda: arm(client) is Arm.BASELINE, "falling back in silence")


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_an_agent_that_dies_or_stops_means_baseline_within_the_lifetime(running, frozen, how):
    with running.client() as client:
        running.allow(frozen.digest, lifetime_s=2.0)
        eventually(lambda: arm(client) is Arm.CANDIDATE, "the candidate's turn")
        running.agent.send_signal(how)
        seen_candidate_until = time.monotonic()
        renewed = 0
        while (now := arm(client)) is Arm.CANDIDATE:
            seen_candidate_until = time.monotonic()
            running.allow(frozen.digest, lifetime_s=2.0)  # nobody is there to see these renewals
            renewed += 1
            assert renewed < 100_000
        assert now is Arm.BASELINE
        left = time.monotonic() - seen_candidate_until
        assert left < 60


def test_a_stopped_agent_that_wakes_up_does_not_revive_what_is_over(running, frozen):
    with running.client() as client:
        running.agent.send_signal(signal.SIGSTOP)
        running.allow(frozen.digest, lifetime_s=0.5)
        time.sleep(0.6)
        running.agent.send_signal(signal.SIGCONT)
        running.put("limits.json", Limits(max_order_qty=1))
        eventually(lambda: client.quote("X", STATE).bids[0].qty_lots == 1, "the agent catching up")
        assert arm(client) is Arm.BASELINE


def test_a_halt_is_pushed_and_a_release_is_too(running):
    told = []
    with running.client(on_mode=told.append) as client:
        assert arm(client) is Arm.BASELINE
        running.put("kill.json", Kill(action=KillAction.HALT, reason="drill"))
        eventually(lambda: client.poll(0.1) or client.mode is Mode.HALTED, "the halt")
        assert arm(client) is None
        running.put("kill.json", Kill(action=KillAction.NONE))
        eventually(lambda: client.poll(0.1) or client.mode is Mode.ACTIVE, "the release")
        assert arm(client) is Arm.BASELINE
        assert [change.reason for change in told if change.mode is Mode.HALTED] == ["kill_halt"]


def test_a_kill_file_that_cannot_be_read_means_baseline_and_one_that_vanishes_changes_nothing(
    running, frozen
):
    with running.client() as client:
        running.allow(frozen.digest)
        eventually(lambda: arm(client) is Arm.CANDIDATE, "the candidate's turn")
        (running.source / "kill.json").write_text("{")
        eventually(lambda: arm(client) is Arm.BASELINE, "the safe reading of a broken file")
        (running.source / "kill.json").unlink()
        eventually(lambda: "kill.json is missing" in get(running, "/readyz")[1], "noticing the loss")
        assert client.quote("X", STATE).reasons == ("kill_baseline",)


def test_a_kill_state_that_was_never_told_means_no_quotes(sidecar, frozen):
    sidecar.put("revision.json", frozen)
    sidecar.start_engine()
    sidecar.start_agent()
    eventually(lambda: get(sidecar, "/readyz")[1].startswith("kill_unknown"), "the agent's complaint")
    assert get(sidecar, "/readyz") == (503, f"kill_unknown: kill.json is missing from {sidecar.source}\n")
    with sidecar.client() as client:
        quote = client.quote("X", STATE)
        assert (quote.mode, quote.bids, quote.asks) == (Mode.NOT_CONFIGURED, (), ())


def test_a_revision_whose_digest_is_not_its_own_is_not_run(running, frozen):
    forged = msgspec.to_builtins(frozen)
    forged["revision"]["baseline"]["params"]["halfSpread"] = 0.5
    running.put("revision.json", forged)
    eventually(lambda: "digest" in get(running, "/readyz")[1], "refusing a forged revision")
    with running.client() as client:
        assert [level.price_ticks for level in client.quote("X", STATE).bids] == [198]


def test_a_breach_survives_the_engines_death_until_a_person_releases_it(running, frozen):
    with running.client() as client:
        running.allow(frozen.digest)
        eventually(lambda: arm(client) is Arm.CANDIDATE, "the candidate's turn")
        over = msgspec.structs.replace(STATE, inventory=11.0)
        assert client.quote("X", over).breaches == ("position",)
        running.engine.kill()
        running.engine.wait()
        eventually(lambda: client.poll() or client.mode is Mode.NOT_CONFIGURED, "noticing the death")
        running.start_engine()
        eventually(lambda: arm(client) is Arm.BASELINE, "the engine's return")
        running.allow(frozen.digest)
        assert client.quote("X", STATE).reasons == ("latched_breach",)
        running.put("release.json", {"digest": frozen.digest, "reason": "understood"})
        eventually(lambda: arm(client) is Arm.CANDIDATE, "the release")


def test_an_engine_told_to_stop_tells_its_apps_and_leaves(running):
    told = []
    with running.client(on_mode=told.append) as client:
        assert arm(client) is Arm.BASELINE
        running.engine.terminate()
        eventually(lambda: client.poll(0.1) or client.mode is not Mode.ACTIVE, "the farewell")
        assert told[-1].mode is Mode.HALTED
        assert told[-1].reason == "draining"
        client.close()
        assert running.engine.wait(60) == 0, "an exit by a signal is no good order"
        assert not running.app.exists()


def test_the_agent_says_when_the_engine_is_gone_and_stays_alive(running):
    eventually(lambda: get(running, "/readyz")[0] == 200, "readiness")
    running.engine.kill()
    eventually(lambda: get(running, "/readyz")[0] == 503, "unreadiness")
    assert get(running, "/healthz") == (200, "ok\n")
    assert metrics(running) == {("quoting_engine_up",): 0.0}


def test_metrics_carry_sealed_counters_with_their_block_and_digest(running, frozen):
    running.allow(frozen.digest, stage=Stage.SHADOW, block_length_s=0.2, washout_s=0.0)
    labels = (("digest", frozen.digest), ("instrument", "X"))
    with running.client() as client:

        def sealed():
            client.quote("X", STATE)
            found = metrics(running)
            return found if found.get(("quoting_sealed_block_complete", *labels)) == 1 else None

        found = eventually(sealed, "a sealed block")
    block = found["quoting_sealed_block", *labels]
    assert block * 0.2 < time.time() < (block + 300) * 0.2
    by_arm = {
        name: found["quoting_sealed_exposure_seconds_total", ("arm", name), *labels]
        for name in ("baseline", "candidate", "shadow_candidate")
    }
    assert by_arm["candidate"] == 0
    assert by_arm["baseline"] > 0
    assert by_arm["shadow_candidate"] > 0
    key = "quoting_sealed_markout_gain_total"
    assert (
        found[key, ("arm", "baseline"), ("digest", frozen.digest), ("horizon", "1s"), ("instrument", "X")]
        == 0
    )
    for name in ("baseline", "shadow_candidate"):
        decided = found["quoting_sealed_decisions_total", ("arm", name), *labels]
        assert 0 <= found["quoting_sealed_slow_decisions_total", ("arm", name), *labels] <= decided
        assert decided <= found["quoting_decisions_total", ("arm", name), ("instrument", "X")]
        every = found["quoting_decision_latency_seconds_count", ("arm", name)]
        assert 0 < found["quoting_decision_latency_seconds_bucket", ("arm", name), ("le", "0.0003")] <= every
    assert found["quoting_mode", ("mode", "Active")] == 1
