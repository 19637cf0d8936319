"""The typed scenario: every key of a scenario file, with its type, its default and its meaning."""
