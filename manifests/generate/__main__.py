"""Write the generated files: ``python -m manifests.generate``."""

from __future__ import annotations

import sys

from manifests.generate.files import MANIFESTS, files


def main() -> int:
    """Write every file; says which changed."""
    for path, text in files().items():
        file = MANIFESTS / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists() or file.read_text() != text:
            file.write_text(text)
            sys.stdout.write(f"manifests/{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
