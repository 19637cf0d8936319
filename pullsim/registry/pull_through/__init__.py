"""Registry hosts that are pull-through caches of other registries."""
