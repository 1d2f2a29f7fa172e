"""How long a paired evaluation of one session with five candidates takes, start-up included.

python benchmarks/paper.py TAPE [--half-spread PRICE --qty LOTS --limit LOTS] --json
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

LIMIT_S = 60.0


def main() -> int:
    """Run `quoting paper` in a fresh process and print wall and processor seconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tape", type=Path)
    parser.add_argument("--half-spread", type=float, default=1.0)
    parser.add_argument("--qty", type=float, default=10)
    parser.add_argument("--limit", type=float, default=50)
    parser.add_argument("--block", type=float, default=12)
    parser.add_argument("--sessions", default="1")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        command = _command(Path(folder), args)
        started = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        wall = time.perf_counter() - started
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = {
        "tape": args.tape.name, "candidates": 5, "wall_s": round(wall, 1),
        "processor_s": round(used.ru_utime + used.ru_stime, 1), "max_rss_mb": round(used.ru_maxrss / 1024),
        "limit_s": LIMIT_S, "load_average": round(os.getloadavg()[0], 1),
    }  # fmt: skip
    print(json.dumps(result) if args.json else result)
    return 0


def _command(folder: Path, args: argparse.Namespace) -> list[str]:
    spread, common = args.half_spread, {"qty": args.qty}
    grid = {"method": "closed", "maxInventory": args.limit}
    arms = [
        ("FixedSpread", {"halfSpread": spread}),
        ("FixedSpread", {"halfSpread": spread / 2}),
        ("AvellanedaStoikov", {"gamma": 0.001}),
        ("AvellanedaStoikov", {"gamma": 0.01}),
        ("GLFT", {"gamma": 0.001, **grid}),
        ("GLFT", {"gamma": 0.01, **grid}),
    ]
    desk = {
        "limits": {"maxPosition": args.limit},
        "signals": {"horizonS": 60},
        "blockS": args.block,
        "warmupS": 80,
    }
    words = [sys.executable, "-m", "quoting_operator.cli.quoting", "paper", "--data", str(args.tape)]
    words += ["--sessions", args.sessions, "--desk", _write(folder / "desk.yaml", desk)]
    for i, (model, params) in enumerate(arms):
        arm = {"model": model, "name": f"{model}-{i}", "params": params | common}
        words += ["--candidate" if i else "--baseline", _write(folder / f"{i}.yaml", arm)]
    return words


def _write(path: Path, content: object) -> str:
    path.write_text(yaml.safe_dump(content))
    return str(path)


if __name__ == "__main__":
    sys.exit(main())
