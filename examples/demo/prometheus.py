"""What is read from Prometheus for the report."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from examples.demo.desk import NAMESPACE, POLICY
from localcluster.errors import ClusterError

_WHOSE = f'namespace="{NAMESPACE}",policy="{POLICY}"'
_ARMS = f'{{{_WHOSE},arm=~"baseline|candidate"}}'
QUERIES = {
    "exposure": f"max(quoting_policy_exposure_percent{{{_WHOSE}}})",
    "quotes": f"sum by (arm) (irate(quoting_quotes_total{_ARMS}[6s]))",
    "inventory": f"sum(quoting_position_lots{{{_WHOSE}}})",
    "pnl": f"sum by (arm) (quoting_arm_realised_pnl{_ARMS} + quoting_arm_unrealised_pnl{_ARMS})",
}
"""Panel -> query."""

MOST_POINTS = 1500


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a panel. at: Unix times, s."""

    label: str
    at: tuple[float, ...]
    values: tuple[float, ...]


def read(url: str, query: str, start: float, end: float) -> list[Series]:
    """A range query, a point a second or as many as Prometheus likes to give. Raises ClusterError."""
    step = max(1.0, (end - start) / MOST_POINTS)
    asked = urllib.parse.urlencode({"query": query, "start": start, "end": end, "step": step})
    try:
        with urllib.request.urlopen(f"{url}/api/v1/query_range?{asked}", timeout=60) as answer:  # noqa: S310  http(s), from our own settings
            return series(json.load(answer))
    except (urllib.error.URLError, TimeoutError, ValueError) as error:
        raise ClusterError("demo", f"Prometheus {url}: {error}") from error


def series(answer: Mapping[str, Any]) -> list[Series]:
    """What a range query answered. Raises ValueError where it was an error."""
    if answer.get("status") != "success":
        raise ValueError(str(answer.get("error", "no success")))
    return [
        Series(
            label=str(found["metric"].get("arm", "")),
            at=tuple(float(at) for at, _ in found["values"]),
            values=tuple(float(value) for _, value in found["values"]),
        )
        for found in answer["data"]["result"]
    ]
