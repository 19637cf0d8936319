"""The pods of a run in the formats of kubectl: `describe pod`, `get pods --watch`, ages."""
