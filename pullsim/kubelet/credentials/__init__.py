"""Which credentials a pull is tried with (pkg/credentialprovider)."""
