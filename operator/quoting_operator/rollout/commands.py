"""Commands of people: each is carried out once, or refused with the reason, and answered in the status."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from quoting_operator.api.command import WITHOUT_REASON, Command, Verb, commands_of
from quoting_operator.api.status import (
    Approval,
    Attestation,
    CommandStatus,
    ReleasedDigest,
    RollbackReason,
    RolloutStage,
)
from quoting_operator.rollout.authority import out_of_market
from quoting_operator.rollout.decision import Draft, PostEvent, Reason
from quoting_operator.rollout.latches import rolled_back
from quoting_operator.rollout.observed import Observed

_MOST_RELEASED, _MOST_APPROVALS, _MOST_PROVEN, _MOST_ATTESTED = 16, 32, 16, 32


class RefusedError(Exception):
    """Why a command is not carried out."""


def abort(seen: Observed, draft: Draft, now: datetime) -> Draft:
    """Carry out an abort: it makes the market safer, so it comes before everything that could fail."""
    return _carried_out(seen, draft, now, {Verb.ABORT: _abort})


def commands(seen: Observed, draft: Draft, now: datetime) -> Draft:
    """Carry out all other commands."""
    _, unread = commands_of(seen.meta.annotations)
    draft = draft.finding(
        "CommandsReadable", not unread, "Unreadable" if unread else "Read", "; ".join(unread)
    )
    return _carried_out(seen, draft, now, _HANDLERS)


Handler = Callable[[Observed, Draft, Command, datetime], tuple[Draft, str]]


def _carried_out(seen: Observed, draft: Draft, now: datetime, handlers: dict[Verb, Handler]) -> Draft:
    for command in commands_of(seen.meta.annotations)[0]:
        handler = handlers.get(command.verb)
        if handler is None or any(c.id == command.id for c in draft.status.commands):
            continue
        try:
            _check_reason(command)
            draft, message = handler(seen, draft, command, now)
            draft = _answered(draft, command, now, message, done=True)
        except RefusedError as refused:
            draft = _answered(draft, command, now, str(refused), done=False)
    return draft


def _check_reason(command: Command) -> None:
    if not command.reason and command.verb not in WITHOUT_REASON:
        raise RefusedError(f"{command.verb} needs a reason")


def _answered(draft: Draft, command: Command, now: datetime, message: str, *, done: bool) -> Draft:
    answer = CommandStatus(
        verb=command.verb, id=command.id, by=command.by, reason=command.reason,
        at=now.replace(microsecond=0), done=done, message=message,
    )  # fmt: skip
    others = tuple(c for c in draft.status.commands if c.verb != command.verb)
    reason = Reason.COMMAND_DONE if done else Reason.COMMAND_REFUSED
    words = f"{command.verb} by {command.by}{f' ({command.reason})' if command.reason else ''}: {message}"
    return draft.status_with(commands=(*others, answer)).doing(PostEvent(reason, words, warning=not done))


def _at_hand(seen: Observed, command: Command) -> str:
    """The digest of the candidate at hand, which the command has to name."""
    pinned = seen.pinned
    if pinned is None or pinned.content.candidate is None:
        raise RefusedError("there is no candidate")
    if command.digest != pinned.digest:
        raise RefusedError(
            f"the candidate at hand is {pinned.digest[:12]}, not {command.digest[:12] or 'unnamed'}"
        )
    return pinned.digest


def _abort(seen: Observed, draft: Draft, command: Command, now: datetime) -> tuple[Draft, str]:
    digest = _at_hand(seen, command)
    if out_of_market(draft, digest):
        raise RefusedError("it is out of the market already")
    message = f"aborted by {command.by}: {command.reason}"
    return rolled_back(seen, draft, RollbackReason.ABORTED, message, now), "rolled back and quarantined"


def _promote(seen: Observed, draft: Draft, command: Command, now: datetime) -> tuple[Draft, str]:
    digest, status = _at_hand(seen, command), draft.status
    if status.stage is not RolloutStage.CANARY or status.step is None:
        raise RefusedError("only a canary step waits for consent; gates are passed by evidence alone")
    if any(a.digest == digest and a.step == status.step for a in status.approvals):
        raise RefusedError(f"step {status.step + 1} has consent already")
    given = Approval(
        digest=digest, step=status.step, by=command.by, reason=command.reason, at=now.replace(microsecond=0)
    )
    approvals = (*status.approvals, given)[-_MOST_APPROVALS:]
    return draft.status_with(approvals=approvals), f"step {status.step + 1} may be left once its gates pass"


def _pause(_seen: Observed, draft: Draft, command: Command, now: datetime) -> tuple[Draft, str]:
    held = CommandStatus(
        verb=command.verb, id=command.id, by=command.by, reason=command.reason,
        at=now.replace(microsecond=0), done=True,
    )  # fmt: skip
    return draft.status_with(paused=held), "the rollout does not advance; it is guarded as before"


def _resume(_seen: Observed, draft: Draft, _command: Command, _now: datetime) -> tuple[Draft, str]:
    if draft.status.paused is None:
        raise RefusedError("it was not paused by command; spec.paused is resumed by editing it")
    return draft.status_with(paused=None), "the rollout goes on"


def _retry(seen: Observed, draft: Draft, command: Command, _now: datetime) -> tuple[Draft, str]:
    digest, status = _at_hand(seen, command), draft.status
    if any(q.digest == digest for q in status.quarantined):
        raise RefusedError("it is quarantined; unquarantine it by name first")
    if not (status.expired or (status.rollback is not None and status.rollback.digest == digest)):
        raise RefusedError("it is under way")
    why = f"retry by {command.by}: {command.reason}"
    return draft.set(restart=why), f"attempt {status.attempt + 1} begins, at a smaller alpha"


def _unquarantine(seen: Observed, draft: Draft, command: Command, now: datetime) -> tuple[Draft, str]:
    status, digest = draft.status, command.digest
    if not any(q.digest == digest for q in status.quarantined):
        raise RefusedError(f"{digest[:12] or 'no digest'} is not quarantined")
    let_go = ReleasedDigest(
        digest=digest, by=command.by, reason=command.reason, at=now.replace(microsecond=0)
    )
    draft = draft.status_with(
        quarantined=tuple(q for q in status.quarantined if q.digest != digest),
        released=(*(r for r in status.released if r.digest != digest), let_go)[-_MOST_RELEASED:],
    )
    if seen.pinned is not None and seen.pinned.digest == digest:
        draft = draft.set(restart=f"unquarantined by {command.by}: {command.reason}")
    return draft, "let go; it begins again in paper, at a smaller alpha"


def _rehearse(seen: Observed, draft: Draft, command: Command, _now: datetime) -> tuple[Draft, str]:
    _at_hand(seen, command)
    if draft.status.stage is not RolloutStage.SHADOW:
        raise RefusedError("a rollback is rehearsed in shadow, where no quote is touched")
    if draft.status.rehearsal is not None and draft.status.rehearsal.running:
        raise RefusedError("a rehearsal is under way")
    return draft.status_with(rehearsal=None), "it begins"


def _attest(seen: Observed, draft: Draft, command: Command, now: datetime) -> tuple[Draft, str]:
    digest = _at_hand(seen, command)
    if not command.criterion:
        raise RefusedError("criterion must name an exit criterion of the ImplementationSpec")
    statement = Attestation(
        criterion=command.criterion, digest=digest, by=command.by, reason=command.reason,
        at=now.replace(microsecond=0),
    )  # fmt: skip
    others = tuple(a for a in draft.status.attested if a.criterion != command.criterion)
    draft = draft.status_with(attested=(*others, statement)[-_MOST_ATTESTED:])
    return draft, f"{command.criterion} counts as met"


def _approve_baseline(_seen: Observed, draft: Draft, command: Command, _now: datetime) -> tuple[Draft, str]:
    if not command.digest:
        raise RefusedError("digest must be the sha256 of the arm's content; `kubectl quoting diff` shows it")
    proven = tuple(p for p in draft.status.proven if p != command.digest)
    return (
        draft.status_with(proven=(*proven, command.digest)[-_MOST_PROVEN:]),
        "an arm of this content may become the baseline",
    )


_HANDLERS: dict[Verb, Handler] = {
    Verb.PROMOTE: _promote,
    Verb.PAUSE: _pause,
    Verb.RESUME: _resume,
    Verb.RETRY: _retry,
    Verb.UNQUARANTINE: _unquarantine,
    Verb.REHEARSE: _rehearse,
    Verb.ATTEST: _attest,
    Verb.APPROVE_BASELINE: _approve_baseline,
}
