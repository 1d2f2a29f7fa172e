"""Pure rollout decisions: state machine, reconcile order, exposure plan. `now` is an argument."""
