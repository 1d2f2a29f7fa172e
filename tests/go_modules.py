"""Files of other projects' Go modules, at the version and digest that a go.mod and go.sum pin."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path


def downloaded(module: str, pinned: Path) -> Path:
    """Folder of a module's files. pinned: folder of the go.mod and go.sum that name it."""
    found = re.search(rf"\b{re.escape(module)} (v\S+)", (pinned / "go.mod").read_text())
    assert found, f"{pinned}/go.mod does not name {module}"
    environment = {**os.environ, "PATH": f"{os.environ['PATH']}:/usr/local/go/bin", "GOFLAGS": "-mod=mod"}
    words = ["go", "mod", "download", "-json", f"{module}@{found[1]}"]
    done = subprocess.run(words, cwd=pinned, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return Path(json.loads(done.stdout)["Dir"])
