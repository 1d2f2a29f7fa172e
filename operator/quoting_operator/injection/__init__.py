"""Pure pod patching: a pod in, the same pod with the sidecar out."""
