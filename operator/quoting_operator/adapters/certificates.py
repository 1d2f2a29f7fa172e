"""Certificates of the admission endpoint, made and rotated by us and shared by its replicas in a Secret.

Every rotation makes a new authority, uses its key once and forgets it. The bundle that the API server trusts
holds the new and the previous authority, so replicas may change over one after the other.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from quoting_operator.adapters.kube import MUTATING_WEBHOOKS, SECRETS, Json, Kube, KubeError

VALID = timedelta(days=90)
RENEW = timedelta(days=30)
"""Time before the end at which a certificate is renewed."""
SKEW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Certificate:
    """A serving certificate with its key, and the authorities to trust; all PEM."""

    certificate: bytes
    key: bytes
    bundle: bytes

    @classmethod
    def read(cls, secret: Mapping[str, Any]) -> Self | None:
        """From a Secret; None where it is not one of ours or not complete."""
        data = secret.get("data") or {}
        try:
            pem = [base64.b64decode(data[key]) for key in ("tls.crt", "tls.key", "ca.crt")]
            x509.load_pem_x509_certificate(pem[0])
        except (KeyError, ValueError):
            return None
        return cls(*pem)

    @property
    def ends(self) -> datetime:
        """Until when it is valid."""
        return x509.load_pem_x509_certificate(self.certificate).not_valid_after_utc

    def secret(self, name: str) -> Json:
        """The Secret that holds it."""
        pem = {"tls.crt": self.certificate, "tls.key": self.key, "ca.crt": self.bundle}
        data = {key: base64.b64encode(value).decode() for key, value in pem.items()}
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name},
            "type": "Opaque",
            "data": data,
        }


def make(host: str, now: datetime, previous: Certificate | None = None) -> Certificate:
    """A certificate for a host name, under an authority of its own."""
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = _name(f"quoting webhook authority {now:%Y-%m-%dT%H:%M:%SZ}")
    root = (
        _begun(authority, authority, authority_key, now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    serving = (
        _begun(_name(host[:64]), authority, key, now)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(issuer, critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    encoding, private = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    before = b"" if previous is None else _first(previous.bundle)
    return Certificate(
        certificate=serving.public_bytes(encoding),
        key=key.private_bytes(encoding, private, serialization.NoEncryption()),
        bundle=root.public_bytes(encoding) + before,
    )


async def ensure(kube: Kube, namespace: str, name: str, host: str, now: datetime) -> Certificate:
    """The certificate that replicas share: the one in the Secret, or a new one where that is due.

    Raises KubeError; CONFLICT where another replica was faster, whose certificate the next call finds.
    """
    secret = await kube.get(SECRETS, namespace, name)
    if secret is None:
        raise KubeError(0, f"Secret {namespace}/{name} is missing; apply manifests/base")
    found = Certificate.read(secret)
    if found is not None and now < found.ends - RENEW:
        return found
    made = make(host, now, found)
    body = {**secret, **made.secret(name), "metadata": secret["metadata"]}
    await kube.replace(SECRETS, namespace, body)
    return made


async def given(kube: Kube, namespace: str, name: str) -> Certificate:
    """The certificate that somebody else, such as cert-manager, keeps in the Secret.

    Raises KubeError where there is none.
    """
    found = Certificate.read(await kube.get(SECRETS, namespace, name) or {})
    if found is None:
        wanted = "tls.crt, tls.key and ca.crt"
        raise KubeError(0, f"Secret {namespace}/{name} is missing or has not {wanted}; see its Certificate")
    return found


async def trust(kube: Kube, configuration: str, bundle: bytes) -> None:
    """Have the API server trust the bundle in every webhook of the configuration, where it does not yet."""
    found = await kube.get(MUTATING_WEBHOOKS, None, configuration)
    if found is None:
        raise KubeError(0, f"MutatingWebhookConfiguration {configuration} is missing; apply manifests/base")
    text = base64.b64encode(bundle).decode()
    operations = [
        {"op": "add", "path": f"/webhooks/{index}/clientConfig/caBundle", "value": text}
        for index, webhook in enumerate(found["webhooks"])
        if webhook["clientConfig"].get("caBundle") != text
    ]
    if operations:
        version = found["metadata"]["resourceVersion"]
        unchanged = {"op": "test", "path": "/metadata/resourceVersion", "value": version}
        await kube.patch(MUTATING_WEBHOOKS, None, configuration, [unchanged, *operations])


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _begun(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SKEW)
        .not_valid_after(now + VALID)
    )


def _first(bundle: bytes) -> bytes:
    """The newest authority of a bundle."""
    return x509.load_pem_x509_certificates(bundle)[0].public_bytes(serialization.Encoding.PEM)
