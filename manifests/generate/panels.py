"""Grafana's panels and dashboards, as little of their JSON as it takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

WIDTH = 24
"""Columns of Grafana's grid."""
SOURCE = {"type": "prometheus", "uid": "${datasource}"}


@dataclass(frozen=True, slots=True)
class Query:
    """PromQL and what its series are called."""

    expr: str
    legend: str = "__auto"


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture. kind: Grafana's name of it. unit: Grafana's. width, height: in its grid."""

    title: str
    queries: Sequence[Query]
    kind: str = "timeseries"
    unit: str = "short"
    about: str = ""
    width: int = 8
    height: int = 7

    def json(self, number: int, x: int, y: int) -> Json:
        """As Grafana reads it, at a place."""
        table = self.kind in {"table", "stat"}
        targets = [
            {"datasource": SOURCE, "expr": query.expr, "legendFormat": query.legend, "refId": chr(65 + index)}
            | ({"instant": True, "range": False} if table else {"range": True})
            | ({"format": "table"} if self.kind == "table" else {})
            for index, query in enumerate(self.queries)
        ]
        return {
            "id": number,
            "type": self.kind,
            "title": self.title,
            "description": self.about,
            "datasource": SOURCE,
            "gridPos": {"h": self.height, "w": self.width, "x": x, "y": y},
            "targets": targets,
            "fieldConfig": {"defaults": {"unit": self.unit, "custom": {}}, "overrides": []},
            "options": {},
        }


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under a heading, laid out from left to right."""

    title: str
    panels: Sequence[Panel]


def variable(name: str, metric: str, label: str, *, several: bool = True) -> Json:
    """A choice among the values that a label has on a metric."""
    query = f"label_values({metric}, {label})"
    return {
        "name": name,
        "type": "query",
        "datasource": SOURCE,
        "query": {"query": query, "refId": name},
        "definition": query,
        "refresh": 2,
        "sort": 1,
        "multi": several,
        "includeAll": several,
        **({"allValue": ".*", "current": {"text": "All", "value": "$__all"}} if several else {}),
    }


def dashboard(uid: str, title: str, rows: Sequence[Row], variables: Sequence[Json] = ()) -> Json:
    """A dashboard of rows."""
    panels: list[Json] = []
    y = 0
    for row in rows:
        place = {"h": 1, "w": WIDTH, "x": 0, "y": y}
        heading = {"id": len(panels) + 1, "type": "row", "title": row.title, "gridPos": place}
        panels.append({**heading, "collapsed": False, "panels": []})
        y += 1
        x = tallest = 0
        for panel in row.panels:
            if x + panel.width > WIDTH:
                x, y, tallest = 0, y + tallest, 0
            panels.append(panel.json(len(panels) + 1, x, y))
            x, tallest = x + panel.width, max(tallest, panel.height)
        y += tallest
    datasource = {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Data source"}
    return {
        "uid": uid,
        "title": title,
        "tags": ["quoting"],
        "schemaVersion": 39,
        "version": 1,
        "editable": False,
        "refresh": "10s",
        "time": {"from": "now-3h", "to": "now"},
        "timezone": "utc",
        "templating": {"list": [datasource, *variables]},
        "links": [{"type": "dashboards", "title": "quoting", "tags": ["quoting"], "asDropdown": True}],
        "panels": panels,
    }
