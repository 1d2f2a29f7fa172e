"""Quoting models, one file each, and their registry."""
