"""The acts, as a table: each does something that a desk does, and asserts what must follow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from examples.demo import venue_line
from examples.demo.play import Play
from localcluster.errors import ClusterError

STAGE_PATIENCE_S = 1500.0
REACTION_PATIENCE_S = 180.0
LEASE_S = 5.0
"""spec.rollout.leaseDuration of the demonstration's policy."""

DELIVERY_S = 2.0
"""What a renewal may take to the sidecar on a busy machine; its lifetime counts from there."""

WORSE = {"model": "FixedSpread", "params": {"halfSpread": 0.02, "qty": 1}}
"""Half the size at the same spread: it looks prudent, and earns less."""

DRAWDOWN = "0.0001"
"""A drawdown limit that any open position crosses, in money: risk has had enough for today."""


@dataclass(frozen=True, slots=True)
class Act:
    """An act. needs: acts that must have been played before. play: raises UnfulfilledError."""

    number: int
    title: str
    play: Callable[[Play], None]
    needs: tuple[int, ...] = ()


def earns_its_way(play: Play) -> None:
    """Apply everything; paper, shadow with its rehearsal, canary, live."""
    opened(play)
    for phase in ("Paper", "Shadow", "Canary", "Live"):
        status = play.reaches(phase, STAGE_PATIENCE_S)
    history = [entry["phase"] for entry in status["history"]]
    wanted = ["Paper", "Shadow", "Canary", "Live"]
    play.check(
        [phase for phase in history if phase in wanted] == wanted, "every stage is on record, in order"
    )
    play.check(status["conformance"]["state"] == "Passed", "the clamps were attacked by a Job, and held")
    play.check(status["rehearsal"]["state"] == "Passed", "a rollback was rehearsed in shadow")
    _candidate_quotes(play)


def worse(play: Play) -> None:
    """A candidate that loses against the baseline ends in paper."""
    opened(play)
    _propose(play, WORSE)
    digest = _digest(play)

    def stopped() -> Mapping[str, Any] | None:
        status = play.status()
        return status if status.get("phase") in ("Expired", "RolledBack") else None

    status = play.until("stopped by the gates of paper", stopped, STAGE_PATIENCE_S)
    play.screen.say(f"              {status['phase']}: {status['message']}")
    beyond = [
        entry["phase"]
        for entry in status["history"]
        if entry.get("digest") == digest and entry["phase"] in ("Shadow", "Canary", "Live")
    ]
    play.check(not beyond, "it never came out of paper")
    play.check(status["effective"]["arm"] == "Baseline", "the baseline quotes")


def dangerous(play: Play) -> None:
    """A realised limit is crossed while the candidate is in canary."""
    opened(play, anew=True)
    candidate = play.desk.policy()["spec"]["candidate"]
    play.reaches("Canary", STAGE_PATIENCE_S)
    _candidate_quotes(play)
    digest = play.status()["effective"]["digest"]
    since = play.desk.venue()[-1].at
    play.desk.limit(maxDrawdown=DRAWDOWN)
    play.fact("the risk officer cuts the drawdown limit in the middle of the session")

    def breached() -> venue_line.VenueLine | None:
        said = play.desk.venue(200)
        return next((line for line in said if line.at > since and line.breaches), None)

    line = play.until(
        "the book is beyond it: the sidecar tells the app of a breach", breached, STAGE_PATIENCE_S
    )
    play.screen.say(f"              the app: {line.text}")
    play.check(line.arm != "candidate", f"the same request was answered by: {line.arm}")
    status = play.reaches("RolledBack", REACTION_PATIENCE_S)
    play.check(status["rollback"]["reason"] == "Breach", f"reason: {status['rollback']['message']}")
    held = {entry["digest"] for entry in status.get("quarantined", ())}
    play.check(digest in held, f"digest {digest[:12]} is quarantined")
    play.until(
        "its authority is revoked: the Lease is gone", lambda: not play.desk.lease(), REACTION_PATIENCE_S
    )
    quoted = [
        line for line in play.desk.venue(200) if line.at > _last_breach(play) and line.arm == "candidate"
    ]
    play.check(not quoted, "the candidate has not quoted since the breach")
    play.desk.limit()
    play.desk.propose(None)
    play.reaches("Baseline", REACTION_PATIENCE_S)
    play.desk.propose(candidate)
    status = play.reaches("RolledBack", REACTION_PATIENCE_S)
    play.check("quarantined" in status["message"], "applied again, it is refused")
    play.screen.say(f"              {status['message']}")


def kill_switch(play: Play) -> None:
    """The kill switch needs no operator."""
    opened(play)
    play.until("the app quotes", lambda: _mode(play, "Active"), REACTION_PATIENCE_S)
    play.desk.stop_operator()
    try:
        play.until("the operator is gone", lambda: not play.desk.operator_runs(), REACTION_PATIENCE_S)
        asked = play.desk.halt(engaged=True, reason="demonstration: the venue rejects orders")
        seconds = _told(play, asked, "Halted")
        play.fact("kill switch applied → the app is halted, by the app's own clock", seconds)
        asked = play.desk.halt(engaged=False, reason="the venue takes orders again")
        seconds = _told(play, asked, "Active")
        play.fact("released, with a reason → the app quotes again", seconds)
        play.check(not play.desk.operator_runs(), "all of it without an operator")
    finally:
        play.desk.start_operator()


