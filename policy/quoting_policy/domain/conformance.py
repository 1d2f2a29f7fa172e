"""What a check of the clamps found for one revision, small enough for a pod's termination message."""

from __future__ import annotations

import msgspec

from quoting_policy.domain.session import MOST_BYTES
from quoting_policy.errors import InputError

VERSION = 1
_MOST_FAILURES, _LONGEST_FAILURE = 8, 200


class ClampCount(msgspec.Struct, frozen=True, kw_only=True):
    """One clamp: decisions in which it could have bound, in which it did, and quotes outside its limit."""

    exercised: int = 0
    bound: int = 0
    violated: int = 0


class ClampReport(msgspec.Struct, frozen=True, kw_only=True):
    """Findings for the revision of this digest. failures: what was not as it must be; empty where all was.

    decisions: that were asked for. clamps: by name.
    """

    digest: str
    decisions: int
    clamps: dict[str, ClampCount]
    failures: tuple[str, ...] = ()
    version: int = VERSION

    @property
    def passed(self) -> bool:
        """Whether the clamps are proven: something was tried, nothing failed, nothing was violated."""
        violated = any(count.violated for count in self.clamps.values())
        return self.decisions > 0 and bool(self.clamps) and not self.failures and not violated

    @property
    def summary(self) -> str:
        """In a sentence."""
        if self.failures:
            return f"{len(self.failures)} failed: {'; '.join(self.failures[:3])}"
        if not self.passed:
            violated = sorted(name for name, count in self.clamps.items() if count.violated)
            return f"violated: {', '.join(violated)}" if violated else "nothing was tried"
        bound = sum(count.bound for count in self.clamps.values())
        return f"{len(self.clamps)} clamps over {self.decisions} decisions: bound {bound} times, violated 0"


def encode(report: ClampReport) -> bytes:
    """The message: JSON of at most 4 KiB. Failures are cut short, their number never becomes 0."""
    short = tuple(text[:_LONGEST_FAILURE] for text in report.failures[:_MOST_FAILURES])
    message = msgspec.json.encode(msgspec.structs.replace(report, failures=short))
    if len(message) > MOST_BYTES:
        raise InputError("conformance report", f"{len(message)} bytes", f"at most {MOST_BYTES}")
    return message


def decode(message: bytes) -> ClampReport:
    """Read a message. Raises InputError where it is no report, or is not whole."""
    try:
        report = msgspec.json.decode(message, type=ClampReport)
    except (msgspec.DecodeError, ValueError) as error:
        raise InputError("conformance report", message[:40], "a whole message", str(error)) from None
    if report.version != VERSION:
        raise InputError("conformance.version", report.version, str(VERSION))
    return report
