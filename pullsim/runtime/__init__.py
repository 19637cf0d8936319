"""Container runtimes: containerd by release, and one of given durations."""
