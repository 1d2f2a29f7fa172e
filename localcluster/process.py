"""Components as running processes: start, find again, end."""

from __future__ import annotations

import contextlib
import os
import signal
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from localcluster.components import Component
from localcluster.errors import ClusterError
from localcluster.layout import Layout
from localcluster.sandbox import Sandbox

_STARTING_S = 2.0
"""From the call of a program until its process must be there."""
_PATIENCE_S = 60.0

_RECORD = 'echo $$ > "$0"; exec "$@"'
"""A shell line that notes its own process id (as its namespace counts) and becomes the program."""


@dataclass(frozen=True)
class Host:
    """Where processes run: inside the cluster's box, or on this host when there is none."""

    layout: Layout
    sandbox: Sandbox | None

    def alive(self, component: str) -> bool:
        """Whether the process that was started last is still there; a process id used anew doesn't count.

        Not even by another component of this cluster: in a new box the numbers begin anew too.
        """
        pid = self._pid(component)
        if pid is None:
            return False
        try:
            words = (self._proc() / str(pid) / "cmdline").read_bytes().split(b"\0")
        except OSError:
            return False
        ours = str(self.layout.folder).encode() in b" ".join(words)
        starting = str(self._pid_file(component)).encode() in words
        return ours and (starting or Path(words[0].decode()).name == component)

    def start(self, component: Component) -> None:
        """Start a component unless it runs; its output goes to its log."""
        if self.alive(component.name):
            return
        for name, text in component.files.items():
            path = self.layout.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        command = ["sh", "-c", _RECORD, str(self._pid_file(component.name)), *component.command]
        if self.sandbox is not None:
            command = self.sandbox.command(command, detached=True)
        with self.layout.log(component.name).open("ab") as log:
            subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/"
            )

    def stop(self, component: str) -> None:
        """End a component at once."""
        pid = self._pid(component)
        if pid is None or not self.alive(component):
            return
        if self.sandbox is not None:
            subprocess.run(self.sandbox.command(["kill", "-9", str(pid)]), check=False)
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def wait(self, component: Component, ready: Callable[[], bool] | None = None) -> None:
        """Wait until a component is well, or until ``ready()`` is true, which it brings about.

        Raises ClusterError with the log's end if it dies or takes more than a minute.
        """
        question = ready or (lambda: answers(component.health))
        started = time.monotonic()
        while not question():
            waited = time.monotonic() - started
            problem = ""
            if waited > _STARTING_S and not self.alive(component.name):
                problem = "ended before it was ready"
            elif waited > _PATIENCE_S:
                problem = f"was not ready within {_PATIENCE_S:.0f} s"
            if problem:
                log = self.layout.log(component.name)
                raise ClusterError(component.name, problem, log=log, remedy=component.remedy)
            time.sleep(0.05)

    def _pid_file(self, component: str) -> Path:
        return self.layout.folder / f"{component}.pid"

    def _pid(self, component: str) -> int | None:
        try:
            return int(self._pid_file(component).read_text())
        except (OSError, ValueError):
            return None

    def _proc(self) -> Path:
        return Path("/proc") if self.sandbox is None else self.sandbox.proc()


def answers(url: str) -> bool:
    """Whether ``url`` answers 200. Certificates are not checked: only liveness is asked for."""
    context = ssl._create_unverified_context() if url.startswith("https:") else None  # noqa: S323, SLF001 - as said
    try:
        with urllib.request.urlopen(url, timeout=2, context=context):  # noqa: S310 - http(s), ours
            return True
    except OSError:
        return False
