"""Container runtimes: containerd and CRI-O by release, and a runtime whose pulls take given durations."""
