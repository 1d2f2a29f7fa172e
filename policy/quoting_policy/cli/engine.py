"""`quoting engine`: serve quotes over a Unix socket."""

from __future__ import annotations

import argparse
import gc
import logging
import signal
from pathlib import Path

from quoting_policy.engine import Engine, Latch
from quoting_policy.errors import InputError
from quoting_policy.sidecar.server import Server


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `quoting engine`."""
    parser.add_argument("--socket", type=Path, required=True, help="Unix socket for trading apps")
    parser.add_argument("--control", type=Path, required=True, help="Unix socket for the agent")
    parser.add_argument(
        "--state-dir", type=Path, help="folder where latched breaches survive a restart; default: nowhere"
    )


def run(args: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT, then tell the apps and leave."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    if args.state_dir is not None and not args.state_dir.is_dir():
        raise InputError("--state-dir", str(args.state_dir), "an existing folder")
    latch = Latch(args.state_dir / "latch.json" if args.state_dir else None)
    try:
        server = Server(Engine(latch=latch), args.socket, args.control)
    except OSError as error:
        allowed = f"a path where a socket can be made ({error})"
        raise InputError("--socket", str(args.socket), allowed) from None
    server.stop_on(signal.SIGTERM, signal.SIGINT)
    server.guard()
    # What is loaded by now stays: the collector need not look at it again while quotes are made.
    gc.freeze()
    logging.getLogger(__name__).info("ready on %s", args.socket)
    try:
        server.run()
    finally:
        server.close()
    return 0
