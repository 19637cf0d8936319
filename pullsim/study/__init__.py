"""Many runs: sweeps over knobs, comparisons, searches for a setting, gates for CI, and fits of measured pulls."""
