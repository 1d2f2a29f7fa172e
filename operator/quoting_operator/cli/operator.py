"""`quoting-operator run|webhook`: the cluster's side."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import logging
import sys
from collections.abc import Sequence

from quoting_policy.errors import InputError


def main(argv: Sequence[str] | None = None) -> int:
    """Run one process and return its exit status: 0 stopped in order, 2 bad input."""
    options = _parser().parse_args(argv)
    logging.basicConfig(
        level=options.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    try:
        asyncio.run(importlib.import_module(options.module).run(options.read(options)))
    except InputError as error:
        print(f"quoting-operator: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="quoting-operator", description=__doc__)
    parser.add_argument("--log-level", default="info", choices=["debug", "info", "warning", "error"])
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="reconcile policies")
    run.add_argument("--namespace", action="append", default=[], help="only this one; may be repeated")
    run.add_argument("--port", type=int, default=8080, help="port of /livez, /readyz, /metrics")
    run.add_argument("--workers", type=int, default=10, help="policies worked on at once")
    run.set_defaults(module="quoting_operator.handlers.operator", read=_operator)
    webhook = commands.add_parser("webhook", help="inject sidecars into pods")
    webhook.add_argument("--image", required=True, help="image of the sidecar")
    webhook.add_argument("--port", type=int, default=8443, help="port of the admission endpoint")
    webhook.add_argument("--health-port", type=int, default=8080, help="port of the probes and metrics")
    webhook.add_argument("--service", default="quoting-webhook", help="Service in front of this endpoint")
    webhook.add_argument("--namespace", default="quoting-system", help="namespace of that Service")
    webhook.add_argument(
        "--configuration", default="quoting-webhook", help="MutatingWebhookConfiguration to keep up to date"
    )
    webhook.set_defaults(module="quoting_operator.handlers.webhook", read=_webhook)
    return parser


def _operator(options: argparse.Namespace) -> object:
    from quoting_operator.handlers.operator import Options

    return Options(tuple(options.namespace), port=options.port, workers=options.workers)


def _webhook(options: argparse.Namespace) -> object:
    from quoting_operator.handlers.webhook import Options

    return Options(
        image=options.image,
        port=options.port,
        health_port=options.health_port,
        service=options.service,
        namespace=options.namespace,
        configuration=options.configuration,
    )


if __name__ == "__main__":
    sys.exit(main())
