"""Readers of files that others write: what Kubernetes, containerd and registries have them for."""
