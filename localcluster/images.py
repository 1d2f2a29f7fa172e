"""Builds the project's images without a daemon and without pulling anything.

The base is made from Debian packages and Python's wheels are fetched by their locked hashes, both once into
the cache; the build itself then works without a network. The same Containerfiles build on a public base.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from localcluster import packages
from localcluster.errors import ClusterError
from localcluster.oci import Image
from localcluster.paths import SOURCE, cache_dir

REPOSITORY = SOURCE.parent
IMAGES = ("operator", "sidecar", "paper")
BASE = "localhost/quoting-base:bookworm"
_SUITE = "bookworm"
_PYTHON = "3.11"
_BASE_PACKAGES = ("python3", "python3-venv", "ca-certificates")
_KEPT_S = 7 * 86400.0
"""How long a blob is kept after the last build that used it."""


def reference(image: str) -> str:
    """Full name of an image as pods use it."""
    return f"localhost/quoting-{image}:dev"


def build_images(images: Sequence[str] = IMAGES) -> dict[str, Image]:
    """Build images into a folder of blobs; only layers that changed are made and written."""
    packages.ensure(packages.IMAGES)
    _ensure_base()
    return {image: _build(image) for image in images}


def _build(image: str) -> Image:
    start = time.monotonic()
    wheels = _ensure_wheels(image)
    with tempfile.NamedTemporaryFile(mode="r", prefix=f"{image}-") as identity:
        _buildah(
            "bud",
            "--layers",
            "--isolation=chroot",
            "--pull-never",
            "--network=host",
            f"--build-arg=BASE_IMAGE={BASE}",
            "--build-arg=PIP_OPTIONS=--no-index --find-links=/wheels",
            f"--volume={wheels}:/wheels:ro",
            f"--ignorefile={REPOSITORY / '.dockerignore'}",
            f"--file={REPOSITORY / 'images' / image}.Containerfile",
            f"--tag={reference(image)}",
            f"--iidfile={identity.name}",
            str(REPOSITORY),
        )
        # By its identity: another checkout's build may have taken the name by now.
        built = _export(image, identity.read().strip().removeprefix("sha256:"))
    took = time.monotonic() - start
    print(
        f"{reference(image)}: {built.size / 2**20:.0f} MiB, built in {took:.1f} s",
        file=sys.stderr,
        flush=True,
    )
    return built


def _export(image: str, identity: str) -> Image:
    """Copy an image from buildah's storage to the folder of blobs, but for the blobs it has already."""
    layout = cache_dir() / "images" / "layout"
    layout.mkdir(parents=True, exist_ok=True)
    source = f"containers-storage:[overlay@{_storage()}+{_storage()}/run]@{identity}"
    copy = ["skopeo", "copy", "--quiet", "--insecure-policy"]
    # Compressing would here cost more than it saves, and only uncompressed layers keep their digests.
    copy.append("--dest-oci-accept-uncompressed-layers")
    with _locked(layout), tempfile.NamedTemporaryFile(mode="r") as digest:
        (layout / "index.json").unlink(missing_ok=True)  # a list of all builds ever, which nobody reads
        copy += [f"--digestfile={digest.name}", source, f"oci:{layout}"]
        _run(copy, f"copying {image}", "building images needs root and overlay mounts")
        built = Image(reference(image), layout, digest.read().strip())
        for blob in built.blobs:
            os.utime(built.blob(blob))
        _forget_unused(layout)
    return built


def _forget_unused(layout: Path) -> None:
    """Remove blobs that no build has used for a while; until then a load may still be reading them."""
    for blob in (layout / "blobs").glob("*/*"):
        if blob.stat().st_mtime < time.time() - _KEPT_S:
            blob.unlink()


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One build at a time writes here: checkouts share the cache, and skopeo its index."""
    with (folder.parent / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _ensure_base() -> None:
    """The base image: a minimal Debian with Python, made once."""
    if _buildah("images", "--quiet", "--filter", f"reference={BASE}").strip():
        return
    print(f"making {BASE} from Debian packages, once ...", file=sys.stderr, flush=True)
    tree = cache_dir() / "images" / "base.tar"
    if not tree.exists():
        with _replacing(tree) as unfinished:
            _mmdebstrap(unfinished)
    container = _buildah("from", "scratch").strip()
    _buildah("add", container, str(tree), "/")
    _buildah("commit", "--rm", container, BASE)


def _mmdebstrap(archive: Path) -> None:
    command = [
        "mmdebstrap",
        "--variant=minbase",
        f"--include={','.join(_BASE_PACKAGES)}",
        "--dpkgopt=path-exclude=/usr/share/doc/*",
        "--dpkgopt=path-exclude=/usr/share/man/*",
        "--dpkgopt=path-exclude=/usr/share/locale/*",
        "--customize-hook=rm -rf $1/var/lib/apt/lists/* $1/var/cache/*",
        "--format=tar",
        _SUITE,
        str(archive),
    ]
    _run(command, "base image", "check the network to the Debian mirror")


def _ensure_wheels(image: str) -> Path:
    """Folder with the wheels of an image's locked requirements, fetched once and checked by hash."""
    lock = REPOSITORY / "requirements" / f"{image}.txt"
    folder = cache_dir() / "wheels" / f"{image}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:16]}"
    if folder.exists():
        return folder
    with _replacing(folder) as unfinished:
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
        ]
        command += ["--require-hashes", "--only-binary=:all:", f"--python-version={_PYTHON}"]
        command += [f"--dest={unfinished}", f"--requirement={lock}"]
        _run(command, f"wheels of {image}", "check the network to the Python package index")
    return folder


def _buildah(*arguments: str) -> str:
    """Run buildah with a storage of our own, below the cache."""
    command = [
        "buildah",
        f"--root={_storage()}",
        f"--runroot={_storage()}/run",
        "--storage-driver=overlay",
        *arguments,
    ]
    return _run(command, f"buildah {arguments[0]}", "building images needs root and overlay mounts")


def _storage() -> Path:
    return cache_dir() / "images" / "storage"


def _run(command: list[str], what: str, remedy: str) -> str:
    environment = {**os.environ, "BUILDAH_ISOLATION": "chroot"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ClusterError(what, f"failed:\n{(done.stdout + done.stderr).strip()[-2000:]}", remedy=remedy)
    return done.stdout


@contextlib.contextmanager
def _replacing(target: Path) -> Iterator[Path]:
    """A path to write to, which takes the target's place only when all went well."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as folder:
        unfinished = Path(folder) / target.name
        yield unfinished
        unfinished.replace(target)
