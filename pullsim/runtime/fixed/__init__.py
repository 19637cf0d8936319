"""A runtime of given durations."""
