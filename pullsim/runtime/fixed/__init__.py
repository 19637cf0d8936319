"""A runtime whose pulls take given durations."""
