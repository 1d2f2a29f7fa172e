"""Reading blocks: each as of a fixed time, whoever asks and whenever."""

from __future__ import annotations

import dataclasses
import re

import pytest

from quoting_operator.adapters.prometheus import PrometheusError
from quoting_operator.adapters.telemetry import Scraping, Telemetry
from quoting_operator.gates import RejectedBlock, Rejection, Stage
from quoting_operator.gates.sealed import Series
from quoting_policy.errors import InputError
from tests.unit.engine.desk import WALL
from tests.unit.gates.pods import GATES, Pod, Store, request, scraped

FIRST = WALL // 10**10 + 1
"""The first whole block."""

SCRAPING = Scraping(interval_s=2.0)


class Stored:
    """What a Prometheus would answer from its store."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.times: list[float] = []
        self.down_from = float("inf")

    async def query(self, promql: str, at_s: float) -> tuple[Series, ...]:
        self.times.append(at_s)
        if at_s >= self.down_from:
            raise PrometheusError("Prometheus is unreachable: down")
        window_s = float(re.search(r"\[(\d+)ms\]", promql)[1]) / 1000
        wanted = dict(re.findall(r'(\w+)=~?"([^"]*)"', promql))
        return tuple(
            series
            for series in self.store.answer(at_s - window_s, window_s)
            if all(re.fullmatch(value, series.labels.get(name, "")) for name, value in wanted.items())
        )


@pytest.fixture(scope="module")
def pod() -> Pod:
    return Pod()


@pytest.fixture(scope="module")
def store(pod: Pod) -> Store:
    return scraped([pod], 9)


@pytest.fixture
def stored(store: Store) -> Stored:
    return Stored(store)


async def test_blocks_read_in_one_go_or_as_they_end_are_the_same(pod: Pod, stored: Stored) -> None:
    asked = request(pod, FIRST)
    at_once = await Telemetry(stored, SCRAPING).read_blocks(asked)
    assert (at_once.last, at_once.reachable, at_once.problem) == (FIRST + 6, True, "")
    one_by_one = Telemetry(stored, SCRAPING)
    made: dict[str, tuple] = {spec.name: () for spec in GATES}
    stored.times.clear()
    for index in range(FIRST, FIRST + 7):
        now_s = asked.end_s(index) + SCRAPING.lag_s(10.0)
        reading = await one_by_one.read_blocks(dataclasses.replace(asked, first=index, now_s=now_s))
        assert reading.last == index
        made = {name: blocks + reading.blocks[name] for name, blocks in made.items()}
    assert made == dict(at_once.blocks)
    assert not any(isinstance(block, RejectedBlock) for blocks in made.values() for block in blocks)
    assert stored.times == [asked.end_s(index) + 6.0 for index in range(FIRST - 1, FIRST + 7)]


async def test_a_restarted_operator_reads_the_same_from_history(pod: Pod, stored: Stored) -> None:
    asked = request(pod, FIRST + 2)
    known = await Telemetry(stored, SCRAPING).read_blocks(asked)
    later = dataclasses.replace(asked, now_s=asked.now_s + 3600.0)
    again = await Telemetry(stored, Scraping(interval_s=2.0, most_blocks=5)).read_blocks(later)
    assert again.blocks == known.blocks


async def test_an_edge_is_kept_for_the_same_question_only(pod: Pod, stored: Stored) -> None:
    telemetry = Telemetry(stored, SCRAPING)
    asked = request(pod, FIRST, now_s=(FIRST + 1) * 10.0 + 8.0)
    await telemetry.read_blocks(asked)
    for changes in ({"digest": "other"}, {"gates": GATES[:1]}, {"stage": Stage.LIVE}):
        stored.times.clear()
        await telemetry.read_blocks(
            dataclasses.replace(asked, first=FIRST + 1, now_s=asked.now_s + 10, **changes)
        )
        assert len(stored.times) == 2


async def test_a_block_is_not_read_before_its_scrapes_are_in(pod: Pod, stored: Stored) -> None:
    early = request(pod, FIRST, now_s=(FIRST + 1) * 10.0 + 7.9)
    reading = await Telemetry(stored, SCRAPING).read_blocks(early)
    assert (reading.last, reading.blocks["pnl"], stored.times) == (FIRST - 1, (), [])


async def test_catching_up_is_done_in_portions(pod: Pod, stored: Stored) -> None:
    telemetry = Telemetry(stored, Scraping(interval_s=2.0, most_blocks=3))
    asked = request(pod, FIRST)
    reading = await telemetry.read_blocks(asked)
    assert reading.last == FIRST + 2
    reading = await telemetry.read_blocks(dataclasses.replace(asked, first=FIRST + 3))
    assert reading.last == FIRST + 5
    assert len(stored.times) == 4 + 3


async def test_what_was_read_before_prometheus_went_counts(pod: Pod, stored: Stored) -> None:
    asked = request(pod, FIRST)
    stored.down_from = asked.end_s(FIRST + 2)
    reading = await Telemetry(stored, SCRAPING).read_blocks(asked)
    assert (reading.last, reading.reachable) == (FIRST + 1, False)
    assert [block.index for block in reading.blocks["pnl"]] == [FIRST, FIRST + 1]
    assert reading.problem == "Prometheus is unreachable: down"
    stored.down_from = 0.0
    reading = await Telemetry(stored, SCRAPING).read_blocks(asked)
    assert (reading.last, reading.reachable, reading.blocks["pnl"]) == (FIRST - 1, False, ())


async def test_a_prometheus_that_knows_nothing_says_both_missing_and_what_to_look_at(pod: Pod) -> None:
    asked = request(pod, FIRST, now_s=(FIRST + 1) * 10.0 + 8.0)
    reading = await Telemetry(Stored(Store()), SCRAPING).read_blocks(asked)
    assert reading.reachable
    assert reading.blocks["pnl"] == (RejectedBlock(FIRST, Rejection.BOTH_MISSING),)
    assert "no sealed counters of desk/btc" in reading.problem


async def test_another_policy_with_the_same_digest_is_not_mixed_in(pod: Pod, stored: Stored) -> None:
    other = request(pod, FIRST, policy="eth")
    reading = await Telemetry(stored, SCRAPING).read_blocks(other)
    assert {block.reason for block in reading.blocks["pnl"]} == {Rejection.BOTH_MISSING}


async def test_blocks_shorter_than_two_scrapes_are_refused(pod: Pod, stored: Stored) -> None:
    asked = request(pod, FIRST)
    await Telemetry(stored, Scraping(interval_s=5.0)).read_blocks(asked)
    with pytest.raises(InputError, match=r"spec.rollout.canary.blockLength: '10s' must be >= 10\.2s"):
        await Telemetry(stored, Scraping(interval_s=5.1)).read_blocks(asked)
