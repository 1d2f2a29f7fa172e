"""Evidence of one paper session in a form small enough for a pod's termination message.

It carries the oriented block differences themselves, as 32-bit floats, and not sums: an e-process remembers
its running maximum, so only the blocks in order give what an uninterrupted evaluation would. Rounding to 32
bits happens where differences are made, so everybody computes with the same numbers.
"""

from __future__ import annotations

import base64
import struct

import msgspec

from quoting_policy.errors import InputError

MOST_BYTES = 4096
"""Kubernetes truncates a termination message beyond this."""

MOST_BLOCKS = 40
"""Blocks of a session: so many differences of every metric fit into the message."""

INDEX_STRIDE = 64
"""Block numbers of consecutive sessions start so far apart: sessions never look adjacent."""

VERSION = 1

ACCEPTED, CANDIDATE_MISSING, BASELINE_MISSING, BOTH_MISSING = ".cbx"
"""What a character of ``SessionEvidence.status`` says of its block."""


class SessionEvidence(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Oriented differences of one session, positive where the candidate is better than the baseline.

    digest: of everything that went into the evaluation. revision: digest of the revision whose arms they
    are; empty outside of a cluster. index, name: the session. block_s: length of a block.
    metrics: names of the rows. status: one character a block. values: base64 of little-endian 32-bit floats,
    metric after metric, a number a block, NaN where the metric does not exist in that block. rejections: why
    the session, or an arm in it, is not evidence; empty when all is well.
    """

    digest: str
    candidate: str
    index: int
    name: str
    block_s: float
    metrics: tuple[str, ...]
    status: str
    values: str
    rejections: tuple[str, ...] = ()
    revision: str = ""
    version: int = VERSION

    @property
    def differences(self) -> dict[str, tuple[float, ...]]:
        """Metric -> one difference a block. Raises InputError where the text does not hold them."""
        n, raw = len(self.status), base64.b64decode(self.values, validate=True)
        if len(raw) != 4 * n * len(self.metrics):
            raise InputError("session.values", f"{len(raw)} bytes", f"{4 * n * len(self.metrics)} bytes")
        numbers = struct.unpack(f"<{n * len(self.metrics)}f", raw)
        return {name: numbers[i * n : (i + 1) * n] for i, name in enumerate(self.metrics)}


def packed(differences: dict[str, list[float]]) -> str:
    """Differences as :class:`SessionEvidence` carries them; every list of the same length."""
    numbers = [value for row in differences.values() for value in row]
    return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()


def encode(evidence: SessionEvidence) -> bytes:
    """The message: JSON of at most 4 KiB. Long reasons are cut, differences never are."""
    message = msgspec.json.encode(evidence)
    if len(message) > MOST_BYTES:
        short = tuple(reason[:100] for reason in evidence.rejections[:5])
        message = msgspec.json.encode(msgspec.structs.replace(evidence, rejections=short))
    if len(message) > MOST_BYTES:
        raise InputError(
            "session evidence", f"{len(message)} bytes", f"at most {MOST_BYTES}", "use fewer blocks"
        )
    return message


def decode(message: bytes) -> SessionEvidence:
    """Read a message. Raises InputError where it is no session's evidence, or is not whole."""
    try:
        evidence = msgspec.json.decode(message, type=SessionEvidence)
        if evidence.version != VERSION:
            raise InputError("session.version", evidence.version, str(VERSION))
        if set(evidence.status) - set(".cbx") or len(evidence.status) > MOST_BLOCKS:
            raise InputError("session.status", evidence.status, f"at most {MOST_BLOCKS} of . c b x")
        _ = evidence.differences
    except (msgspec.DecodeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError("session evidence", message[:40], "a whole message", str(error)) from None
    return evidence
