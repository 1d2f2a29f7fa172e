"""`quoting-operator run|webhook`: the cluster's side."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from collections.abc import Coroutine, Sequence

from quoting_operator.handlers import operator, webhook
from quoting_policy.errors import InputError


def main(argv: Sequence[str] | None = None) -> int:
    """Run one process and return its exit status: 0 stopped in order, 2 bad input."""
    options = _parser().parse_args(argv)
    form = "%(asctime)s %(levelname)s %(name)s %(message)s"
    logging.basicConfig(level=options.log_level.upper(), format=form)
    logging.getLogger("kopf.objects").setLevel(logging.WARNING)  # a line for every event it hands on
    try:
        asyncio.run(options.start(options))
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
    run.add_argument("--prometheus", default="", metavar="URL", help="where pods' metrics are read from")
    run.add_argument(
        "--scrape-interval", type=float, default=15.0, metavar="SECONDS", help="how often it scrapes them"
    )
    run.add_argument("--paper-image", default="", metavar="IMAGE", help="image of the paper stage's Jobs")
    run.set_defaults(start=_operator)
    admission = commands.add_parser("webhook", help="inject sidecars into pods")
    admission.add_argument("--image", required=True, help="image of the sidecar")
    admission.add_argument("--port", type=int, default=8443, help="port of the admission endpoint")
    admission.add_argument("--health-port", type=int, default=8080, help="port of the probes and metrics")
    admission.add_argument("--service", default="quoting-webhook", help="Service in front of this endpoint")
    admission.add_argument("--namespace", default="quoting-system", help="namespace of that Service")
    admission.add_argument(
        "--configuration", default="quoting-webhook", help="MutatingWebhookConfiguration to keep up to date"
    )
    admission.add_argument(
        "--certificate-is-given",
        action="store_true",
        help="cert-manager, say, fills the Secret SERVICE-tls and the configuration; make no certificate",
    )
    admission.set_defaults(start=_webhook)
    return parser


def _operator(options: argparse.Namespace) -> Coroutine[None, None, None]:
    return operator.run(
        operator.Options(
            tuple(options.namespace),
            prometheus=options.prometheus,
            scrape_interval_s=options.scrape_interval,
            paper_image=options.paper_image,
            port=options.port,
            workers=options.workers,
        )
    )


def _webhook(options: argparse.Namespace) -> Coroutine[None, None, None]:
    return webhook.run(
        webhook.Options(
            image=options.image,
            port=options.port,
            health_port=options.health_port,
            service=options.service,
            namespace=options.namespace,
            configuration=options.configuration,
            certificate_is_given=options.certificate_is_given,
        )
    )


if __name__ == "__main__":
    sys.exit(main())
