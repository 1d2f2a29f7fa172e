"""Authority allows, never forces, and silence ends it."""

from __future__ import annotations

import msgspec
import pytest

from quoting_policy.domain import Arm, ArmSpec, Authority, Limits, Stage
from quoting_policy.errors import InputError
from tests.unit.engine.desk import SECOND, STATE, WIDE, Desk, prices, revision


def test_silence_means_baseline_as_soon_as_the_lifetime_is_over():
    desk = Desk()
    desk.allow(lifetime_s=15.0)
    desk.wait(14.999)
    assert desk.ask().arm is Arm.CANDIDATE
    desk.wait(0.001)
    assert desk.ask().reasons == ("no_authority",)


def test_a_renewal_counts_from_when_the_agent_saw_it_not_from_when_it_arrived():
    desk = Desk()
    authority = Authority(digest=desk.digest, stage=Stage.LIVE, exposure_percent=100, lifetime_s=15.0)
    seen_ns = desk.now_ns
    desk.wait(20.0)
    desk.engine.authorise(authority, seen_ns=seen_ns, **desk.clock)
    assert desk.ask().arm is Arm.BASELINE


def test_a_reading_from_the_future_is_refused():
    desk = Desk()
    authority = Authority(digest=desk.digest, stage=Stage.LIVE, exposure_percent=100)
    with pytest.raises(InputError, match="seen_ns"):
        desk.engine.authorise(authority, seen_ns=desk.now_ns + SECOND, **desk.clock)
    assert desk.ask().arm is Arm.BASELINE


def test_a_small_lead_of_the_agents_clock_does_not_prolong_life():
    desk = Desk()
    authority = Authority(digest=desk.digest, stage=Stage.LIVE, exposure_percent=100, lifetime_s=1.0)
    desk.engine.authorise(authority, seen_ns=desk.now_ns + 1000, **desk.clock)
    desk.wait(1.0)
    assert desk.ask().arm is Arm.BASELINE


def test_authority_for_another_digest_is_none():
    desk = Desk()
    desk.allow(digest="f" * 64)
    assert desk.ask().reasons == ("no_authority",)


def test_a_ghost_with_an_older_fencing_number_is_refused():
    desk = Desk()
    desk.allow(fencing=7)
    with pytest.raises(InputError, match="fencing"):
        desk.allow(fencing=6)
    desk.allow(fencing=8)


def test_a_revocation_acts_at_once():
    desk = Desk()
    desk.allow()
    desk.engine.revoke(now_ns=desk.now_ns)
    assert desk.ask().arm is Arm.BASELINE


def test_a_new_revision_needs_new_authority_and_keeps_position_and_orders():
    desk = Desk()
    desk.allow()
    assert prices(desk.ask()) == ([196], [204])
    desk.engine.position("X", 3.0)
    narrow = ArmSpec(model="FixedSpread", params={"halfSpread": 0.5, "qty": 2})
    changed = revision(candidate=narrow)
    desk.digest = desk.engine.configure(changed, **desk.clock)
    assert desk.ask().reasons == ("no_authority",)
    assert desk.engine.books["X"].ledger.total.inventory == 3.0
    desk.allow()
    assert desk.ask().arm is Arm.CANDIDATE


def test_authority_may_come_before_its_revision():
    desk = Desk()
    narrow = ArmSpec(model="FixedSpread", params={"halfSpread": 0.5, "qty": 2})
    changed = revision(candidate=narrow)
    desk.digest = changed.digest()
    desk.allow(Stage.CANARY, 100.0, block_length_s=60.0, washout_s=0.0)
    assert desk.ask().reasons == ("no_authority",)
    desk.engine.configure(changed, **desk.clock)
    assert desk.ask().arm is Arm.CANDIDATE


def test_a_renewal_does_not_forget_what_was_counted_for_a_rate():
    desk = Desk(limits=Limits(max_quote_rate=1))
    desk.allow(fencing=1)
    assert desk.ask().bids
    desk.allow(fencing=2)
    moved = msgspec.structs.replace(STATE, mid=101.0, best_bid=100.5, best_ask=101.5)
    assert desk.ask(moved).clamps_bound == ("quote_rate",)


def test_a_revision_that_cannot_run_changes_nothing():
    desk = Desk()
    desk.allow()
    for broken in (
        revision(candidate=ArmSpec(model="NoSuchModel")),
        revision(baseline=ArmSpec(model="FixedSpread", params={"halfSpread": -1})),
    ):
        with pytest.raises(InputError):
            desk.engine.configure(broken, **desk.clock)
        assert desk.ask().arm is Arm.CANDIDATE
    assert desk.engine.control.digest == desk.digest


def test_pushed_limits_only_tighten_and_at_once():
    desk = Desk(limits=Limits(max_order_qty=2))
    desk.engine.tighten(Limits(max_order_qty=1))
    assert [level.qty_lots for level in desk.ask().bids] == [1]
    desk.engine.tighten(Limits(max_order_qty=50))
    assert [level.qty_lots for level in desk.ask().bids] == [2]


def test_a_small_exposure_scales_the_candidates_orders_and_what_it_may_build():
    desk = Desk(
        limits=Limits(max_position=100, max_order_qty=50),
        candidate=msgspec.structs.replace(WIDE, params={"halfSpread": 2.0, "qty": 50}),
    )
    desk.allow(Stage.CANARY, 50.0, block_length_s=60.0, washout_s=0.0)
    while (decision := desk.ask()).arm is not Arm.CANDIDATE:
        desk.wait(5.0)
        desk.allow(Stage.CANARY, 50.0, block_length_s=60.0, washout_s=0.0)
    assert [level.qty_lots for level in decision.bids] == [25]
    assert desk.engine.books["X"].candidate_position == 50


def test_at_the_smallest_exposure_one_smallest_order_is_left():
    desk = Desk(limits=Limits(max_position=5, max_order_qty=2))
    desk.allow(Stage.CANARY, 5.0, block_length_s=600.0, washout_s=5.0)
    book = desk.engine.books["X"]
    assert (book.scaled.limits.max_order_qty, book.candidate_position) == (1.0, 1.0)
