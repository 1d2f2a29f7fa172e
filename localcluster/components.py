"""How each component is called and configured. Pure: a layout in, command lines and files out."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from localcluster.build import Programs
from localcluster.layout import Layout
from localcluster.network import DNS_SERVICE_IP, POD_CIDR, SERVICE_CIDR

CONTAINERD_SOCKET = "/run/containerd/containerd.sock"
PAUSE_IMAGE = "localhost/pause:1"


@dataclass(frozen=True)
class Component:
    """One process of the cluster.

    command: program and arguments. health: URL that answers 200 when it is well. files: configuration, name
    below the cluster's folder -> text. remedy: what most often helps when it does not start.
    """

    name: str
    command: list[str]
    health: str
    files: dict[str, str] = field(default_factory=dict)
    remedy: str = "see the log; `python -m localcluster down` and `up` start afresh"


def etcd(layout: Layout, programs: Programs) -> Component:
    """The store. Writes are not forced to disk: the data is not meant to survive the machine."""
    client = f"http://127.0.0.1:{layout.ports.etcd}"
    peer = f"http://127.0.0.1:{layout.ports.etcd_peer}"
    command = [
        programs["etcd"],
        f"--data-dir={layout.folder}/etcd",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        f"--listen-metrics-urls=http://{layout.node_ip}:{layout.ports.etcd_health}",
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]
    health = f"http://{layout.node_ip}:{layout.ports.etcd_health}/health"
    return Component(
        "etcd", command, health, remedy="free disk space and memory; another process on its port"
    )


def apiserver(layout: Layout, programs: Programs) -> Component:
    """The API server, with node and role based authorization."""
    pki = layout.pki
    bind = "0.0.0.0" if layout.link is not None else "127.0.0.1"  # noqa: S104 - the box's own network
    command = [
        programs["kube-apiserver"],
        f"--etcd-servers=http://127.0.0.1:{layout.ports.etcd}",
        f"--bind-address={bind}",
        f"--secure-port={layout.ports.api}",
        f"--tls-cert-file={pki}/apiserver.crt",
        f"--tls-private-key-file={pki}/apiserver.key",
        f"--client-ca-file={pki}/ca.crt",
        f"--service-cluster-ip-range={SERVICE_CIDR}",
        "--allow-privileged=true",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={pki}/service-account.key",
        f"--service-account-signing-key-file={pki}/service-account.key",
        f"--kubelet-client-certificate={pki}/apiserver-kubelet-client.crt",
        f"--kubelet-client-key={pki}/apiserver-kubelet-client.key",
        f"--kubelet-certificate-authority={pki}/ca.crt",
        # By the default order logs and exec would look up the node's name in DNS.
        "--kubelet-preferred-address-types=InternalIP",
    ]
    if layout.link is not None:
        command.append(f"--advertise-address={layout.node_ip}")
    else:
        command.append("--endpoint-reconciler-type=none")
    files = {}
    if layout.audited:
        files["audit.json"] = json.dumps(_AUDIT_POLICY)
        command += [f"--audit-policy-file={layout.folder}/audit.json", f"--audit-log-path={layout.audit_log}"]
    remedy = "see whether etcd runs: python -m localcluster logs etcd"
    return Component("kube-apiserver", command, f"{layout.server}/readyz", files, remedy)


_AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "None", "userGroups": ["system:serviceaccounts:kube-system"]},
        {"level": "Metadata", "userGroups": ["system:serviceaccounts"]},
    ],
}
"""What is asked by pods, without its content; the controllers' own requests are left out."""


def controller_manager(layout: Layout, programs: Programs) -> Component:
    """Controllers: garbage collection, namespaces, ServiceAccounts, Deployments, Jobs, ..."""
    pki = layout.pki
    command = [
        programs["kube-controller-manager"],
        f"--kubeconfig={pki}/controller-manager.kubeconfig",
        f"--service-account-private-key-file={pki}/service-account.key",
        f"--root-ca-file={pki}/ca.crt",
        f"--cluster-signing-cert-file={pki}/ca.crt",
        f"--cluster-signing-key-file={pki}/ca.key",
        "--use-service-account-credentials",
        f"--service-cluster-ip-range={SERVICE_CIDR}",
        "--leader-elect=false",
        # Each of some forty controllers asks for a token first; the default rate makes that four seconds.
        "--kube-api-qps=400",
        "--kube-api-burst=800",
        f"--bind-address={layout.node_ip}",
        f"--secure-port={layout.ports.controllers}",
    ]
    health = f"https://{layout.node_ip}:{layout.ports.controllers}/healthz"
    return Component("kube-controller-manager", command, health)


