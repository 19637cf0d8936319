"""How the layers of an image become the root filesystem of containers."""
