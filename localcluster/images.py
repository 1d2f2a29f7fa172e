"""Builds the project's images without a daemon and without pulling anything.

The base is made from Debian packages and Python's wheels are fetched by their locked hashes, both once into
the cache; the build itself then works without a network. The same Containerfiles build on a public base.
"""

from __future__ import annotations

import contextlib
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
from localcluster.paths import SOURCE, cache_dir

REPOSITORY = SOURCE.parent
IMAGES = ("operator", "sidecar", "paper")
BASE = "localhost/quoting-base:bookworm"
_SUITE = "bookworm"
_PYTHON = "3.11"
_BASE_PACKAGES = ("python3", "python3-venv", "ca-certificates")


def reference(image: str) -> str:
    """Full name of an image as pods use it."""
    return f"localhost/quoting-{image}:dev"


def build_images(images: Sequence[str] = IMAGES) -> dict[str, Path]:
    """Build images and write each as an archive; unchanged layers come from the cache."""
    packages.ensure(packages.IMAGES)
    _ensure_base()
    return {image: _build(image) for image in images}


def _build(image: str) -> Path:
    start = time.monotonic()
    wheels = _ensure_wheels(image)
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
        str(REPOSITORY),
    )
    archive = cache_dir() / "images" / f"{image}.tar"
    with _replacing(archive) as unfinished:
        # This form of archive is not compressed, which here would cost more than it saves.
        _buildah("push", reference(image), f"docker-archive:{unfinished}:{reference(image)}")
    size = archive.stat().st_size / 2**20
    took = time.monotonic() - start
    print(f"{reference(image)}: {size:.0f} MiB, built in {took:.1f} s", file=sys.stderr, flush=True)
    return archive


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
    storage = cache_dir() / "images" / "storage"
    command = [
        "buildah",
        f"--root={storage}",
        f"--runroot={storage}/run",
        "--storage-driver=overlay",
        *arguments,
    ]
    return _run(command, f"buildah {arguments[0]}", "building images needs root and overlay mounts")


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
