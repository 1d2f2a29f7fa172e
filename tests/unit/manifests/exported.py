"""Names and labels of every series that our code exports, asked of the code."""

from __future__ import annotations

from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.parser import text_string_to_metric_families

from quoting_operator.handlers import metrics, webhook
from quoting_policy.accounting import LATENCY_EDGES_NS, TRACKS
from quoting_policy.accounting.counters import new_counts
from quoting_policy.domain import Mode
from quoting_policy.protocol.control import (
    ArmReport,
    BookReport,
    BreachLatched,
    Count,
    LatencyReport,
    SealedReport,
    Snapshot,
)
from quoting_policy.sidecar.metrics import exposition

Names = dict[str, frozenset[str]]
"""Series -> its labels, those of the target left out."""

TARGET = frozenset({"namespace", "pod", "pod_uid", "policy"})
"""Labels that scraping adds."""

_SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}


def exported() -> Names:
    """Everything that can be scraped from our processes."""
    return {"up": TARGET, **_sidecar(), **_operator()}


def _operator() -> Names:
    found: Names = {}
    for module in (metrics, webhook):
        for metric in vars(module).values():
            if isinstance(metric, MetricWrapperBase):
                labels = frozenset(metric._labelnames)
                for suffix in _SUFFIXES.get(metric._type, ("",)):
                    found[metric._name + suffix] = labels | ({"le"} if suffix == "_bucket" else set())
    status = {"phase": "Live", "gates": [{"name": "g", "verdict": "Pass"}]}
    policy = {"metadata": {"namespace": "desk", "name": "btc"}, "status": status}
    for family in metrics.Statuses(lambda: [policy]).collect():
        found |= {sample.name: frozenset(sample.labels) for sample in family.samples}
    return found


def _sidecar() -> Names:
    found: Names = {}
    for family in text_string_to_metric_families(exposition(_everything()).decode()):
        for sample in family.samples:
            found[sample.name] = found.get(sample.name, frozenset()) | frozenset(sample.labels)
    return {name: labels | TARGET for name, labels in found.items()}


def _everything() -> Snapshot:
    """A state with one of each thing that can be exported."""
    counts = tuple(new_counts())
    arms = tuple(ArmReport(name, 1.0, 1.0, 1.0, 1.0, 1.0, counts, 1.0, 1.0, 1.0) for name in TRACKS)
    sealed = SealedReport(1, 1, complete=True, digest="d", counts=dict.fromkeys(TRACKS, counts))
    book = BookReport("BTC-USDT", Mode.ACTIVE, 1.0, 0.0, 0.0, 0, arms, sealed)
    latency = tuple(LatencyReport(name, (0,) * (len(LATENCY_EDGES_NS) + 1), 0) for name in TRACKS)
    return Snapshot(
        digest="d",
        arm="candidate",
        rule="candidate_slot",
        mode=Mode.ACTIVE,
        stage="Live",
        authority_left_s=1.0,
        latched=(BreachLatched("d", ("max_position",), "BTC-USDT", 1, drill=False),),
        latch_write_failures=0,
        connections=1,
        books=(book,),
        counts=(
            Count("clamp_bound", ("BTC-USDT", "candidate", "tick"), 1),
            Count("refusals", ("BTC-USDT", "candidate"), 1),
            Count("breaches", ("max_position",), 1),
        ),
        latency_edges_ns=LATENCY_EDGES_NS,
        latency=latency,
    )
