"""The few questions that bringing a cluster up asks of its API server."""

from __future__ import annotations

import contextlib
import json
import ssl
import urllib.error
import urllib.request
from typing import Any

from localcluster.errors import ClusterError
from localcluster.layout import Layout


class Api:
    """A minimal client with the administrator's certificate."""

    def __init__(self, layout: Layout) -> None:
        self._server = layout.server
        self._context = ssl.create_default_context(cafile=str(layout.pki / "ca.crt"))
        self._context.load_cert_chain(layout.pki / "admin.crt", layout.pki / "admin.key")

    def get(self, path: str) -> Any:
        """The answer as JSON, None where there is none (yet)."""
        with contextlib.suppress(OSError, ValueError):
            return json.loads(self._request(path))
        return None

    def create(self, path: str, body: dict[str, Any]) -> None:
        """Create an object; one that is there already is left as it is. Raises ClusterError if refused."""
        if self.exists(f"{path}/{body['metadata']['name']}"):
            return
        try:
            self._request(path, json.dumps(body).encode())
        except urllib.error.HTTPError as error:
            raise ClusterError("kube-apiserver", f"POST {path}: {error.read().decode()[:500]}") from None

    def _request(self, path: str, data: bytes | None = None) -> bytes:
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self._server + path, data=data, headers=headers)  # noqa: S310 - https, ours
        with urllib.request.urlopen(request, timeout=5, context=self._context) as answer:  # noqa: S310 - as above
            body: bytes = answer.read()
        return body

    def node_ready(self) -> bool:
        """Whether the node's Ready condition is true."""
        node = self.get("/api/v1/nodes/node0") or {}
        conditions = node.get("status", {}).get("conditions", [])
        return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)

    def exists(self, path: str) -> bool:
        """Whether the object at ``path`` can be read."""
        return self.get(path) is not None
