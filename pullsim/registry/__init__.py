"""Registries: their hosts, clients and requests, and what can refuse a request: access rules, quotas, faults."""
