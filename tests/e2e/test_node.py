"""The ground of the end-to-end tests: a real node does what Kubernetes promises."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from typing import Any

import pytest
from kubernetes import client
from kubernetes.stream import stream

from tests.conftest import Kube
from tests.waiting import eventually

pytestmark = pytest.mark.e2e

SERVE = """
import http.server
class Metrics(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header('Content-Type', 'text/plain'); self.end_headers()
        self.wfile.write(b'ground_total 42\\n')
    def log_message(self, *_): pass
print('serving', flush=True)
http.server.HTTPServer(('', 8000), Metrics).serve_forever()
"""
ASK = """
import sys, time, urllib.request
for _ in range(100):
    try:
        print(urllib.request.urlopen(sys.argv[1], timeout=2).read().decode()); break
    except OSError as error:
        print(error, flush=True); time.sleep(.1)
else:
    sys.exit(1)
"""


def python(image: str, name: str, code: str, *arguments: str, **more: Any) -> dict[str, Any]:
    """A container that runs a few lines of Python."""
    command = ["python3", "-c", code, *arguments]
    return {"name": name, "image": image, "imagePullPolicy": "IfNotPresent", "command": command, **more}


def pod(name: str, spec: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    """A pod that ends at once when it is told to."""
    spec = {"restartPolicy": "Never", "terminationGracePeriodSeconds": 0} | spec
    return {"metadata": {"name": name} | metadata, "spec": spec}


def phase(node: Kube, name: str, namespace: str) -> str:
    return str(node.core.read_namespaced_pod(name, namespace).status.phase)


def test_a_native_sidecar_is_up_before_the_app_and_does_not_keep_the_pod(
    node: Kube, node_namespace: str, sidecar_image: str
) -> None:
    probe = {"httpGet": {"port": 8000}, "periodSeconds": 1}
    sidecar = python(sidecar_image, "sidecar", SERVE, restartPolicy="Always", startupProbe=probe)
    once = "import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=2)"
    app = python(sidecar_image, "app", once, "http://127.0.0.1:8000")
    node.core.create_namespaced_pod(
        node_namespace, pod("pair", {"initContainers": [sidecar], "containers": [app]})
    )
    eventually(lambda: phase(node, "pair", node_namespace) == "Succeeded", "the app to find its sidecar up")


def test_a_service_answers_by_its_name_from_another_pod(
    node: Kube, node_namespace: str, sidecar_image: str
) -> None:
    server = pod("server", {"containers": [python(sidecar_image, "server", SERVE)]}, labels={"app": "server"})
    service = {
        "metadata": {"name": "ground"},
        "spec": {"selector": {"app": "server"}, "ports": [{"port": 8000}]},
    }
    asking = python(sidecar_image, "asker", ASK, f"http://ground.{node_namespace}.svc.cluster.local:8000")
    node.core.create_namespaced_pod(node_namespace, server)
    node.core.create_namespaced_service(node_namespace, service)
    node.core.create_namespaced_pod(node_namespace, pod("asker", {"containers": [asking]}))
    eventually(lambda: phase(node, "asker", node_namespace) == "Succeeded", "an answer by the Service's name")
    assert "ground_total 42" in node.core.read_namespaced_pod_log("asker", node_namespace)


def test_an_indexed_job_ends_with_a_termination_message_an_index(
    node: Kube, node_namespace: str, sidecar_image: str
) -> None:
    code = "import os; open('/dev/termination-log', 'w').write('index ' + os.environ['JOB_COMPLETION_INDEX'])"
    template = {"spec": {"restartPolicy": "Never", "containers": [python(sidecar_image, "session", code)]}}
    spec = {"completionMode": "Indexed", "completions": 3, "parallelism": 3, "template": template}
    batch = client.BatchV1Api(node.api)
    batch.create_namespaced_job(node_namespace, {"metadata": {"name": "paper"}, "spec": spec})
    done = lambda: batch.read_namespaced_job("paper", node_namespace).status.succeeded == 3  # noqa: E731  a question asked once
    eventually(done, "all indexes to succeed")
    pods = node.core.list_namespaced_pod(node_namespace, label_selector="job-name=paper").items
    assert {p.status.container_statuses[0].state.terminated.message for p in pods} == {
        f"index {i}" for i in range(3)
    }


def test_logs_and_exec_reach_a_container(node: Kube, node_namespace: str, sidecar_image: str) -> None:
    node.core.create_namespaced_pod(
        node_namespace, pod("talker", {"containers": [python(sidecar_image, "app", SERVE)]})
    )
    log = lambda: node.core.read_namespaced_pod_log("talker", node_namespace)  # noqa: E731  a question asked once
    assert "serving" in eventually(log, "the log")
    connect = client.CoreV1Api(client.ApiClient(node.api.configuration)).connect_get_namespaced_pod_exec
    said = stream(connect, "talker", node_namespace, command=["echo", "through exec"], stdout=True)
    assert said.strip() == "through exec"


def test_containers_run_unprivileged_on_a_read_only_root(
    node: Kube, node_namespace: str, sidecar_image: str
) -> None:
    security = {
        "runAsNonRoot": True,
        "readOnlyRootFilesystem": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    code = "import os, quoting_policy.engine; print(os.getuid()); open('/app/x', 'w')"
    app = python(sidecar_image, "app", code, securityContext=security)
    node.core.create_namespaced_pod(node_namespace, pod("careful", {"containers": [app]}))
    eventually(lambda: phase(node, "careful", node_namespace) == "Failed", "the write to be refused")
    log = node.core.read_namespaced_pod_log("careful", node_namespace)
    # The container runtime copies standard output and standard error side by side, so their order is open.
    assert "65532" in log.splitlines()
    assert "Read-only file system" in log


def test_prometheus_scrapes_an_annotated_pod_every_second(
    node: Kube, node_namespace: str, sidecar_image: str
) -> None:
    if node.local is None:
        pytest.skip("the cluster of KUBECONFIG has a Prometheus of its own configuration")
    annotations = {"prometheus.io/scrape": "true", "prometheus.io/port": "8000"}
    server = pod("scraped", {"containers": [python(sidecar_image, "app", SERVE)]}, annotations=annotations)
    node.core.create_namespaced_pod(node_namespace, server)
    query = f'count_over_time(ground_total{{namespace="{node_namespace}",pod="scraped"}}[5s])'
    url = f"{node.local.layout.prometheus}/api/v1/query?query={urllib.parse.quote(query)}"

    def samples() -> int:
        with urllib.request.urlopen(url, timeout=5) as answer:
            result = json.load(answer)["data"]["result"]
        return int(result[0]["value"][1]) if result else 0

    eventually(lambda: samples() >= 4, "four samples in five seconds")
