"""Ordered, deterministic limits on what may be quoted."""
