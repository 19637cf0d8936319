"""Figures of instance types and of public registries that come with the package."""
