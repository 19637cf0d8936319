"""Container runtimes: containerd and CRI-O by release, and one of given durations."""
