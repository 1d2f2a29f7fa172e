"""From what a user asks to a command."""

from __future__ import annotations

import pytest

from quoting_operator.api.command import Verb
from quoting_operator.api.status import PolicyStatus
from quoting_operator.cli.plugin.errors import PluginError
from quoting_operator.cli.plugin.wording import answer_to, meant_digest, worded
from quoting_policy.errors import InputError

A, B, C = "a" * 64, "ab" * 32, "c" * 64
QUARANTINED = [{"digest": digest, "reason": "breach", "at": "2026-11-20T00:00:00Z"} for digest in (A, B)]
STATUS = PolicyStatus.model_validate({"candidate": {"digest": C}, "quarantined": QUARANTINED})
NOTHING = PolicyStatus()


@pytest.mark.parametrize("verb", [Verb.PROMOTE, Verb.ABORT, Verb.RETRY, Verb.REHEARSE, Verb.ATTEST])
def test_a_command_is_about_the_candidate_at_hand(verb: Verb) -> None:
    assert meant_digest(verb, "", STATUS) == C
    assert meant_digest(verb, "cc", STATUS) == C
    with pytest.raises(InputError, match="the beginning of one of: cccccccccccc"):
        meant_digest(verb, "d", STATUS)
    with pytest.raises(PluginError, match="there is no candidate"):
        meant_digest(verb, "", NOTHING)


def test_another_digest_in_full_is_left_for_the_operator_to_refuse() -> None:
    assert meant_digest(Verb.ABORT, A, STATUS) == A


@pytest.mark.parametrize("verb", [Verb.PAUSE, Verb.RESUME])
def test_pausing_is_about_no_digest(verb: Verb) -> None:
    assert meant_digest(verb, "", STATUS) == ""


def test_one_of_several_quarantined_digests_has_to_be_named() -> None:
    with pytest.raises(PluginError, match="say which: aaaaaaaaaaaa, abababababab"):
        meant_digest(Verb.UNQUARANTINE, "", STATUS)
    assert meant_digest(Verb.UNQUARANTINE, "ab", STATUS) == B
    with pytest.raises(InputError):
        meant_digest(Verb.UNQUARANTINE, "a", STATUS)
    with pytest.raises(PluginError, match="nothing is quarantined"):
        meant_digest(Verb.UNQUARANTINE, "", NOTHING)


def test_a_baseline_is_approved_by_the_content_that_the_spec_has() -> None:
    assert meant_digest(Verb.APPROVE_BASELINE, "", NOTHING, baseline=A) == A
    assert meant_digest(Verb.APPROVE_BASELINE, B, NOTHING, baseline=A) == B


@pytest.mark.parametrize("verb", Verb)
def test_a_reason_is_asked_for_except_where_nothing_is_decided(verb: Verb) -> None:
    def said() -> str:
        return worded(verb, identity="1", by="ann", reason=" ", criterion="x").reason

    if verb in (Verb.PAUSE, Verb.RESUME, Verb.REHEARSE):
        assert said() == ""
    else:
        with pytest.raises(InputError, match=r"--reason: ' ?' must be given"):
            said()


def test_a_reason_stays_on_one_line_and_within_its_room() -> None:
    assert worded(Verb.PAUSE, identity="1", by="ann", reason="a\n b").reason == "a b"
    with pytest.raises(InputError, match="at most 1024"):
        worded(Verb.PAUSE, identity="1", by="ann", reason="x" * 2000)


def test_an_attestation_names_its_criterion() -> None:
    with pytest.raises(InputError, match="--criterion"):
        worded(Verb.ATTEST, identity="1", by="ann", reason="read it")


def test_only_the_answer_to_this_very_command_counts() -> None:
    asked = worded(Verb.PAUSE, identity="2", by="ann", reason="")
    answer = {"verb": "pause", "by": "ann", "at": "2026-11-20T00:00:00Z", "done": True}
    assert answer_to(asked, PolicyStatus.model_validate({"commands": [{**answer, "id": "1"}]})) is None
    found = answer_to(asked, PolicyStatus.model_validate({"commands": [{**answer, "id": "2"}]}))
    assert found is not None
    assert found.done
