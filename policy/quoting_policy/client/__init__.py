"""What the trading application imports to ask for quotes."""
