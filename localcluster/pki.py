"""Certificates and kubeconfigs of one cluster, made once when it is first brought up."""

from __future__ import annotations

import base64
import datetime as dt
import ipaddress
import json
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_LIFETIME = dt.timedelta(days=365)


@dataclass(frozen=True)
class Identity:
    """A client or server of the control plane: file name, common name, groups, names it serves under."""

    name: str
    common_name: str
    groups: tuple[str, ...] = ()
    serves: tuple[str, ...] = ()


def identities(node_ip: str, service_ip: str) -> tuple[Identity, ...]:
    """Everybody who gets a certificate."""
    apiserver = (
        "localhost",
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        "127.0.0.1",
        node_ip,
        service_ip,
    )
    return (
        Identity("apiserver", "kube-apiserver", serves=apiserver),
        Identity("admin", "admin", ("system:masters",)),
        Identity("controller-manager", "system:kube-controller-manager"),
        Identity("scheduler", "system:kube-scheduler"),
        Identity("kubelet", "system:node:node0", ("system:nodes",), ("node0", node_ip)),
        Identity("proxy", "system:kube-proxy"),
        Identity("apiserver-kubelet-client", "kube-apiserver-kubelet-client", ("system:masters",)),
        Identity("dns", "localcluster:dns", ("system:masters",)),
        Identity("prometheus", "localcluster:prometheus", ("system:masters",)),
    )


def write_pki(folder: Path, server: str, who: tuple[Identity, ...]) -> None:
    """Write a CA, a key pair and a kubeconfig for each identity, and the ServiceAccount signing key.

    folder: where to, readable by its owner only. server: URL of the API server. Does
    nothing where it was done before.
    """
    if (folder / "done").exists():
        return
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = ec.generate_private_key(ec.SECP256R1())
    ca = _certificate(Identity("ca", "local-ca"), key.public_key(), None, key)
    _write_pair(folder, "ca", key, ca)
    for identity in who:
        own = ec.generate_private_key(ec.SECP256R1())
        certificate = _certificate(identity, own.public_key(), ca, key)
        _write_pair(folder, identity.name, own, certificate)
        _write_kubeconfig(folder, identity.name, server)
    _write_private(folder / "service-account.key", ec.generate_private_key(ec.SECP256R1()))
    (folder / "done").touch()


def _certificate(
    identity: Identity,
    public_key: ec.EllipticCurvePublicKey,
    issuer: x509.Certificate | None,
    issuer_key: ec.EllipticCurvePrivateKey,
) -> x509.Certificate:
    attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in identity.groups]
    name = x509.Name([*attributes, x509.NameAttribute(NameOID.COMMON_NAME, identity.common_name)])
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name if issuer is None else issuer.subject)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + _LIFETIME)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    if issuer is not None:
        usage = [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
        builder = builder.add_extension(x509.ExtendedKeyUsage(usage), critical=False)
    if identity.serves:
        names = x509.SubjectAlternativeName([_general_name(name) for name in dict.fromkeys(identity.serves)])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _write_private(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    path.touch(mode=0o600)
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL
    path.write_bytes(key.private_bytes(encoding, form, serialization.NoEncryption()))


def _write_pair(
    folder: Path, name: str, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate
) -> None:
    _write_private(folder / f"{name}.key", key)
    (folder / f"{name}.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def _write_kubeconfig(folder: Path, name: str, server: str) -> None:
    def data(file: str) -> str:
        return base64.b64encode((folder / file).read_bytes()).decode()

    user = {"client-certificate-data": data(f"{name}.crt"), "client-key-data": data(f"{name}.key")}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "local",
        "clusters": [
            {"name": "local", "cluster": {"server": server, "certificate-authority-data": data("ca.crt")}}
        ],
        "users": [{"name": name, "user": user}],
        "contexts": [{"name": "local", "context": {"cluster": "local", "user": name}}],
    }
    path = folder / f"{name}.kubeconfig"
    path.touch(mode=0o600)
    path.write_text(json.dumps(config, indent=1))
