"""Who may quote, kept up to date: revision, kill switch, latch and authority."""

from __future__ import annotations

from collections import Counter

from quoting_policy.clamps.precedence import Standing, choose
from quoting_policy.domain import Arm, Authority, Kill, KillAction, Stage
from quoting_policy.domain.clock import NEVER_NS
from quoting_policy.engine.latch import Latch, Latched
from quoting_policy.errors import InputError

SKEW_NS = 50_000_000
"""How far an agent's reading of the shared monotonic clock may be ahead of ours."""


class Control:
    """The state that the precedence rules look at, and what they say for either slot.

    What holds in either arm's slot is worked out when something changes or expires, not for each request.
    version: rises whenever it changes, so that apps can be told. breaches: how often each. news: latches
    that nobody has been told of yet.
    """

    def __init__(self, latch: Latch) -> None:
        self.latch = latch
        self.digest = ""
        self.has_candidate = False
        self.kill: Kill | None = None
        self.draining = False
        self.authority: Authority | None = None
        self.expires_ns = 0
        self.review_at_ns = NEVER_NS
        self.version = 0
        self.breaches: Counter[str] = Counter()
        self.news: list[Latched] = []
        self.in_baseline_slot = self.in_candidate_slot = choose(Standing())
        self.review(0)

    def review(self, now_ns: int) -> None:
        """Work out again who may quote, and until when that holds (monotonic ns)."""
        stage = self.stage(now_ns)
        self.review_at_ns = NEVER_NS if stage is None else self.expires_ns
        latched = self.latch.held(self.digest)
        standing = {
            arm: Standing(
                configured=bool(self.digest),
                draining=self.draining,
                kill=None if self.kill is None else self.kill.action,
                has_candidate=self.has_candidate,
                latched=None if latched is None else ",".join(latched.breaches),
                stage=stage,
                slot_arm=arm,
            )
            for arm in Arm
        }
        baseline, candidate = choose(standing[Arm.BASELINE]), choose(standing[Arm.CANDIDATE])
        if (baseline, candidate) != (self.in_baseline_slot, self.in_candidate_slot):
            self.in_baseline_slot, self.in_candidate_slot = baseline, candidate
            self.version += 1
        self.shadowing = (
            stage is Stage.SHADOW and self.in_candidate_slot.rule == "shadow" and self.has_candidate
        )
        self.exposed = self.in_candidate_slot.arm is Arm.CANDIDATE

    def stage(self, now_ns: int) -> Stage | None:
        """What a live authority for the digest at hand allows."""
        authority = self.authority
        if authority is None or authority.digest != self.digest or now_ns >= self.expires_ns:
            return None
        return authority.stage

    def authorise(self, authority: Authority, seen_ns: int, now_ns: int) -> bool:
        """Take a renewal that the agent saw at ``seen_ns`` of the shared monotonic clock.

        It lives from then on, never longer. Says whether the terms changed. Raises InputError for a stale
        fencing number and for a reading from the future.
        """
        if self.authority is not None and authority.fencing < self.authority.fencing:
            raise InputError("authority.fencing", authority.fencing, f">= {self.authority.fencing}")
        if seen_ns > now_ns + SKEW_NS:
            raise InputError("authority.seen_ns", seen_ns, f"<= now ({now_ns} ns)")
        before, self.authority = self.authority, authority
        self.expires_ns = min(seen_ns, now_ns) + round(authority.lifetime_s * 1e9)
        self.review(now_ns)
        return before is None or _terms(before) != _terms(authority)

    def breach(
        self, breaches: tuple[str, ...], instrument: str, *, now_ns: int, wall_ns: int, drill: bool = False
    ) -> None:
        """The candidate has breached, or this is a drill: it is shut out until a person lets it in again."""
        self.breaches.update(breaches)
        latched = Latched(
            digest=self.digest,
            breaches=tuple(dict.fromkeys(breaches)),
            instrument=instrument,
            wall_ns=wall_ns,
            drill=drill,
        )
        if self.latch.set(latched):
            self.news.append(latched)
            self.review(now_ns)

    def engage(self, kill: Kill, now_ns: int) -> None:
        """Take the state of the kill switches."""
        self.kill = kill
        self.review(now_ns)

    @property
    def kill_engaged(self) -> bool:
        """Whether a kill switch is known to be engaged."""
        return self.kill is not None and self.kill.action is not KillAction.NONE


def _terms(authority: Authority) -> tuple[object, ...]:
    """What a renewal may change besides the time it gives."""
    return authority.digest, authority.stage, authority.exposure_percent, authority.schedule()
