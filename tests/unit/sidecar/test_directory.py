"""A folder as the source of truth: what each file means, and what its absence does."""

from __future__ import annotations

import os
import time

import msgspec
import pytest

from quoting_policy.domain import Authority, Frozen, Kill, KillAction, Limits, Stage
from quoting_policy.protocol.control import Authorise, Configure, Drill, Engage, Release, Revoke, Tighten
from quoting_policy.sidecar.directory import DirectorySource
from tests.unit.engine.desk import revision

AUTHORITY = Authority(digest="d", stage=Stage.SHADOW)


@pytest.fixture
def put(tmp_path):
    def write(name, content):
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else msgspec.json.encode(content))
        return tmp_path / name

    return write


@pytest.fixture
def source(tmp_path):
    return DirectorySource(tmp_path)


def test_each_file_becomes_its_instruction_and_only_when_it_changes(source, put):
    assert list(source.changes()) == []
    frozen, kill, limits = Frozen.of(revision()), Kill(action=KillAction.NONE), Limits(max_position=1)
    put("revision.json", frozen)
    put("kill.json", kill)
    put("limits.json", limits)
    put("release.json", {"digest": "d", "reason": "r"})
    put("drill.json", {"digest": "d"})
    assert list(source.changes()) == [
        Engage(kill),
        Configure(frozen),
        Tighten(limits),
        Release("d", "r"),
        Drill("d"),
    ]
    assert list(source.changes()) == []
    assert source.problem() == ""


def test_the_kill_state_is_told_before_what_it_governs(source, put):
    put("authority.json", AUTHORITY)
    put("revision.json", Frozen.of(revision()))
    put("kill.json", Kill(action=KillAction.HALT))
    assert [type(instruction) for instruction in source.changes()] == [Engage, Configure, Authorise]


def test_a_renewal_counts_from_when_the_file_was_written(source, put):
    path = put("authority.json", AUTHORITY)
    ten_seconds_ago = time.time() - 10
    os.utime(path, (ten_seconds_ago, ten_seconds_ago))
    (renewal,) = source.changes()
    age_s = (time.monotonic_ns() - renewal.seen_ns) / 1e9
    assert 9.9 < age_s < 60


def test_a_file_from_the_future_is_as_good_as_one_written_now(source, put):
    path = put("authority.json", AUTHORITY)
    os.utime(path, (time.time() + 1000, time.time() + 1000))
    (renewal,) = source.changes()
    assert renewal.seen_ns <= time.monotonic_ns()


def test_touching_the_authority_renews_it_and_deleting_it_revokes(source, put):
    path = put("authority.json", AUTHORITY)
    assert len(list(source.changes())) == 1
    os.utime(path, (time.time() + 1, time.time() + 1))
    assert [type(instruction) for instruction in source.changes()] == [Authorise]
    path.unlink()
    assert list(source.changes()) == [Revoke()]
    assert list(source.changes()) == []


@pytest.mark.parametrize("content", [b"", b"{", b'{"action": "Perhaps"}', b"[]"])
def test_a_kill_file_that_cannot_be_read_means_baseline(source, put, content):
    put("kill.json", content)
    (engage,) = source.changes()
    assert engage.kill.action is KillAction.BASELINE
    assert "kill.json" in source.problem()


def test_an_authority_that_cannot_be_read_is_none(source, put):
    put("authority.json", AUTHORITY)
    list(source.changes())
    put("authority.json", {"digest": "d", "stage": "Shadow", "lifetime_s": 1e9})
    assert list(source.changes()) == [Revoke()]


def test_a_release_that_was_there_before_us_is_not_carried_out_again(put, tmp_path):
    put("release.json", {"digest": "d", "reason": "last month"})
    source = DirectorySource(tmp_path)
    assert list(source.changes()) == []
    put("release.json", {"digest": "d", "reason": "today, again"})
    assert list(source.changes()) == [Release("d", "today, again")]


def test_what_is_missing_is_said(source, tmp_path):
    list(source.changes())
    assert source.problem() == "; ".join(
        f"{name} is missing from {tmp_path}" for name in ("kill.json", "revision.json")
    )
