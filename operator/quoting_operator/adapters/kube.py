"""The Kubernetes API, as little of it as we need: objects are dictionaries, every call has a timeout."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterable, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import msgspec

from quoting_operator.adapters.endpoint import Endpoint, find
from quoting_operator.api.schema import GROUP, VERSION

Json = dict[str, Any]

FIELD_MANAGER = "quoting-operator"
TIMEOUT = aiohttp.ClientTimeout(connect=3.0, sock_read=10.0)
"""Seconds to connect, and to read an answer."""

WATCH_TIMEOUT = aiohttp.ClientTimeout(connect=3.0, sock_read=90.0)
"""Seconds without a word after which a stream is dead; bookmarks come every minute, where they come."""

NOT_FOUND, CONFLICT, GONE, HTTP_ERRORS = 404, 409, 410, 400

PAGE = 250
"""Objects read at once: what is kept of them is much smaller than what comes."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of object: its group and version, plural, and whether it lives in a namespace."""

    api: str
    plural: str
    namespaced: bool = True

    def path(self, namespace: str | None = None, name: str | None = None, subresource: str = "") -> str:
        """URL path of a collection, an object or its subresource."""
        root = f"/api/{self.api}" if "/" not in self.api else f"/apis/{self.api}"
        place = f"/namespaces/{namespace}" if self.namespaced and namespace else ""
        return root + place + "/" + "/".join(part for part in (self.plural, name, subresource) if part)


_OURS = f"{GROUP}/{VERSION}"
QUOTING_POLICIES = Kind(_OURS, "quotingpolicies")
IMPLEMENTATION_SPECS = Kind(_OURS, "implementationspecs")
GATE_SETS = Kind(_OURS, "gatesets")
KILL_SWITCHES = Kind(_OURS, "killswitches", namespaced=False)
CONTROLLER_REVISIONS = Kind("apps/v1", "controllerrevisions")
LEASES = Kind("coordination.k8s.io/v1", "leases")
CONFIG_MAPS = Kind("v1", "configmaps")
PODS = Kind("v1", "pods")
JOBS = Kind("batch/v1", "jobs")
SECRETS = Kind("v1", "secrets")
EVENTS = Kind("v1", "events")
MUTATING_WEBHOOKS = Kind("admissionregistration.k8s.io/v1", "mutatingwebhookconfigurations", namespaced=False)


