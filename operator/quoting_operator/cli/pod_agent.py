"""`quoting pod-agent`: drive the engine beside it from the Kubernetes API."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
from pathlib import Path

from quoting_operator.adapters.kube import connect
from quoting_operator.agent.source import Identity, KubernetesSource
from quoting_policy.errors import InputError
from quoting_policy.sidecar.agent import Agent


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `quoting pod-agent`."""
    parser.add_argument("--control", type=Path, required=True, help="the engine's control socket")
    parser.add_argument("--policy", required=True, help="QuotingPolicy to follow, in the pod's namespace")
    parser.add_argument("--content", type=Path, help="folder where weights and secret parameters are mounted")
    parser.add_argument("--host", default="127.0.0.1", help="address of /metrics, /healthz, /readyz")
    parser.add_argument("--port", type=int, default=9464, help="port of the same")


def run(args: argparse.Namespace) -> int:
    """Work until SIGTERM or SIGINT."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    names = ("POD_NAMESPACE", "POD_NAME", "POD_UID")
    if missing := [name for name in names if not os.environ.get(name)]:
        raise InputError(missing[0], "", "set in the environment", "the webhook sets it in a pod")
    namespace, pod, uid = (os.environ[name] for name in names)
    who = Identity(namespace=namespace, policy=args.policy, pod=pod, pod_uid=uid)
    asyncio.run(_serve(args, who))
    return 0


async def _serve(args: argparse.Namespace, who: Identity) -> None:
    async with connect() as kube:
        agent = Agent(args.control, KubernetesSource(kube, who, args.content), {"policy": who.policy})
        work = asyncio.create_task(agent.run(args.host, args.port))
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, work.cancel)
        try:
            await work
        except asyncio.CancelledError:
            logging.getLogger(__name__).info("stopped")
