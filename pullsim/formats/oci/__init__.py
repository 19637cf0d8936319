"""Manifests and indexes as the OCI specifications have them."""
