"""Where an agent learns what its engine shall do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from quoting_policy.protocol.control import (
    Authorise,
    BreachLatched,
    Configure,
    Drill,
    Engage,
    Release,
    Revoke,
    Tighten,
)

Instruction = Configure | Authorise | Revoke | Engage | Tighten | Release | Drill


class Source(Protocol):
    """A source of truth: a watched folder here, the Kubernetes API in a cluster.

    An instruction is passed on as soon as it is known. A source that knows nothing says nothing: silence
    lets authority lapse. A state that cannot be read is told as the safe one.
    """

    def instructions(self) -> AsyncIterator[Instruction]:
        """Instructions, as they come; the first ones are the state at hand."""
        ...

    async def report(self, breach: BreachLatched) -> None:
        """Tell the world that a breach was latched. May be called again for the same one."""
        ...

    def problem(self) -> str:
        """What is wrong with the source at this moment, for people; empty when nothing is."""
        ...
