"""pullsim: how long Kubernetes pods wait for their images, and why."""

from __future__ import annotations

__version__ = "0.1.0"
