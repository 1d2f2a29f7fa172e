"""A connection to the API server as kubectl makes it: by kubeconfig, context, and in another user's name."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import yaml
from kubernetes.aio import client, config
from kubernetes.aio.config.kube_config import KUBE_CONFIG_DEFAULT_LOCATION

from quoting_operator.adapters import kube as kubes
from quoting_operator.adapters.endpoint import SERVICE_ACCOUNT, Endpoint, of_pod
from quoting_policy.errors import InputError

MANAGER = "kubectl-quoting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How to connect. user: whom to act as, for those who may impersonate; empty is oneself."""

    kubeconfig: str = ""
    context: str = ""
    user: str = ""


class Connection(NamedTuple):
    """A connection, and the namespace that is meant where none is named."""

    kube: kubes.Kube
    namespace: str


@asynccontextmanager
async def connect(access: Access) -> AsyncIterator[Connection]:
    """Connect. Raises InputError where the kubeconfig is of no use."""
    file = access.kubeconfig or os.environ.get("KUBECONFIG", "")
    if not file and "KUBERNETES_SERVICE_HOST" in os.environ:
        endpoint = of_pod(os.environ)
        namespace = await asyncio.to_thread((SERVICE_ACCOUNT / "namespace").read_text)
    else:
        endpoint, namespace = await read(file, access.context)
    headers = {"Impersonate-User": access.user} if access.user else {}
    async with kubes.connect(endpoint, manager=MANAGER, headers=headers) as kube:
        yield Connection(kube, namespace)


async def read(file: str, context: str = "") -> tuple[Endpoint, str]:
    """The API server of a kubeconfig's context, and the context's namespace. An exec plugin is asked once.

    file: empty is kubectl's default. context: empty is the current one. Raises InputError where the file is
    of no use.
    """
    settings = client.Configuration()
    file = file or KUBE_CONFIG_DEFAULT_LOCATION
    if not any(Path(part).expanduser().is_file() for part in file.split(os.pathsep)):  # noqa: ASYNC240  once
        raise InputError("kubeconfig", file, "a file", "set --kubeconfig or $KUBECONFIG")
    try:
        loader = await config.load_kube_config(  # type: ignore[no-untyped-call]  # theirs
            config_file=file, context=context or None, client_configuration=settings, persist_config=False
        )
        tls = client.ApiClient(settings).rest_client.ssl_context
    except (config.ConfigException, yaml.YAMLError, OSError, ValueError, TypeError) as error:
        where = f"{file}, context {context}" if context else file
        raise InputError("kubeconfig", where, "usable", " ".join(str(error).split())) from None
    endpoint = Endpoint(
        settings.host,
        tls,
        lambda: settings.api_key.get("BearerToken"),
        settings.tls_server_name,
        settings.proxy,
    )
    current = loader.current_context or {}
    return endpoint, str((current.get("context") or {}).get("namespace") or "default")
