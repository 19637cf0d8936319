"""The simulated cluster: nodes, the scheduler, controllers, and the pods over time."""
