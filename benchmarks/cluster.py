"""How long the local cluster takes: building its parts, coming up, taking a new image, going down.

``python benchmarks/cluster.py --json`` prints one JSON object. ``--from-nothing`` also builds every part with
empty Go caches (about 20 minutes on 2 cores); without it only what the cache lacks is built.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator

from localcluster import build as building
from localcluster import cluster as clusters
from localcluster.images import IMAGES, REPOSITORY, build_images, reference

_NAME = "bench"
_LIMITS_S = {
    "build_from_nothing": 1200.0,
    "build_from_cache": 2.0,
    "up_to_ready_node": 12.0,
    "up_control_plane_only": 6.0,
    "code_change_to_running_pod": 15.0,
}


def seconds(action: Callable[[], object]) -> float:
    """Wall time of one call, s."""
    start = time.monotonic()
    action()
    return time.monotonic() - start


@contextlib.contextmanager
def _empty_caches() -> Iterator[None]:
    """Go and our own cache in a folder that is thrown away."""
    names = ("XDG_CACHE_HOME", "GOCACHE", "GOMODCACHE")
    before = {name: os.environ.get(name) for name in names}
    with tempfile.TemporaryDirectory(prefix="quoting-bench-") as folder:
        os.environ.update({name: f"{folder}/{name.lower()}" for name in names})
        try:
            yield
        finally:
            for name, value in before.items():
                os.environ.pop(name, None)
                if value is not None:
                    os.environ[name] = value
            # Go makes its module cache read-only.
            subprocess.run(["chmod", "-R", "u+w", folder], check=False)


def build_from_nothing() -> dict[str, float]:
    """Seconds a part, with empty caches."""
    with _empty_caches():
        return {
            part.name: round(seconds(lambda name=part.name: building.build([name])), 1)
            for part in building.PARTS
        }


def measure_up(repetitions: int, *, control_plane_only: bool) -> tuple[list[float], list[float]]:
    """Seconds to come up and to go down, each a list of ``repetitions``."""
    ups, downs = [], []
    for _ in range(repetitions):
        ups.append(seconds(lambda: clusters.up(_NAME, control_plane_only=control_plane_only)))
        downs.append(seconds(lambda: clusters.down(_NAME)))
    return ups, downs


def code_change_to_running_pod() -> float:
    """Seconds from a changed line of our code to a pod that has run it, on a node that is up."""
    cluster = clusters.up(_NAME)
    kubectl = [building.build(["kubernetes"])["kubectl"], f"--kubeconfig={cluster.layout.kubeconfig}"]
    clusters.load(cluster, build_images(["sidecar"])["sidecar"])
    changed = REPOSITORY / "policy" / "quoting_policy" / "_benchmark_marker.py"
    try:
        start = time.monotonic()
        changed.write_text(f'"""{time.time()}"""\n')
        clusters.load(cluster, build_images(["sidecar"])["sidecar"])
        run = ["run", "changed", f"--image={reference('sidecar')}", "--restart=Never", "--attach", "--quiet"]
        run += [
            "--image-pull-policy=Never",
            "--command",
            "--",
            "python3",
            "-c",
            "import quoting_policy._benchmark_marker",
        ]
        subprocess.run([*kubectl, *run], check=True, stdout=subprocess.DEVNULL)
        return time.monotonic() - start
    finally:
        changed.unlink(missing_ok=True)
        clusters.down(_NAME)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object (always done)")
    parser.add_argument(
        "--from-nothing", action="store_true", help="also build all parts with empty Go caches"
    )
    parser.add_argument("--repetitions", type=int, default=5)
    options = parser.parse_args()
    result: dict[str, object] = {"benchmark": "cluster", "cores": os.cpu_count(), "limits_s": _LIMITS_S}
    if options.from_nothing:
        parts = build_from_nothing()
        result["build_from_nothing_s"] = parts | {"total": round(sum(parts.values()), 1)}
    building.build()
    result["build_from_cache_s"] = round(seconds(building.build), 3)
    for name, alone in (("up_to_ready_node", False), ("up_control_plane_only", True)):
        ups, downs = measure_up(options.repetitions, control_plane_only=alone)
        result[f"{name}_s"] = {"median": round(statistics.median(ups), 2), "max": round(max(ups), 2)}
        result[f"down_after_{name}_s"] = {
            "median": round(statistics.median(downs), 2),
            "max": round(max(downs), 2),
        }
    result["code_change_to_running_pod_s"] = round(code_change_to_running_pod(), 1)
    result["image_mib"] = {name: round(image.size / 2**20) for name, image in build_images(IMAGES).items()}
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
