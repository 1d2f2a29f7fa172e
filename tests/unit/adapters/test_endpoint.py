"""Who we say we are to the API server: a pod by its mounted token, everybody else by a kubeconfig."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from quoting_operator.adapters.certificates import make
from quoting_operator.adapters.endpoint import find, of_pod
from quoting_policy.errors import InputError

IN_POD = {"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443"}
KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: desk
clusters: [{name: desk, cluster: {server: "https://example.test:6443/", tls-server-name: api.test}}]
users: [{name: trader, user: {token: of-a-file}}]
contexts: [{name: desk, context: {cluster: desk, user: trader}}]
"""


@pytest.fixture
def account(tmp_path: Path) -> Path:
    """A pod's ServiceAccount as Kubernetes mounts it."""
    (tmp_path / "ca.crt").write_bytes(make("kubernetes", datetime.now(UTC)).certificate)
    (tmp_path / "token").write_text("first\n")
    return tmp_path


def test_a_pod_sends_its_token(account: Path) -> None:
    found = of_pod(IN_POD, account)
    assert found.server == "https://10.96.0.1:443"
    assert found.authorization() == "Bearer first"


def test_a_token_that_was_replaced_is_sent_from_then_on(account: Path) -> None:
    found = of_pod(IN_POD, account)
    (account / "token").write_text("second")
    assert found.authorization() == "Bearer second"


def test_a_pod_trusts_the_mounted_ca_alone(account: Path) -> None:
    assert of_pod(IN_POD, account).tls.cert_store_stats()["x509"] == 1


def test_an_ipv6_address_of_the_api_server_is_bracketed(account: Path) -> None:
    assert of_pod({"KUBERNETES_SERVICE_HOST": "fd00::1"}, account).server == "https://[fd00::1]:443"


@pytest.mark.parametrize("missing", ["token", "ca.crt"])
def test_a_pod_without_its_files_is_told_what_to_mount(account: Path, missing: str) -> None:
    (account / missing).unlink()
    with pytest.raises(InputError, match="mount a ServiceAccount's token"):
        of_pod(IN_POD, account)


def test_a_ca_that_is_none_is_refused(account: Path) -> None:
    (account / "ca.crt").write_text("not a certificate")
    with pytest.raises(InputError, match=r"a readable token and ca\.crt"):
        of_pod(IN_POD, account)


async def test_a_kubeconfig_that_is_named_comes_before_the_pods_own_token(tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(KUBECONFIG)
    found = await find(IN_POD | {"KUBECONFIG": str(path)})
    assert found.server == "https://example.test:6443"
    assert found.authorization() == "Bearer of-a-file"
    assert found.server_name == "api.test"


async def test_a_credential_of_an_exec_plugin_is_used(tmp_path: Path) -> None:
    kind = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential"}
    credential = json.dumps(kind | {"status": {"token": "t1"}})
    plugin = tmp_path / "plugin"
    plugin.write_text(f"#!/bin/sh\necho '{credential}'\n")
    plugin.chmod(0o755)
    call = f"exec: {{apiVersion: client.authentication.k8s.io/v1, command: {plugin}, interactiveMode: Never}}"
    path = tmp_path / "kubeconfig"
    path.write_text(KUBECONFIG.replace("token: of-a-file", call))
    assert (await find({"KUBECONFIG": str(path)})).authorization() == "Bearer t1"


@pytest.mark.parametrize(
    "text", ["", "hello", "[", "a: 1", KUBECONFIG.replace("current-context: desk", "current-context: other")]
)
async def test_a_kubeconfig_that_is_none_is_a_users_mistake(tmp_path: Path, text: str) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(text)
    with pytest.raises(InputError, match="must be usable"):
        await find({"KUBECONFIG": str(path)})


async def test_a_kubeconfig_that_is_missing_is_a_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="must be a file"):
        await find({"KUBECONFIG": str(tmp_path / "none")})


def test_the_pods_agent_never_loads_the_kubernetes_package(account: Path) -> None:
    code = (
        "import sys, pathlib\n"
        "import quoting_operator.cli.pod_agent\n"
        "from quoting_operator.adapters.endpoint import of_pod\n"
        f"of_pod({IN_POD!r}, pathlib.Path(sys.argv[1]))\n"
        "sys.exit('kubernetes' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(account)], check=False).returncode == 0
