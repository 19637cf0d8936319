"""The controllers of workloads: which pods there are to be."""
