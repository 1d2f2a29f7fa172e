"""The admission endpoint's process: TLS, certificates, and the answer to reviews of pods."""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web
from prometheus_client import Counter, Gauge

from quoting_operator.adapters import certificates
from quoting_operator.adapters.kube import Kube, KubeError, connect
from quoting_operator.handlers.health import Health, serving
from quoting_operator.handlers.operator import stopped_by_signals
from quoting_operator.injection.pod import Sidecar
from quoting_operator.injection.review import reviewed

log = logging.getLogger(__name__)

PATH = "/pods"
"""Where the API server asks. Any other path is not found, so a mistyped configuration is noticed."""

MOST_BYTES = 8 * 2**20
CHECK_S = 60.0
"""Seconds between looks at the certificate, also the most that a replica lags behind a rotation."""
RETRY_S = 2.0

REVIEWS = Counter("quoting_webhook_reviews_total", "Reviews of pods.", ["result"])
CERTIFICATE_END = Gauge(
    "quoting_webhook_certificate_end_seconds", "End of the certificate that is served, Unix time; 0 if none."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the endpoint runs.

    service, namespace: the name under which the API server calls it. certificate_is_given: somebody else
    keeps the certificate and what the API server trusts; we write neither.
    """

    image: str
    service: str = "quoting-webhook"
    namespace: str = "quoting-system"
    configuration: str = "quoting-webhook"
    host: str = "0.0.0.0"  # noqa: S104  the API server and probes come from other machines
    port: int = 8443
    health_port: int = 8080
    certificate_is_given: bool = False

    @property
    def server_name(self) -> str:
        """Host name in the certificate."""
        return f"{self.service}.{self.namespace}.svc"

    @property
    def secret(self) -> str:
        """Secret that replicas share the certificate in."""
        return f"{self.service}-tls"


def application(sidecar: Sidecar) -> web.Application:
    """The endpoint."""

    async def review(request: web.Request) -> web.Response:
        try:
            answer = reviewed(json.loads(await request.read()), sidecar)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            REVIEWS.labels("bad").inc()
            raise web.HTTPBadRequest(text=f"not a review of a pod: {error!r}") from error
        REVIEWS.labels("patched" if "patch" in answer["response"] else "unchanged").inc()
        return web.json_response(answer)

    app = web.Application(client_max_size=MOST_BYTES)
    app.router.add_post(PATH, review)
    return app


class Tls:
    """The TLS context, kept at the certificate that replicas share."""

    def __init__(self, kube: Kube, options: Options) -> None:
        self._kube, self._options = kube, options
        self._loaded: certificates.Certificate | None = None
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2

    @property
    def loaded(self) -> bool:
        """Whether there is a certificate to serve with."""
        return self._loaded is not None

    async def refresh(self) -> None:
        """Take over the shared certificate, or make one; the API server is told to trust it first."""
        options = self._options
        place = (options.namespace, options.secret)
        if options.certificate_is_given:
            found = await certificates.given(self._kube, *place)
        else:
            found = await certificates.ensure(self._kube, *place, options.server_name, datetime.now(UTC))
            await certificates.trust(self._kube, options.configuration, found.bundle)
        if found != self._loaded:
            await asyncio.to_thread(self._load, found)
            self._loaded = found
            CERTIFICATE_END.set(found.ends.timestamp())
            log.info("serving %s until %s", options.server_name, found.ends.isoformat())

    def _load(self, found: certificates.Certificate) -> None:
        """Load it for connections to come; OpenSSL reads files only."""
        with tempfile.TemporaryDirectory() as folder:
            chain, key = Path(folder) / "tls.crt", Path(folder) / "tls.key"
            key.touch(mode=0o600)
            chain.write_bytes(found.certificate)
            key.write_bytes(found.key)
            self.context.load_cert_chain(chain, key)

    async def keep_fresh(self) -> None:
        """Refresh for ever. A refusal is tried again: another replica may have been faster."""
        while True:
            try:
                await self.refresh()
            except KubeError as error:
                log.warning("certificate not refreshed: %s", error)
                await asyncio.sleep(CHECK_S if self.loaded else RETRY_S)
                continue
            await asyncio.sleep(CHECK_S)


async def run(options: Options, stop: asyncio.Event | None = None) -> None:
    """Serve until told to stop, by the event or by SIGTERM or SIGINT."""
    stop = stop or stopped_by_signals()
    async with connect() as kube:
        tls = Tls(kube, options)

        async def why_not_ready() -> str:
            return "" if tls.loaded else "no certificate yet"

        health = Health(why_not_ready)
        app = application(Sidecar(image=options.image))
        async with (
            serving(health.application(), options.host, options.health_port),
            serving(app, options.host, options.port, ssl_context=tls.context) as port,
        ):
            log.info("admission on port %d", port)
            background = [asyncio.create_task(tls.keep_fresh()), asyncio.create_task(health.watch_loop())]
            stopping = asyncio.create_task(stop.wait())
            done, _ = await asyncio.wait({stopping, *background}, return_when=asyncio.FIRST_COMPLETED)
            for task in (*background, stopping):
                task.cancel()
            for task in done - {stopping}:
                task.result()
    log.info("stopped")
