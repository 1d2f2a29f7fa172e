"""What a PromQL expression names. It is parsed by Prometheus itself elsewhere; this only reads words."""

from __future__ import annotations

import re
from typing import NamedTuple

_FUNCTIONS = {
    "absent",
    "avg",
    "changes",
    "count",
    "histogram_quantile",
    "increase",
    "max",
    "min",
    "rate",
    "sum",
}
_WORDS = {
    "and",
    "bool",
    "by",
    "group_left",
    "group_right",
    "ignoring",
    "offset",
    "on",
    "or",
    "time",
    "unless",
}
_MATCHER = re.compile(r"([a-zA-Z_]\w*)\s*(?:=~|!~|!=|=)\s*\"([^\"]*)\"")
_SELECTOR = re.compile(r"(quoting_\w+|up)\s*(\{[^}]*\})?")
_GROUPING = re.compile(r"\b(?:by|on|ignoring|without|group_left|group_right)\s*\(([^)]*)\)")


class Selector(NamedTuple):
    """A metric, and the labels by which its series are chosen with the values asked for."""

    metric: str
    matchers: dict[str, str]


def selectors(expr: str) -> list[Selector]:
    """Every metric that is read."""
    return [
        Selector(match[1], dict(_MATCHER.findall(match[2] or "")))
        for match in _SELECTOR.finditer(_GROUPING.sub("", expr))
    ]


def grouped(expr: str) -> set[str]:
    """Labels that results are grouped or matched by."""
    return {name.strip() for inside in _GROUPING.findall(expr) for name in inside.split(",") if name.strip()}


def strangers(expr: str) -> set[str]:
    """Words that are neither a metric of ours nor part of the language that we use."""
    bare = re.sub(r"\{[^}]*\}|\"[^\"]*\"|\[[^\]]*\]", "", _GROUPING.sub("", expr))
    words = set(re.findall(r"[a-zA-Z_]\w*", bare))
    return {word for word in words if not re.fullmatch(r"quoting_\w+|up", word)} - _FUNCTIONS - _WORDS
