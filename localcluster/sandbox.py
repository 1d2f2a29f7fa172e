"""The box a cluster lives in: one cgroup, and mount, network and process namespaces below one first process.

Ending that first process ends every process of the cluster, and with the last of them its mounts, network
and iptables rules are gone too: the kernel cleans up, also after a crash. The box is found by its cgroup, so
that no file has to be trusted to tell what is running.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from localcluster.errors import ClusterError

_KERNEL_SETTINGS = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}
"""What kubelet would set for the whole machine. It is shown a file with the value it wants instead."""

_ENTER = """
set -e
for group in $GROUPS_OF_BOX; do echo 0 > "$group/cgroup.procs"; done
exec unshare --mount --propagation private --net --pid --fork --mount-proc sh -ec "$INSIDE"
"""

_INSIDE = """
cd "$BOX"
mount --bind lib /var/lib
mount --bind log /var/log
mount -t tmpfs -o mode=755 tmpfs /run
for file in $(cd sysctl && find . -type f); do mount --bind "sysctl/$file" "/proc/sys/$file"; done
mount --make-rshared /
exec "$PAUSE"
"""


_KUBELET_WANTS = ("cpu", "cpuset", "memory", "pids", "hugetlb")
"""Controllers that its cgroup root must have, of those that the kernel has."""


def cgroup_roots(mounts: str | None = None) -> list[Path]:
    """Mount points of the cgroup hierarchies: one a controller for version 1, one for version 2, or both.

    mounts: text of /proc/mounts, by default this machine's.
    """
    text = Path("/proc/mounts").read_text() if mounts is None else mounts
    fields = [line.split()[1:3] for line in text.splitlines()]
    return [Path(where) for where, kind in fields if kind in {"cgroup", "cgroup2"}]


def components_group(groups: Sequence[Path]) -> Path:
    """Cgroup of the components; the pods' is beside it (version 2 allows processes in leaves only)."""
    pids = [group for group in groups if group.parent.name == "pids"]
    return (pids or groups)[0] / "system"


def to_enable(kernel: str, group: str) -> list[str]:
    """Controllers that kubelet misses in a cgroup of version 2. Both texts are of a cgroup.controllers."""
    has = group.split()
    return [name for name in _KUBELET_WANTS if name in kernel.split() and name not in has]


