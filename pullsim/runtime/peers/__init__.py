"""Nodes that give one another blobs."""
