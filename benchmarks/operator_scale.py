"""The operator with a thousand policies on a real etcd and API server.

    python benchmarks/operator_scale.py [--json] [--policies 1000] [--authority 100]

A control plane of its own is started and removed. The operator is a process of its own, everything else here
is its users: policies with a pod each, sidecars that tell of breaches, somebody who pulls the kill switch.
What leads to authority takes days; here the status is set to the canary stage, as it is stored then, and the
operator grants the Leases.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.desks import Call, Seen, each, furnish, insist, place, seeing
from localcluster import cluster as clusters
from localcluster.build import build
from localcluster.images import REPOSITORY
from quoting_operator.adapters.kube import (
    EVENTS,
    KILL_SWITCHES,
    LEASES,
    QUOTING_POLICIES,
    Kube,
    connect,
)
from quoting_operator.api.breach_event import breach_event
from quoting_operator.api.schema import API_VERSION
from quoting_policy.protocol.control import BreachLatched

NAME = "bench-operator"
SINGLES = 20
"""Breaches told one after the other, of policies that are not among those that hold authority meanwhile."""

LIMITS = {
    "start_to_all_reconciled_s": 15.0,
    "steady_cores": 0.2,
    "steady_mib": 250.0,
    "steady_status_writes": 0,
    "simultaneous_breaches_to_all_rolled_back_s": 3.0,
}


class Operator:
    """`quoting-operator run`."""

    def __init__(self, kubeconfig: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        command = [sys.executable, "-m", "quoting_operator.cli.operator", "--log-level=warning", "run"]
        # Compiled code is kept, as it is in the image.
        environment = {**os.environ, "KUBECONFIG": str(kubeconfig), "PYTHONDONTWRITEBYTECODE": ""}
        subprocess.run([*command, "--help"], env=environment, check=True, stdout=subprocess.DEVNULL)
        self.started = time.perf_counter()
        self.process = subprocess.Popen([*command, f"--port={self.port}"], env=environment)

    def cpu_s(self) -> float:
        """Processor time used so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def mib(self, what: str) -> float:
        """VmRSS, resident memory, or VmHWM, the most that it ever was."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split(f"{what}:")[1].split()[0]) / 1024

    def metric(self, name: str) -> float:
        """Sum of a metric over its labels."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics") as answer:
            lines = answer.read().decode().splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.split("{")[0].split(" ")[0] == name)

    def end(self) -> float:
        """Stop it; seconds that this took."""
        started = time.perf_counter()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=20)
        return time.perf_counter() - started


async def into_canary(kube: Kube, policies: Seen, leases: Seen, numbers: range) -> None:
    """Put the status where the evidence of days would have put it, and wait for the authority."""

    def one(number: int) -> Call:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        status = {"stage": "Canary", "step": 0, "stageStartedAt": stamp, "stepStartedAt": stamp}
        changes = [{"op": "add", "path": f"/status/{key}", "value": value} for key, value in status.items()]
        return partial(kube.patch, QUOTING_POLICIES, place(number), f"p{number}", changes, "status")

    await each(map(one, numbers))
    names = [(place(n), f"p{n}") for n in numbers]
    await leases.until(lambda: all(name in leases.objects for name in names), "Leases")
    await policies.until(lambda: all(policies.phase(n) == "Canary" for n in numbers), "Canary")


async def steady(operator: Operator, seconds: float) -> dict[str, float]:
    """What it uses and writes while nothing happens but that authority is renewed."""
    before = {name: operator.metric(name) for name in (_WRITES, _PASSES)}
    cpu, started = operator.cpu_s(), time.perf_counter()
    await asyncio.sleep(seconds)
    took = time.perf_counter() - started
    return {
        "steady_s": round(took, 1),
        "steady_cores": round((operator.cpu_s() - cpu) / took, 3),
        "steady_mib": round(operator.mib("VmRSS"), 1),
        "steady_status_writes": operator.metric(_WRITES) - before[_WRITES],
        "steady_passes_per_s": round((operator.metric(_PASSES) - before[_PASSES]) / took, 1),
    }


_WRITES, _PASSES = "quoting_operator_status_writes_total", "quoting_operator_reconcile_total"


