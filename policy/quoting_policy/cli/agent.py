"""`quoting agent`: feed an engine from a watched folder, and serve its metrics."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
from pathlib import Path

from quoting_policy.errors import InputError
from quoting_policy.sidecar.agent import Agent
from quoting_policy.sidecar.directory import DirectorySource


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `quoting agent`."""
    parser.add_argument("--control", type=Path, required=True, help="the engine's control socket")
    parser.add_argument(
        "--directory", type=Path, required=True, help="folder with revision.json, kill.json, authority.json"
    )
    parser.add_argument("--host", default="127.0.0.1", help="address of /metrics, /healthz, /readyz")
    parser.add_argument("--port", type=int, default=9464, help="port of the same")


def run(args: argparse.Namespace) -> int:
    """Work until SIGTERM or SIGINT."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    if not args.directory.is_dir():
        raise InputError("--directory", str(args.directory), "an existing folder")
    asyncio.run(_serve(args))
    return 0


async def _serve(args: argparse.Namespace) -> None:
    agent = Agent(args.control, DirectorySource(args.directory))
    work = asyncio.create_task(agent.run(args.host, args.port))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, work.cancel)
    try:
        await work
    except asyncio.CancelledError:
        logging.getLogger(__name__).info("stopped")
