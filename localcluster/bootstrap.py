"""`python3 -m localcluster.bootstrap`: the virtual environment, from a bare Python. Standard library only."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

OLDEST_PYTHON = (3, 11)
ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"


def main() -> int:
    """Make ``.venv`` with the locked dependencies and this project, editable. Safe to repeat."""
    if sys.version_info < OLDEST_PYTHON:
        print(f"python {sys.version.split()[0]} must be >= 3.11; set PYTHON=... for make", file=sys.stderr)
        return 1
    if not (ENVIRONMENT / "bin" / "pip").exists():
        _create()
    uv = ENVIRONMENT / "bin" / "uv"
    if not uv.exists():
        print("installing uv: installs the locked dependencies and checks their hashes", file=sys.stderr)
        _run(str(ENVIRONMENT / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", "uv>=0.8")
    python = f"--python={ENVIRONMENT / 'bin' / 'python'}"
    _run(str(uv), "pip", "sync", "--quiet", python, "--require-hashes", "requirements/dev.txt")
    _run(str(uv), "pip", "install", "--quiet", python, "--no-deps", "--no-build-isolation", "--editable", ".")
    (ENVIRONMENT / "ready").touch()
    return 0


def _create() -> None:
    try:
        venv.create(ENVIRONMENT, with_pip=True, clear=True)
    except subprocess.CalledProcessError:
        # Debian ships ensurepip in a package of its own.
        from localcluster import packages  # noqa: PLC0415 - only where it is needed

        packages.ensure(
            {"/usr/lib/python3/dist-packages/ensurepip": ("python3-venv", "makes virtual environments")}
        )
        venv.create(ENVIRONMENT, with_pip=True, clear=True)


def _run(*command: str) -> None:
    subprocess.run(command, cwd=ROOT, check=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as error:
        print(f"setup: {' '.join(map(str, error.cmd[:4]))} ... failed ({error.returncode})", file=sys.stderr)
        sys.exit(1)
