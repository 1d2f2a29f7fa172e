"""Where a cluster listens and keeps its files."""

from __future__ import annotations

import json
import socket
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Self

from localcluster.network import Link


@dataclass(frozen=True)
class Ports:
    """Ports of the control plane."""

    api: int = 6443
    etcd: int = 2379
    etcd_peer: int = 2380
    etcd_health: int = 2381
    controllers: int = 10257

    @classmethod
    def free(cls) -> Self:
        """Ports that nobody on this host listens on now."""
        return cls(*_free_ports(len(fields(cls))))


@dataclass(frozen=True)
class Layout:
    """Addresses and folders of one cluster; written once, read by every later command.

    link: number of its veth pair, None for a control plane without root, which listens on loopback. audited:
    whether the API server writes down what ServiceAccounts ask of it.
    """

    name: str
    folder: Path
    link: int | None
    node_ip: str
    host_ip: str
    ports: Ports
    control_plane_only: bool
    audited: bool = False

    @classmethod
    def boxed(cls, name: str, folder: Path, link: Link, *, control_plane_only: bool) -> Self:
        """A cluster in a network of its own, with the usual ports."""
        return cls(name, folder, link.index, link.node_ip, link.host_ip, Ports(), control_plane_only)

    @classmethod
    def on_loopback(cls, name: str, folder: Path) -> Self:
        """A control plane on free ports of this host's loopback interface."""
        return cls(name, folder, None, "127.0.0.1", "127.0.0.1", Ports.free(), control_plane_only=True)

    @property
    def server(self) -> str:
        """URL of the API server."""
        return f"https://{self.node_ip}:{self.ports.api}"

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

    @property
    def audit_log(self) -> Path:
        """What ServiceAccounts asked of the API server, a JSON object a line; only where it is audited."""
        return self.folder / "log" / "audit.jsonl"

    def save(self) -> None:
        """Write the layout into the cluster's folder."""
        saved = asdict(self) | {"folder": str(self.folder)}
        (self.folder / "cluster.json").write_text(json.dumps(saved, indent=1))

    @classmethod
    def load(cls, folder: Path) -> Self | None:
        """The layout written by an earlier `up`; None if there is none, or a cut off or another version's."""
        try:
            saved = json.loads((folder / "cluster.json").read_text())
            return cls(**saved | {"folder": Path(saved["folder"]), "ports": Ports(**saved["ports"])})
        except (FileNotFoundError, NotADirectoryError, json.JSONDecodeError, TypeError, KeyError):
            return None


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [opened.getsockname()[1] for opened in sockets]
    for opened in sockets:
        opened.close()
    return ports
