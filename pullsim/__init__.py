"""pullsim: how long Kubernetes pods wait for their images, and why.

    >>> import pullsim
    >>> images = {"web": "nginx:1.12", "cache": "redis:3.2", "db": "postgres:9.6"}
    >>> workloads = [{"name": name, "pods": {"image": image}} for name, image in images.items()]
    >>> scenario = pullsim.from_mapping({"nodes": [{"name": "node"}], "workloads": workloads})
    >>> for limit in (1, 3):
    ...     variant = pullsim.override(scenario, [f"kubelet.maxParallelImagePulls={limit}"])
    ...     start = pullsim.summarize(pullsim.run(variant)).pods.start
    ...     print(f"{limit} at a time: half of the pods started within {start.p50:.1f} s, all within {start.max:.1f} s")
    1 at a time: half of the pods started within 3.6 s, all within 7.4 s
    3 at a time: half of the pods started within 2.1 s, all within 4.5 s

`sweep` does that for many values and seeds, `compare` for two, and `solve` looks for the value that meets a limit:

    >>> study = pullsim.sweep(scenario, ["kubelet.maxParallelImagePulls=1,3"], seeds=2)
    >>> print(study.table(["pods.start.max"])[["variant", "mean"]].round(1).to_string(index=False))
     variant  mean
           0   7.4
           1   4.5
    >>> difference = pullsim.compare(scenario, set=["kubelet.maxParallelImagePulls=1,3"])
    >>> print([row.verdict for row in difference.differences(["pods.start.max"])])
    ['lower']
    >>> found = pullsim.solve(scenario, "kubelet.maxParallelImagePulls", "1..4", objective="pods.start.max", slo="< 5s")
    >>> print(found.settings(found.answer.point))
    ['kubelet.maxParallelImagePulls=3']

`load` and `from_mapping` make a `Scenario`, `override` changes it, `run` gives a `Result`: the records of the run.
`summarize` condenses a result into a `Summary`; `tables` turns it into data frames, `charts` draws it. A mistake in an
input is an `InputError`.

Importing pullsim loads nothing but the standard library; numpy, pandas, matplotlib and the rest come with what needs
them.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

from pullsim.errors import InputError, InputErrors, PullsimError

# The function takes the place of the submodule of its name, for good: a submodule is set on its package only once.
from pullsim.run import Progress, Result, run, simulate
from pullsim.version import __version__ as __version__

#: Where the names that are imported on first use come from; their types are in the stub beside this file.
_LAZY: Final = {
    "Fit": "pullsim.study.fit",
    "NotBefore": "pullsim.kubelet.images.policy",
    "PullError": "pullsim.kubelet.images.policy",
    "PullPolicy": "pullsim.kubelet.images.policy",
    "Scenario": "pullsim.scenario",
    "Summary": "pullsim.results.summary.summary",
    "WaitingPull": "pullsim.kubelet.images.policy",
    "advise": "pullsim.study.advice.advise",
    "charts": "pullsim.results",
    "compare": "pullsim.study.compare",
    "effective_yaml": "pullsim.scenario",
    "fit": "pullsim.study.fit",
    "from_mapping": "pullsim.scenario",
    "image_advice": "pullsim.study.image_advice.advise",
    "load": "pullsim.scenario",
    "override": "pullsim.scenario",
    "register_pull_policy": "pullsim.spec.pull_policies",
    "solve": "pullsim.study.solve",
    "summarize": "pullsim.results.summary.summary",
    "sweep": "pullsim.study.sweep",
    "tables": "pullsim.results",
}
__all__ = [
    "Fit",
    "InputError",
    "InputErrors",
    "NotBefore",
    "Progress",
    "PullError",
    "PullPolicy",
    "PullsimError",
    "Result",
    "Scenario",
    "Summary",
    "WaitingPull",
    "advise",
    "charts",
    "compare",
    "effective_yaml",
    "fit",
    "from_mapping",
    "image_advice",
    "load",
    "override",
    "register_pull_policy",
    "run",
    "simulate",
    "solve",
    "summarize",
    "sweep",
    "tables",
]


def __getattr__(name: str) -> Any:
    """Import what is asked for the first time."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_LAZY[name]), name)
    return value


def __dir__() -> list[str]:
    """List the public names."""
    return sorted({*globals(), *__all__})
