"""CRI-O: its CRI server, the copying of images into containers/storage, and the node's store."""
