"""The server survives its clients, whatever they send, and tells them what they need to know."""

from __future__ import annotations

import socket
import struct

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quoting_policy.domain import (
    Arm,
    ArmSpec,
    Fill,
    Frozen,
    Kill,
    KillAction,
    Limits,
    LiveOrder,
    Mode,
    Side,
    Stage,
)
from quoting_policy.protocol import MAX_FRAME, frame
from quoting_policy.protocol.control import (
    Authorise,
    BreachLatched,
    Configure,
    Done,
    Drill,
    Engage,
    EngineReply,
    Refused,
    Release,
    Revoke,
    Snapshot,
    TakeSnapshot,
    Tighten,
)
from quoting_policy.protocol.messages import (
    VERSION,
    Ask,
    EngineMessage,
    Error,
    ErrorCode,
    Filled,
    Hello,
    ModeChanged,
    Order,
    Quote,
    Welcome,
)
from quoting_policy.sidecar.connection import MAX_BACKLOG
from tests.unit.engine.desk import revision
from tests.unit.sidecar.rig import STATE, Peer, eventually

ASK = Ask(1, "X", STATE, 0)


@pytest.fixture
def app(threaded):
    threaded.set_up()
    peer = Peer(threaded.app, EngineMessage)
    assert isinstance(peer.ask(Hello(VERSION, "test")), Welcome)
    yield peer
    peer.close()


def prices(quote):
    return [level.price_ticks for level in quote.bids], [level.price_ticks for level in quote.asks]


def test_a_question_is_answered_with_its_number(app):
    answer = app.ask(msgspec.structs.replace(ASK, id=77))
    assert isinstance(answer, Quote)
    assert (answer.id, answer.arm, prices(answer)) == (77, Arm.BASELINE, ([198], [202]))


def test_before_a_revision_there_is_no_quote(threaded):
    peer = Peer(threaded.app, EngineMessage)
    welcome = peer.ask(Hello(VERSION))
    assert (welcome.mode, welcome.digest, welcome.instruments) == (Mode.NOT_CONFIGURED, "", ())
    answer = peer.ask(ASK)
    assert (answer.mode, answer.bids, answer.asks) == (Mode.NOT_CONFIGURED, (), ())


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"\xc1", ErrorCode.BAD_MESSAGE),
        (b"not msgpack at all", ErrorCode.BAD_MESSAGE),
        (msgspec.msgpack.encode(["nonsense", 1]), ErrorCode.BAD_MESSAGE),
        (msgspec.msgpack.encode(["quote", "x", "X", {}, 0]), ErrorCode.BAD_MESSAGE),
        (msgspec.msgpack.encode(["quote", 1, "X", {"mid": "high"}, 0]), ErrorCode.BAD_MESSAGE),
        (b"\x91" * 5000 + b"\xc0", ErrorCode.BAD_MESSAGE),
        (msgspec.msgpack.encode(["position", "nowhere", 1.0]), ErrorCode.BAD_VALUE),
        (msgspec.msgpack.encode(["position", "X", float("nan")]), ErrorCode.BAD_VALUE),
    ],
)
def test_a_bad_message_gets_a_typed_error_and_the_connection_goes_on(app, payload, code):
    app.sock.sendall(frame(payload))
    error = app.receive()
    assert isinstance(error, Error)
    assert error.code is code
    assert isinstance(app.ask(ASK), Quote)


@pytest.mark.parametrize("length", [0, MAX_FRAME + 1, 2**32 - 1])
def test_a_frame_of_an_impossible_length_ends_the_connection_with_a_reason(threaded, app, length):
    app.sock.sendall(struct.pack(">I", length) + b"xx")
    assert app.receive().code is ErrorCode.BAD_FRAME
    assert app.receive() is None
    other = Peer(threaded.app, EngineMessage)
    assert isinstance(other.ask(Hello(VERSION)), Welcome)


def test_questions_before_the_frame_that_breaks_the_stream_are_answered(app):
    app.sock.sendall(frame(msgspec.msgpack.encode(ASK)) + struct.pack(">I", 0))
    assert isinstance(app.receive(), Quote)
    assert app.receive().code is ErrorCode.BAD_FRAME


@pytest.mark.parametrize("first", [ASK, Hello(VERSION + 1)])
def test_a_peer_that_does_not_introduce_itself_properly_is_told_so(threaded, first):
    peer = Peer(threaded.app, EngineMessage)
    assert peer.ask(first).code is ErrorCode.BAD_VERSION
    assert isinstance(peer.ask(Hello(VERSION)), Welcome)


def test_a_question_that_comes_byte_by_byte_is_answered(app):
    for byte in frame(msgspec.msgpack.encode(ASK)):
        app.sock.sendall(bytes([byte]))
    assert isinstance(app.receive(), Quote)


