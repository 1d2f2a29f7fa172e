"""Programs of the distribution that a node or an image build needs, installed where they are missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from localcluster.errors import ClusterError

NODE: Mapping[str, tuple[str, str]] = {
    "containerd": ("containerd", "runs the pods' containers"),
    "runc": ("runc", "starts one container"),
    "/usr/lib/cni/bridge": ("containernetworking-plugins", "connects pods to the node's bridge"),
    "ip": ("iproute2", "makes the cluster's network"),
    "iptables": ("iptables", "kube-proxy programs Services with it"),
    "conntrack": ("conntrack", "kube-proxy clears stale connections with it"),
    "nsenter": ("util-linux", "enters the cluster's namespaces"),
    "mount": ("mount", "mounts inside the cluster's sandbox"),
}
"""Program -> (Debian package, why it is needed), for a node."""

IMAGES: Mapping[str, tuple[str, str]] = {
    "buildah": ("buildah", "builds images without a daemon"),
    "skopeo": ("skopeo", "takes images out of the builder's storage, layer by layer"),
    "mmdebstrap": ("mmdebstrap", "makes the base image from Debian packages"),
}
"""Program -> (Debian package, why it is needed), for building images."""


def missing(programs: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """Debian package -> why, for every program that this machine does not have."""
    search = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    return {
        package: why
        for program, (package, why) in programs.items()
        if not (Path(program).exists() if program.startswith("/") else shutil.which(program, path=search))
    }


def ensure(programs: Mapping[str, tuple[str, str]]) -> None:
    """Install what is missing, saying what and why; never asks. Raises ClusterError where it can't."""
    wanted = missing(programs)
    if not wanted:
        return
    for package, why in wanted.items():
        print(f"installing {package}: {why}", file=sys.stderr, flush=True)
    names = sorted(wanted)
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise ClusterError(
            "packages", f"missing: {' '.join(names)}", remedy=f"as root: apt-get install {' '.join(names)}"
        )
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    install = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *names]
    done = None
    for command in (["apt-get", "update", "-q"], install):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done is None or done.returncode:
        shown = "" if done is None else done.stderr.strip()[-1500:]
        raise ClusterError(
            "packages", f"apt-get could not install {' '.join(names)}\n{shown}", remedy="run it by hand"
        )
