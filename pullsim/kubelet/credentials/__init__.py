"""The credentials that a pull is tried with (pkg/credentialprovider)."""
