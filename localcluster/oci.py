"""OCI images as files: an archive from a few files, and archives without the layers that a node has already.

Source: OCI image specification 1.1, image layout, manifest and configuration.
"""

from __future__ import annotations

import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

_MEDIA = "application/vnd.oci.image"
_VERSION = b'{"imageLayoutVersion": "1.0.0"}'


@dataclass(frozen=True)
class Image:
    """An image in a folder of blobs. name: full reference. layout: the folder. digest: of the manifest."""

    name: str
    layout: Path
    digest: str

    def blob(self, digest: str) -> Path:
        """File of a blob."""
        return self.layout / "blobs" / digest.replace(":", "/")

    @property
    def blobs(self) -> list[str]:
        """Digests of all it is made of: layers and configuration, then the manifest."""
        manifest = self._manifest()
        return [*(part["digest"] for part in [*manifest["layers"], manifest["config"]]), self.digest]

    @property
    def size(self) -> int:
        """Bytes of its layers."""
        return sum(layer["size"] for layer in self._manifest()["layers"])

    def write(self, stream: IO[bytes], known: Collection[str] = ()) -> None:
        """Write it as an archive, without the blobs whose digests the reader has."""
        parts = {digest: self.blob(digest) for digest in self.blobs if digest not in known}
        with tarfile.open(fileobj=stream, mode="w|") as archive:
            for name, data in _frame(self.name, self.digest, self.blob(self.digest).stat().st_size).items():
                archive.addfile(_entry(name, len(data)), io.BytesIO(data))
            for digest, path in parts.items():
                with path.open("rb") as blob:
                    name = f"blobs/{digest.replace(':', '/')}"
                    archive.addfile(_entry(name, path.stat().st_size), blob)

    def _manifest(self) -> dict[str, Any]:
        manifest: dict[str, Any] = json.loads(self.blob(self.digest).read_bytes())
        return manifest


def image_archive(name: str, files: Mapping[str, Path], entrypoint: Sequence[str]) -> bytes:
    """A tar archive of an image with one layer.

    name: full reference, e.g. ``localhost/pause:1``. files: path in the image -> file here. entrypoint: the
    command that is run.
    """
    blobs: dict[str, bytes] = {}

    def blob(kind: str, data: bytes) -> dict[str, Any]:
        digest = hashlib.sha256(data).hexdigest()
        blobs[f"blobs/sha256/{digest}"] = data
        return {"mediaType": f"{_MEDIA}.{kind}", "digest": f"sha256:{digest}", "size": len(data)}

    layer = blob("layer.v1.tar", _tar({path: source.read_bytes() for path, source in files.items()}))
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    config = {
        "architecture": machine,
        "os": "linux",
        "config": {"Entrypoint": list(entrypoint)},
        "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{_MEDIA}.manifest.v1+json",
        "config": blob("config.v1+json", json.dumps(config).encode()),
        "layers": [layer],
    }
    entry = blob("manifest.v1+json", json.dumps(manifest).encode())
    return _tar(_frame(name, entry["digest"], entry["size"]) | blobs)


def _frame(name: str, digest: str, size: int) -> dict[str, bytes]:
    """What makes an archive of blobs an image: the layout's mark, and an index that leads to the manifest."""
    entry: dict[str, Any] = {"mediaType": f"{_MEDIA}.manifest.v1+json", "digest": digest, "size": size}
    entry["annotations"] = {"io.containerd.image.name": name}
    index = {"schemaVersion": 2, "manifests": [entry]}
    return {"oci-layout": _VERSION, "index.json": json.dumps(index).encode()}


def _tar(files: Mapping[str, bytes]) -> bytes:
    """A tar archive that depends on nothing but its contents."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for path, data in files.items():
            archive.addfile(_entry(path, len(data)), io.BytesIO(data))
    return stream.getvalue()


def _entry(path: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(path)
    entry.size, entry.mode = size, 0o755
    return entry
