"""Order book, queue position, latency, market generators, replay, Gymnasium environment."""
