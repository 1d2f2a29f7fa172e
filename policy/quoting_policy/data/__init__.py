"""Loaders of recorded markets into one columnar format."""
