"""Prometheus metrics from an engine's snapshot."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4 as CONTENT_TYPE
from prometheus_client.registry import Collector

from quoting_policy.accounting import HORIZONS_S, Counter, markout_gain
from quoting_policy.domain import Mode
from quoting_policy.protocol.control import ArmReport, BookReport, Snapshot

__all__ = ["CONTENT_TYPE", "exposition"]

COUNTERS = {
    Counter.EXPOSURE_S: ("exposure_seconds", "Time in charge of the book, outside washout."),
    Counter.EXCURSION_S: ("excursion_seconds", "Time with the inventory beyond the excursion limit."),
    Counter.INVENTORY_LOT_S: ("inventory_lot_seconds", "Integral of |inventory| over time, lots x seconds."),
    Counter.QUOTES: ("quotes", "Quotes answered."),
    Counter.ORDERS: ("orders", "Own orders reported."),
    Counter.FILLS: ("fills", "Fills of own orders."),
    Counter.FILLED_LOTS: ("filled_lots", "Quantity filled, lots."),
    Counter.TURNOVER: ("turnover", "Notional filled, money."),
    Counter.PNL_GAIN: ("pnl_gain", "Sum of profitable blocks, net of fees, money."),
    Counter.PNL_LOSS: ("pnl_loss", "Sum of losing blocks, net of fees, money."),
    Counter.EDGE_GAIN: ("edge_gain", "Fills better than the mid before them, net of fees, money."),
    Counter.EDGE_LOSS: ("edge_loss", "Fills worse than the mid before them, net of fees, money."),
    Counter.DROPPED_MARKOUTS: ("dropped_markouts", "Markouts without a mid at their horizon."),
    Counter.DECISIONS: ("decisions", "Decisions of the arm, whoever's quote was answered in the end."),
    Counter.SLOW_DECISIONS: ("slow_decisions", "Decisions that took longer than 300 us."),
}
"""Counter -> (metric, help); markouts follow with a label for the horizon."""

ARM_GAUGES: tuple[tuple[str, str, Callable[[ArmReport], float | None]], ...] = (
    ("inventory_lots", "Signed inventory on the arm's account, lots.", lambda arm: arm.inventory),
    ("average_cost", "Average cost of the inventory, price.", lambda arm: arm.average_cost),
    ("realised_pnl", "Realised P&L before fees, money.", lambda arm: arm.realised),
    ("unrealised_pnl", "P&L of the inventory at the mid, money.", lambda arm: arm.unrealised),
    ("fees", "Fees paid less rebates, money.", lambda arm: arm.fees),
    ("profit_factor", "Gains over losses of recent blocks.", lambda arm: arm.profit_factor),
    ("value_at_risk", "Empirical 95 % VaR of recent blocks, money.", lambda arm: arm.value_at_risk),
    (
        "conditional_value_at_risk",
        "Empirical 95 % CVaR of recent blocks, money.",
        lambda arm: arm.conditional_value_at_risk,
    ),
)

BOOK_GAUGES: tuple[tuple[str, str, Callable[[BookReport], float]], ...] = (
    ("position_lots", "Signed inventory in total, lots.", lambda book: book.inventory),
    ("drawdown", "Equity below its peak, money.", lambda book: book.drawdown),
    ("daily_loss", "Equity below the day's start, money.", lambda book: book.daily_loss),
)


class _Once(Collector):
    def __init__(self, metrics: Iterator[Metric]) -> None:
        self._metrics = list(metrics)

    def collect(self) -> Iterator[Metric]:
        return iter(self._metrics)


def exposition(state: Snapshot | None, labels: Mapping[str, str] | None = None) -> bytes:
    """The text that Prometheus scrapes. None: the engine does not answer, and that is all that is said.

    labels: that every series gets, to tell whose it is.
    """
    registry = CollectorRegistry()
    registry.register(_Once(_labelled(family, labels or {}) for family in _families(state)))
    return generate_latest(registry)


def _labelled(family: Metric, labels: Mapping[str, str]) -> Metric:
    family.samples = [sample._replace(labels={**labels, **sample.labels}) for sample in family.samples]
    return family


def _families(state: Snapshot | None) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "quoting_engine_up", "Whether the engine answers its agent.", float(state is not None)
    )
    if state is None:
        return
    yield from _standing(state)
    yield _latency(state)
    yield from _counted(state)
    for name, text, read in BOOK_GAUGES:
        gauge = GaugeMetricFamily(f"quoting_{name}", text, labels=["instrument"])
        for book in state.books:
            gauge.add_metric([book.symbol], read(book))
        yield gauge
    yield from _arms(state)
    yield from _sealed(state)


def _standing(state: Snapshot) -> Iterator[Metric]:
    mode = GaugeMetricFamily("quoting_mode", "1 for the mode that apps are told.", labels=["mode"])
    for each in Mode:
        mode.add_metric([each.value], float(state.mode is each))
    yield mode
    rule = GaugeMetricFamily(
        "quoting_precedence",
        "1 for the rule of precedence that decides, and the arm that may quote in a candidate's slot.",
        labels=["rule", "arm", "digest"],
    )
    rule.add_metric([state.rule, state.arm, state.digest], 1.0)
    yield rule
    yield GaugeMetricFamily(
        "quoting_authority_left_seconds", "How long the authority still lives.", state.authority_left_s
    )
    latched = GaugeMetricFamily(
        "quoting_breach_latched", "1 per latched breach.", labels=["digest", "breach"]
    )
    for held in state.latched:
        latched.add_metric([held.digest, ",".join(held.breaches)], 1.0)
    yield latched
    yield CounterMetricFamily(
        "quoting_latch_write_failures", "Times that the disk refused a latch.", state.latch_write_failures
    )
    yield GaugeMetricFamily("quoting_connections", "Connected apps.", state.connections)


def _latency(state: Snapshot) -> Metric:
    family = HistogramMetricFamily("quoting_decision_latency_seconds", "Time of a decision.", labels=["arm"])
    for report in state.latency:
        buckets, below = [], 0
        for edge, count in zip((*state.latency_edges_ns, None), report.counts, strict=True):
            below += count
            buckets.append(("+Inf" if edge is None else repr(edge / 1e9), below))
        family.add_metric([report.arm], buckets=buckets, sum_value=report.sum_ns * 1e-9)
    return family


def _counted(state: Snapshot) -> Iterator[Metric]:
    labels = {
        "clamp_bound": ["instrument", "arm", "clamp"],
        "refusals": ["instrument", "arm"],
        "breaches": ["breach"],
    }
    for name, names in labels.items():
        family = CounterMetricFamily(f"quoting_{name}", f"Count of {name.replace('_', ' ')}.", labels=names)
        for count in state.counts:
            if count.name == name:
                family.add_metric(list(count.labels), count.value)
        yield family


def _arms(state: Snapshot) -> Iterator[Metric]:
    for name, text, read in ARM_GAUGES:
        gauge = GaugeMetricFamily(f"quoting_arm_{name}", text, labels=["instrument", "arm"])
        for book in state.books:
            for arm in book.arms:
                if (value := read(arm)) is not None:
                    gauge.add_metric([book.symbol, arm.name], value)
        yield gauge
    rows = [([book.symbol, arm.name], arm.counts) for book in state.books for arm in book.arms]
    yield from _counters("quoting", ["instrument", "arm"], rows)


def _sealed(state: Snapshot) -> Iterator[Metric]:
    """Counters as they stood at the last block edge, with the block and digest in the same scrape."""
    labels = ["instrument", "digest"]
    block = GaugeMetricFamily("quoting_sealed_block", "Number of the last sealed block.", labels=labels)
    complete = GaugeMetricFamily(
        "quoting_sealed_block_complete", "1 when that block was seen from start to end.", labels=labels
    )
    edge = GaugeMetricFamily("quoting_sealed_block_end_seconds", "Its end, Unix time.", labels=labels)
    rows: list[tuple[list[str], Sequence[float]]] = []
    for book in state.books:
        if (sealed := book.sealed) is None:
            continue
        values = [book.symbol, sealed.digest]
        block.add_metric(values, sealed.block)
        complete.add_metric(values, float(sealed.complete))
        edge.add_metric(values, sealed.end_ns * 1e-9)
        rows += [([*values, arm], counts) for arm, counts in sealed.counts.items()]
    yield from (block, complete, edge)
    yield from _counters("quoting_sealed", [*labels, "arm"], rows)


def _counters(
    prefix: str, labels: list[str], rows: Sequence[tuple[list[str], Sequence[float]]]
) -> Iterator[Metric]:
    for counter, (name, text) in COUNTERS.items():
        family = CounterMetricFamily(f"{prefix}_{name}", text, labels=labels)
        for values, counts in rows:
            family.add_metric(values, counts[counter])
        yield family
    for offset, name in enumerate(("markout_gain", "markout_loss")):
        text = f"{name.replace('_', ' ').capitalize()} of fills at the horizon, net of fees, money."
        family = CounterMetricFamily(f"{prefix}_{name}", text, labels=[*labels, "horizon"])
        for values, counts in rows:
            for index, horizon in enumerate(HORIZONS_S):
                family.add_metric([*values, f"{horizon:g}s"], counts[markout_gain(index) + offset])
        yield family
