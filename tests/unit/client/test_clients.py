"""Both clients: an answer, or a plain word that there is none; and what the engine pushes."""

from __future__ import annotations

import asyncio
import socket

import pytest

from quoting_policy.client import AsyncQuotingClient, NoQuote, QuotingClient, is_quoting
from quoting_policy.client.answer import Why
from quoting_policy.domain import Arm, Fill, Kill, KillAction, Limits, LiveOrder, Mode, PublicTrade, Side
from quoting_policy.protocol.control import Engage, TakeSnapshot
from tests.unit.engine.desk import revision
from tests.unit.sidecar.rig import DEADLINE_S, STATE, ThreadedEngine, eventually


@pytest.fixture
def threaded(tmp_path):
    engine = ThreadedEngine(tmp_path)
    engine.set_up()
    yield engine
    engine.stop()


@pytest.fixture
def deaf(tmp_path):
    """An engine that accepts and never answers."""
    path = tmp_path / "deaf.sock"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    yield path
    listener.close()


def halt(threaded):
    threaded.tell(Engage(Kill(action=KillAction.HALT)))


def test_only_active_and_reducing_modes_allow_orders():
    assert [mode for mode in Mode if is_quoting(mode)] == [Mode.ACTIVE, Mode.REDUCING]


class TestBlocking:
    def test_a_question_is_answered(self, threaded):
        with threaded.client() as client:
            quote = client.quote("X", STATE)
            assert quote
            assert (quote.arm, client.mode, client.instruments) == (Arm.BASELINE, Mode.ACTIVE, ("X",))

    def test_without_an_engine_there_is_no_quote_and_the_answer_is_false(self, tmp_path):
        with QuotingClient(tmp_path / "nothing.sock") as client:
            answer = client.quote("X", STATE)
            assert not answer
            assert isinstance(answer, NoQuote)
            assert answer.why is Why.NOT_CONNECTED
            assert not client.position("X", 0.0)

    def test_an_engine_that_does_not_answer_in_time_means_no_quote(self, deaf):
        with QuotingClient(deaf, timeout_s=0.05) as client:
            assert client.quote("X", STATE).why is Why.TIMEOUT

    def test_an_answer_that_comes_too_late_is_not_taken_for_the_next_one(self, threaded):
        with threaded.client() as client:
            first = client.quote("X", STATE)
            second = client.quote("X", STATE)
            assert second.id == first.id + 1

    def test_a_refused_question_says_why(self, threaded):
        with threaded.client() as client:
            answer = client.quote("nowhere", STATE)
            assert (answer.reasons, answer.bids) == (("unknown_instrument",), ())

    def test_it_reconnects_by_itself_and_tells_of_the_gap(self, tmp_path):
        told = []
        first = ThreadedEngine(tmp_path)
        first.set_up()
        with QuotingClient(
            first.app, timeout_s=DEADLINE_S, reconnect_s=0.0, on_mode=lambda change: told.append(change.mode)
        ) as client:
            assert client.quote("X", STATE)
            first.stop()
            eventually(lambda: not client.quote("X", STATE), "noticing the loss")
            assert client.mode is Mode.NOT_CONFIGURED
            second = ThreadedEngine(tmp_path)
            second.set_up()
            eventually(lambda: client.quote("X", STATE), "reconnecting")
            second.stop()
        assert told[0] is Mode.ACTIVE
        assert Mode.NOT_CONFIGURED in told

    def test_a_push_is_seen_by_polling(self, threaded):
        told = []
        with threaded.client(on_mode=told.append) as client:
            assert client.quote("X", STATE)
            halt(threaded)
            eventually(lambda: client.poll(0.05) or client.mode is Mode.HALTED, "the push")
            assert told[-1].reason == "kill_halt"

    def test_an_instrument_that_may_only_be_reduced_is_known_as_such(self, threaded):
        told = []
        threaded.set_up(revision(candidate=None, limits=Limits(max_position=10, reduce_only_at=0.5)))
        with threaded.client(on_mode=told.append) as client:
            assert client.quote("X", STATE)
            fill = Fill(order_id="a", ts_ns=0, side=Side.BID, price_ticks=199, qty_lots=5, mid_before=100.0)
            assert client.fill("X", fill)
            eventually(lambda: client.poll(0.05) or client.reducing, "the push")
            assert (client.reducing, client.mode) == ({"X"}, Mode.ACTIVE)
            assert (told[-1].mode, told[-1].symbol) == (Mode.REDUCING, "X")

    def test_everything_an_app_may_tell_arrives(self, threaded):
        with threaded.client() as client:
            order = LiveOrder(order_id="a", side=Side.ASK, price_ticks=202, qty_lots=3, placed_ns=0)
            fill = Fill(order_id="a", ts_ns=0, side=Side.ASK, price_ticks=202, qty_lots=1, mid_before=100.0)
            assert client.market("X", STATE)
            assert client.trade("X", PublicTrade(199, 1.0, False))
            assert client.position("X", 5.0)
            assert client.order("X", order)
            assert client.fill("X", fill)
            quote = client.quote("X", STATE)
            assert [action.order_id for action in quote.orders if action.order_id] == ["a"]
            assert client.order_closed("X", "a")
            assert [a.order_id for a in client.quote("X", STATE).orders if a.order_id] == []
        assert threaded.tell(TakeSnapshot()).books[0].inventory == 4.0


