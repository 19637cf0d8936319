"""Built-in values for instance types (rates, sizes, cores) and for public registries (quotas, authentication)."""
