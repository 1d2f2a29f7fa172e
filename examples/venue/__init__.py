"""A demo venue: a trading app whose market is replayed by the simulator, with own orders in its queues."""