def scheduler(layout: Layout, programs: Programs) -> Component:
    """Assigns pods to the one node."""
    config = {
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
        "clientConnection": {"kubeconfig": f"{layout.pki}/scheduler.kubeconfig"},
        "leaderElection": {"leaderElect": False},
    }
    command = [
        programs["kube-scheduler"],
        f"--config={layout.folder}/scheduler.json",
        f"--bind-address={layout.node_ip}",
    ]
    health = f"https://{layout.node_ip}:10259/healthz"
    return Component("kube-scheduler", command, health, {"scheduler.json": json.dumps(config)})


def containerd(layout: Layout, _programs: Programs) -> Component:
    """The container runtime, with everything it writes inside the box."""
    cri = 'plugins."io.containerd.grpc.v1.cri"'
    config = f"""
version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
[grpc]
  address = "{CONTAINERD_SOCKET}"
[metrics]
  address = "{layout.node_ip}:1338"
[{cri}]
  sandbox_image = "{PAUSE_IMAGE}"
  # Where lowering oom_score_adj is denied, every sandbox would fail without this.
  restrict_oom_score_adj = true
  max_container_log_line_size = 262144
[{cri}.cni]
  bin_dir = "/usr/lib/cni"
  conf_dir = "{layout.folder}/cni"
[{cri}.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
"""
    bridge = {
        "type": "bridge",
        "bridge": "cni0",
        "isGateway": True,
        "ipMasq": True,
        "hairpinMode": True,
        "ipam": {
            "type": "host-local",
            "dataDir": "/run/cni-ipam",
            "ranges": [[{"subnet": POD_CIDR}]],
            "routes": [{"dst": "0.0.0.0/0"}],
        },
    }
    ports = {"type": "portmap", "capabilities": {"portMappings": True}}
    network = {"cniVersion": "1.0.0", "name": "pods", "plugins": [bridge, ports]}
    files = {"containerd.toml": config, "cni/10-bridge.conflist": json.dumps(network)}
    command = ["containerd", f"--config={layout.folder}/containerd.toml"]
    return Component("containerd", command, f"http://{layout.node_ip}:1338/v1/metrics", files)


def kubelet(layout: Layout, programs: Programs) -> Component:
    """The node agent. It evicts nothing: the disk and memory are the host's to watch."""
    pki = layout.pki
    config = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "failCgroupV1": False,
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/localcluster-{layout.name}",
        "containerRuntimeEndpoint": f"unix://{CONTAINERD_SOCKET}",
        "failSwapOn": False,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": f"{pki}/ca.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": f"{pki}/kubelet.crt",
        "tlsPrivateKeyFile": f"{pki}/kubelet.key",
        "clusterDNS": [DNS_SERVICE_IP],
        "clusterDomain": "cluster.local",
        "resolvConf": f"{layout.folder}/resolv.conf",
        "volumePluginDir": "/var/lib/kubelet/volume-plugins",
        "evictionHard": {
            "memory.available": "100Mi",
            "nodefs.available": "0%",
            "nodefs.inodesFree": "0%",
            "imagefs.available": "0%",
        },
        "imageGCHighThresholdPercent": 100,
        "readOnlyPort": 0,
        "healthzBindAddress": layout.node_ip,
    }
    command = [
        programs["kubelet"],
        f"--config={layout.folder}/kubelet.json",
        f"--kubeconfig={pki}/kubelet.kubeconfig",
        "--hostname-override=node0",
        f"--node-ip={layout.node_ip}",
        "--root-dir=/var/lib/kubelet",
    ]
    files = {"kubelet.json": json.dumps(config), "resolv.conf": ""}
    health = f"http://{layout.node_ip}:10248/healthz"
    remedy = "see whether containerd runs, and the cgroups: mount | grep cgroup"
    return Component("kubelet", command, health, files, remedy)