@dataclass(frozen=True)
class Sandbox:
    """The box of the cluster ``name``, whose files are below ``folder``."""

    name: str
    folder: Path

    @property
    def cgroup(self) -> str:
        """Path of the box's cgroup below each hierarchy's root."""
        return f"/localcluster-{self.name}"

    @property
    def _cgroups(self) -> list[Path]:
        return [root / self.cgroup.lstrip("/") for root in cgroup_roots()]

    @property
    def _system(self) -> Path:
        return components_group(self._cgroups)

    def start(self, pause: str) -> None:
        """Make the box unless it is there. ``pause`` is the program that becomes its first process."""
        if self.init() is not None:
            return
        self.stop()  # what an earlier, half dead one may have left
        self._make_cgroups()
        for place in ("lib", "log"):
            (self.folder / place).mkdir(parents=True, exist_ok=True)
        for setting, value in _KERNEL_SETTINGS.items():
            if (Path("/proc/sys") / setting).exists():
                shown = self.folder / "sysctl" / setting
                shown.parent.mkdir(parents=True, exist_ok=True)
                shown.write_text(value + "\n")
        log = self.folder / "log" / "sandbox.log"
        environment = {
            **os.environ,
            "GROUPS_OF_BOX": str(self._system),
            "INSIDE": _INSIDE,
            "BOX": str(self.folder),
            "PAUSE": pause,
        }
        with log.open("ab") as stream:
            outer = subprocess.Popen(
                ["sh", "-c", _ENTER],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                start_new_session=True,
            )
        deadline = time.monotonic() + 10
        while not self._is_pause(self.init()):
            if outer.poll() is not None or time.monotonic() > deadline:
                remedy = "namespaces need root with CAP_SYS_ADMIN; use --control-plane-only without it"
                raise ClusterError("sandbox", "did not come up", log=log, remedy=remedy)
            time.sleep(0.01)

    def init(self) -> int | None:
        """Process id of the box's first process, None if there is no box."""
        for pid in _processes(self._system):
            with contextlib.suppress(OSError):
                status = Path(f"/proc/{pid}/status").read_text()
                numbers = next(line for line in status.splitlines() if line.startswith("NSpid:")).split()[1:]
                if len(numbers) > 1 and numbers[-1] == "1":
                    return pid
        return None

    def _is_pause(self, pid: int | None) -> bool:
        """Whether the mounts are done: the first process is then no longer a shell."""
        if pid is None:
            return False
        with contextlib.suppress(OSError):
            return Path(f"/proc/{pid}/exe").readlink().name == "pause"
        return False

    def command(self, command: Sequence[str], *, detached: bool = False, mounts: bool = True) -> list[str]:
        """``command`` as run inside the box. detached: outlives the caller. mounts: sees the box's files."""
        init = self.init()
        if init is None:
            raise ClusterError(
                "sandbox", f"cluster {self.name!r} is not running", remedy="python -m localcluster up"
            )
        enter = ["nsenter", f"--target={init}", "--net", "--pid", *(["--mount"] if mounts else [])]
        if not detached:
            return [*enter, "--", *command]
        join = f'echo 0 > "{self._system}/cgroup.procs"; exec "$@"'
        return ["sh", "-c", join, "sh", *enter, "--", "setsid", "--fork", *command]

    def proc(self) -> Path:
        """The box's own /proc as seen from outside: process ids in it are the box's."""
        return Path(f"/proc/{self.init()}/root/proc")

    def stop(self) -> None:
        """End every process of the box and remove its cgroups. Raises ClusterError if something won't end."""
        start = time.monotonic()
        while left := sorted({pid for group in self._cgroups for pid in _tree(group)}):
            waited = time.monotonic() - start
            if waited > 20:
                raise ClusterError("sandbox", f"processes {left} do not end", remedy="look at them with ps")
            # The rest ends with the first process, and its parent reaps it; more force only if that fails.
            init = self.init()
            for pid in [init] if init and waited < 1 else left if waited > 1 else []:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)
        for group in self._cgroups:
            _remove(group)

    def _make_cgroups(self) -> None:
        for group in self._cgroups:
            group.mkdir(exist_ok=True)
            if (group / "cgroup.controllers").exists():
                _enable_controllers(group)
            else:
                _inherit_processors(group)
        self._system.mkdir(exist_ok=True)


def _inherit_processors(group: Path) -> None:
    """Version 1 gives a new cpuset no processors at all."""
    for setting in ("cpuset.cpus", "cpuset.mems"):
        if (group / setting).exists() and not (group / setting).read_text().strip():
            (group / setting).write_text((group.parent / setting).read_text())


def _enable_controllers(group: Path) -> None:
    """Version 2 gives a new cgroup the controllers that its parent passes on."""
    parent = group.parent
    for name in to_enable(*((at / "cgroup.controllers").read_text() for at in (parent, group))):
        try:
            (parent / "cgroup.subtree_control").write_text(f"+{name}")
        except OSError as error:
            raise ClusterError(
                "sandbox",
                f"cgroup controller {name!r} can't be used below {parent}: {error.strerror}",
                remedy=f"processes in {parent} itself, as in a container, have to move to a cgroup below it",
            ) from None


def _processes(group: Path) -> list[int]:
    try:
        return [int(pid) for pid in (group / "cgroup.procs").read_text().split() if pid != "0"]
    except OSError:
        return []


def _groups(group: Path) -> Iterator[Path]:
    """The cgroup and all below it, deepest first."""
    if group.is_dir():
        for folder, _, _ in os.walk(group, topdown=False):
            yield Path(folder)


def _tree(group: Path) -> list[int]:
    return [pid for one in _groups(group) for pid in _processes(one)]


def _remove(group: Path) -> None:
    deadline = time.monotonic() + 5
    while group.is_dir():
        for one in _groups(group):
            with contextlib.suppress(OSError):  # busy until the kernel has let go of the last process
                one.rmdir()
        if time.monotonic() > deadline:
            raise ClusterError(
                "sandbox", f"cgroup {group} can't be removed", remedy=f"find {group} -depth -type d -delete"
            )
        if group.is_dir():
            time.sleep(0.02)
