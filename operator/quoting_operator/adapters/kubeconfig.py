"""A connection to the API server as kubectl makes it: by kubeconfig, context, and in another user's name."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from kubernetes.aio import client, config
from kubernetes.aio.config.kube_config import KUBE_CONFIG_DEFAULT_LOCATION

from quoting_operator.adapters.kube import Kube
from quoting_policy.errors import InputError

MANAGER = "kubectl-quoting"
_POD_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How to connect. user: whom to act as, for those who may impersonate; empty is oneself."""

    kubeconfig: str = ""
    context: str = ""
    user: str = ""


class Connection(NamedTuple):
    """A connection, and the namespace that is meant where none is named."""

    kube: Kube
    namespace: str


@asynccontextmanager
async def connect(access: Access) -> AsyncIterator[Connection]:
    """Connect. Raises InputError where the kubeconfig is of no use."""
    settings = client.Configuration()
    file = access.kubeconfig or os.environ.get("KUBECONFIG", "")
    if not file and "KUBERNETES_SERVICE_HOST" in os.environ:
        config.load_incluster_config(client_configuration=settings)  # type: ignore[no-untyped-call]  # theirs
        namespace = await asyncio.to_thread(_POD_NAMESPACE.read_text)
    else:
        namespace = await _load(file or KUBE_CONFIG_DEFAULT_LOCATION, access.context, settings)
    async with client.ApiClient(settings) as api:
        headers = {"Impersonate-User": access.user} if access.user else {}
        yield Connection(Kube(api, manager=MANAGER, headers=headers), namespace)


async def _load(file: str, context: str, settings: client.Configuration) -> str:
    """Load the kubeconfig; returns the context's namespace."""
    try:
        loader = await config.load_kube_config(  # type: ignore[no-untyped-call]  # theirs
            config_file=file, context=context or None, client_configuration=settings
        )
    except config.ConfigException as error:
        where = f"{file}, context {context}" if context else file
        raise InputError("kubeconfig", where, "usable", " ".join(str(error).split())) from None
    current = loader.current_context or {}
    return str((current.get("context") or {}).get("namespace") or "default")
