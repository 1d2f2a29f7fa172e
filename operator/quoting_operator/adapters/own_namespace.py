"""A pod's own namespace, by the token that is mounted in it: just enough to leave a ConfigMap there."""

from __future__ import annotations

import base64
import json
import os
import ssl
import urllib.request
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

from quoting_policy.errors import InputError

_MOUNTED = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_TIMEOUT_S = 30.0


def create_config_map(metadata: Mapping[str, Any], content: Mapping[str, bytes]) -> None:
    """Create an immutable ConfigMap of this metadata; that it exists already is fine.

    Raises InputError where this is no pod with a token, or the API server refuses.
    """
    host, port = os.environ.get("KUBERNETES_SERVICE_HOST"), os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    if not host or not (_MOUNTED / "token").exists():
        raise InputError("ServiceAccount", None, "mounted", "run this in a pod, or give --out FILE")
    manifest = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": dict(metadata),
        "immutable": True,
        "binaryData": {key: base64.b64encode(value).decode() for key, value in content.items()},
    }
    host = f"[{host}]" if ":" in host else host
    request = urllib.request.Request(
        f"https://{host}:{port}/api/v1/namespaces/{metadata['namespace']}/configmaps",
        data=json.dumps(manifest).encode(),
        headers={
            "Authorization": f"Bearer {(_MOUNTED / 'token').read_text().strip()}",
            "Content-Type": "application/json",
        },
    )
    trusted = ssl.create_default_context(cafile=str(_MOUNTED / "ca.crt"))
    try:
        urllib.request.urlopen(request, timeout=_TIMEOUT_S, context=trusted).close()  # noqa: S310  as above
    except HTTPError as error:
        if error.code == HTTPStatus.CONFLICT:
            return
        said = error.read(2_000).decode(errors="replace")
        if error.code == HTTPStatus.FORBIDDEN:
            raise InputError(
                "ServiceAccount",
                said,
                "one that may create ConfigMaps",
                "bind ClusterRole quoting-paper to it",
            ) from None
        raise
