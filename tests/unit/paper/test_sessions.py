"""Sessions are cut by time; what was used for fitting is no evidence."""

from __future__ import annotations

import pytest
import yaml

from quoting_policy.errors import InputError
from quoting_policy.paper.sessions import from_list, open_recording, split
from tests.unit.paper.market import DESK, market

SECOND = 1_000_000_000


def listed(folder, *entries):
    path = folder / "sessions.yaml"
    path.write_text(yaml.safe_dump([{"tape": "market", **entry} for entry in entries]))
    return path


@pytest.fixture
def recording(tmp_path):
    return open_recording(market(tmp_path))


def test_windows_are_equally_long_follow_each_other_and_leave_out_the_warm_up(recording):
    first, second = split([recording], 2, DESK)
    assert first.end_ns <= second.start_ns < second.evidence_ns
    assert first.evidence_ns - first.start_ns >= 20 * SECOND
    for session in (first, second):
        assert session.evidence_ns % session.block_ns == session.end_ns % session.block_ns == 0
        assert session.blocks == (session.end_ns - session.evidence_ns) // session.block_ns >= 2


def test_too_many_windows_are_refused_with_the_length_that_is_needed(recording):
    with pytest.raises(InputError, match="35 s are needed"):
        split([recording], 5, DESK)


def test_a_session_of_more_blocks_than_the_message_holds_is_refused(recording):
    with pytest.raises(InputError, match="at most 40 blocks"):
        split([recording], 1, DESK.model_copy(update={"block_s": 1.0}))


def test_a_list_keeps_its_evidence_in_order_and_drops_what_was_fitted(recording, tmp_path):
    path = listed(
        tmp_path,
        {"start": 0, "end": 40, "usedFor": "fit"},
        {"start": 40, "end": 85, "usedFor": "evidence", "name": "late"},
    )
    (session,) = from_list([recording], path, DESK)
    assert (session.index, session.name, session.start_ns) == (0, "late", 40 * SECOND)


def entry(start, end, used_for="evidence"):
    return {"start": start, "end": end, "usedFor": used_for}


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ([entry(0, 50, "fit"), entry(40, 90)], "used for fitting"),
        ([entry(40, 90), entry(0, 50, "fit")], "used for fitting"),
        ([entry(0, 50), entry(40, 90)], "counted already"),
        ([entry(0, 50, "fit")], "one evidence session or more"),
        ([entry(50, 10)], "> start"),
        ([{"start": 0, "end": 50}], "Field required"),
        ([{"tape": "other", **entry(0, 50, "fit")}], "one of market"),
    ],
)
def test_a_list_that_would_not_be_new_evidence_is_refused(recording, tmp_path, entries, reason):
    with pytest.raises(InputError, match=reason):
        from_list([recording], listed(tmp_path, *entries), DESK)


def test_a_copy_of_a_tape_under_another_name_is_the_same_history(recording, tmp_path):
    other = open_recording(market(tmp_path, name="copy"))
    path = listed(
        tmp_path,
        {"start": 0, "end": 50, "usedFor": "fit"},
        {"tape": "copy", "start": 40, "end": 90, "usedFor": "evidence"},
    )
    with pytest.raises(InputError, match="used for fitting"):
        from_list([recording, other], path, DESK)
