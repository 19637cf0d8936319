"""Image manifests and indexes, as the OCI image specification defines them."""
