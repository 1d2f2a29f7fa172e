"""The real Argo CD beside a control plane: controller, repository server and API server as processes here."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.conftest import Kube
from tests.ports import free_ports
from tests.resources import Json
from tests.waiting import eventually

NAMESPACE = "argocd"
BRANCH = "main"


@dataclass
class Processes:
    """Processes that end with the test, each with a log of its own."""

    folder: Path
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, name: str, *command: str, environment: Mapping[str, str] | None = None) -> None:
        with (self.folder / f"{name}.log").open("wb") as log:
            self.running.append(
                subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **(environment or {})})
            )

    def end(self) -> None:
        for process in reversed(self.running):
            process.send_signal(signal.SIGTERM)
        for process in self.running:
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()


class Repository:
    """A git repository that Argo CD reads over the network."""

    def __init__(self, folder: Path, processes: Processes) -> None:
        self.work = folder / "work"
        self._git("init", "-q", "-b", BRANCH, str(self.work), at=folder)
        bare = folder / "served" / "desk.git"
        self._git("init", "-q", "--bare", "-b", BRANCH, str(bare), at=folder)
        self._git("remote", "add", "origin", str(bare))
        (port,) = free_ports(1)
        words = ("--reuseaddr", "--listen=127.0.0.1", f"--port={port}", "--export-all")
        processes.start("git", "git", "daemon", *words, f"--base-path={bare.parent}", str(bare.parent))
        self.url = f"git://127.0.0.1:{port}/desk.git"

    def merge(self, objects: list[Json]) -> str:
        """Make these objects what Git says; the commit."""
        folder = self.work / "desk"
        folder.mkdir(exist_ok=True)
        (folder / "objects.yaml").write_text(yaml.safe_dump_all(objects))
        self._git("add", "-A")
        self._git("commit", "-q", "-m", "a change")
        self._git("push", "-q", "origin", BRANCH)
        return self._git("rev-parse", "HEAD").strip()

    def _git(self, *words: str, at: Path | None = None) -> str:
        who = ("-c", "user.name=desk", "-c", "user.email=desk@example")
        done = subprocess.run(
            ["git", *who, *words], cwd=at or self.work, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


class ArgoCD:
    """Argo CD, as its users see it."""

    def __init__(self, kube: Kube, server: str) -> None:
        self.kube, self._server = kube, server

    def application(self, name: str, namespace: str, url: str) -> None:
        """Have a namespace follow a repository."""
        spec = {
            "project": "default",
            "source": {"repoURL": url, "targetRevision": BRANCH, "path": "desk"},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": namespace},
            "syncPolicy": {
                "automated": {"prune": True, "selfHeal": True},
                "syncOptions": ["RespectIgnoreDifferences=true"],
            },
        }
        metadata = {"name": name, "namespace": NAMESPACE}
        body = {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": metadata,
            "spec": spec,
        }
        self.kube.kubectl("apply", "-f", "-", given=json.dumps(body))

    def status(self, name: str) -> Json:
        words = ("get", "application", name, "-n", NAMESPACE, "-o", "json")
        found: Json = json.loads(self.kube.kubectl(*words)).get("status", {})
        return found

    def health_of(self, name: str, kind: str) -> tuple[str, str]:
        """Health and message of the application's object of that kind, as Argo CD's API tells."""
        tree = self._ask("GET", f"/api/v1/applications/{name}/resource-tree")
        health = next(node.get("health", {}) for node in tree["nodes"] if node["kind"] == kind)
        return health.get("status", ""), health.get("message", "")

    def reaches(self, name: str, kind: str, status: str, message: str, revision: str = "") -> None:
        """Wait until Argo CD shows the object so, and has synced the revision."""

        def there() -> bool:
            sync = self.status(name).get("sync", {})
            synced = not revision or (sync.get("revision") == revision and sync.get("status") == "Synced")
            found = self.health_of(name, kind)
            if not (synced and found[0] == status and message in found[1]):
                raise AssertionError(f"{sync.get('status')} {sync.get('revision')} {found}")
            return True

        eventually(there, f"{kind} {status}: {message!r}", 120)

    def actions(self, name: str, about: Json) -> dict[str, bool]:
        """Action -> whether it is offered."""
        query = urllib.parse.urlencode(about)
        found = self._ask("GET", f"/api/v1/applications/{name}/resource/actions?{query}")
        return {action["name"]: not action.get("disabled", False) for action in found["actions"]}

    def act(self, name: str, about: Json, action: str) -> None:
        """Run an action, as a click does."""
        body = {**about, "name": name, "action": action}
        self._ask("POST", f"/api/v1/applications/{name}/resource/actions/v2", body)

    def refresh(self, name: str) -> None:
        """Look at the repository now."""
        self._ask("GET", f"/api/v1/applications/{name}?refresh=normal")

    def _ask(self, method: str, path: str, body: Json | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self._server + path, data=data, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.code} {error.read().decode()}") from None


def started(kube: Kube, program: str, source: Path, folder: Path, processes: Processes) -> ArgoCD:
    """Argo CD's three processes and their cache, each with the rights that its own manifests give it."""
    redis, repository, server, *metrics = free_ports(6)
    common = _environment(source, folder)
    processes.start("redis", "redis-server", "--port", str(redis), "--bind", "127.0.0.1", "--save", "")
    where = [f"--redis=127.0.0.1:{redis}", f"--repo-server=127.0.0.1:{repository}", "--repo-server-plaintext"]

    def role(name: str, *words: str, account: str = "") -> None:
        own = {"ARGOCD_BINARY_NAME": name}
        if account:
            own["KUBECONFIG"] = str(_kubeconfig(kube, account, folder))
        processes.start(name, program, *words, environment={**common, **own})

    words = ("--disable-tls", "--address=127.0.0.1", f"--port={repository}", f"--metrics-port={metrics[0]}")
    role("argocd-repo-server", where[0], *words, "--revision-cache-expiration=5s")
    words = ("--app-resync=5", "--app-resync-jitter=0", f"--metrics-port={metrics[1]}")
    account = "argocd-application-controller"
    role(account, f"--namespace={NAMESPACE}", *where, *words, account=account)
    words = ("--insecure", "--disable-auth", "--address=127.0.0.1", f"--port={server}")
    words = (*words, f"--metrics-port={metrics[2]}")
    role("argocd-server", f"--namespace={NAMESPACE}", *where, *words, account="argocd-server")
    found = ArgoCD(kube, f"http://127.0.0.1:{server}")
    eventually(lambda: found._ask("GET", "/api/version"), "Argo CD's API", 60)
    return found


