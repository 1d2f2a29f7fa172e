"""`report`: fetch the report of the paper stage as HTML."""

from __future__ import annotations

import argparse
import base64
import binascii
import gzip
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from quoting_operator.adapters.kube import CONFIG_MAPS
from quoting_operator.cli.plugin.cluster import Cluster, connected
from quoting_operator.cli.plugin.errors import PluginError
from quoting_operator.cli.plugin.view import policy_view
from quoting_policy.errors import InputError

KEY = "report.html.gz"


def configure(parser: argparse.ArgumentParser, verb: str) -> None:
    """Add the arguments."""
    del verb
    parser.add_argument("name", metavar="NAME", help="the policy")
    parser.add_argument(
        "-o", "--output", type=Path, default=Path(), metavar="DIR", help="where to write it (default: here)"
    )


def run(args: argparse.Namespace) -> int:
    """Write the report and say where."""
    return connected(args, _report)


async def _report(cluster: Cluster, args: argparse.Namespace) -> int:
    status = policy_view(await cluster.policy(args.name)).status
    paper = status.paper
    if paper is None or not paper.report:
        done = "" if paper is None else f": {paper.finished} of {paper.sessions} sessions are finished"
        raise PluginError(f"there is no report of {args.name} yet{done}")
    found = await cluster.kube.get(CONFIG_MAPS, cluster.namespace, paper.report)
    if found is None:
        raise PluginError(f"ConfigMap {paper.report}, which has the report, is gone")
    path = args.output / f"{args.name}-paper.html"
    try:
        args.output.mkdir(parents=True, exist_ok=True)
        path.write_bytes(unpacked(found))
    except OSError as error:
        raise InputError("--output", str(args.output), "a folder to write to", error.strerror or "") from None
    print(path)
    return 0


def unpacked(config_map: Mapping[str, Any]) -> bytes:
    """The HTML in a ConfigMap. Raises PluginError where it cannot be read."""
    name = config_map["metadata"]["name"]
    packed = (config_map.get("binaryData") or {}).get(KEY)
    if packed is None:
        raise PluginError(f"ConfigMap {name} has no key {KEY}")
    try:
        return gzip.decompress(base64.b64decode(packed, validate=True))
    except (binascii.Error, OSError, EOFError, zlib.error) as error:
        raise PluginError(f"ConfigMap {name}, key {KEY}: not gzip: {error}") from None