def proxy(layout: Layout, programs: Programs) -> Component:
    """Services, as iptables rules in the box's network."""
    config = {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": f"{layout.pki}/proxy.kubeconfig"},
        "hostnameOverride": "node0",
        "mode": "iptables",
        "clusterCIDR": POD_CIDR,
        "iptables": {"minSyncPeriod": "100ms"},
        # These are settings of the whole machine: leave them alone.
        "conntrack": {"maxPerCore": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    }
    command = [programs["kube-proxy"], f"--config={layout.folder}/proxy.json"]
    health = f"http://{layout.node_ip}:10256/healthz"
    return Component("kube-proxy", command, health, {"proxy.json": json.dumps(config)})


def dns(layout: Layout, programs: Programs) -> Component:
    """Names of Services; every other name is unknown at once, as there is no upstream to ask."""
    corefile = f"""
cluster.local:53 in-addr.arpa:53 ip6.arpa:53 {{
    errors
    health {layout.node_ip}:8080
    ready {layout.node_ip}:8181
    kubernetes cluster.local in-addr.arpa ip6.arpa {{
        kubeconfig {layout.pki}/dns.kubeconfig local
        pods insecure
        ttl 5
    }}
    cache 5
}}
.:53 {{
    template ANY ANY {{
        rcode NXDOMAIN
    }}
}}
"""
    command = [programs["coredns"], "-conf", f"{layout.folder}/Corefile"]
    return Component("coredns", command, f"http://{layout.node_ip}:8181/ready", {"Corefile": corefile})


def prometheus(layout: Layout, programs: Programs) -> Component:
    """Scrapes every second what pods offer by the customary annotations."""
    files = {"prometheus.json": json.dumps(_scrape_config(layout))}
    command = [
        programs["prometheus"],
        f"--config.file={layout.folder}/prometheus.json",
        f"--storage.tsdb.path={layout.folder}/prometheus",
        "--storage.tsdb.retention.time=1d",
        f"--web.listen-address={layout.node_ip}:9090",
        "--web.enable-lifecycle",
        # A new pod is scraped after a second, not after five.
        "--scrape.discovery-reload-interval=1s",
    ]
    return Component("prometheus", command, f"{layout.prometheus}/-/ready", files)


def _scrape_config(layout: Layout) -> dict[str, Any]:
    """The jobs of manifests/components/monitoring-plain; a test holds the two to each other."""
    kubeconfig = f"{layout.pki}/prometheus.kubeconfig"
    operator = {
        "source_labels": [f"{_META}_label_app_kubernetes_io_name", "__meta_kubernetes_namespace"],
        "separator": "/",
        "regex": "quoting-operator/quoting-system",
    }
    pods = {"role": "pod", "kubeconfig_file": kubeconfig}
    jobs = [
        {
            "job_name": "quoting-pods",
            "kubernetes_sd_configs": [pods],
            "relabel_configs": [operator | {"action": "drop"}, *_pod_relabelling()],
        },
        {
            "job_name": "quoting-operator",
            "kubernetes_sd_configs": [pods],
            # Its metrics are about policies in other namespaces.
            "honor_labels": True,
            "relabel_configs": [operator | {"action": "keep"}, *_pod_relabelling()],
        },
    ]
    return {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "scrape_configs": jobs,
    }


_META = "__meta_kubernetes_pod"


def _pod_relabelling() -> list[dict[str, Any]]:
    annotation = f"{_META}_annotation_prometheus_io"
    labels = {
        "__meta_kubernetes_namespace": "namespace",
        f"{_META}_name": "pod",
        f"{_META}_uid": "pod_uid",
        f"{_META}_label_quoting_dev_policy": "policy",
    }
    return [
        {"source_labels": [f"{annotation}_scrape"], "regex": "true", "action": "keep"},
        {"source_labels": [f"{_META}_phase"], "regex": "Succeeded|Failed", "action": "drop"},
        # Discovery offers every container's every port; with one port by annotation and no label of the
        # container they become one target.
        {
            "source_labels": ["__address__", f"{annotation}_port"],
            "regex": r"(.+?)(?::\d+)?;(\d+)",
            "replacement": "$1:$2",
            "target_label": "__address__",
        },
        {"source_labels": [f"{annotation}_path"], "regex": "(.+)", "target_label": "__metrics_path__"},
        *({"source_labels": [meta], "target_label": label} for meta, label in labels.items()),
    ]


Maker = Callable[[Layout, Programs], Component]

CONTROL_PLANE: tuple[Maker, ...] = (etcd, apiserver, controller_manager)
NODE: tuple[Maker, ...] = (
    etcd,
    apiserver,
    containerd,
    controller_manager,
    scheduler,
    kubelet,
    proxy,
    dns,
    prometheus,
)
"""In the order in which they are started."""


def dns_service(layout: Layout) -> list[dict[str, Any]]:
    """The Service and EndpointSlice that lead pods to the DNS server, which is a process of the node."""
    ports = [
        {"name": "dns", "port": 53, "protocol": "UDP"},
        {"name": "dns-tcp", "port": 53, "protocol": "TCP"},
    ]
    metadata = {"name": "kube-dns", "namespace": "kube-system"}
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata,
        "spec": {"clusterIP": DNS_SERVICE_IP, "ports": ports},
    }
    endpoints = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": metadata | {"labels": {"kubernetes.io/service-name": "kube-dns"}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [layout.node_ip], "conditions": {"ready": True}}],
        "ports": ports,
    }
    return [service, endpoints]
