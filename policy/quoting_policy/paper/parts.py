"""Parts on disk: a session's result under the digest of its inputs, whole or not at all."""

from __future__ import annotations

import hashlib
import io
import json
import os
from dataclasses import fields
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from quoting_policy.domain.session import SessionEvidence
from quoting_policy.paper.arm import ArmRecord
from quoting_policy.paper.evaluate import Part

_ARRAYS = ("counts", "own", "orders", "curves", "fills", "markout")
_PLAIN = tuple(f.name for f in fields(ArmRecord) if f.name not in _ARRAYS)


def path_of(folder: Path, key: str) -> Path:
    """Where a part lies."""
    return folder / f"{key[:32]}.npz"


def save(part: Part, folder: Path) -> Path:
    """Write a part; it appears under its name only when it is complete."""
    arrays: dict[str, Any] = {}
    arms = []
    for i, (label, record) in enumerate(part.arms.items()):
        arms.append({"label": label, **{name: getattr(record, name) for name in _PLAIN}})
        arrays |= {f"{i}.{name}": getattr(record, name) for name in _ARRAYS}
    meta = {"key": part.key, "arms": arms, "evidence": part.evidence, "sha256": _digest(arrays)}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, meta=np.frombuffer(msgspec.json.encode(meta), np.uint8), **arrays)
    path = path_of(folder, part.key)
    folder.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    partial.write_bytes(buffer.getvalue())
    partial.replace(path)
    return path


def load(folder: Path, key: str) -> Part | None:
    """The part with this key; None where there is none, or where it is damaged or another's."""
    try:
        with np.load(path_of(folder, key)) as file:
            arrays = {name: file[name] for name in file.files}
        meta = json.loads(arrays.pop("meta").tobytes())
        if meta["key"] != key or meta["sha256"] != _digest(arrays):
            return None
        records = {
            arm.pop("label"): ArmRecord(
                **{name: arrays[f"{i}.{name}"] for name in _ARRAYS},
                **{**arm, "breaches": tuple(arm["breaches"])},
            )
            for i, arm in enumerate(meta["arms"])
        }
        evidence = tuple(msgspec.convert(item, SessionEvidence) for item in meta["evidence"])
    except Exception:  # noqa: BLE001  a damaged archive fails in many ways, and each means: make it again
        return None
    return Part(key, records, evidence)


def _digest(arrays: dict[str, Any]) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name], np.float64)
        digest.update(f"{name}{array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
