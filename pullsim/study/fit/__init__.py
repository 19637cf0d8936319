"""Figures of nodes and registries from measured pulls.

`fit(inputs)` reads kubelet events, kubelet metrics, tables of pulls or the lab's measurements and gives a `Fit`: each
figure with its interval, the figures that the data cannot tell and why, predicted against observed, and a preset for
``nodes[].preset``.
"""

from __future__ import annotations

from pullsim.study.fit.fitted import Fit
from pullsim.study.fit.fitting import fit
from pullsim.study.fit.outcome import Fitted, Held, Row

__all__ = ["Fit", "Fitted", "Held", "Row", "fit"]
