"""Disk pressure, and the eviction of pods because of it (pkg/kubelet/eviction)."""