class KubeError(Exception):
    """The API server refused, or could not be reached. status: HTTP status, 0 where there was no answer."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


class Kube:
    """A connection to the API server. manager: who it says has written; headers: sent with every request."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        endpoint: Endpoint,
        *,
        manager: str = FIELD_MANAGER,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._session, self._endpoint = session, endpoint
        self._manager = manager
        self._headers = dict(headers or {})

    async def get(self, kind: Kind, namespace: str | None, name: str) -> Json | None:
        """An object, None where there is none."""
        try:
            return await self._call("GET", kind.path(namespace, name))
        except KubeError as error:
            if error.status == NOT_FOUND:
                return None
            raise

    async def list_all(
        self,
        kind: Kind,
        namespace: str | None = None,
        *,
        labels: str = "",
        fields: str = "",
        most: int = 0,
    ) -> tuple[list[Json], str]:
        """Objects, and the resource version from which they can be watched. most: 0 is all of them."""
        query = _selectors(labels, fields) | ({"limit": str(most)} if most else {})
        found = await self._call("GET", kind.path(namespace), query)
        return found["items"], found["metadata"]["resourceVersion"]

    async def pages(
        self, kind: Kind, namespace: str | None = None, *, labels: str = "", fields: str = ""
    ) -> AsyncIterator[tuple[list[Json], str]]:
        """All objects, some at a time, all as of the resource version that stands beside them.

        Raises KubeError, with status GONE where reading took so long that the version is no more.
        """
        query = _selectors(labels, fields) | {"limit": str(PAGE)}
        more = True
        while more:
            found = await self._call("GET", kind.path(namespace), query)
            yield found["items"], found["metadata"]["resourceVersion"]
            query["continue"] = found["metadata"].get("continue", "")
            more = bool(query["continue"])

    async def create(self, kind: Kind, namespace: str | None, body: Mapping[str, Any]) -> Json:
        """Create an object. Raises KubeError with status CONFLICT where it exists."""
        return await self._call("POST", kind.path(namespace), {"fieldManager": self._manager}, body)

    async def replace(
        self, kind: Kind, namespace: str | None, body: Mapping[str, Any], subresource: str = ""
    ) -> Json:
        """Replace an object or its status; its resourceVersion is the precondition."""
        path = kind.path(namespace, body["metadata"]["name"], subresource)
        return await self._call("PUT", path, {"fieldManager": self._manager}, body)

    async def apply(
        self, kind: Kind, namespace: str | None, body: Mapping[str, Any], subresource: str = ""
    ) -> Json:
        """Server-side apply as our field manager; a resourceVersion in the body is a precondition."""
        path = kind.path(namespace, body["metadata"]["name"], subresource)
        query = {"fieldManager": self._manager, "force": "true"}
        return await self._call("PATCH", path, query, body, content_type="application/apply-patch+yaml")

    async def patch(
        self, kind: Kind, namespace: str | None, name: str, operations: list[Json], subresource: str = ""
    ) -> Json:
        """Change parts of an object by JSON patch."""
        path = kind.path(namespace, name, subresource)
        query = {"fieldManager": self._manager}
        return await self._call("PATCH", path, query, operations, content_type="application/json-patch+json")

    async def merge(self, kind: Kind, namespace: str | None, name: str, changes: Mapping[str, Any]) -> Json:
        """Change parts of an object by JSON merge patch."""
        path = kind.path(namespace, name)
        query = {"fieldManager": self._manager}
        return await self._call("PATCH", path, query, changes, content_type="application/merge-patch+json")

    async def delete(self, kind: Kind, namespace: str | None, name: str) -> None:
        """Delete an object; that it is gone already is fine."""
        try:
            await self._call("DELETE", kind.path(namespace, name))
        except KubeError as error:
            if error.status != NOT_FOUND:
                raise

    async def post_event(self, regarding: Mapping[str, Any], reason: str, message: str, kind: str) -> None:
        """Post an Event about an object. kind: Normal or Warning."""
        metadata = regarding["metadata"]
        now = datetime.now(UTC)
        stamp = now.isoformat(timespec="seconds").replace("+00:00", "Z")
        body = {
            "metadata": {"generateName": f"{metadata['name']}.", "namespace": metadata["namespace"]},
            "involvedObject": {
                "apiVersion": regarding["apiVersion"],
                "kind": regarding["kind"],
                "name": metadata["name"],
                "namespace": metadata["namespace"],
                "uid": metadata["uid"],
            },
            "reason": reason,
            "message": message[:1024],
            "type": kind,
            "source": {"component": FIELD_MANAGER},
            "firstTimestamp": stamp,
            "lastTimestamp": stamp,
            "count": 1,
        }
        await self.create(EVENTS, metadata["namespace"], body)

    async def watch(
        self,
        kind: Kind,
        namespace: str | None,
        version: str,
        *,
        labels: str = "",
        fields: str = "",
        seconds: int = 300,
    ) -> AsyncIterator[tuple[str, Json]]:
        """Changes since a version, as (type, object), for at most so many seconds; bookmarks included.

        Raises KubeError, with status GONE where the version is too old to watch from.
        """
        query = _selectors(labels, fields) | {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(seconds),
        }
        response = await self._send("GET", kind.path(namespace), query, timeout=WATCH_TIMEOUT)
        try:
            async for line in _lines(response.content.iter_any()):
                event = msgspec.json.decode(line)
                if event["type"] == "ERROR":
                    status = event["object"]
                    raise KubeError(status.get("code", 0), status.get("message", "the watch failed"))
                yield event["type"], event["object"]
        except (aiohttp.ClientError, OSError, msgspec.DecodeError) as error:
            raise KubeError(0, f"the watch of {kind.plural} broke off: {error!r}") from error
        finally:
            response.close()

    async def _call(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        *,
        content_type: str = "application/json",
    ) -> Json:
        response = await self._send(method, path, query, body, content_type=content_type)
        found: Json = msgspec.json.decode(await response.read())
        return found

    async def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        *,
        content_type: str = "application/json",
        timeout: aiohttp.ClientTimeout = TIMEOUT,  # noqa: ASYNC109  of the connection, not of the call
    ) -> aiohttp.ClientResponse:
        headers = {"Content-Type": content_type, "Accept": "application/json", **self._headers}
        url = f"{self._endpoint.server}{path}" + (f"?{urlencode(query)}" if query else "")
        data = None if body is None else json.dumps(body)
        try:
            if credential := self._endpoint.authorization():
                headers["Authorization"] = credential
            response = await self._session.request(
                method,
                url,
                headers=headers,
                data=data,
                timeout=timeout,
                server_hostname=self._endpoint.server_name,
            )
            if response.status >= HTTP_ERRORS:
                raise KubeError(response.status, _told(response.status, await response.read()))
        except (aiohttp.ClientError, OSError) as error:
            raise KubeError(0, f"the API server cannot be reached: {error!r}") from error
        return response


@asynccontextmanager
async def connect(
    endpoint: Endpoint | None = None,
    *,
    manager: str = FIELD_MANAGER,
    headers: Mapping[str, str] | None = None,
) -> AsyncIterator[Kube]:
    """A connection; by default by the pod's own token, or by the kubeconfig where there is none.

    Raises InputError where there is neither.
    """
    reached = endpoint or await find(os.environ)
    async with aiohttp.ClientSession(
        # Watches hold a connection each, many with many namespaces; no write may wait for one of them to end.
        connector=aiohttp.TCPConnector(ssl=reached.tls, limit=0),
        proxy=reached.proxy or _proxy_of_environment(reached.server),
    ) as session:
        yield Kube(session, reached, manager=manager, headers=headers)


async def _lines(chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """Lines of any length: an object can be larger than what aiohttp takes for a line."""
    rest: list[bytes] = []
    async for chunk in chunks:
        *whole, last = chunk.split(b"\n")
        for line in whole:
            yield b"".join((*rest, line))
            rest = []
        rest.append(last)


def _proxy_of_environment(server: str) -> str | None:
    """HTTPS_PROXY and NO_PROXY, as kubectl does. Asked once: aiohttp would in a thread at every request."""
    host = urlsplit(server)
    return None if proxy_bypass(host.hostname or "") else getproxies().get(host.scheme)


def _selectors(labels: str, fields: str) -> dict[str, str]:
    return {key: value for key, value in (("labelSelector", labels), ("fieldSelector", fields)) if value}


def _told(status: int, body: bytes) -> str:
    """The API server's own message."""
    try:
        return f"{status}: {json.loads(body)['message']}"
    except (ValueError, KeyError, TypeError):
        return f"{status}: {body[:200].decode(errors='replace')}"
