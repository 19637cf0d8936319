"""Pulling images, the back-off, and image garbage collection (pkg/kubelet/images)."""
