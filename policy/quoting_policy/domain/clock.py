"""Times as everybody here counts them: whole nanoseconds."""

from __future__ import annotations

SECOND = 1_000_000_000

NEVER_NS = 2**63 - 1
"""Later than any clock will show. Infinity says so too, and is slower to compare with whole numbers."""
