"""`python -m localcluster`: build, up, down, status, kubeconfig, env, image, load, logs, exec."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from localcluster import cluster as clusters
from localcluster.build import PARTS, build
from localcluster.errors import ClusterError, tail
from localcluster.images import IMAGES, build_images
from localcluster.paths import cluster_dir, clusters_dir
from localcluster.sandbox import Sandbox

DEFAULT_NAME = "quoting"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; a failure is told in words, exit status 1."""
    options = _parser().parse_args(argv)
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        status = run(options)
        sys.stdout.flush()
        return status
    except ClusterError as error:
        print(f"localcluster: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader went away, as in `... | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="localcluster", description="A real one-node Kubernetes on one machine."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace], int], summary: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=summary, description=summary)
        sub.set_defaults(run=run)
        sub.add_argument("--name", default=DEFAULT_NAME, help="which cluster (default: %(default)s)")
        return sub

    building = command("build", _build, "build the parts that are not in the cache yet")
    building.add_argument("parts", nargs="*", metavar="PART", help="only these (default: all but argocd)")
    command("prepare", _prepare, "build now what tests and demonstrations need; says what it skips and why")
    up = command("up", _up, "bring a cluster up, or bring back what of it died")
    up.add_argument(
        "--control-plane-only", action="store_true", help="etcd, API server, controllers; works without root"
    )
    down = command("down", _down, "end a cluster and remove all that it left")
    down.add_argument("--all", action="store_true", help="every cluster of this user")
    command("status", _status, "what runs; exit status 1 if something is dead")
    command("kubeconfig", _kubeconfig, "print the path of the administrator's kubeconfig")
    command("env", _env, 'print lines for eval "$(...)": KUBECONFIG, and PATH with kubectl')
    image = command("image", _image, "build the project's images; load them if the cluster is up")
    image.add_argument("images", nargs="*", metavar="IMAGE", help="operator, sidecar, paper (default: all)")
    load = command("load", _load, "make an image archive known to the node")
    load.add_argument("archive", type=Path, metavar="IMAGE.tar")
    logs = command("logs", _logs, "show a component's log")
    logs.add_argument("component")
    logs.add_argument(
        "--lines", type=int, default=50, help="how many of the last lines (default: %(default)s)"
    )
    execute = command("exec", _exec, "run a command in the node's network, e.g. to reach pods and Services")
    execute.add_argument("--node", action="store_true", help="also see the node's own files and mounts")
    execute.add_argument("words", nargs=argparse.REMAINDER, metavar="-- COMMAND ...")
    return parser


def _build(options: argparse.Namespace) -> int:
    unknown = set(options.parts) - {part.name for part in PARTS}
    if unknown:
        raise ClusterError(
            "build", f"no part {sorted(unknown)}", remedy=f"one of: {', '.join(p.name for p in PARTS)}"
        )
    for name, path in sorted(build(options.parts).paths.items()):
        print(f"{name}\t{path}")
    return 0


def _prepare(_options: argparse.Namespace) -> int:
    """What takes minutes is built here, in sight, and not inside a test."""
    if os.environ.get("KUBECONFIG"):
        print("KUBECONFIG is set: tests use that cluster, nothing is built")
        return 0
    root = os.geteuid() == 0
    build(() if root else clusters.CONTROL_PLANE_PARTS)
    if root:
        build_images(IMAGES)
    else:
        print("not root: no node and no images; tests that need them are skipped")
    return 0


def _up(options: argparse.Namespace) -> int:
    start = time.monotonic()
    up = clusters.up(options.name, control_plane_only=options.control_plane_only)
    what = "control plane" if up.layout.control_plane_only else "node"
    print(f"{what} {options.name!r} is ready after {time.monotonic() - start:.1f} s: {up.layout.server}")
    suffix = "" if options.name == DEFAULT_NAME else f" --name {options.name}"
    print(f'to use it:  eval "$({Path(sys.executable)} -m localcluster env{suffix})"')
    return 0


def _down(options: argparse.Namespace) -> int:
    names = [options.name]
    if options.all:
        names = [path.name for path in clusters_dir().glob("*/")] if clusters_dir().exists() else []
    for name in names:
        clusters.down(name)
    return 0


def _status(options: argparse.Namespace) -> int:
    alive = clusters.status(clusters.find(options.name))
    for name, runs in alive.items():
        print(f"{name:<26}{'running' if runs else 'DEAD'}")
    return 0 if all(alive.values()) else 1


def _kubeconfig(options: argparse.Namespace) -> int:
    print(clusters.find(options.name).layout.kubeconfig)
    return 0


def _env(options: argparse.Namespace) -> int:
    cluster = clusters.find(options.name)
    kubectl = Path(build(["kubernetes"])["kubectl"])
    print(f"export KUBECONFIG={cluster.layout.kubeconfig}")
    print(f"export PATH={kubectl.parent}:$PATH")
    return 0


def _image(options: argparse.Namespace) -> int:
    unknown = set(options.images) - set(IMAGES)
    if unknown:
        raise ClusterError("image", f"no image {sorted(unknown)}", remedy=f"one of: {', '.join(IMAGES)}")
    built = build_images(options.images or IMAGES)
    if (cluster_dir(options.name) / "cluster.json").exists():
        cluster = clusters.find(options.name)
        for image in built.values():
            clusters.load(cluster, image)
    return 0


def _load(options: argparse.Namespace) -> int:
    if not options.archive.is_file():
        raise ClusterError("load", f"{options.archive} is not a file", remedy="give an OCI or docker archive")
    with options.archive.open("rb") as archive:
        clusters.load_archive(clusters.find(options.name), archive)
    return 0


def _logs(options: argparse.Namespace) -> int:
    layout = clusters.find(options.name).layout
    log = layout.log(options.component)
    if not log.exists():
        known = ", ".join(sorted(path.stem for path in log.parent.glob("*.log")))
        raise ClusterError("logs", f"no component {options.component!r}", remedy=f"one of: {known}")
    print("\n".join(tail(log, options.lines)))
    return 0


def _exec(options: argparse.Namespace) -> int:
    words = options.words[1:] if options.words[:1] == ["--"] else options.words
    if not words:
        raise ClusterError("exec", "no command given", remedy="exec -- COMMAND ...")
    cluster = clusters.find(options.name)
    sandbox = cluster.sandbox or Sandbox(options.name, cluster.layout.folder)
    environment = {**os.environ, "KUBECONFIG": str(cluster.layout.kubeconfig)}
    return subprocess.run(
        sandbox.command(words, mounts=options.node), env=environment, check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
