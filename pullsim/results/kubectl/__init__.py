"""A run as kubectl would have shown it."""
