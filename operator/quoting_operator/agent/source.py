"""The Kubernetes API as an agent's source: it watches its policy, the kill switches and its Lease."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from quoting_operator.adapters.kube import (
    CONFLICT,
    CONTROLLER_REVISIONS,
    EVENTS,
    KILL_SWITCHES,
    LEASES,
    QUOTING_POLICIES,
    Json,
    Kind,
    Kube,
    KubeError,
)
from quoting_operator.agent.state import Instruction, Known, frozen_of
from quoting_operator.api.breach_event import breach_event
from quoting_operator.injection.pod import CONFIG_MAPS_ANNOTATION, SECRETS_ANNOTATION
from quoting_policy.domain import Frozen
from quoting_policy.errors import InputError
from quoting_policy.models.content import read_contents
from quoting_policy.protocol.control import BreachLatched

log = logging.getLogger(__name__)

RETRY_S = 0.5
"""Seconds after which a broken watch is begun anew."""

STALL_S = 2.0
"""A loop that did not turn for longer was stopped: what waited in the socket is not fresh."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Which pod this is, and which policy it follows."""

    namespace: str
    policy: str
    pod: str
    pod_uid: str


class Pulse:
    """Notices that this process was stopped for a while, as by SIGSTOP or a frozen machine.

    Renewals that waited in the socket meanwhile would look fresh; whoever watches lists anew instead.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._turned = clock()
        self.stalls = 0

    async def beat(self) -> None:
        """Turn, for ever."""
        while True:
            self.turn()
            await asyncio.sleep(STALL_S / 4)

    def turn(self) -> None:
        """Note that the loop turns."""
        now = self._clock()
        self.stalls += now - self._turned > STALL_S
        self._turned = now

    def stalled_since(self, stalls: int) -> bool:
        """Whether there was a stall since ``stalls`` was read, or is one that was not noticed yet."""
        return self.stalls != stalls or self._clock() - self._turned > STALL_S


class KubernetesSource:
    """Instructions from the API server. While it is gone nothing is said, and authority lapses.

    content: folder where the ConfigMaps and Secrets of this pod are mounted that revisions may name.
    """

    def __init__(self, kube: Kube, who: Identity, content: Path | None = None) -> None:
        self._kube = kube
        self._who = who
        self._content = content
        self._held: tuple[str, Frozen] | None = None
        self._known = Known()
        self._said: asyncio.Queue[Instruction] = asyncio.Queue()
        self._pinned = asyncio.Event()
        self._pulse = Pulse()

    async def instructions(self) -> AsyncIterator[Instruction]:
        """Instructions as they come."""
        who = self._who
        mine = f"metadata.name={who.policy}"
        watches = [
            asyncio.create_task(work)
            for work in (
                self._follow(KILL_SWITCHES, None, "", self._switches),
                self._follow(QUOTING_POLICIES, who.namespace, mine, self._policy),
                self._follow(LEASES, who.namespace, mine, self._lease),
                self._fetch_revisions(),
                self._pulse.beat(),
            )
        ]
        said: asyncio.Task[Instruction] | None = None
        try:
            while True:
                said = asyncio.create_task(self._said.get())
                await asyncio.wait({said, *watches}, return_when=asyncio.FIRST_COMPLETED)
                for watch in watches:
                    if watch.done():  # none of them ever ends but by a fault
                        watch.result()
                yield said.result()
        finally:
            for task in (*watches, *([said] if said is not None else [])):
                task.cancel()

    async def report(self, breach: BreachLatched) -> None:
        """Post an Event on the policy, until it is posted. Told twice, it is posted once."""
        who = self._who
        event = breach_event(
            breach,
            namespace=who.namespace,
            policy=who.policy,
            policy_uid=((self._known.policy or {}).get("metadata") or {}).get("uid", ""),
            pod=who.pod,
            pod_uid=who.pod_uid,
            rehearsal=self._known.rehearsal if breach.drill else "",
        )
        while True:
            try:
                await self._kube.create(EVENTS, self._who.namespace, event)
            except KubeError as error:
                if error.status == CONFLICT:
                    return
                log.warning("breach not posted yet: %s", error)
                await asyncio.sleep(RETRY_S)
            else:
                return

    def problem(self) -> str:
        """What is wrong at this moment, for people."""
        return "; ".join(self._known.problems.values())

    async def _follow(
        self,
        kind: Kind,
        namespace: str | None,
        fields: str,
        take: Callable[[list[Json] | None, str, Json], None],
    ) -> None:
        """List and watch for ever. take(items, "", {}) is a list; take(None, type, object) is a change."""
        while True:
            try:
                items, version = await self._kube.list_all(kind, namespace, fields=fields)
                take(items, "", {})
                self._known.problems.pop(kind.plural, None)
                stalls = self._pulse.stalls
                async for change, item in self._kube.watch(kind, namespace, version, fields=fields):
                    if self._pulse.stalled_since(stalls):
                        break
                    if change != "BOOKMARK":
                        take(None, change, item)
            except KubeError as error:
                self._known.problems[kind.plural] = f"{kind.plural}: {error}"
                log.warning("%s: %s", kind.plural, error)
                await asyncio.sleep(RETRY_S)

    def _switches(self, items: list[Json] | None, change: str, item: Json) -> None:
        known = self._known
        if items is not None:
            known.switches = {found["metadata"]["name"]: found for found in items}
        elif known.switches is not None:
            name = item["metadata"]["name"]
            known.switches = {key: found for key, found in known.switches.items() if key != name}
            if change != "DELETED":
                known.switches[name] = item
        self._say_changes()

    def _policy(self, items: list[Json] | None, change: str, item: Json) -> None:
        if items is not None:
            self._known.saw_policy(items[0] if items else None)
        else:
            self._known.saw_policy(None if change == "DELETED" else item)
        self._say_changes()
        self._pinned.set()

    def _lease(self, items: list[Json] | None, change: str, item: Json) -> None:
        now = time.monotonic_ns()
        if items is not None:
            said = self._known.saw_lease(items[0] if items else None, now, live=False)
        else:
            said = self._known.saw_lease(None if change == "DELETED" else item, now, live=True)
        for instruction in said:
            self._said.put_nowait(instruction)

    def _say_changes(self) -> None:
        for instruction in self._known.changes():
            self._said.put_nowait(instruction)

    async def _fetch_revisions(self) -> None:
        """Fetch the pinned revision whenever another one is pinned, until it and its content are there."""
        fetched = ""
        while True:
            await self._pinned.wait()
            self._pinned.clear()
            name = self._known.wanted_revision()
            if not name or name == fetched:
                continue
            try:
                await self._configure(name)
                fetched = name
                self._known.problems.pop("revision", None)
            except (KubeError, InputError) as error:
                if self._known.problems.get("revision") != str(error):
                    log.error("revision %s: %s", name, error)
                self._known.problems["revision"] = str(error)
                asyncio.get_running_loop().call_later(RETRY_S, self._pinned.set)

    async def _configure(self, name: str) -> None:
        """Tell what to run, with the content that is there; raises InputError while some is missing."""
        if self._held is None or self._held[0] != name:
            revision = await self._kube.get(CONTROLLER_REVISIONS, self._who.namespace, name)
            if revision is None:
                raise InputError("ControllerRevision", name, "there: the operator has pinned it")
            self._held = name, frozen_of(revision)
        frozen = self._held[1]
        wanted = frozen.revision.content()
        contents = read_contents(self._content if wanted else None)
        said = self._known.configured(frozen, contents)
        if said is not None:
            self._said.put_nowait(said)
        if missing := contents.missing(wanted):
            raise InputError(
                "content", missing[0], "the sha256 of something mounted here",
                f"the pod's annotations {CONFIG_MAPS_ANNOTATION}, {SECRETS_ANNOTATION} say what is",
            )  # fmt: skip
