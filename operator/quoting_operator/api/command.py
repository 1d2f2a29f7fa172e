"""Commands: what people ask of a rollout besides its spec. Each names who, why and which digest.

A command is the annotation ``command.quoting.dev/<verb>`` of a QuotingPolicy, a JSON object. The admission
policy ``quoting-commands`` holds ``by`` to the name of the user who writes it, and asks for the verb itself
on quotingpolicies. The operator carries each ``id`` out once and answers in ``status.commands``.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from pydantic import Field, ValidationError

from quoting_operator.api.schema import ApiModel, Text

PREFIX = "command.quoting.dev/"


class Verb(StrEnum):
    """What can be asked for; also the RBAC verb on quotingpolicies that it takes."""

    PROMOTE = "promote"
    """Let this very digest go on from a canary step that waits for a person."""
    PAUSE = "pause"
    """Do not advance. Guarding goes on."""
    RESUME = "resume"
    """Advance again."""
    ABORT = "abort"
    """Take this digest out of the market and quarantine it."""
    RETRY = "retry"
    """Begin a new attempt of this digest, after it has expired or lost its measurements."""
    UNQUARANTINE = "unquarantine"
    """Let a quarantined digest begin again. Breaches before that moment count no more."""
    REHEARSE = "rehearse"
    """Rehearse a rollback once more, in shadow."""
    ATTEST = "attest"
    """State that an exit criterion which nothing here can check is met for this digest."""
    APPROVE_BASELINE = "approve-baseline"
    """Let the content with this sha256 become the baseline though no rollout has proven it."""


class Command(ApiModel):
    """One command."""

    verb: Verb
    id: str = Field(min_length=1, max_length=63)
    """Different for every command; the same one is carried out once."""
    by: str = Field(min_length=1, max_length=253)
    """The user who asks; the API server holds it to the user's name."""
    reason: Text = ""
    """Why; needed for all but pause, resume and rehearse."""
    digest: str = Field(default="", pattern="^([0-9a-f]{64})?$")
    """Digest that it is about; for approve-baseline the sha256 of an arm's content."""
    criterion: str = Field(default="", max_length=63)
    """Exit criterion, for attest."""


def commands_of(annotations: Mapping[str, str]) -> tuple[tuple[Command, ...], tuple[str, ...]]:
    """The commands on an object, and a sentence for each that cannot be read."""
    found, unread = [], []
    for key in sorted(annotations):
        if not key.startswith(PREFIX):
            continue
        try:
            found.append(Command.model_validate_json(annotations[key]))
            if found[-1].verb != key.removeprefix(PREFIX):
                unread.append(f"annotation {key}: its verb is {found.pop().verb}")
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            unread.append(f"annotation {key}: {where or 'content'}: {first['msg']}")
    return tuple(found), tuple(unread)
