"""Traces of clusters that SimKube's tracer records (https://simkube.dev), whose objects become workloads."""
