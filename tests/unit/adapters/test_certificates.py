"""Certificates that we make: what a TLS client thinks of them."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest

from quoting_operator.adapters.certificates import VALID, Certificate, make

NOW = datetime.now(UTC).replace(microsecond=0)
HOST = "quoting-webhook.quoting-system.svc"


def handshake(server: Certificate, bundle: bytes, folder: Path, host: str = HOST) -> None:
    """A TLS handshake in memory; raises ssl.SSLError where the client does not trust the server."""
    (folder / "crt").write_bytes(server.certificate)
    (folder / "key").write_bytes(server.key)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(folder / "crt", folder / "key")
    asking = ssl.create_default_context(cadata=bundle.decode())
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = asking.wrap_bio(to_client, to_server, server_hostname=host)
    peer = serving.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for side in (client, peer):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    client.do_handshake()


def test_a_client_that_has_the_bundle_trusts_the_certificate(tmp_path: Path) -> None:
    made = make(HOST, NOW)
    handshake(made, made.bundle, tmp_path)


@pytest.mark.parametrize("host", ["other.quoting-system.svc", "localhost"])
def test_it_is_good_for_its_own_host_only(tmp_path: Path, host: str) -> None:
    made = make(HOST, NOW)
    with pytest.raises(ssl.SSLError):
        handshake(made, made.bundle, tmp_path, host)


def test_during_a_rotation_both_certificates_are_trusted_and_after_the_next_the_old_one_is_not(
    tmp_path: Path,
) -> None:
    old = make(HOST, NOW)
    new = make(HOST, NOW, old)
    handshake(old, new.bundle, tmp_path)
    handshake(new, new.bundle, tmp_path)
    with pytest.raises(ssl.SSLError):
        handshake(old, make(HOST, NOW, new).bundle, tmp_path)


def test_a_certificate_survives_its_secret() -> None:
    made = make(HOST, NOW)
    assert Certificate.read(made.secret("x")) == made
    assert made.ends == NOW + VALID


@pytest.mark.parametrize("data", [None, {}, {"tls.crt": "eA=="}, {"tls.crt": "!", "tls.key": ""}])
def test_a_secret_that_is_none_of_ours_is_not_read(data: dict[str, str] | None) -> None:
    assert Certificate.read({"data": data}) is None
