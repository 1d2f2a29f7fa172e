"""The only places with I/O: Kubernetes, Prometheus, telemetry."""
