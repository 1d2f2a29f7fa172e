"""Play the acts: ``python -m examples.demo [--act N] [--name CLUSTER] [--out FOLDER]``."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from examples.demo import bundle
from examples.demo.acts import REPORT, chosen
from examples.demo.desk import REPOSITORY, Desk
from examples.demo.kubectl import connect
from examples.demo.play import Play, UnfulfilledError
from examples.demo.screen import Screen
from localcluster.__main__ import DEFAULT_NAME
from localcluster.errors import ClusterError


def main(words: Sequence[str] | None = None) -> int:
    """Run the demonstration and write its report; a failure is told in words, exit status 1."""
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument("--act", default="", help=f"1 to {REPORT}; default: all")
    parser.add_argument("--name", default=DEFAULT_NAME, help="local cluster (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=REPOSITORY / "out" / "demo", help="folder of the report")
    options = parser.parse_args(words)
    screen = Screen(sys.stdout)
    try:
        acts = chosen(_number(options.act))
        start = time.monotonic()
        place = connect(options.name)
        desk = Desk(place)
        screen.say(f"{time.monotonic() - start:8.1f} s  cluster up, images built and loaded")
        start = time.monotonic()
        desk.install()
        screen.say(f"{time.monotonic() - start:8.1f} s  operator and webhook installed")
    except ClusterError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    play, failure = Play(desk, screen), ""
    try:
        for act in acts:
            with play.act(act.number, act.title):
                act.play(play)
    except (UnfulfilledError, ClusterError) as error:
        failure = str(error)
    except KeyboardInterrupt:
        failure = "interrupted"
    if play.records:
        screen.say(f"\nAct {REPORT}: report and postmortem bundle")
        files = bundle.write(play, options.out)
        screen.say(f"           {len(files)} files in {options.out}; begin with summary.html")
    if failure:
        print(f"demo: {failure}", file=sys.stderr)
        return 1
    screen.say("the cluster is left running: `make cluster-down` ends it")
    return 0


def _number(text: str) -> int | None:
    if text and not text.isdigit():
        raise ClusterError("demo", f"ACT={text} must be 1 to {REPORT}")
    return int(text) if text else None


if __name__ == "__main__":
    sys.exit(main())
