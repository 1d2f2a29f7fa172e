"""Commands as annotations."""

from __future__ import annotations

import json

import pytest

from quoting_operator.api.command import Command, Verb, commands_of

ABORT = Command(verb=Verb.ABORT, id="1", by="ann", reason="fills look wrong", digest="d" * 64)


@pytest.mark.parametrize(
    "command",
    [
        ABORT,
        Command(verb=Verb.PAUSE, id="2", by="CN=ann,O=desk"),
        Command(verb=Verb.APPROVE_BASELINE, id="3", by="system:serviceaccount:ci:bot", reason='§ "x"'),
        Command(verb=Verb.ATTEST, id="4", by="ann", reason="read it", digest="e" * 64, criterion="reviewed"),
    ],
)
def test_a_command_survives_being_written_and_read(command: Command) -> None:
    assert commands_of({**command.annotations(), "other/annotation": "x"}) == ((command,), ())


def test_who_asks_stands_by_itself() -> None:
    written = ABORT.annotations()
    assert written["command.quoting.dev/abort.by"] == "ann"
    assert "ann" not in written["command.quoting.dev/abort"]


@pytest.mark.parametrize(
    ("content", "by", "why"),
    [
        ('{"verb":"abort","id":"1"}', None, "by: String should have at least 1 character"),
        ('{"verb":"abort","id":"1","by":"ann"}', "ann", "its by must be left out"),
        ('{"verb":"promote","id":"1"}', "ann", "its verb is promote"),
        ('{"verb":"abort"}', "ann", "id: Field required"),
        ('{"verb":"abort","id":"1","digest":"d"}', "ann", "digest:"),
        ('{"verb":"abort","id":"1","whatever":1}', "ann", "whatever:"),
        ("[]", "ann", "its content must be a JSON object"),
        ("abort!", "ann", "Expecting value"),
    ],
)
def test_what_is_not_a_command_is_told_and_not_carried_out(content: str, by: str | None, why: str) -> None:
    annotations = {"command.quoting.dev/abort": content}
    if by is not None:
        annotations["command.quoting.dev/abort.by"] = by
    found, unread = commands_of(annotations)
    assert found == ()
    assert len(unread) == 1
    assert unread[0].startswith("annotation command.quoting.dev/abort: ")
    assert why in unread[0]


def test_a_name_without_a_command_is_nothing() -> None:
    assert commands_of({"command.quoting.dev/abort.by": "ann"}) == ((), ())


def test_one_unreadable_command_hides_no_other() -> None:
    pause = {"command.quoting.dev/pause": json.dumps({"verb": "stop"}), "command.quoting.dev/pause.by": "bob"}
    found, unread = commands_of({**pause, **ABORT.annotations()})
    assert found == (ABORT,)
    assert len(unread) == 1
