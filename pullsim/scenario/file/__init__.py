"""Scenario files: read, changed by overrides, written with all their defaults."""
