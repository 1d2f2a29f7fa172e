"""The pure pieces of the local cluster."""

from __future__ import annotations

import hashlib
import io
import json
import stat
import tarfile
import tomllib
from pathlib import Path

import pytest
from cryptography import x509

from localcluster import components, packages
from localcluster.build import Programs
from localcluster.errors import ClusterError, tail
from localcluster.layout import Layout
from localcluster.network import Link
from localcluster.oci import image_archive
from localcluster.paths import cluster_dir
from localcluster.pki import identities, write_pki

NAMES = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kube-proxy",
    "coredns",
    "prometheus",
)
PROGRAMS = Programs({name: Path("/built") / name for name in NAMES})


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout.boxed("here", tmp_path, Link(7), control_plane_only=False)


def test_an_image_archive_is_a_valid_oci_layout(tmp_path: Path) -> None:
    program = tmp_path / "pause"
    program.write_bytes(b"\x7fELF")
    archive = image_archive("localhost/pause:1", {"pause": program}, ["/pause"])
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        files = {member.name: tar.extractfile(member).read() for member in tar.getmembers()}  # type: ignore[union-attr]  # only files
    index = json.loads(files["index.json"])
    assert index["manifests"][0]["annotations"] == {"io.containerd.image.name": "localhost/pause:1"}
    for name, data in files.items():
        if name.startswith("blobs/sha256/"):
            assert name.rpartition("/")[2] == hashlib.sha256(data).hexdigest()
    manifest = json.loads(files["blobs/sha256/" + index["manifests"][0]["digest"].removeprefix("sha256:")])
    config = json.loads(files["blobs/sha256/" + manifest["config"]["digest"].removeprefix("sha256:")])
    assert config["rootfs"]["diff_ids"] == [layer["digest"] for layer in manifest["layers"]]
    assert config["config"]["Entrypoint"] == ["/pause"]


def test_the_same_image_has_the_same_bytes(tmp_path: Path) -> None:
    program = tmp_path / "pause"
    program.write_bytes(b"x")
    assert image_archive("a:1", {"p": program}, ["/p"]) == image_archive("a:1", {"p": program}, ["/p"])


@pytest.mark.parametrize("name", ["", "Up", "a_b", "-a", "a-", "a" * 31, "../x", "a/b"])
def test_a_cluster_name_that_could_leave_its_folder_is_refused(name: str) -> None:
    with pytest.raises(ClusterError, match="name: "):
        cluster_dir(name)


def test_a_layout_is_read_back_as_it_was_written(layout: Layout) -> None:
    layout.save()
    assert Layout.load(layout.folder) == layout


@pytest.mark.parametrize("text", ["", "{", "[]", '{"name": "old"}', "null"])
def test_a_layout_that_was_cut_off_or_is_of_another_version_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "cluster.json").write_text(text)
    assert Layout.load(tmp_path) is None


def test_ports_on_loopback_differ(tmp_path: Path) -> None:
    ports = Layout.on_loopback("here", tmp_path).ports
    assert len({ports.api, ports.etcd, ports.etcd_peer, ports.etcd_health, ports.controllers}) == 5


def test_every_identity_is_signed_by_the_ca_and_keys_are_private(tmp_path: Path) -> None:
    write_pki(tmp_path, "https://10.240.7.2:6443", identities("10.240.7.2", "10.96.0.1"))
    ca = x509.load_pem_x509_certificate((tmp_path / "ca.crt").read_bytes())
    for file in tmp_path.glob("*.crt"):
        x509.load_pem_x509_certificate(file.read_bytes()).verify_directly_issued_by(ca)
    private = [*tmp_path.glob("*.key"), *tmp_path.glob("*.kubeconfig")]
    assert private
    assert {stat.S_IMODE(file.stat().st_mode) for file in private} == {0o600}


def test_certificates_are_made_once(tmp_path: Path) -> None:
    who = identities("10.240.7.2", "10.96.0.1")
    write_pki(tmp_path, "https://10.240.7.2:6443", who)
    before = (tmp_path / "ca.crt").read_bytes()
    write_pki(tmp_path, "https://10.240.7.2:6443", who)
    assert (tmp_path / "ca.crt").read_bytes() == before


def test_the_api_server_serves_under_the_names_pods_use(tmp_path: Path) -> None:
    write_pki(tmp_path, "https://10.240.7.2:6443", identities("10.240.7.2", "10.96.0.1"))
    certificate = x509.load_pem_x509_certificate((tmp_path / "apiserver.crt").read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "kubernetes.default.svc" in names.get_values_for_type(x509.DNSName)
    assert "10.96.0.1" in [str(ip) for ip in names.get_values_for_type(x509.IPAddress)]


def test_every_component_says_how_it_is_well(layout: Layout) -> None:
    for make in components.NODE:
        component = make(layout, PROGRAMS)
        assert component.health.startswith(("http://10.240.7.2:", "https://10.240.7.2:")), component.name


def test_configurations_are_well_formed(layout: Layout) -> None:
    for make in components.NODE:
        for name, text in make(layout, PROGRAMS).files.items():
            if name.endswith((".json", ".conflist")):
                assert isinstance(json.loads(text), dict), name
            if name.endswith(".toml"):
                assert tomllib.loads(text)["version"] == 2


def test_a_component_is_known_by_its_clusters_folder_in_its_arguments(layout: Layout) -> None:
    for make in components.NODE:
        assert str(layout.folder) in " ".join(make(layout, PROGRAMS).command)


def test_a_log_is_shown_from_its_end_and_its_absence_is_said(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    assert tail(log, 3) == ["(no log)"]
    log.write_text("")
    assert tail(log, 3) == ["(empty)"]
    log.write_text("".join(f"line {i}\n" for i in range(100)))
    assert tail(log, 2) == ["line 98", "line 99"]


def test_what_is_missing_is_named_with_its_reason() -> None:
    wanted = {"sh": ("dash", "is there"), "no-such-program": ("no-such-package", "is not there")}
    assert packages.missing(wanted) == {"no-such-package": "is not there"}