def test_many_questions_at_once_are_answered_in_order(app):
    app.sock.sendall(
        b"".join(frame(msgspec.msgpack.encode(msgspec.structs.replace(ASK, id=n))) for n in range(1, 201))
    )
    assert [app.receive().id for _ in range(200)] == list(range(1, 201))


def test_a_client_that_does_not_read_is_cut_off_and_the_others_go_on(threaded, app):
    slow = Peer(threaded.app, EngineMessage)
    slow.ask(Hello(VERSION))
    question = frame(msgspec.msgpack.encode(ASK)) * 1000
    slow.sock.setblocking(False)

    def is_cut_off():
        try:
            slow.sock.send(question)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return False

    eventually(is_cut_off, "cutting off a client that does not read")
    assert MAX_BACKLOG < 2**30
    assert isinstance(app.ask(ASK), Quote)


def test_a_client_that_vanishes_takes_nobody_with_it(threaded, app):
    for _ in range(20):
        peer = Peer(threaded.app, EngineMessage)
        peer.send(Hello(VERSION))
        peer.send(ASK)
        # Reset, not closed: the server's answer has nowhere to go.
        peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.close()
    assert isinstance(app.ask(ASK), Quote)
    eventually(lambda: threaded.tell(TakeSnapshot()).connections == 1, "forgetting lost clients")


wild_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
tags = st.sampled_from(["hello", "market", "trade", "order", "closed", "fill", "position", "quote"])
wild_messages = st.one_of(
    st.binary(min_size=1, max_size=200),
    st.builds(
        lambda tag, rest: msgspec.msgpack.encode([tag, *rest]), tags, st.lists(wild_values, max_size=6)
    ),
    st.builds(
        lambda mid, bid, ask, held: msgspec.msgpack.encode(
            ["quote", 1, "X", {"mid": mid, "best_bid": bid, "best_ask": ask, "inventory": held}, 0]
        ),
        *[st.floats()] * 4,
    ),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(wild_messages, min_size=1, max_size=20), st.booleans())
def test_fuzzed_clients_never_kill_the_server(threaded, messages, framed):
    threaded.set_up()
    peer = Peer(threaded.app, EngineMessage)
    peer.ask(Hello(VERSION))
    stream = b"".join(frame(message) if framed else message for message in messages)
    try:
        peer.sock.sendall(stream)
        peer.sock.shutdown(socket.SHUT_WR)
        while peer.receive() is not None:
            pass
    except (BrokenPipeError, ConnectionResetError):
        pass
    peer.close()
    sane = Peer(threaded.app, EngineMessage)
    assert isinstance(sane.ask(Hello(VERSION)), Welcome)
    assert isinstance(sane.ask(ASK), Quote)
    sane.close()


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(min_size=1, max_size=100) | wild_values.map(msgspec.msgpack.encode), max_size=10))
def test_a_fuzzed_agent_is_refused_and_changes_nothing(threaded, messages):
    digest = threaded.set_up()
    agent = Peer(threaded.control, EngineReply)
    for message in messages:
        agent.sock.sendall(frame(message))
        assert isinstance(agent.receive(), Refused)
    agent.close()
    assert threaded.tell(TakeSnapshot()).digest == digest


def test_a_change_of_mode_is_pushed_to_every_connection(threaded):
    digest = threaded.set_up()
    apps = [Peer(threaded.app, EngineMessage) for _ in range(3)]
    for app in apps:
        app.ask(Hello(VERSION))
    threaded.tell(Engage(Kill(action=KillAction.HALT, reason="test")))
    for app in apps:
        assert app.receive() == ModeChanged(Mode.HALTED, None, digest, "kill_halt")


@pytest.fixture
def desk_of_two(threaded):
    """Two connections that quote X; the first reports its fills. Red zone from five lots on."""
    digest = threaded.set_up(revision(candidate=None, limits=Limits(max_position=10, reduce_only_at=0.5)))
    apps = [Peer(threaded.app, EngineMessage) for _ in range(2)]
    for app in apps:
        app.ask(Hello(VERSION))
        assert app.ask(ASK).mode is Mode.ACTIVE
    yield *apps, digest
    for app in apps:
        app.close()


def filled(side, price_ticks, lots):
    fill = Fill(order_id="a", ts_ns=0, side=side, price_ticks=price_ticks, qty_lots=lots, mid_before=100.0)
    return Filled("X", fill)


def bought(lots):
    return filled(Side.BID, 199, lots)


def sold(lots):
    return filled(Side.ASK, 201, lots)


def test_an_instrument_that_turns_reducing_is_told_to_all_who_quote_it(desk_of_two):
    first, second, digest = desk_of_two
    first.send(bought(5))
    turned = ModeChanged(Mode.REDUCING, Arm.BASELINE, digest, "zone", "X")
    assert (first.receive(), second.receive()) == (turned, turned)
    first.send(sold(1))
    back = ModeChanged(Mode.ACTIVE, Arm.BASELINE, digest, "", "X")
    assert (first.receive(), second.receive()) == (back, back)


