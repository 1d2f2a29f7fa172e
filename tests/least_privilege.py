"""Rights that were granted, rights that were used, and what is left over."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from itertools import product
from typing import NamedTuple

from tests.resources import Json


class Right(NamedTuple):
    """May do this to that. group: empty for the core. resource: with its subresource, as RBAC writes it."""

    group: str
    resource: str
    verb: str

    def __str__(self) -> str:
        return f"{self.verb} {self.resource}" + (f".{self.group}" if self.group else "")


class Asked(NamedTuple):
    """What some accounts asked of the API server: what it let them do, and what it forbade."""

    allowed: frozenset[Right]
    forbidden: frozenset[Right]


def granted(rules: Iterable[Json]) -> frozenset[Right]:
    """Every right in a role's rules. Raises ValueError at a wildcard, which nothing can be held against."""
    found = set()
    for rule in rules:
        for right in product(rule.get("apiGroups", [""]), rule["resources"], rule["verbs"]):
            if "*" in right:
                raise ValueError(f"a wildcard in {rule}: name what is needed")
            found.add(Right(*right))
    return frozenset(found)


def asked(lines: Iterable[str], of: Callable[[str], bool]) -> Asked:
    """From an audit log, what the users asked whom `of` picks out. Discovery is everybody's right."""
    allowed, forbidden = set(), set()
    for line in lines:
        event = json.loads(line)
        about = event.get("objectRef")
        if about is None or "resource" not in about or not of(event["user"]["username"]):
            continue
        sub = f"/{about['subresource']}" if about.get("subresource") else ""
        right = Right(about.get("apiGroup", ""), about["resource"] + sub, event["verb"])
        decision = event.get("annotations", {}).get("authorization.k8s.io/decision")
        (forbidden if decision == "forbid" else allowed).add(right)
    return Asked(frozenset(allowed), frozenset(forbidden))


def unused(granted: frozenset[Right], used: frozenset[Right], exceptions: Iterable[str] = ()) -> list[str]:
    """Rights that nobody used and no exception excuses, and exceptions that are none, in words.

    exceptions: rights as they are written out, such as ``get pods/log``.
    """
    given, taken, excused = ({str(right) for right in rights} for rights in (granted, used, exceptions))
    wrong = [f"{right}: granted and never used" for right in sorted(given - taken - excused)]
    wrong += [f"{right}: excused, and used all the same" for right in sorted(excused & taken)]
    return wrong + [f"{right}: excused, and not granted" for right in sorted(excused - given)]
