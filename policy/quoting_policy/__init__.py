"""Quoting policies: models, signals, clamps, accounting, and the engine that runs them.

Nothing here knows of Kubernetes. One engine runs in three places: sidecar, paper replay, unit tests.
"""