class TestAsync:
    async def test_many_questions_at_once_each_get_their_own_answer(self, threaded):
        async with AsyncQuotingClient(threaded.app, timeout_s=DEADLINE_S) as client:
            await client.connected()
            quotes = await asyncio.gather(*(client.quote("X", STATE) for _ in range(50)))
            assert [quote.id for quote in quotes] == list(range(1, 51))
            assert {quote.arm for quote in quotes} == {Arm.BASELINE}

    async def test_without_an_engine_there_is_no_quote(self, tmp_path):
        async with AsyncQuotingClient(tmp_path / "nothing.sock") as client:
            assert (await client.quote("X", STATE)).why is Why.NOT_CONNECTED

    async def test_an_engine_that_does_not_answer_in_time_means_no_quote(self, deaf):
        async with AsyncQuotingClient(deaf, timeout_s=0.2) as client:
            while (answer := await client.quote("X", STATE)).why is Why.NOT_CONNECTED:  # noqa: ASYNC110  asking is the only way
                await asyncio.sleep(0.01)
            assert answer.why is Why.TIMEOUT

    async def test_a_push_arrives_without_asking(self, threaded):
        halted = asyncio.Event()

        def on_mode(change):
            if change.mode is Mode.HALTED:
                halted.set()

        async with AsyncQuotingClient(threaded.app, timeout_s=DEADLINE_S, on_mode=on_mode) as client:
            await client.connected()
            await asyncio.to_thread(halt, threaded)
            await asyncio.wait_for(halted.wait(), DEADLINE_S)
            assert client.mode is Mode.HALTED

    async def test_it_reconnects_by_itself_and_open_questions_are_answered_with_no_quote(self, tmp_path):
        first = ThreadedEngine(tmp_path)
        first.set_up()
        async with AsyncQuotingClient(first.app, timeout_s=DEADLINE_S, reconnect_s=0.01) as client:
            await client.connected()
            assert await client.quote("X", STATE)
            await asyncio.to_thread(first.stop)
            while (answer := await client.quote("X", STATE)) or answer.why is not Why.NOT_CONNECTED:  # noqa: ASYNC110  asking is the only way
                await asyncio.sleep(0.01)
            second = await asyncio.to_thread(ThreadedEngine, tmp_path)
            await asyncio.to_thread(second.set_up)
            await asyncio.wait_for(client.connected(), DEADLINE_S)
            assert await client.quote("X", STATE)
        await asyncio.to_thread(second.stop)