async def breach(kube: Kube, policies: Seen, leases: Seen, number: int) -> float:
    """Tell of a breach as an agent does; seconds until the policy is rolled back and its Lease is gone."""
    name = (place(number), f"p{number}")
    found = policies.objects[name]
    latched = BreachLatched(
        digest=found["status"]["candidate"]["digest"],
        instrument="BTC-USDT",
        breaches=("max_position",),
        wall_ns=time.time_ns(),
        drill=False,
    )
    event = breach_event(
        latched, namespace=name[0], policy=name[1], policy_uid=found["metadata"]["uid"],
        pod=f"trader-{number}", pod_uid=str(number), rehearsal="",
    )  # fmt: skip
    started = time.perf_counter()
    await insist(partial(kube.create, EVENTS, name[0], event))
    await policies.until(lambda: policies.phase(number) == "RolledBack", f"rollback of {name}", 60)
    await leases.until(lambda: name not in leases.objects, f"end of the Lease of {name}", 60)
    return time.perf_counter() - started


async def kill(kube: Kube, policies: Seen, count: int) -> float:
    """Pull the kill switch; seconds until every policy shows it."""
    switch = {"engaged": True, "action": "Baseline", "reason": "benchmark"}
    started = time.perf_counter()
    await kube.create(KILL_SWITCHES, None, {
        "apiVersion": API_VERSION, "kind": "KillSwitch", "metadata": {"name": NAME}, "spec": switch,
    })  # fmt: skip
    await policies.until(lambda: all(policies.phase(n) == "Killed" for n in range(count)), "Killed")
    return time.perf_counter() - started


class Figures(dict[str, Any]):
    """Figures, shown as they come: a run takes minutes."""

    def __setitem__(self, name: str, value: Any) -> None:
        print(f"{name}: {value}", file=sys.stderr)
        super().__setitem__(name, value)


async def measure(kubeconfig: Path, options: argparse.Namespace) -> dict[str, Any]:
    """All figures."""
    os.environ["KUBECONFIG"] = str(kubeconfig)
    count, holding = options.policies, range(options.authority)
    singles = range(options.authority, options.authority + SINGLES)
    figures = Figures()
    async with connect() as kube:
        await furnish(kube, count, singles.stop)
        async with seeing(kube, QUOTING_POLICIES) as policies, seeing(kube, LEASES) as leases:
            operator = Operator(kubeconfig)
            try:
                await policies.until(
                    lambda: len(policies.objects) == count and all(map(policies.phase, range(count))),
                    "all reconciled",
                )
                figures["start_to_all_reconciled_s"] = round(time.perf_counter() - operator.started, 2)
                figures["start_cpu_s"] = round(operator.cpu_s(), 2)
                await into_canary(kube, policies, leases, holding)
                await policies.quiet(10)
                for name, value in (await steady(operator, options.seconds)).items():
                    figures[name] = value
                await into_canary(kube, policies, leases, singles)
                alone = [await breach(kube, policies, leases, n) for n in singles]
                figures["one_breach_to_rolled_back_ms"] = {
                    "p50": round(statistics.median(alone) * 1e3, 1), "max": round(max(alone) * 1e3, 1),
                }  # fmt: skip
                together = await asyncio.gather(*(breach(kube, policies, leases, n) for n in holding))
                figures["simultaneous_breaches_to_all_rolled_back_s"] = round(max(together), 2)
                figures["kill_switch_to_all_killed_s"] = round(await kill(kube, policies, count), 2)
                figures["peak_mib"] = round(operator.mib("VmHWM"), 1)
                figures["stop_s"] = round(operator.end(), 2)
            finally:
                operator.process.kill()
    return figures


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object (always done)")
    parser.add_argument("--policies", type=int, default=1000)
    parser.add_argument("--authority", type=int, default=100, help="how many of them hold authority")
    parser.add_argument("--seconds", type=float, default=60.0, help="length of the steady stretch")
    options = parser.parse_args()
    try:
        kubeconfig = clusters.up(NAME, control_plane_only=True).layout.kubeconfig
        kubectl = [build(["kubernetes"])["kubectl"], f"--kubeconfig={kubeconfig}"]
        subprocess.run([*kubectl, "apply", "-k", REPOSITORY / "crds"], check=True, stdout=subprocess.DEVNULL)
        wait = [*kubectl, "wait", "--for=condition=Established", "crd", "--all"]
        subprocess.run(wait, check=True, stdout=subprocess.DEVNULL)
        figures = asyncio.run(measure(kubeconfig, options))
    finally:
        clusters.down(NAME)
    result = {"benchmark": "operator_scale", "cores": os.cpu_count(), "limits": LIMITS}
    asked = {"policies": options.policies, "authority": options.authority}
    print(json.dumps(result | asked | figures | {"load_5min": round(os.getloadavg()[1], 1)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
