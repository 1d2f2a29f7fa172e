"""`make demo`: a candidate earns its way to live on real parts, and comes back when it must."""
