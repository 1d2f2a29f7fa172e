"""Every limit that a revision sets, alone on the bench, at its edge."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from quoting_policy.conformance import price_edges, size_edges
from quoting_policy.conformance.bench import isolated, market
from quoting_policy.conformance.edge import Edge
from quoting_policy.conformance.tally import Tally
from quoting_policy.domain import Correlation, Instrument, Limits, PortfolioLimits, Revision

Probe = Callable[[Edge], None]


def check_edges(tally: Tally, revision: Revision, instrument: Instrument) -> None:
    """Try every limit that holds for this instrument at its edge."""
    for edge, probe in _edges(tally, revision, instrument):
        probe(edge)
    _correlation(tally, revision, instrument)


def _edges(tally: Tally, revision: Revision, instrument: Instrument) -> Iterator[tuple[Edge, Probe]]:
    limits, portfolio = revision.limits_of(instrument.symbol), revision.portfolio
    for field, (clamp, probe) in _PROBES.items():
        value = getattr(limits, field)
        if value is not None:
            alone = Limits(**{field: value})
            if field == "reduce_only_at":
                alone = Limits(reduce_only_at=value, max_position=limits.max_position)
            yield Edge(tally, clamp, instrument, alone, PortfolioLimits()), probe
    for field, (clamp, probe) in _PORTFOLIO_PROBES.items():
        value = getattr(portfolio, field)
        if value is not None:
            yield Edge(tally, clamp, instrument, Limits(), PortfolioLimits(**{field: value})), probe
    for clamp, probe in _ALWAYS.items():
        yield Edge(tally, clamp, instrument, Limits(), PortfolioLimits()), probe


def _correlation(tally: Tally, revision: Revision, instrument: Instrument) -> None:
    """With a position in the other of a pair, nothing is built that carries the same risk."""
    most = revision.limits_of(instrument.symbol).max_correlation
    others = {other.symbol: other for other in revision.instruments}
    for pair in revision.portfolio.correlations:
        names = {pair.one, pair.other}
        if most is None or abs(pair.rho) <= most or instrument.symbol not in names or len(names) != 2:
            continue
        other = others.get((names - {instrument.symbol}).pop())
        if other is not None:
            _same_risk(Edge(tally, "correlation", instrument, Limits(max_correlation=most),
                            PortfolioLimits(correlations=(pair,))), pair, other)  # fmt: skip


def _same_risk(edge: Edge, pair: Correlation, other: Instrument) -> None:
    bench = isolated(edge.instrument, edge.limits, edge.portfolio, other)
    near, held = 2 * edge.tick, 10
    elsewhere = market(other.tick, 20_000 * other.tick, held, book=False)
    bench.engine.decide(
        other.symbol, elsewhere, now_ns=bench.now_ns, wall_ns=bench.wall_ns, data_ns=bench.now_ns
    )
    decision = edge.ask(bench, below=near, above=near, qty=edge.instrument.min_qty_lots)
    edge.beyond(decision, held=not (decision.bids if pair.rho > 0 else decision.asks))


_PROBES: dict[str, tuple[str, Probe]] = {
    "max_position": ("position", size_edges.position),
    "max_notional": ("notional", size_edges.notional),
    "max_order_qty": ("max_order_qty", size_edges.order_qty),
    "max_drawdown": ("drawdown", size_edges.loss),
    "max_daily_loss": ("daily_loss", size_edges.loss),
    "max_order_rate": ("order_rate", size_edges.order_rate),
    "max_quote_rate": ("quote_rate", size_edges.quote_rate),
    "min_spread": ("min_spread", price_edges.min_spread),
    "max_spread": ("max_spread", price_edges.max_spread),
    "price_band": ("price_band", price_edges.price_band),
    "reduce_only_at": ("zone", size_edges.zone),
    "max_data_age": ("data_age", price_edges.data_age),
}
"""Limit -> its clamp, and how it is tried. max_correlation needs a second instrument and has its own."""

_PORTFOLIO_PROBES: dict[str, tuple[str, Probe]] = {
    "max_gross_notional": ("gross_notional", size_edges.notional),
    "max_drawdown": ("portfolio_drawdown", size_edges.loss),
    "max_daily_loss": ("portfolio_daily_loss", size_edges.loss),
}

_ALWAYS: dict[str, Probe] = {
    "input": price_edges.unusable_input,
    "post_only": price_edges.post_only,
    "min_qty": price_edges.min_qty,
}
"""Clamps that need no limit."""
