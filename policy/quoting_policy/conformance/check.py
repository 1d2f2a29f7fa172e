"""The whole proof for one revision."""

from __future__ import annotations

from random import Random

from quoting_policy.conformance.edges import check_edges
from quoting_policy.conformance.faults import check_faults
from quoting_policy.conformance.storm import STEPS, storm
from quoting_policy.conformance.tally import Tally
from quoting_policy.domain import Revision
from quoting_policy.domain.conformance import ClampReport
from quoting_policy.errors import InputError
from quoting_policy.models.content import NOTHING, Contents

DECISIONS = 12_000
"""Requests of the storms, shared out over the instruments."""


def check(
    revision: Revision, *, decisions: int = DECISIONS, seed: int = 0, contents: Contents = NOTHING
) -> ClampReport:
    """Try the clamps of every instrument of a revision. The same arguments give the same report.

    contents: weights and secret parameters that the revision names.

    Raises InputError where there is no candidate, or an arm cannot be built.
    """
    if revision.candidate is None:
        raise InputError("revision.candidate", None, "given", "there is nothing to prove")
    tally = Tally()
    storms = max(2, decisions // STEPS // len(revision.instruments))
    for number, instrument in enumerate(revision.instruments):
        check_edges(tally, revision, instrument)
        check_faults(tally, revision, instrument, contents)
        for k in range(storms):
            random = Random(f"{seed} {number} {k}")
            storm(tally, revision, instrument, random, contents, hostile=k % 2 == 1)
    return tally.report(revision.digest())
