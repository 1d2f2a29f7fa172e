"""Kubernetes operator that rolls out market-making quoting policies and takes them back by itself."""

__version__ = "0.1.0"
