"""The autoscaler, which adds nodes to pools for pods that fit nowhere, and takes nodes away."""
