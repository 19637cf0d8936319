"""Readers of files that other programs define: Kubernetes, containerd and OCI registries."""
