"""What was tried, what bound, what was violated, and what was not as it must be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from quoting_policy.domain.conformance import ClampCount, ClampReport
from quoting_policy.engine import Decision


class Tally:
    """Counts by clamp, and failures; equal failures are kept once, with how often they were seen."""

    def __init__(self) -> None:
        self.decisions = 0
        self._exercised: Counter[str] = Counter()
        self._bound: Counter[str] = Counter()
        self._violated: Counter[str] = Counter()
        self._failures: Counter[str] = Counter()

    def saw(self, decision: Decision, tried: Iterable[str], violated: Iterable[str] = ()) -> None:
        """A decision in which these clamps stood in the way, and these limits were broken."""
        self.decisions += 1
        self._exercised.update(tried)
        self._bound.update(set(decision.clamps_bound))
        self._violated.update(violated)

    def broke(self, clamp: str) -> None:
        """This clamp let through what it must not."""
        self._violated[clamp] += 1

    def must(self, holds: bool, otherwise: str) -> None:
        """Something that has to hold."""
        if not holds:
            self._failures[otherwise] += 1

    def report(self, digest: str) -> ClampReport:
        """Everything, for the revision of this digest."""
        names = sorted({*self._exercised, *self._bound, *self._violated})
        clamps = {
            name: ClampCount(
                exercised=self._exercised[name], bound=self._bound[name], violated=self._violated[name]
            )
            for name in names
        }
        failures = tuple(
            text if times == 1 else f"{text} ({times} times)" for text, times in self._failures.most_common()
        )
        return ClampReport(digest=digest, decisions=self.decisions, clamps=clamps, failures=failures)
