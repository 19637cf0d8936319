"""The scheduler, as far as images matter to it: which node a pod goes to."""
