"""Paired evaluation of two policies over the same recorded market."""
