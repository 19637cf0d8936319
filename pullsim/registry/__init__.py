"""Registries: hosts, requests, faults."""
