"""The simulated world: nodes, placement, pods over time."""
