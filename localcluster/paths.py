"""Where built parts and running clusters are kept."""

from __future__ import annotations

import os
import re
from pathlib import Path

from localcluster.errors import ClusterError

SOURCE = Path(__file__).resolve().parent
"""This folder: the Go modules' pins and the templates."""


def cache_dir() -> Path:
    """Built parts, keyed by what went into them: ``$XDG_CACHE_HOME/quoting-operator``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "quoting-operator"


def clusters_dir() -> Path:
    """Folders of clusters, one each: ``$XDG_STATE_HOME/quoting-operator/clusters``."""
    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    return state / "quoting-operator" / "clusters"


def cluster_dir(name: str) -> Path:
    """Folder of the cluster called ``name``. Raises ClusterError on a name that is no DNS label."""
    if not re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,28}[a-z0-9])?", name):
        raise ClusterError(
            "name", f"{name!r} must be 1 to 30 of a-z, 0-9 and inner '-'", remedy="choose another --name"
        )
    return clusters_dir() / name
