"""Measurements, each side by side with the peer that it is compared to."""
