"""A policy in its paper stage, for the builders of its Jobs."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from quoting_operator.api.status import Plan
from quoting_operator.rollout.jobs import Workplace
from quoting_operator.rollout.revisions import StoredRevision, revision_name
from quoting_policy.domain import ArmSpec, Instrument, Limits, Revision

PLACE = Workplace(image="localhost/quoting-paper:dev")
POLICY: dict[str, Any] = {
    "metadata": {"name": "btc", "namespace": "desk", "uid": "11111111-2222-3333-4444-555555555555"}
}
PAPER: dict[str, Any] = {
    "data": {"type": "Simulated", "simulated": {"seed": 7, "sessionLength": "90s"}},
    "sessions": 3,
    "parallelism": 8,
    "blockLength": "10s",
    "warmup": "30s",
    "decisionMs": 500,
    "horizon": "60s",
    "deadline": "1h",
    "reportServiceAccount": "quoting-paper",
}
GATES: tuple[dict[str, Any], ...] = (
    {"name": "profit", "metric": "pnl", "kind": "success", "stages": ["paper"]},
)


def stored(**changes: Any) -> StoredRevision:
    """A revision, as the operator keeps it."""
    fields = {
        "baseline": ArmSpec(model="FixedSpread", params={"halfSpread": 0.1, "qty": 2}),
        "candidate": ArmSpec(model="AvellanedaStoikov", params={"gamma": 0.001, "qty": 2}),
        "instruments": (Instrument(symbol="BTC-USDT", tick_size=Decimal("0.1"), lot_size=Decimal("0.001")),),
        "limits": Limits(max_position=50, max_order_qty=10),
    }
    content = Revision(**(fields | changes))
    digest = content.digest()
    return StoredRevision(name=revision_name("btc", digest), number=1, digest=digest, content=content)


def plan(**changes: Any) -> Plan:
    """What the attempt runs by."""
    return Plan(gates=GATES, rollout={"paper": PAPER | changes})
