"""CRI-O: its CRI server, copies of images into the node's store, and what a node has."""
