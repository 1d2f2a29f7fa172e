"""Where the API server is, whom to trust there, and how we say who we are."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from quoting_policy.errors import InputError

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where Kubernetes mounts a pod's token, its namespace and the API server's CA."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An API server that can be called.

    server: URL without a path. tls: the CA to trust, and the client's certificate where there is one.
    authorization: value of that header, asked for at every request; None where the certificate says it all.
    server_name: name in the server's certificate where it isn't the URL's. proxy: URL of one to go through.
    """

    server: str
    tls: ssl.SSLContext
    authorization: Callable[[], str | None]
    server_name: str | None = None
    proxy: str | None = None


async def find(environment: Mapping[str, str]) -> Endpoint:
    """The pod's own API server, or the kubeconfig's where one is named or we are in no pod.

    Raises InputError where there is neither.
    """
    if environment.get("KUBERNETES_SERVICE_HOST") and "KUBECONFIG" not in environment:
        return of_pod(environment)
    try:
        # Outside pods only: the package costs 126 MB of image and 12 MiB of memory; the sidecar has none.
        from quoting_operator.adapters import kubeconfig  # noqa: PLC0415  pods do without the package
    except ImportError:
        remedy = "pip install 'quoting-operator[operator]' to read a kubeconfig"
        raise InputError("KUBERNETES_SERVICE_HOST", "", "set, as in a pod", remedy) from None
    endpoint, _ = await kubeconfig.read(environment.get("KUBECONFIG", ""))
    return endpoint


def of_pod(environment: Mapping[str, str], account: Path = SERVICE_ACCOUNT) -> Endpoint:
    """The API server by a pod's ServiceAccount. Raises InputError where its files are not usable."""
    host, port = environment["KUBERNETES_SERVICE_HOST"], environment.get("KUBERNETES_SERVICE_PORT") or "443"
    token = account / "token"

    def bearer() -> str:
        # The kubelet replaces the token well before it ends, so it is read anew and never kept.
        return f"Bearer {token.read_text().strip()}"

    try:
        bearer()
        tls = ssl.create_default_context(cafile=str(account / "ca.crt"))
    except OSError as error:
        remedy = "mount a ServiceAccount's token, or set KUBECONFIG"
        raise InputError(str(account), str(error), "a readable token and ca.crt", remedy) from None
    return Endpoint(f"https://{f'[{host}]' if ':' in host else host}:{port}", tls, bearer)
