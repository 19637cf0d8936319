"""The version of pullsim."""

__version__ = "0.2.0"  # hatch reads it from this line
