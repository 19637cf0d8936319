"""containerd's config.toml and its registry host directories."""
