"""Valid resources as users write them, for tests to change."""

from __future__ import annotations

import copy
from typing import Any

import yaml

Json = dict[str, Any]

POLICY: Json = yaml.safe_load("""
apiVersion: quoting.dev/v1alpha1
kind: QuotingPolicy
metadata: {name: btc}
spec:
  instruments: [{symbol: BTC-USDT, tickSize: "0.1", lotSize: "0.001"}]
  baseline: {model: FixedSpread, params: {halfSpread: 5, qty: 1}}
  limits: {maxPosition: "10", maxOrderQty: "2"}
  rollout:
    paper: {data: {type: Simulated, simulated: {seed: 1}}}
    canary: {blockLength: 10m, washout: 5s, steps: [{exposure: 5}, {exposure: 20, pause: {}}, {exposure: 50}]}
  gates:
    - {name: profit, metric: pnl, kind: success}
    - {name: markout, metric: markout, horizon: 1s, kind: guardrail, margin: "0.2"}
""")

CANDIDATE: Json = {"model": "FixedSpread", "params": {"halfSpread": 4, "qty": 1}}

GATE_SET: Json = yaml.safe_load("""
apiVersion: quoting.dev/v1alpha1
kind: GateSet
metadata: {name: desk-standard}
spec:
  gates: [{name: profit, metric: pnl, kind: success, required: true}]
""")

KILL_SWITCH: Json = yaml.safe_load("""
apiVersion: quoting.dev/v1alpha1
kind: KillSwitch
metadata: {name: venue-outage}
spec: {engaged: true, action: Halt, reason: venue rejects orders}
""")

IMPLEMENTATION: Json = yaml.safe_load("""
apiVersion: quoting.dev/v1alpha1
kind: ImplementationSpec
metadata: {name: latency-inventory-mm-v1}
spec:
  repository: git.example/desk/policies
  base: main
  head: v1.2.3
  designDoc: docs/latency.md
  namespace: desk
  riskPolicyPath: risk/limits.yaml
  artifacts: [{name: policy-module, kind: Code, reference: policies/latency.py}]
  exitCriteria: [{name: paper-stability}, {name: clamps-proven}, {name: rollback-rehearsed}]
""")


def changed(resource: Json, path: str, value: Any) -> Json:
    """A copy with the field at ``path`` set; None removes it. Digits in the path are list indices."""
    result = copy.deepcopy(resource)
    *parents, last = path.split(".")
    at: Any = result
    for part in parents:
        at = at[int(part)] if part.isdigit() else at.setdefault(part, {})
    key = int(last) if last.isdigit() else last
    if value is None:
        at.pop(key)
    else:
        at[key] = value
    return result
