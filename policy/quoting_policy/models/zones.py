"""Zones of inventory: how much of the limit is used, and what may then be quoted."""

from __future__ import annotations

import math
from enum import StrEnum

from quoting_policy.models.contract import RefusalError

YELLOW_FROM = 0.3
RED_FROM = 0.7


class Zone(StrEnum):
    """GREEN quotes both sides in full, YELLOW shrinks the side that adds, RED and FLATTEN only reduce."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"
    FLATTEN = "flatten"


def zone(fill: float) -> Zone:
    """Zone of a position of ``fill`` times the limit: [0, 0.3), [0.3, 0.7), [0.7, 1], beyond.

    Raises RefusalError where ``fill`` is not a number.
    """
    used = abs(fill)
    if math.isnan(used):
        raise RefusalError.of("state.inventory", fill, "finite, lots")
    if used > 1.0:
        return Zone.FLATTEN
    if used >= RED_FROM:
        return Zone.RED
    return Zone.YELLOW if used >= YELLOW_FROM else Zone.GREEN


def adding_share(fill: float) -> float:
    """Share of its size that the side which adds to the position keeps, in [0, 1].

    1 in the green zone, falling linearly to 0 over the yellow one, so that no boundary is a cliff.
    """
    return min(1.0, max(0.0, (RED_FROM - abs(fill)) / (RED_FROM - YELLOW_FROM)))
