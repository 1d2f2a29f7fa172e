"""Builds the parts of a cluster from their Go modules, each once, into a cache keyed by what went into it."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from localcluster.errors import ClusterError
from localcluster.paths import SOURCE, cache_dir

KUBERNETES_VERSION = "1.35.4"
OLDEST_GO = (1, 21)
"""From here on Go fetches by itself the newer toolchain that a module asks for."""


@dataclass(frozen=True)
class Part:
    """One Go module and the programs that come out of it.

    name: also the cache folder's. folder: the module's, below this package. programs: built file -> name it
    gets. package: what to build, ``tool`` is every tool of the module. tags, ldflags: for ``go build``.
    on_demand: built only when asked for by name.
    """

    name: str
    folder: str
    programs: dict[str, str]
    package: str = "tool"
    tags: str = ""
    ldflags: str = "-s -w"
    on_demand: bool = False

    @property
    def module(self) -> Path:
        """Folder of the Go module."""
        return SOURCE / self.folder


def _kubernetes_ldflags() -> str:
    major, minor, _ = KUBERNETES_VERSION.split(".")
    stamps = {
        "gitVersion": f"v{KUBERNETES_VERSION}",
        "gitMajor": major,
        "gitMinor": minor,
        "gitTreeState": "clean",
    }
    stamps["buildDate"] = "2026-01-01T00:00:00Z"
    packages = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    return " ".join(["-s -w", *(f"-X {p}.{key}={value}" for p in packages for key, value in stamps.items())])


PARTS = (
    Part("pause", "pause", {"pause": "pause"}, package="."),
    Part("etcd", "etcd", {"server": "etcd", "etcdctl": "etcdctl"}),
    Part(
        "kubernetes",
        ".",
        {
            name: name
            for name in (
                "kube-apiserver",
                "kube-controller-manager",
                "kube-scheduler",
                "kubelet",
                "kube-proxy",
                "kubectl",
            )
        },
        ldflags=_kubernetes_ldflags(),
    ),
    Part("coredns", "coredns", {"coredns": "coredns"}, package="."),
    Part(
        "prometheus",
        "prometheus",
        {"prometheus": "prometheus", "promtool": "promtool"},
        # Without the other clouds' discovery: half the size, a third of the build.
        tags="remove_all_sd,enable_kubernetes_sd",
    ),
    # One binary for all its roles; the name that it is told to have decides.
    Part("argocd", "argocd", {"cmd": "argocd"}, on_demand=True),
)


@dataclass(frozen=True)
class Programs:
    """Paths of built programs by name."""

    paths: dict[str, Path]

    def __getitem__(self, name: str) -> str:
        return str(self.paths[name])


def go_version(module: Path) -> str:
    """Version of the Go toolchain that builds ``module``. Raises ClusterError if none can be used."""
    remedy = f"install Go {OLDEST_GO[0]}.{OLDEST_GO[1]} or newer"
    if shutil.which("go", path=_environment()["PATH"]) is None:
        raise ClusterError("go", "not found on PATH", remedy=remedy)
    asked = subprocess.run(
        ["go", "env", "GOVERSION"],
        capture_output=True,
        text=True,
        check=False,
        cwd=module,
        env=_environment(),
    )
    version = asked.stdout.strip()
    found = re.match(r"go(\d+)\.(\d+)", version)
    if found is None:
        raise ClusterError("go", f"can't be used for {module}: {asked.stderr.strip()}", remedy=remedy)
    if (int(found[1]), int(found[2])) < OLDEST_GO:
        raise ClusterError(
            "go", f"version {version!r} must be >= go{OLDEST_GO[0]}.{OLDEST_GO[1]}", remedy="upgrade Go"
        )
    return version


def key(part: Part, toolchain: str) -> str:
    """Digest of everything that decides what comes out of building ``part``."""
    digest = hashlib.sha256()
    for item in (
        toolchain,
        platform.machine(),
        part.package,
        part.tags,
        part.ldflags,
        repr(sorted(part.programs.items())),
    ):
        digest.update(item.encode() + b"\0")
    for source in sorted([*part.module.glob("*.go"), *part.module.glob("go.*")]):
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    return digest.hexdigest()[:16]


def folder_of(part: Part, toolchain: str) -> Path:
    """Where the built programs of ``part`` are, or will be."""
    return cache_dir() / "parts" / f"{part.name}-{key(part, toolchain)}"


def build(names: Sequence[str] = ()) -> Programs:
    """Build what is not in the cache yet and return the programs' paths.

    names: of parts; left out, all but those that are built on demand.
    """
    paths: dict[str, Path] = {}
    for part in PARTS:
        wanted = part.name in names if names else not part.on_demand
        if not wanted:
            continue
        folder = folder_of(part, go_version(part.module))
        if not folder.exists():
            _build_part(part, folder)
        paths |= {name: folder / name for name in part.programs.values()}
    return Programs(paths)


def _build_part(part: Part, folder: Path) -> None:
    print(f"building {part.name} from its Go module, once ...", file=sys.stderr, flush=True)
    start = time.monotonic()
    folder.parent.mkdir(parents=True, exist_ok=True)
    log = cache_dir() / f"build-{part.name}.log"
    with tempfile.TemporaryDirectory(prefix=f".{part.name}-", dir=folder.parent) as unfinished:
        output = Path(unfinished) / "out"
        output.mkdir()
        with log.open("wb") as stream:
            done = subprocess.run(
                _go_build(part, output),
                cwd=part.module,
                stdout=stream,
                stderr=stream,
                env=_environment(),
                check=False,
            )
        if done.returncode:
            raise ClusterError(
                part.name,
                "go build failed",
                log=log,
                remedy="check the network to the Go module proxy, and free disk and memory (2 GB)",
            )
        for built, name in part.programs.items():
            (output / built).rename(output / name)
        try:
            output.rename(folder)
        except OSError:
            if not folder.exists():  # else another build was quicker, with the same result
                raise
    print(f"built {part.name} in {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)


def _go_build(part: Part, output: Path) -> list[str]:
    command = ["go", "build", "-trimpath", "-buildvcs=false", "-ldflags", part.ldflags]
    if part.tags:
        command += ["-tags", part.tags]
    return [*command, "-o", f"{output}/", part.package]


def _environment() -> dict[str, str]:
    path = os.environ.get("PATH", os.defpath) + os.pathsep + "/usr/local/go/bin"
    return {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "PATH": path}
