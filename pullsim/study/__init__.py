"""Studies of many runs: sweeps, comparisons, searches for a setting, regression checks for CI, fits to measurements."""
