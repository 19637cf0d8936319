"""Releases of kubelet, containerd and CRI-O: which are known, and how those of the runtimes differ."""
