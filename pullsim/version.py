"""The version of pullsim."""

__version__ = "0.1.0"  # hatch reads it from this line
