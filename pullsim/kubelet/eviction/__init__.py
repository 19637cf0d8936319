"""Disk pressure and the pods that it costs (pkg/kubelet/eviction)."""
