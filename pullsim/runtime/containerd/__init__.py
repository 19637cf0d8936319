"""containerd: its CRI server, a pull from the name to the snapshots, and what a node has."""
