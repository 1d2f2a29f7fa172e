"""The last words of a pod, for whoever started it."""

from __future__ import annotations

from pathlib import Path

_TERMINATION_LOG = Path("/dev/termination-log")


def say(message: bytes, path: Path | None = None) -> None:
    """Print a message, and leave it as the pod's termination message where this is a pod."""
    log = path or (_TERMINATION_LOG if _TERMINATION_LOG.exists() else None)
    if log is not None:
        log.write_bytes(message)
    print(message.decode())
