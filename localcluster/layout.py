"""Where a cluster listens and keeps its files."""

from __future__ import annotations

import json
import socket
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from localcluster.network import Link


@dataclass(frozen=True)
class Layout:
    """Addresses and folders of one cluster; written once, read by every later command.

    link: number of its veth pair, None for a control plane without root, which listens on loopback.
    """

    name: str
    folder: Path
    link: int | None
    node_ip: str
    host_ip: str
    api_port: int
    etcd_port: int
    etcd_peer_port: int
    control_plane_only: bool

    @classmethod
    def boxed(cls, name: str, folder: Path, link: Link, *, control_plane_only: bool) -> Self:
        """A cluster in a network of its own, with the usual ports."""
        return cls(name, folder, link.index, link.node_ip, link.host_ip, 6443, 2379, 2380, control_plane_only)

    @classmethod
    def on_loopback(cls, name: str, folder: Path) -> Self:
        """A control plane on free ports of this host's loopback interface."""
        api, etcd, peer = _free_ports(3)
        return cls(name, folder, None, "127.0.0.1", "127.0.0.1", api, etcd, peer, control_plane_only=True)

    @property
    def server(self) -> str:
        """URL of the API server."""
        return f"https://{self.node_ip}:{self.api_port}"

    @property
    def prometheus(self) -> str:
        """URL of Prometheus."""
        return f"http://{self.node_ip}:9090"

    @property
    def pki(self) -> Path:
        """Folder of keys, certificates and kubeconfigs."""
        return self.folder / "pki"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.pki / "admin.kubeconfig"

    def log(self, component: str) -> Path:
        """Log file of a component."""
        return self.folder / "log" / f"{component}.log"

    def save(self) -> None:
        """Write the layout into the cluster's folder."""
        fields = asdict(self) | {"folder": str(self.folder)}
        (self.folder / "cluster.json").write_text(json.dumps(fields, indent=1))

    @classmethod
    def load(cls, folder: Path) -> Self | None:
        """The layout written by an earlier `up`, None if there is none or it was cut off."""
        try:
            fields = json.loads((folder / "cluster.json").read_text())
        except (FileNotFoundError, NotADirectoryError, json.JSONDecodeError):
            return None
        return cls(**fields | {"folder": Path(fields["folder"])})


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [opened.getsockname()[1] for opened in sockets]
    for opened in sockets:
        opened.close()
    return ports
