"""Whether and when an image is pulled, kept and removed (pkg/kubelet/images)."""
