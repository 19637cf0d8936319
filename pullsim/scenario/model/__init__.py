"""The typed scenario: every key, its type, its default and its meaning."""
