"""The paper stage: Jobs that replay markets and prove the clamps, and what their pods say in the end."""

from __future__ import annotations

from datetime import datetime

from quoting_operator.rollout.decision import Draft
from quoting_operator.rollout.observed import Observed


def follow(seen: Observed, draft: Draft, now: datetime) -> Draft:
    """Start the Jobs, read what their pods say, and let the gates of paper decide."""
    del seen, now
    return draft
