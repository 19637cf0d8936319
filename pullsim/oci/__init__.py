"""Image names, platforms, manifests and catalogues, as the OCI specifications have them."""
