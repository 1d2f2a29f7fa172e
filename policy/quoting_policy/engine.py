"""One decision: state -> features -> model -> clamps -> Decision."""
