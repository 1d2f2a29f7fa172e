"""What the sidecar's agent watches in Kubernetes and what it posts there."""
