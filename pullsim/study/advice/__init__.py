"""Advice: which change of a scenario starts its pods earlier, found by trying each."""
