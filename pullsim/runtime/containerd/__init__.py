"""containerd: its CRI server, a pull from resolving the name to committing the snapshots, and the node's store."""
