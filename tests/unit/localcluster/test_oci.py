"""Images as files: an archive holds what the reader lacks, and old blobs go."""

from __future__ import annotations

import io
import json
import os
import tarfile
import time
from pathlib import Path

import pytest

from localcluster import images
from localcluster.oci import Image, image_archive


@pytest.fixture
def image(tmp_path: Path) -> Image:
    """An image of one layer in a folder of blobs."""
    program = tmp_path / "program"
    program.write_bytes(b"#!/bin/sh\n")
    layout = tmp_path / "layout"
    archive = image_archive("made/here:1", {"run": program}, ["/run"])
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        for file in files:
            path = layout / file.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(files.extractfile(file).read())  # type: ignore[union-attr]  # all are files
    (entry,) = json.loads((layout / "index.json").read_text())["manifests"]
    return Image("given/name:2", layout, entry["digest"])


def written(image: Image, *known: str) -> dict[str, bytes]:
    """The files of the archive that is made for a reader who has these blobs."""
    stream = io.BytesIO()
    image.write(stream, known)
    stream.seek(0)
    with tarfile.open(fileobj=stream) as archive:
        return {entry.name: archive.extractfile(entry).read() for entry in archive}  # type: ignore[union-attr]  # all are files


def test_an_archive_leads_from_its_name_to_every_blob(image: Image) -> None:
    files = written(image)
    (entry,) = json.loads(files["index.json"])["manifests"]
    assert entry["annotations"]["io.containerd.image.name"] == "given/name:2"
    assert entry["size"] == len(files[f"blobs/{image.digest.replace(':', '/')}"])
    assert set(files) == {"oci-layout", "index.json"} | {f"blobs/{b.replace(':', '/')}" for b in image.blobs}


def test_what_the_reader_has_is_left_out(image: Image) -> None:
    layer, *others = image.blobs
    missing = f"blobs/{layer.replace(':', '/')}"
    assert set(written(image)) - set(written(image, layer)) == {missing}
    assert set(written(image, layer, *others)) == {"oci-layout", "index.json"}


def test_a_blob_that_the_reader_has_need_not_be_here(image: Image) -> None:
    layer = image.blobs[0]
    image.blob(layer).unlink()
    written(image, layer)
    with pytest.raises(FileNotFoundError):
        written(image)


def test_the_size_is_that_of_the_layers(image: Image) -> None:
    assert image.size == image.blob(image.blobs[0]).stat().st_size


def test_blobs_that_no_build_used_for_a_week_are_forgotten(image: Image) -> None:
    layer, config, manifest = image.blobs
    long_ago = time.time() - 8 * 86400
    os.utime(image.blob(layer), (long_ago, long_ago))
    images._forget_unused(image.layout)
    assert not image.blob(layer).exists()
    assert image.blob(config).exists()
    assert image.blob(manifest).exists()
