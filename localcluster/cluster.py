"""Bringing a cluster up and taking it down."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from localcluster import components, packages
from localcluster.api import Api
from localcluster.build import Programs, build
from localcluster.errors import ClusterError
from localcluster.layout import Layout
from localcluster.network import API_SERVICE_IP, Link, free_links
from localcluster.oci import Image, image_archive
from localcluster.paths import cache_dir, cluster_dir, clusters_dir
from localcluster.pki import identities, write_pki
from localcluster.process import Host
from localcluster.sandbox import Sandbox

CONTROL_PLANE_PARTS = ("pause", "etcd", "kubernetes")


@dataclass(frozen=True)
class Cluster:
    """A cluster that is up, or was."""

    layout: Layout
    sandbox: Sandbox | None

    @property
    def host(self) -> Host:
        """Where its processes run."""
        return Host(self.layout, self.sandbox)

    @property
    def makers(self) -> tuple[components.Maker, ...]:
        """What belongs to it, in the order of starting."""
        return components.CONTROL_PLANE if self.layout.control_plane_only else components.NODE


def find(name: str) -> Cluster:
    """The cluster called ``name``. Raises ClusterError if there is none."""
    layout = Layout.load(cluster_dir(name))
    if layout is None:
        raise ClusterError(
            "cluster", f"there is no cluster {name!r}", remedy=f"python -m localcluster up --name {name}"
        )
    return Cluster(layout, None if layout.link is None else Sandbox(name, layout.folder))


def up(name: str, *, control_plane_only: bool = False, audited: bool = False) -> Cluster:
    """Bring a cluster up, or bring back what of it has died. Does nothing to what runs well.

    audited: a new cluster's API server writes down what ServiceAccounts ask of it. Raises ClusterError naming
    the component that failed, with the end of its log and the likely remedy.
    """
    root = os.geteuid() == 0
    if not (root or control_plane_only):
        raise ClusterError(
            "node", "needs root", remedy="run as root, or use --control-plane-only, or set KUBECONFIG"
        )
    if root:
        packages.ensure(packages.NODE)
    programs = build(CONTROL_PLANE_PARTS if control_plane_only else ())
    folder = cluster_dir(name)
    with _locked():
        layout = Layout.load(folder) or _new_layout(
            name, folder, boxed=root, control_plane_only=control_plane_only, audited=audited
        )
        if layout.control_plane_only and not control_plane_only:
            raise ClusterError(
                "cluster", f"{name!r} is a control plane only", remedy=f"down --name {name} first"
            )
        cluster = Cluster(layout, Sandbox(name, folder) if layout.link is not None else None)
        if cluster.sandbox is not None and layout.link is not None:
            cluster.sandbox.start(programs["pause"])
            Link(layout.link).connect(cluster.sandbox)
    write_pki(layout.pki, layout.server, identities(layout.node_ip, API_SERVICE_IP))
    _start(cluster, programs)
    return cluster


def _new_layout(name: str, folder: Path, *, boxed: bool, control_plane_only: bool, audited: bool) -> Layout:
    if folder.resolve().is_relative_to("/run") or (boxed and folder.resolve().is_relative_to("/var")):
        raise ClusterError(
            "folder", f"{folder} is hidden inside the box", remedy="set XDG_STATE_HOME elsewhere"
        )
    for left in (folder / "etcd", folder / "pki"):
        shutil.rmtree(left, ignore_errors=True)
    (folder / "log").mkdir(parents=True, exist_ok=True)
    if boxed:
        taken = {
            layout.link
            for path in clusters_dir().glob("*")
            if (layout := Layout.load(path)) and layout.link is not None
        }
        link = next(free_links(taken))
        layout = Layout.boxed(name, folder, link, control_plane_only=control_plane_only)
    else:
        layout = Layout.on_loopback(name, folder)
    layout = replace(layout, audited=audited)
    layout.save()
    return layout


@contextlib.contextmanager
def _locked() -> Iterator[None]:
    """One at a time: two clusters coming up at once must not take the same network."""
    cache_dir().mkdir(parents=True, exist_ok=True)
    with (cache_dir() / "clusters.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _start(cluster: Cluster, programs: Programs) -> None:
    """Start every component; those that need the API server once it answers, the others while it comes up."""
    layout, host = cluster.layout, cluster.host
    made = {component.name: component for component in (make(layout, programs) for make in cluster.makers)}
    early = [made[name] for name in ("etcd", "kube-apiserver", "containerd") if name in made]
    for component in early:
        host.start(component)
    if "containerd" in made:
        host.wait(made["containerd"])
        _load_pause(cluster, programs)
    host.wait(made["kube-apiserver"])
    api = Api(layout)
    if "coredns" in made:
        service, endpoints = components.dns_service(layout)
        api.create("/api/v1/namespaces/kube-system/services", service)
        api.create("/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices", endpoints)
    for component in made.values():
        host.start(component)
    for component in made.values():
        host.wait(component)
    account = "/api/v1/namespaces/default/serviceaccounts/default"
    host.wait(made["kube-controller-manager"], lambda: api.exists(account))
    if "kubelet" in made:
        host.wait(made["kubelet"], api.node_ready)


def _ctr(cluster: Cluster, *arguments: str) -> list[str]:
    """Command line of containerd's own client in the cluster. Raises ClusterError where there is no node."""
    if cluster.sandbox is None or cluster.layout.control_plane_only:
        raise ClusterError("containerd", "a control plane has no node", remedy="bring up a whole cluster")
    return cluster.sandbox.command(["ctr", "--namespace=k8s.io", *arguments])


