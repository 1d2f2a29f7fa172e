"""From what pods publish to blocks: exact, or not at all."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quoting_operator.gates import (
    CountBlock,
    DifferenceBlock,
    PairedCountBlock,
    RejectedBlock,
    Rejection,
    Stage,
    level,
    start,
    update_all,
)
from quoting_operator.gates.published import PUBLISHED, check_published
from quoting_operator.gates.sealed import SealedEdge, Series, query, sealed_edge
from quoting_operator.gates.sealed_blocks import SealedBlocks
from quoting_operator.gates.spec import parse_gate
from quoting_policy.accounting import Counter, markout_gain
from quoting_policy.domain import Limits
from quoting_policy.domain.measures import MEASURES
from quoting_policy.errors import InputError
from tests.unit.engine.desk import SCRIPTED, WALL, ScriptedModel, raw, refuse
from tests.unit.gates.pods import GATES, Pod, Store, edges, gate, request, scraped

FIRST = WALL // 10**10
"""The block that begins when pods do; it is not seen from its first moment on."""


def blocks_of(pod: Pod, store: Store, name: str, first: int = FIRST + 1, count: int = 3):
    asked = request(pod, first)
    made = SealedBlocks(digest=asked.digest, stage=asked.stage)
    return made.of([gate(name)], list(edges(store, asked, first + count - 1)))[name]


@pytest.fixture(scope="module")
def canary() -> tuple[Pod, Store]:
    pod = Pod()
    return pod, scraped([pod], 5)


ORACLE = {
    "pnl": (1, Counter.PNL_GAIN, Counter.PNL_LOSS, Counter.EXPOSURE_S),
    "edge": (1, Counter.EDGE_GAIN, Counter.EDGE_LOSS, Counter.EXPOSURE_S),
    "markout": (1, markout_gain(1), markout_gain(1) + 1, Counter.EXPOSURE_S),
    "spread": (2, markout_gain(0), markout_gain(0) + 1, Counter.FILLED_LOTS),
    "excursion": (-1, Counter.EXCURSION_S, None, Counter.EXPOSURE_S),
    "inventory": (-1, Counter.INVENTORY_LOT_S, None, Counter.EXPOSURE_S),
}
"""Gate -> factor with its sign, gain, loss, and what it is per: the definitions, once more."""


@pytest.fixture(scope="module", params=[Stage.SHADOW, Stage.CANARY])
def counted(request) -> tuple[Pod, Store, int, list[dict[str, tuple[float, ...]]]]:
    """A pod, its scrapes, the last block scraped whole, and what its engine sealed before and after."""
    pod = Pod(stage=request.param, limits=Limits(max_position=3))
    store, timeline = scraped([pod], 3), pod.desk.engine.books["X"].ledger.timeline
    sealed = [timeline.sealed.counts]
    scraped([pod], 1, store)
    sealed.append(timeline.sealed.counts)
    block = timeline.sealed.block
    scraped([pod], 1, store)
    return pod, store, block, sealed


@pytest.mark.parametrize("name", ORACLE)
def test_a_block_is_what_the_engine_counted_between_its_edges(counted, name: str) -> None:
    pod, store, block, (before, after) = counted
    factor, gain, loss, per = ORACLE[name]
    prefix = "shadow_" if pod.terms["stage"] == "Shadow" else ""

    def value(arm: str) -> float:
        grown = [new - old for new, old in zip(after[prefix + arm], before[prefix + arm], strict=True)]
        return (grown[gain] - (0.0 if loss is None else grown[loss])) / grown[per]

    difference = factor * (value("candidate") - value("baseline"))
    assert difference != 0.0
    (made,) = blocks_of(pod, store, name, block, 1)
    assert made == DifferenceBlock(block, pytest.approx(difference, rel=1e-12))


@pytest.mark.parametrize("stage", [Stage.SHADOW, Stage.CANARY])
@pytest.mark.parametrize("spec", GATES, ids=lambda spec: spec.name)
def test_every_metric_is_read_in_every_stage(stage: Stage, spec) -> None:
    pod = Pod(stage=stage)
    store = scraped([pod], 5)
    kinds = {"p99": CountBlock, "slow": PairedCountBlock}
    made = blocks_of(pod, store, spec.name)
    assert [type(block) for block in made] == [kinds.get(spec.name, DifferenceBlock)] * 3
    assert [block.index for block in made] == [FIRST + 1, FIRST + 2, FIRST + 3]


def test_slow_decisions_are_counted_among_the_candidates_own(canary) -> None:
    pod, store = canary
    block = blocks_of(pod, store, "p99", count=1)[0]
    assert isinstance(block, CountBlock)
    assert 0 < block.events < block.trials < 40


def test_the_first_block_of_a_pod_is_not_whole(canary) -> None:
    pod, store = canary
    empty = SealedEdge(FIRST - 1, FIRST * 10.0)
    whole = list(edges(store, request(pod, FIRST + 1), FIRST))
    made = SealedBlocks(digest=pod.desk.digest, stage=Stage.CANARY).of([gate("pnl")], [empty, *whole])
    assert made["pnl"] == (RejectedBlock(FIRST, Rejection.BOTH_MISSING),)
    assert whole[0].books["pod-0/X"].complete is False


def test_an_engine_that_was_restarted_costs_the_blocks_that_it_did_not_live_through() -> None:
    pod = Pod()
    store = scraped([pod], 3)
    again = Pod()
    again.desk.now_ns, again.desk.wall_ns = pod.desk.now_ns, pod.desk.wall_ns + 4 * 10**9
    scraped([again], 3, store)
    made = blocks_of(pod, store, "pnl", count=4)
    assert [type(block) for block in made] == [
        DifferenceBlock,
        RejectedBlock,
        RejectedBlock,
        DifferenceBlock,
    ]
    assert {block.reason for block in made[1:3]} <= {Rejection.RESET, Rejection.BOTH_MISSING}


def test_a_pod_that_came_or_went_changes_the_series_of_that_block_only() -> None:
    pods = [Pod("pod-0"), Pod("pod-1")]
    store = scraped(pods, 2)
    scraped(pods[:1], 2, store)
    made = blocks_of(pods[0], store, "pnl", count=2)
    assert made[0] == RejectedBlock(FIRST + 1, Rejection.SERIES_CHANGED)
    assert isinstance(made[1], DifferenceBlock)


def test_pods_and_instruments_are_weighed_by_their_time() -> None:
    pods = [Pod("pod-0", symbols=("X", "Y")), Pod("pod-1", symbols=("X", "Y"))]
    store = scraped(pods, 4)
    before, after = edges(store, request(pods[0], FIRST + 1), FIRST + 1)
    assert list(after.books) == ["pod-0/X", "pod-0/Y", "pod-1/X", "pod-1/Y"]
    rates = {}
    for arm in ("candidate", "baseline"):
        grown = {
            name: math.fsum(
                book.counters[arm, name] - before.books[at].counters[arm, name]
                for at, book in after.books.items()
            )
            for name in ("edge_gain", "edge_loss", "exposure_seconds")
        }
        rates[arm] = (grown["edge_gain"] - grown["edge_loss"]) / grown["exposure_seconds"]
    assert blocks_of(pods[0], store, "edge", count=1)[0].value == pytest.approx(
        rates["candidate"] - rates["baseline"]
    )


@pytest.mark.parametrize("stage", [Stage.SHADOW, Stage.CANARY])
def test_a_candidate_that_answers_nothing_is_missing(stage: Stage) -> None:
    ScriptedModel.script = refuse
    pod = Pod(stage=stage, candidate=SCRIPTED)
    store = scraped([pod], 4)
    for name in ("pnl", "p99", "there", "spread"):
        assert blocks_of(pod, store, name, count=1) == (
            RejectedBlock(FIRST + 1, Rejection.CANDIDATE_MISSING),
        )


def test_a_candidate_that_hardly_answers_is_missing_too() -> None:
    def now_and_then(state):
        return raw(state.mid - 1, state.mid + 1) if pod.random.random() < 0.5 else refuse(state)

    ScriptedModel.script = now_and_then
    pod = Pod(candidate=SCRIPTED)
    store = scraped([pod], 4)
    assert blocks_of(pod, store, "pnl", count=1) == (RejectedBlock(FIRST + 1, Rejection.CANDIDATE_MISSING),)


def test_a_candidate_without_authority_is_not_to_blame_for_its_silence() -> None:
    pod = Pod()
    store = scraped([pod], 3)
    pod.allowed = False
    scraped([pod], 4, store)
    made = blocks_of(pod, store, "there", count=5)
    assert made[1] == DifferenceBlock(FIRST + 2, 0.0)
    assert made[4] == RejectedBlock(FIRST + 5, Rejection.NO_EXPOSURE)
    state = update_all(start(gate("there"), level(gate("there"), GATES)), made)
    assert state.evidence == start(gate("there"), level(gate("there"), GATES)).evidence


def test_a_book_in_which_only_one_arm_had_time_would_weigh_in_one_rate_only() -> None:
    pods = [Pod("pod-0"), Pod("pod-1")]
    pods[1].terms["stage"] = pods[0].terms["stage"]
    store = scraped(pods, 1)
    pods[1].allowed = False
    pods[1].desk.engine.revoke(now_ns=pods[1].desk.now_ns)
    scraped(pods, 3, store)
    assert blocks_of(pods[0], store, "pnl", count=1) == (RejectedBlock(FIRST + 1, Rejection.NO_EXPOSURE),)
    assert isinstance(blocks_of(pods[0], store, "p99", count=1)[0], CountBlock)


def test_one_scrape_in_a_block_is_enough_whenever_it_is_made() -> None:
    pods = {every: Pod() for every in (3, 8, 31)}
    stores = {every: scraped([pod], 5, every=every) for every, pod in pods.items()}
    asked = request(pods[8], FIRST + 1)
    made = {
        every: SealedBlocks(digest=asked.digest, stage=asked.stage).of(
            [gate("pnl")], list(edges(store, asked, FIRST + 3, window_s=10.0))
        )["pnl"]
        for every, store in stores.items()
    }
    assert made[3] == made[8] == made[31]
    assert all(isinstance(block, DifferenceBlock) for block in made[8])


def test_a_book_that_says_another_block_is_stale(canary) -> None:
    pod, store = canary
    late = list(edges(store, request(pod, FIRST + 1), FIRST + 1))
    again = sealed_edge(store.answer(FIRST * 10.0 + 10.0, 8.0), FIRST + 1, FIRST * 10.0 + 20.0)
    made = SealedBlocks(digest=pod.desk.digest, stage=Stage.CANARY).of([gate("pnl")], [late[0], again])
    assert made["pnl"] == (RejectedBlock(FIRST + 1, Rejection.STALE),)


def test_one_pod_of_two_that_is_stale_is_enough() -> None:
    pods = [Pod("pod-0"), Pod("pod-1")]
    store = scraped(pods, 4)
    for labels in store.samples:
        if {("pod", "pod-1"), ("__name__", "quoting_sealed_block")} <= labels:
            store.samples[labels] = []
    assert blocks_of(pods[0], store, "pnl", count=1) == (RejectedBlock(FIRST + 1, Rejection.STALE),)


def test_blocks_of_another_length_are_not_taken_for_ours(canary) -> None:
    _, store = canary
    answer = store.answer(FIRST * 10.0 + 10.0, 8.0)
    assert sealed_edge(answer, FIRST, FIRST * 10.0 + 10.0).books["pod-0/X"].read
    for index, end_s in ((FIRST, FIRST * 10.0 + 5.0), (FIRST // 6, FIRST * 10.0 + 10.0)):
        assert not sealed_edge(answer, index, end_s).books["pod-0/X"].read


@pytest.mark.parametrize("extra", [{"job": "other"}, {"instance": "10.0.0.9:9464"}])
def test_two_series_for_one_counter_are_refused_and_named(extra: dict[str, str]) -> None:
    pod = Pod()
    store = scraped([pod], 2)
    for labels in list(store.samples):
        store.samples[labels | frozenset(extra.items())] = store.samples[labels]
    edge = next(edges(store, request(pod, FIRST + 1), FIRST))
    assert (edge.defect, edge.books) == (Rejection.AMBIGUOUS, {})
    assert "two series for the same counter" in edge.problem
    made = SealedBlocks(digest=pod.desk.digest, stage=Stage.CANARY).of(
        [gate("pnl")], [edge, SealedEdge(FIRST + 1, 0.0)]
    )
    assert made["pnl"] == (RejectedBlock(FIRST + 1, Rejection.AMBIGUOUS),)


def test_a_series_that_does_not_say_whose_it_is_is_refused() -> None:
    nobodys = Series({"__name__": "quoting_sealed_pnl_gain_total", "instrument": "X", "arm": "candidate"}, ())
    assert sealed_edge([nobodys], 1, 20.0).defect is Rejection.AMBIGUOUS


def test_nobody_there_is_both_missing() -> None:
    pod = Pod()
    made = blocks_of(pod, Store(), "pnl", count=1)
    assert made == (RejectedBlock(FIRST + 1, Rejection.BOTH_MISSING),)


@pytest.mark.parametrize(
    ("arm", "reason"),
    [("candidate", Rejection.CANDIDATE_MISSING), ("baseline", Rejection.BASELINE_MISSING)],
)
def test_an_arm_that_no_book_knows_is_missing(arm: str, reason: Rejection) -> None:
    pod = Pod()
    store = scraped([pod], 4)
    store.samples = {k: v for k, v in store.samples.items() if ("arm", arm) not in k}
    assert blocks_of(pod, store, "pnl", count=1) == (RejectedBlock(FIRST + 1, reason),)
    single = blocks_of(pod, store, "p99", count=1)[0]
    assert isinstance(single, CountBlock) is (arm == "baseline")


WHOLE = Pod()
STORE = scraped([WHOLE], 6)
SERIES = sorted(STORE.samples, key=sorted)
damage = st.lists(
    st.tuples(
        st.sampled_from(SERIES),
        st.integers(0, 10**6),
        st.sampled_from(["drop", "nan", "infinite", "zero", "late"]),
    ),
    max_size=12,
)


def damaged(changes) -> Store:
    store = Store()
    store.samples = {labels: list(samples) for labels, samples in STORE.samples.items()}
    for labels, where, how in changes:
        samples = store.samples[labels]
        if not samples:
            continue
        at = where % len(samples)
        at_s, value = samples[at]
        if how == "drop":
            del samples[at]
        elif how != "zero" or not dict(labels).get("arm"):  # a gauge says another block, or an incomplete one
            new = {"nan": math.nan, "infinite": math.inf, "zero": 0.0, "late": value}[how]
            samples[at] = (at_s + (0.125 if how == "late" else 0.0), new)
    return store


@settings(deadline=None, max_examples=60)
@given(damage)
def test_what_is_missing_broken_or_late_takes_a_block_away_and_never_changes_one(changes) -> None:
    asked = request(WHOLE, FIRST + 1)
    made = SealedBlocks(digest=asked.digest, stage=asked.stage)
    whole, left = (
        made.of(GATES, list(edges(store, asked, FIRST + 4))) for store in (STORE, damaged(changes))
    )
    for name, blocks in left.items():
        for before, after in zip(whole[name], blocks, strict=True):
            assert after == before or isinstance(after, RejectedBlock)


@settings(deadline=None, max_examples=40)
@given(damage, st.sampled_from([0, 1, 2, 3]))
def test_edges_read_in_one_go_or_one_by_one_give_the_same_blocks(changes, split: int) -> None:
    store = damaged(changes)
    asked = request(WHOLE, FIRST + 1)
    made = SealedBlocks(digest=asked.digest, stage=asked.stage)
    every = list(edges(store, asked, FIRST + 4))
    early, late = made.of(GATES, every[: split + 1]), made.of(GATES, every[split:])
    assert {name: early[name] + late[name] for name in early} == made.of(GATES, every)


def test_the_query_asks_for_the_policys_own_series_only() -> None:
    labels = {"namespace": "desk", "policy": "btc", "digest": "d" * 64}
    promql = query(labels, ("candidate", "baseline"), {"pnl_gain", "markout_gain_0.1s"}, 45.0)
    assert promql == (
        '{__name__=~"quoting_sealed_block|quoting_sealed_block_complete|quoting_sealed_block_end_seconds|'
        'quoting_sealed_markout_gain_total|quoting_sealed_pnl_gain_total",arm=~"candidate|baseline|",'
        f'namespace="desk",policy="btc",digest="{"d" * 64}"}}[45000ms]'
    )


def test_every_published_metric_has_an_orientation() -> None:
    assert PUBLISHED.keys() <= MEASURES.keys()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"metric": "fillRatio"}, "gate g: metric: 'fillRatio' must be one of pnl, edge"),
        ({"metric": "markout", "horizon": "2s"}, "gate g: metric: 'markout_2s'"),
        (
            {"metric": "pnl", "test": "proportion", "limit": 0.1},
            "gate g: test: 'proportion' must be one of mean",
        ),
    ],
)
def test_a_gate_that_no_pod_can_answer_is_refused_before_it_waits(fields, message: str) -> None:
    spec = parse_gate({"name": "g", "kind": "deterioration", "stages": ["canary"], **fields})
    check_published([spec], Stage.SHADOW)
    with pytest.raises(InputError) as refused:
        check_published([spec], Stage.CANARY)
    assert str(refused.value).startswith(message)
