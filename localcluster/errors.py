"""What went wrong, where, and what to do about it."""

from __future__ import annotations

from pathlib import Path


class ClusterError(Exception):
    """A step failed. ``str()`` names the component, shows the end of its log and the likely remedy."""

    def __init__(self, component: str, problem: str, *, log: Path | None = None, remedy: str = "") -> None:
        self.component = component
        lines = [f"{component}: {problem}"]
        if log is not None:
            lines += [f"  end of {log}:", *(f"    {line}" for line in tail(log, 15))]
        if remedy:
            lines.append(f"  remedy: {remedy}")
        super().__init__("\n".join(lines))


def tail(log: Path, count: int) -> list[str]:
    """The last ``count`` lines of a log that may not exist, each cut to a readable length."""
    if not log.exists():
        return ["(no log)"]
    with log.open("rb") as stream:
        stream.seek(0, 2)
        stream.seek(max(0, stream.tell() - 64 * 1024))
        lines = stream.read().decode(errors="replace").splitlines()
    return [line[:300] for line in lines[-count:]] or ["(empty)"]
