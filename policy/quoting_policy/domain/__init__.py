"""What the market, the position and a quote are, with units."""
