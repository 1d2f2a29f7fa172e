"""What the engine answers to its agent."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

import msgspec

from quoting_policy.engine import Engine, Latched
from quoting_policy.errors import InputError
from quoting_policy.models.content import Contents
from quoting_policy.protocol.control import (
    AgentMessage,
    Authorise,
    BaselineOnly,
    BreachLatched,
    Configure,
    Done,
    Drill,
    Engage,
    EngineReply,
    Refused,
    Release,
    Revoke,
    TakeSnapshot,
    Tighten,
)
from quoting_policy.sidecar.snapshot import snapshot

log = logging.getLogger(__name__)


class ControlDesk:
    """Turns messages of the agent into calls of the engine."""

    def __init__(
        self,
        engine: Engine,
        connections: Callable[[], int],
        monotonic: Callable[[], int] = time.monotonic_ns,
        wall: Callable[[], int] = time.time_ns,
    ) -> None:
        self._engine = engine
        self._connections = connections
        self._monotonic = monotonic
        self._wall = wall
        self._decode = msgspec.msgpack.Decoder(AgentMessage).decode
        self._encode = msgspec.msgpack.Encoder().encode
        self._handlers: dict[type[Any], Callable[[Any], EngineReply | None]] = {
            Configure: self._configure,
            Authorise: self._authorise,
            Revoke: self._revoke,
            Engage: self._engage,
            Tighten: self._tighten,
            Release: self._release,
            Drill: self._drill,
            TakeSnapshot: self._snapshot,
        }

    def answer(self, payload: bytes) -> bytes:
        """The payload of the reply. Whatever was sent, this does not raise."""
        try:
            message = self._decode(payload)
            reply = self._handlers[type(message)](message) or Done()
        except (msgspec.DecodeError, InputError, RecursionError) as error:
            reply = Refused(str(error))
        except Exception as error:
            log.exception("a control message could not be handled")
            reply = Refused(f"not handled: {type(error).__name__}; see the engine's log")
        return self._encode(reply)

    def breach(self, latched: Latched) -> bytes:
        """The payload that reports a breach."""
        return self._encode(report_of(latched))

    def _configure(self, message: Configure) -> EngineReply | None:
        digest = self._engine.configure(
            message.frozen.revision,
            now_ns=self._monotonic(),
            wall_ns=self._wall(),
            contents=Contents(message.content),
            baseline_alone=True,
        )
        log.info("running revision %s", digest)
        if lacks := self._engine.without_candidate:
            return BaselineOnly(lacks)
        return None

    def _authorise(self, message: Authorise) -> None:
        self._engine.authorise(
            message.authority, seen_ns=message.seen_ns, now_ns=self._monotonic(), wall_ns=self._wall()
        )

    def _revoke(self, _message: Revoke) -> None:
        self._engine.revoke(now_ns=self._monotonic())

    def _engage(self, message: Engage) -> None:
        self._engine.engage(message.kill, now_ns=self._monotonic())

    def _tighten(self, message: Tighten) -> None:
        self._engine.tighten(message.limits)

    def _release(self, message: Release) -> None:
        if not message.reason:
            raise InputError("release.reason", message.reason, "given, for the record")
        released = self._engine.release(
            message.digest,
            now_ns=self._monotonic(),
            before_ns=message.before_ns,
            drill_only=message.drill_only,
        )
        if released:
            log.warning("latch of %s released: %s", message.digest, message.reason)

    def _drill(self, message: Drill) -> None:
        self._engine.drill(message.digest, now_ns=self._monotonic(), wall_ns=self._wall())

    def _snapshot(self, _message: TakeSnapshot) -> EngineReply:
        return snapshot(
            self._engine,
            connections=self._connections(),
            now_ns=self._monotonic(),
            wall_ns=self._wall(),
        )


def report_of(latched: Latched) -> BreachLatched:
    """A latch as it is told to the agent."""
    return BreachLatched(latched.digest, latched.breaches, latched.instrument, latched.wall_ns, latched.drill)
