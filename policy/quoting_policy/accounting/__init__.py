"""Inventory, profit and loss, markouts and spread decomposition, per arm."""