def ctr(cluster: Cluster, *arguments: str) -> str:
    """What containerd's own client prints. Raises ClusterError where there is no node."""
    done = subprocess.run(_ctr(cluster, *arguments), capture_output=True, text=True, check=False)
    return done.stdout


def load(cluster: Cluster, image: Image) -> None:
    """Make an image known to the node; only the layers that it lacks are sent. Raises ClusterError."""
    known = set(ctr(cluster, "content", "list", "--quiet").split())
    try:
        _load_without(cluster, image, known)
    except ClusterError:
        if known.isdisjoint(image.blobs):
            raise
        # What was listed can have been collected as garbage since.
        _load_without(cluster, image, set())


def _load_without(cluster: Cluster, image: Image, known: set[str]) -> None:
    with tempfile.TemporaryFile(dir=cluster.layout.folder) as archive:
        image.write(archive, known)
        archive.seek(0)
        load_archive(cluster, archive)


def load_archive(cluster: Cluster, archive: IO[bytes]) -> None:
    """Make the images of an OCI or docker archive (a real file) known to the node. Raises ClusterError."""
    command = _ctr(cluster, "images", "import", "-")
    done = subprocess.run(command, stdin=archive, capture_output=True, check=False)
    if done.returncode:
        message = done.stderr.decode(errors="replace").strip()[-500:]
        raise ClusterError(
            "containerd", f"can't import the image: {message}", remedy="is it an OCI or docker archive?"
        )


def _load_pause(cluster: Cluster, programs: Programs) -> None:
    if components.PAUSE_IMAGE in ctr(cluster, "images", "list", "--quiet").split():
        return
    files = {"pause": Path(programs["pause"])}
    with tempfile.TemporaryFile(dir=cluster.layout.folder) as archive:
        archive.write(image_archive(components.PAUSE_IMAGE, files, ["/pause"]))
        archive.seek(0)
        load_archive(cluster, archive)


def down(name: str) -> None:
    """End every process of a cluster and remove all that it left. Also repairs a half removed one."""
    folder = cluster_dir(name)
    layout = Layout.load(folder)
    if os.geteuid() == 0:
        Sandbox(name, folder).stop()
    if layout is not None and layout.link is not None:
        Link(layout.link).remove()
    _end_strays(folder)
    if folder.exists():
        shutil.rmtree(folder)
    with contextlib.suppress(OSError):  # others live there
        folder.parent.rmdir()


def _end_strays(folder: Path) -> None:
    """End what runs outside a box (a control plane on loopback): our programs that were given this folder."""
    deadline = time.monotonic() + 10
    while (strays := list(_strays(folder))) and time.monotonic() < deadline:
        for pid in strays:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


def _strays(folder: Path) -> Iterator[int]:
    ours = {"etcd", "kube-apiserver", "kube-controller-manager"}
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
            if Path(words[0]).name in ours and any(f"{folder}/" in word for word in words):
                yield int(process.name)


def status(cluster: Cluster) -> dict[str, bool]:
    """Component -> whether its process runs, for all that were ever started."""
    names = sorted(path.stem for path in cluster.layout.folder.glob("*.pid"))
    return {name: cluster.host.alive(name) for name in names}
