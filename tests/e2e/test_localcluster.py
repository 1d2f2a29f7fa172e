"""A cluster of our own comes up, is repaired, and leaves nothing behind, whatever dies."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcluster import cluster as clusters
from localcluster.errors import ClusterError
from localcluster.oci import Image, image_archive
from localcluster.sandbox import cgroup_roots
from tests.conftest import Kube
from tests.waiting import eventually

pytestmark = pytest.mark.e2e


@pytest.fixture
def name() -> Iterator[str]:
    if os.geteuid() != 0:
        pytest.skip("a cluster in a box of its own needs root")
    chosen = f"box-{uuid.uuid4().hex[:8]}"
    yield chosen
    clusters.down(chosen)


def traces(cluster: clusters.Cluster) -> list[str]:
    """Whatever of a cluster can still be seen on this host."""
    folder = cluster.layout.folder
    seen = [str(folder)] if folder.exists() else []
    seen += [
        str(path)
        for root in cgroup_roots()
        if (path := root / f"localcluster-{cluster.layout.name}").exists()
    ]
    link = Path(f"/sys/class/net/lc{cluster.layout.link}h")
    seen += [str(link)] if link.exists() else []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            text = (process / "cmdline").read_bytes() + (process / "mountinfo").read_bytes()
        except OSError:
            continue
        if str(folder).encode() in text and int(process.name) != os.getpid():
            seen.append(f"process {process.name}")
    return seen


def processes(cluster: clusters.Cluster, component: str) -> list[int]:
    """Process ids, as the host counts, of a component."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().decode().split("\0")
        except OSError:
            continue
        if Path(words[0]).name == component and any(str(cluster.layout.folder) in word for word in words):
            found.append(int(process.name))
    return found


def listening(address: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((address, port)) == 0


def test_two_clusters_live_side_by_side(node: Kube, name: str) -> None:
    if node.local is None:
        pytest.skip("KUBECONFIG names a cluster that is not ours")
    other = clusters.up(name, control_plane_only=True)
    assert other.layout.node_ip != node.local.layout.node_ip
    assert listening(other.layout.node_ip, 6443)
    assert listening(node.local.layout.node_ip, 6443)
    clusters.down(name)
    assert listening(node.local.layout.node_ip, 6443)


def test_a_node_is_sent_only_the_layers_that_it_lacks(node: Kube, tmp_path: Path) -> None:
    if node.local is None:
        pytest.skip("KUBECONFIG names a cluster that is not ours")
    program = tmp_path / "run"
    program.write_bytes(uuid.uuid4().bytes)
    archive = tmp_path / "archive"
    archive.write_bytes(image_archive("localhost/whole:1", {"run": program}, ["/run"]))
    subprocess.run(["tar", "-C", tmp_path, "-xf", archive], check=True)
    (entry,) = json.loads((tmp_path / "index.json").read_text())["manifests"]
    again = Image("localhost/again:1", tmp_path, entry["digest"])
    with archive.open("rb") as stream:
        clusters.load_archive(node.local, stream)
    layer, *_ = again.blobs
    again.blob(layer).unlink()
    clusters.load(node.local, again)
    assert "localhost/again:1" in clusters.ctr(node.local, "images", "list", "--quiet").split()


def test_up_repairs_what_died_and_keeps_the_data(name: str) -> None:
    up = clusters.up(name, control_plane_only=True)
    kubeconfig = up.layout.kubeconfig.read_text()
    for component in ("etcd", "kube-apiserver", "kube-controller-manager"):
        for pid in processes(up, component):
            os.kill(pid, signal.SIGKILL)
    eventually(lambda: not any(clusters.status(up).values()), "all to be seen dead")
    again = clusters.up(name, control_plane_only=True)
    assert all(clusters.status(again).values())
    assert again.layout.kubeconfig.read_text() == kubeconfig


def test_up_repairs_a_box_whose_first_process_was_killed(name: str) -> None:
    up = clusters.up(name, control_plane_only=True)
    assert up.sandbox is not None
    init = up.sandbox.init()
    assert init is not None
    os.kill(init, signal.SIGKILL)
    eventually(lambda: up.sandbox is not None and up.sandbox.init() is None, "the box to be gone")
    again = clusters.up(name, control_plane_only=True)
    assert all(clusters.status(again).values())


def test_down_leaves_nothing_of_a_node_with_a_running_pod(name: str) -> None:
    up = clusters.up(name)
    assert traces(up) != []
    kubectl = [sys.executable, "-m", "localcluster", "exec", "--name", name, "--"]
    run = ["kubectl", "run", "pause", "--image=localhost/pause:1", "--image-pull-policy=Never"]
    environment = subprocess.run(
        [*kubectl[:3], "env", "--name", name], capture_output=True, text=True, check=True
    )
    subprocess.run(["sh", "-ec", f"{environment.stdout}\n{' '.join(run)}"], check=True, capture_output=True)
    wait = "kubectl wait --for=condition=Ready pod/pause --timeout=60s"
    subprocess.run(["sh", "-ec", f"{environment.stdout}\n{wait}"], check=True, capture_output=True)
    clusters.down(name)
    assert eventually(lambda: traces(up) == [], f"no trace to be left of {traces(up)}", 10)


def test_down_leaves_nothing_after_the_runtime_was_killed(name: str) -> None:
    up = clusters.up(name)
    for component in ("containerd", "kubelet"):
        for pid in processes(up, component):
            os.kill(pid, signal.SIGKILL)
    clusters.down(name)
    assert eventually(lambda: traces(up) == [], f"no trace to be left of {traces(up)}", 10)


def test_the_machines_own_settings_stay_as_they_were(name: str) -> None:
    settings = [
        Path("/proc/sys") / s for s in ("vm/overcommit_memory", "kernel/panic", "kernel/panic_on_oops")
    ]
    before = [setting.read_text() for setting in settings]
    clusters.up(name)
    assert [setting.read_text() for setting in settings] == before


def test_a_component_that_does_not_start_is_named_with_its_log(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    up = clusters.up(name, control_plane_only=True)
    for pid in processes(up, "kube-controller-manager"):
        os.kill(pid, signal.SIGKILL)
    (up.layout.pki / "controller-manager.kubeconfig").write_text("not a kubeconfig")
    eventually(lambda: not clusters.status(up)["kube-controller-manager"], "it to be dead")
    with pytest.raises(ClusterError) as raised:
        clusters.up(name, control_plane_only=True)
    assert "kube-controller-manager: ended before it was ready" in str(raised.value)
    assert "kubeconfig" in str(raised.value)
    assert "remedy:" in str(raised.value)
