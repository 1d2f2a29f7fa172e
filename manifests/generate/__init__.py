"""What of manifests/ is written by `make manifests` and never by hand: `python -m manifests.generate`."""