def operator_dead(play: Play) -> None:
    """Without an operator authority lapses."""
    _candidate_quotes(play)
    asked = play.desk.stop_operator()
    try:
        play.until("the operator is gone", lambda: not play.desk.operator_runs(), REACTION_PATIENCE_S)
        lines = play.until("baseline alone, for two whole blocks", lambda: _without_candidate(play), 300.0)
        last = venue_line.last_of(lines, "candidate")
        seconds = 0.0 if last is None else max(0.0, last - asked)
        bound = LEASE_S + DELIVERY_S
        play.check(
            seconds <= bound, f"the candidate's last quote after the kill (lease: {LEASE_S:.0f} s)", seconds
        )
    finally:
        play.desk.start_operator()
    _candidate_quotes(play)
    play.check(play.status().get("stage") == "Live", "it goes on where it was: stage Live")


def contract(play: Play) -> None:
    """The hand-over contract is checked before a candidate leaves paper."""
    opened(play, anew=True)
    try:
        play.desk.contract("incomplete", requiredKeys=["riskApproval"])
        refusal = ""
    except ClusterError as error:
        refusal = str(error)
    play.check(
        "requiredKeys" in refusal, "an ImplementationSpec without a required key is refused by the API server"
    )
    play.screen.say(f"              {refusal.splitlines()[0]}")
    artifact = {"name": "policy-module", "kind": "Code", "reference": "policies/inventory_skew.py"}
    play.desk.contract("handed-over", artifacts=[artifact])
    play.desk.refer("handed-over")

    def held() -> Mapping[str, Any] | None:
        status = play.status()
        paper = status.get("paper") or {}
        done = paper.get("sessions") and paper.get("finished") == paper.get("sessions")
        return status if done and "policy-module is NotMet" in status["message"] else None

    status = play.until("paper has ended, and the artifact without a sha256 holds it", held, STAGE_PATIENCE_S)
    play.screen.say(f"              {status['message']}")
    play.check(status["phase"] == "Paper", "the policy stays in paper")
    play.desk.contract("handed-over", artifacts=[artifact | {"sha256": "6f3b1c8a" * 8}])
    play.reaches("Shadow", STAGE_PATIENCE_S)


ACTS = (
    Act(1, "a candidate earns its way to live", earns_its_way),
    Act(5, "the operator is killed while the candidate quotes", operator_dead, needs=(1,)),
    Act(2, "a subtly worse candidate is stopped in paper", worse),
    Act(3, "a dangerous candidate breaches in canary", dangerous),
    Act(4, "the kill switch acts while the operator is down", kill_switch),
    Act(6, "an unmet hand-over contract holds the candidate in paper", contract),
)
"""In the order of play: act 5 needs the live candidate of act 1, which act 2 replaces."""

REPORT = 7
"""Number of the report, which follows whatever was played."""


def chosen(number: int | None) -> tuple[Act, ...]:
    """What is played for ``ACT=number``: that act after those it needs. None: all. Raises ClusterError."""
    if number is None:
        return ACTS
    if number == REPORT:
        return chosen(1)
    act = next((act for act in ACTS if act.number == number), None)
    if act is None:
        raise ClusterError("demo", f"ACT={number} must be 1 to {REPORT}")
    return (*(other for other in ACTS if other.number in act.needs), act)


def opened(play: Play, *, anew: bool = False) -> None:
    """Apply everything and wait until the baseline quotes; nothing where that has been done.

    anew: with a desk that nothing has been tried on. Each further attempt of a policy spends less alpha.
    """
    if play.desk.is_open and not anew:
        return
    play.desk.open()
    play.until(
        "everything applied, the sidecar injected, the app quotes the baseline",
        lambda: _mode(play, "Active"),
        600.0,
    )


def _propose(play: Play, candidate: Mapping[str, Any]) -> None:
    """Propose another candidate. A live one is not dropped by an edit for another: it goes first."""
    if play.desk.status().get("stage") == "Live":
        play.desk.propose(None)
        play.reaches("Baseline", REACTION_PATIENCE_S)
    before = (play.desk.status().get("effective") or {}).get("digest", "")
    play.desk.propose(dict(candidate))

    def taken() -> bool:
        status = play.status()
        return status.get("stage") == "Paper" and status["effective"]["digest"] != before

    play.until(
        f"candidate {candidate['model']} proposed: its attempt begins in paper", taken, REACTION_PATIENCE_S
    )


def _digest(play: Play) -> str:
    return str(play.status()["effective"]["digest"])


def _mode(play: Play, mode: str) -> bool:
    app = play.app()
    return app is not None and app.mode == mode


def _candidate_quotes(play: Play) -> None:
    def quotes() -> bool:
        app = play.app()
        return app is not None and app.arm == "candidate"

    play.until("the app carries out the candidate's quotes", quotes, REACTION_PATIENCE_S)


def _told(play: Play, asked: float, mode: str) -> float:
    def seconds() -> float | None:
        return venue_line.seconds_to(play.desk.venue(200), asked, mode=mode)

    return play.wait(f"the app is {mode}", seconds, REACTION_PATIENCE_S)


def _without_candidate(play: Play) -> list[venue_line.VenueLine] | None:
    lines = play.desk.venue(200)
    last = venue_line.last_of(lines, "candidate")
    return lines if lines and (last is None or lines[-1].at - last > 2 * 10.0) else None


def _last_breach(play: Play) -> float:
    return max((line.at for line in play.desk.venue(200) if line.breaches), default=0.0)
