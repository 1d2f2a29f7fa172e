"""A cluster's way to the host: a veth pair into its network namespace."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from localcluster.errors import ClusterError
from localcluster.sandbox import Sandbox

POD_CIDR = "10.88.0.0/16"
SERVICE_CIDR = "10.96.0.0/16"
API_SERVICE_IP = "10.96.0.1"
DNS_SERVICE_IP = "10.96.0.10"
_MOST_CLUSTERS = 250


@dataclass(frozen=True)
class Link:
    """The pair number ``index``: interface ``lc<index>h`` on the host, ``eth0`` in the node."""

    index: int

    @property
    def host_interface(self) -> str:
        """Name of the host's end."""
        return f"lc{self.index}h"

    @property
    def host_ip(self) -> str:
        """Address of the host as the node sees it."""
        return f"10.240.{self.index}.1"

    @property
    def node_ip(self) -> str:
        """Address of the node as the host sees it."""
        return f"10.240.{self.index}.2"

    def connect(self, sandbox: Sandbox) -> None:
        """Plug the box in, unless it is."""
        if self._connected(sandbox):
            return
        self.remove()
        init = sandbox.init()
        inside = f"lc{self.index}n"
        _ip("link", "add", self.host_interface, "type", "veth", "peer", "name", inside, "netns", str(init))
        _ip("addr", "add", f"{self.host_ip}/30", "dev", self.host_interface)
        _ip("link", "set", self.host_interface, "up")
        script = f"""
            ip link set lo up
            ip link set {inside} name eth0
            ip addr add {self.node_ip}/30 dev eth0
            ip link set eth0 up
            ip route add default via {self.host_ip}
            echo 1 > /proc/sys/net/ipv4/ip_forward
        """
        _run(sandbox.command(["sh", "-ec", script]))

    def _connected(self, sandbox: Sandbox) -> bool:
        show = sandbox.command(["ip", "-o", "addr", "show", "dev", "eth0"])
        inside = subprocess.run(show, capture_output=True, text=True, check=False)
        return self.node_ip in inside.stdout and Path(f"/sys/class/net/{self.host_interface}").exists()

    def remove(self) -> None:
        """Unplug; the kernel would do it by itself once the box is gone, only a moment later."""
        with contextlib.suppress(ClusterError):
            _ip("link", "delete", self.host_interface)


def free_links(taken: set[int]) -> Iterator[Link]:
    """Links that neither another cluster's folder nor an interface on this host uses."""
    for index in range(_MOST_CLUSTERS):
        if index not in taken and not Path(f"/sys/class/net/lc{index}h").exists():
            yield Link(index)


def _ip(*arguments: str) -> None:
    _run(["ip", *arguments])


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        remedy = "network namespaces need root with CAP_NET_ADMIN"
        raise ClusterError("network", f"{' '.join(command[:4])} ...: {done.stderr.strip()}", remedy=remedy)
