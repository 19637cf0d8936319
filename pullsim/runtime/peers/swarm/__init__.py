"""Swarms: many nodes that give one another the pieces of a blob while they fetch it."""