def test_a_reply_that_turns_reducing_is_told_to_the_other_connection_too(desk_of_two):
    first, second, _ = desk_of_two
    told = Ask(2, "X", msgspec.structs.replace(STATE, inventory=7.0), 0)
    assert first.ask(told).mode is Mode.REDUCING
    assert second.receive().mode is Mode.REDUCING


def test_who_does_not_quote_an_instrument_is_not_told_of_it(desk_of_two, threaded):
    first, second, _ = desk_of_two
    other = Peer(threaded.app, EngineMessage)
    other.ask(Hello(VERSION))
    first.send(bought(5))
    assert second.receive().symbol == "X"
    assert isinstance(other.ask(ASK), Quote), "nothing was pushed before the answer"
    other.close()


def test_a_reducing_instrument_is_told_again_after_a_halt(desk_of_two, threaded):
    first, second, _ = desk_of_two
    first.send(bought(5))
    assert second.receive().mode is Mode.REDUCING
    threaded.tell(Engage(Kill(action=KillAction.HALT)))
    assert second.receive().mode is Mode.HALTED
    threaded.tell(Engage(Kill(action=KillAction.NONE)))
    assert (second.receive().mode, second.receive().mode) == (Mode.ACTIVE, Mode.REDUCING)


def test_authority_that_runs_out_is_told_without_being_asked(threaded, app):
    digest = threaded.engine.control.digest
    threaded.allow(digest, lifetime_s=0.2)
    assert app.receive().arm is Arm.CANDIDATE
    lapsed = app.receive()
    assert (lapsed.arm, lapsed.reason) == (Arm.BASELINE, "no_authority")


def test_a_revision_changes_between_two_requests_and_none_is_dropped(threaded, app):
    narrow = ArmSpec(model="FixedSpread", params={"halfSpread": 0.5, "qty": 2})
    agent = Peer(threaded.control, EngineReply)
    seen = set()
    for round_ in range(30):
        what = revision(baseline=narrow) if round_ % 2 else revision()
        agent.send(Configure(Frozen.of(what)))
        answers = []
        for n in range(20):
            app.send(msgspec.structs.replace(ASK, id=n))
        while len(answers) < 20:
            message = app.receive()
            if isinstance(message, Quote):
                answers.append(message)
        assert isinstance(agent.receive(), Done)
        assert [answer.id for answer in answers] == list(range(20))
        seen |= {str(prices(answer)) for answer in answers}
        assert all(answer.bids for answer in answers)
    assert len(seen) == 2


def test_the_control_channel_carries_out_or_refuses_with_a_reason(threaded):
    digest = threaded.set_up()
    assert isinstance(threaded.allow(digest, stage=Stage.SHADOW), Done)
    assert isinstance(threaded.tell(Drill(digest)), Done)
    assert threaded.tell(TakeSnapshot()).latched[0].drill
    assert "reason" in threaded.tell(Release(digest, "")).message
    assert isinstance(threaded.tell(Release(digest, "rehearsed")), Done)
    assert threaded.tell(TakeSnapshot()).latched == ()
    assert isinstance(threaded.tell(Tighten(None)), Done)
    assert isinstance(threaded.tell(Revoke()), Done)
    assert threaded.tell(TakeSnapshot()).stage == ""
    future = Authorise(threaded.engine.control.authority, threaded.engine.control.expires_ns + 10**12)
    assert "seen_ns" in threaded.tell(future).message


def test_a_breach_is_pushed_to_the_agent(threaded, app):
    digest = threaded.engine.control.digest
    threaded.allow(digest)
    assert app.receive().arm is Arm.CANDIDATE
    agent = Peer(threaded.control, EngineReply)
    assert isinstance(agent.ask(TakeSnapshot()), Snapshot)
    over = msgspec.structs.replace(STATE, inventory=11.0)
    app.send(msgspec.structs.replace(ASK, state=over))
    pushed = agent.receive()
    assert isinstance(pushed, BreachLatched)
    assert (pushed.digest, pushed.breaches, pushed.drill) == (digest, ("position",), False)


def test_own_orders_and_fills_are_accounted_under_the_arm_that_quoted(threaded, app):
    order = LiveOrder(
        order_id="a", side=Side.BID, price_ticks=198, qty_lots=2, placed_ns=0, arm=Arm.CANDIDATE
    )
    app.ask(ASK)
    app.send(Order("X", order))
    app.send(
        Filled("X", Fill(order_id="a", ts_ns=0, side=Side.BID, price_ticks=198, qty_lots=2, mid_before=100))
    )
    answer = app.ask(ASK)
    assert answer.orders[0].reason == "new"
    book = threaded.tell(TakeSnapshot()).books[0]
    assert {arm.name: arm.inventory for arm in book.arms}["candidate"] == 2.0
    assert book.unattributed_fills == 0
