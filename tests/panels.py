"""Dashboards held against a Prometheus that runs: which panels have nothing to show."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from collections.abc import Mapping

from tests.resources import Json


def filled_in(expr: str, variables: Mapping[str, str]) -> str:
    """A query as Grafana sends it, with its own variables and the dashboard's in place."""
    for name, value in {"__rate_interval": "1m", "__range": "1h", **variables}.items():
        expr = expr.replace(f"${name}", value)
    return expr


def without_data(prometheus: str, dashboard: Json, variables: Mapping[str, str]) -> set[str]:
    """Titles of panels of which no query has an answer now. variables: name -> value, a pattern."""
    return {
        panel["title"]
        for panel in dashboard["panels"]
        if panel["type"] != "row"
        and not any(_asked(prometheus, filled_in(t["expr"], variables)) for t in panel["targets"])
    }


def _asked(prometheus: str, expr: str) -> list[Json]:
    query = urllib.parse.urlencode({"query": expr})
    with urllib.request.urlopen(f"{prometheus}/api/v1/query?{query}", timeout=10) as answer:
        found: list[Json] = json.load(answer)["data"]["result"]
    return [row for row in found if row["value"][1] != "NaN"]
