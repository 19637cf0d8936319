"""The figures of a run: what `summary.json` and the terminal show."""
