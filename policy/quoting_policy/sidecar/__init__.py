"""The engine's server, its control channel and the agent that drives it."""
