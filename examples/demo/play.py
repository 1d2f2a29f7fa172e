"""How acts are played: waiting with the eyes open, checking, and keeping what was seen."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from examples.demo.desk import Desk
from examples.demo.screen import Screen
from examples.demo.venue_line import VenueLine
from examples.demo.view import gate_line
from localcluster.errors import ClusterError

T = TypeVar("T")
LOOK_EVERY_S = 0.5
PASSING = frozenset({"Paper", "Shadow", "Canary"})
"""Phases that a policy may already have left when it is looked at again."""

DEAD = frozenset({"RolledBack", "Expired", "Invalid"})
"""Phases that lead nowhere by themselves."""


class UnfulfilledError(Exception):
    """Something that an act asserts has not come true."""


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that was asserted and seen. seconds: how long it took, where that says anything."""

    what: str
    seconds: float | None = None


@dataclass(slots=True)
class ActRecord:
    """An act as it went. began, ended: Unix time, s. failure: empty where every assertion held."""

    number: int
    title: str
    began: float
    ended: float = 0.0
    facts: list[Fact] = field(default_factory=list)
    failure: str = ""

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.ended - self.began


@dataclass(frozen=True, slots=True)
class Observation:
    """The policy's status at a moment (Unix time, s) at which it differed from the one before."""

    at: float
    status: Mapping[str, Any]


class Play:
    """A run of the demonstration."""

    def __init__(self, desk: Desk, screen: Screen) -> None:
        self.desk, self.screen = desk, screen
        self.began = time.time()
        self.records: list[ActRecord] = []
        self.observations: list[Observation] = []
        self.events: dict[str, Mapping[str, Any]] = {}
        self.venue_logs: dict[int, str] = {}

    @contextmanager
    def act(self, number: int, title: str) -> Iterator[ActRecord]:
        """Keep how an act goes; one that fails is on record before the failure goes on."""
        record = ActRecord(number, title, began=time.time())
        self.records.append(record)
        self.screen.say(f"\nAct {number}: {title}")
        try:
            yield record
        except (UnfulfilledError, ClusterError) as error:
            record.failure = str(error)
            raise
        finally:
            record.ended = time.time()
            self._gather(number)
            self.screen.say(f"{record.seconds:8.1f} s  act {number} {'FAILED' if record.failure else 'done'}")

    def fact(self, what: str, seconds: float | None = None) -> None:
        """Something asserted has been seen."""
        self.records[-1].facts.append(Fact(what, seconds))
        took = " " * 8 + "  " if seconds is None else f"{seconds:8.2f} s"
        self.screen.say(f"{took}  ✓ {what}")

    def check(self, truth: object, what: str, seconds: float | None = None) -> None:
        """Assert. Raises UnfulfilledError."""
        if not truth:
            raise UnfulfilledError(f"not so: {what}")
        self.fact(what, seconds)

    def until(self, what: str, question: Callable[[], T | None], patience_s: float) -> T:
        """The first truthy answer, shown and measured. Raises UnfulfilledError where time is up."""
        start = time.monotonic()
        answer = self.wait(what, question, patience_s)
        self.fact(what, time.monotonic() - start)
        return answer

    def wait(self, what: str, question: Callable[[], T | None], patience_s: float) -> T:
        """As :meth:`until`, without a fact. What the cluster can't answer yet counts as not answered."""
        start = time.monotonic()
        while time.monotonic() - start < patience_s:
            self.look()
            try:
                answer = question()
            except ClusterError:
                answer = None
            if answer:
                return answer
            time.sleep(LOOK_EVERY_S)
        raise UnfulfilledError(f"{what}: not within {patience_s:.0f} s; {self._last_message()}")

    def reaches(self, phase: str, patience_s: float) -> Mapping[str, Any]:
        """Wait for a phase, measured from the act's beginning. Raises UnfulfilledError.

        Another phase that leads nowhere ends the waiting.
        """
        began = self.records[-1].began

        def there() -> Mapping[str, Any] | None:
            status = self.status()
            found = status.get("phase")
            if found in DEAD - {phase}:
                raise UnfulfilledError(f"{phase} was expected: {found}: {status.get('message')}")
            passed = phase in PASSING and phase in phases_since(status, began)
            return status if found == phase or passed else None

        status = self.wait(f"phase {phase}", there, patience_s)
        self.fact(f"phase {phase}, counted from the act's beginning", time.time() - began)
        for gate in self._gates_before(phase):
            self.screen.say(f"              {gate}")
        return status

    def _gather(self, number: int) -> None:
        """Keep what the next act's new desk would take away: Events by uid, and what the app said."""
        with suppress(ClusterError):  # the report names what is missing
            self.events |= {found["metadata"]["uid"]: found for found in self.desk.get("events")["items"]}
            self.venue_logs[number] = self.desk.here("logs", "deploy/venue", "-c", "venue", "--tail=-1")

    def look(self) -> None:
        """Show where things stand, and keep it if it is new."""
        try:
            status: Mapping[str, Any] = self.desk.status()
        except ClusterError:
            return
        if not self.observations or self.observations[-1].status != status:
            self.observations.append(Observation(time.time(), status))
        self.screen.show(status, self.app(), time.time() - self.began)

    def status(self) -> Mapping[str, Any]:
        """The status last seen."""
        return self.observations[-1].status if self.observations else {}

    def app(self) -> VenueLine | None:
        """The trading app's last line."""
        said = self.desk.venue(3)
        return said[-1] if said else None

    def _gates_before(self, phase: str) -> list[str]:
        """Gates as they stood when the stage before was left: the evidence that decided."""
        earlier = next((o.status for o in reversed(self.observations) if o.status.get("phase") != phase), {})
        return [gate_line(gate) for gate in earlier.get("gates") or ()]

    def _last_message(self) -> str:
        app = self.app()
        return (
            f"{self.status().get('message', 'no status')}; the app: {'silent' if app is None else app.text}"
        )


def phases_since(status: Mapping[str, Any], moment: float) -> list[str]:
    """Phases that history tells of since a moment, Unix time, s; it is written in whole seconds."""
    return [
        entry["phase"]
        for entry in status.get("history") or ()
        if datetime.fromisoformat(entry["at"]).timestamp() >= int(moment)
    ]
