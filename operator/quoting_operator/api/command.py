"""Commands: what people ask of a rollout besides its spec. Each names who, why and which digest.

A command is a pair of annotations of a QuotingPolicy: ``command.quoting.dev/<verb>``, a JSON object, and
``command.quoting.dev/<verb>.by``, the name of the user who asks. The name stands by itself because CEL reads
no JSON: the admission policy ``quoting-commands`` holds it to the user who writes, and asks for the verb
itself on quotingpolicies. The operator carries each ``id`` out once and answers in ``status.commands``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum

from pydantic import Field, ValidationError

from quoting_operator.api.schema import ApiModel, Text

PREFIX = "command.quoting.dev/"
BY = ".by"
"""End of the annotation with the user's name."""


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


WITHOUT_REASON = frozenset({Verb.PAUSE, Verb.RESUME, Verb.REHEARSE})
"""Verbs that need no reason."""


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

    def annotations(self) -> dict[str, str]:
        """The pair of annotations that says it."""
        said = self.model_dump(mode="json", by_alias=True, exclude={"by"}, exclude_defaults=True)
        key = PREFIX + self.verb
        return {key: json.dumps(said, ensure_ascii=False, separators=(",", ":")), key + BY: self.by}


def commands_of(annotations: Mapping[str, str]) -> tuple[tuple[Command, ...], tuple[str, ...]]:
    """The commands on an object, and a sentence for each that cannot be read."""
    found, unread = [], []
    for key in sorted(annotations):
        if not key.startswith(PREFIX) or key.endswith(BY):
            continue
        try:
            found.append(_read(annotations, key))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            unread.append(f"annotation {key}: {where or 'content'}: {first['msg']}")
        except ValueError as error:
            unread.append(f"annotation {key}: {error}")
    return tuple(found), tuple(unread)


def _read(annotations: Mapping[str, str], key: str) -> Command:
    said = json.loads(annotations[key])
    if not isinstance(said, dict):
        raise ValueError("its content must be a JSON object")
    if "by" in said:
        raise ValueError(f"its by must be left out; annotation {key}{BY} says who asks")
    command = Command.model_validate({**said, "by": annotations.get(key + BY, "")})
    if command.verb != key.removeprefix(PREFIX):
        raise ValueError(f"its verb is {command.verb}")
    return command
