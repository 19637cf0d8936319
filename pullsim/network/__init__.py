"""Transfers over links that they share: exact max-min fair rates, and the slow model they are checked with."""