def _environment(source: Path, folder: Path) -> dict[str, str]:
    """Folders of their own, and the scripts that Argo CD calls, which a Go module carries unexecutable."""
    scripts = folder / "hack"
    shutil.copytree(source / "hack", scripts, dirs_exist_ok=True)
    for path in scripts.rglob("*.sh"):
        path.chmod(0o755)
    places = ("TLS_DATA_PATH", "SSH_DATA_PATH", "GNUPGHOME", "GPG_DATA_PATH", "PLUGINSOCKFILEPATH")
    found = {f"ARGOCD_{place}": str(folder / place.lower()) for place in places}
    for path in found.values():
        Path(path).mkdir(exist_ok=True, mode=0o700)
    return {
        **found,
        "ARGOCD_FAKE_IN_CLUSTER": "true",
        "ARGOCD_GPG_ENABLED": "false",
        "HOME": str(folder),
        "PATH": f"{scripts}:{os.environ['PATH']}",
    }


def _kubeconfig(kube: Kube, account: str, folder: Path) -> Path:
    token = kube.kubectl("create", "token", account, "-n", NAMESPACE, "--duration=2h").strip()
    settings = yaml.safe_load(kube.kubeconfig.read_text())
    settings["users"][0]["user"] = {"token": token}
    path = folder / f"{account}.kubeconfig"
    path.write_text(yaml.safe_dump(settings))
    return path
