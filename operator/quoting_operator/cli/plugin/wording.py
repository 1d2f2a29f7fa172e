"""From what a user asks to a command: which digest it is about, and what has to be said with it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from quoting_operator.api.command import WITHOUT_REASON, Command, Verb
from quoting_operator.api.status import CommandStatus, PolicyStatus
from quoting_operator.cli.plugin.errors import PluginError
from quoting_operator.cli.plugin.words import short
from quoting_policy.errors import InputError

_LONGEST_REASON = 1024
_WHOLE = re.compile("[0-9a-f]{64}")
_OF_CANDIDATE = frozenset({Verb.PROMOTE, Verb.ABORT, Verb.RETRY, Verb.REHEARSE, Verb.ATTEST})
"""Verbs that are about the candidate at hand."""


def needs_reason(verb: Verb) -> bool:
    """Whether the command must say why."""
    return verb not in WITHOUT_REASON


def worded(
    verb: Verb, *, identity: str, by: str, reason: str, digest: str = "", criterion: str = ""
) -> Command:
    """The command. Raises InputError where it would be refused for what it leaves out."""
    reason = " ".join(reason.split())
    if needs_reason(verb) and not reason:
        raise InputError("--reason", reason, "given", f"{verb} is put on record: say why")
    if len(reason) > _LONGEST_REASON:
        raise InputError("--reason", f"{len(reason)} characters", f"at most {_LONGEST_REASON}")
    if verb is Verb.ATTEST and not criterion:
        raise InputError("--criterion", criterion, "the name of an exit criterion")
    return Command(verb=verb, id=identity, by=by, reason=reason, digest=digest, criterion=criterion)


def meant_digest(verb: Verb, given: str, status: PolicyStatus, *, baseline: str = "") -> str:
    """The digest that a command is about, given in full, by its beginning, or not at all.

    baseline: sha256 of the content that spec.baseline has, for approve-baseline. Raises PluginError where
    nothing or more than one thing can be meant.
    """
    if verb in (Verb.PAUSE, Verb.RESUME):
        return ""
    if _WHOLE.fullmatch(given):
        return given
    known = _known(verb, status, baseline)
    if given:
        return _completed(given, known)
    if len(known) == 1:
        return known[0]
    if not known:
        raise PluginError(_NOTHING.get(verb, "there is no candidate"))
    raise PluginError(f"--digest: say which: {', '.join(map(short, known))}")


_NOTHING = {
    Verb.UNQUARANTINE: "nothing is quarantined",
    Verb.APPROVE_BASELINE: "spec.baseline cannot be read",
}


def _known(verb: Verb, status: PolicyStatus, baseline: str) -> list[str]:
    if verb in _OF_CANDIDATE:
        return [] if status.candidate is None else [status.candidate.digest]
    if verb is Verb.UNQUARANTINE:
        return [held.digest for held in status.quarantined]
    return [baseline] if baseline else []


def _completed(given: str, known: Iterable[str]) -> str:
    found = sorted(digest for digest in known if digest.startswith(given.lower()))
    if len(found) == 1:
        return found[0]
    names = ", ".join(map(short, known)) or "none"
    raise InputError("--digest", given, f"the beginning of one of: {names}")


def answer_to(command: Command, status: PolicyStatus) -> CommandStatus | None:
    """The operator's answer, None while there is none."""
    return next((c for c in status.commands if c.id == command.id), None)
