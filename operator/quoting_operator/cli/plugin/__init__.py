"""`kubectl quoting`: what people see of a rollout, and what they ask of it."""
