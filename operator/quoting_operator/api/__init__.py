"""The custom resources of `quoting.dev/v1alpha1` as pydantic models."""
