"""A latched breach stays, through restarts and failing disks, until a person releases it."""

from __future__ import annotations

import pytest

from quoting_policy.domain import Arm, Stage
from quoting_policy.engine import Latch, Latched
from quoting_policy.engine.latch import MOST, UNREADABLE
from quoting_policy.errors import InputError
from tests.unit.engine.desk import Desk


def breach(digest="d1", **changes):
    fields = {"digest": digest, "breaches": ("exception",), "instrument": "X", "wall_ns": 1}
    return Latched(**(fields | changes))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "latch.json"


def test_a_latch_survives_a_restart(path):
    latch = Latch(path)
    latch.set(breach())
    assert latch.flush()
    assert Latch(path).held("d1") == breach()
    assert Latch(path).held("d2") is None


def test_the_death_of_the_process_right_after_a_breach_does_not_lose_it(path):
    Latch(path).set(breach())
    assert Latch(path).held("d1") == breach()


def test_a_release_is_remembered_too(path):
    latch = Latch(path)
    latch.set(breach())
    latch.release("d1")
    assert Latch(path).held("d1") is None


def test_an_engine_that_restarts_keeps_the_candidate_out(path):
    before = Desk(Latch(path))
    before.engine.control.latch.set(breach(before.digest))
    before.engine.control.latch.flush()
    after = Desk(Latch(path))
    after.allow()
    decision = after.ask()
    assert (decision.arm, decision.reasons) == (Arm.BASELINE, ("latched_breach",))


def test_a_disk_that_refuses_costs_no_latch_and_is_tried_again(tmp_path):
    folder = tmp_path / "not_yet_there"
    latch = Latch(folder / "latch.json")
    latch.set(breach())
    assert not latch.flush()
    assert not latch.flush()
    assert latch.write_failures == 3
    assert latch.held("d1") == breach()
    folder.mkdir()
    assert latch.flush()
    assert Latch(folder / "latch.json").held("d1") == breach()


@pytest.mark.parametrize("content", [b"", b"{", b"[{}]", b"\xff\xfe"])
def test_a_file_that_cannot_be_read_latches_everything(path, content):
    path.write_bytes(content)
    latch = Latch(path)
    assert latch.held("whatever").breaches == (UNREADABLE,)
    assert latch.release("whatever")
    assert latch.held("whatever") is None


def test_the_first_breach_of_a_digest_is_the_one_that_is_kept():
    latch = Latch()
    assert latch.set(breach(wall_ns=1))
    assert not latch.set(breach(wall_ns=2))
    assert latch.held("d1").wall_ns == 1


def test_a_real_breach_takes_the_place_of_a_drill_and_not_the_other_way_round():
    latch = Latch()
    latch.set(breach(drill=True))
    assert latch.set(breach(drill=False))
    assert not latch.set(breach(drill=True))
    assert not latch.held("d1").drill


def test_old_latches_make_room_for_new_ones():
    latch = Latch()
    for number in range(MOST + 1):
        latch.set(breach(f"d{number}"))
    assert latch.held("d0") is None
    assert len(latch.all()) == MOST


def test_a_release_lets_the_candidate_quote_again():
    desk = Desk()
    desk.allow()
    desk.engine.control.latch.set(breach(desk.digest))
    desk.engine.control.review(desk.now_ns)
    assert desk.ask().arm is Arm.BASELINE
    assert desk.engine.release(desk.digest, now_ns=desk.now_ns)
    assert desk.ask().arm is Arm.CANDIDATE
    assert not desk.engine.release(desk.digest, now_ns=desk.now_ns)


def test_a_drill_latches_as_a_breach_would_and_only_in_shadow():
    desk = Desk()
    with pytest.raises(InputError, match="Shadow"):
        desk.engine.drill(desk.digest, **desk.clock)
    desk.allow(Stage.SHADOW)
    with pytest.raises(InputError, match="digest"):
        desk.engine.drill("another", **desk.clock)
    desk.engine.drill(desk.digest, **desk.clock)
    assert desk.ask().reasons == ("latched_breach",)
    assert [latched.drill for latched in desk.engine.control.news] == [True]
