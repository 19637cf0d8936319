"""What other programs import: the names, that they come lazily, and the example in the package's documentation."""

from __future__ import annotations

import ast
import doctest
import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest

import pullsim
import pullsim.results
import pullsim.scenario

ROOT = Path(__file__).parents[2]
HEAVY = ("numpy", "pandas", "matplotlib", "pydantic", "yaml", "simpy", "typer", "rich", "jinja2")
#: Names are a contract: add, never rename.
NAMES = [
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
RESULTS = [
    "Summary",
    "caches",
    "charts",
    "check",
    "departures",
    "disks",
    "events",
    "joins",
    "layers",
    "links",
    "peers",
    "pods",
    "prepulls",
    "pulls",
    "reads",
    "removals",
    "render",
    "rollouts",
    "statuses",
    "summarize",
    "tables",
    "traffic",
]
SIGNATURES = {
    "advise": [
        "scenario",
        "objective",
        "set",
        "seeds",
        "processes",
        "dask",
        "dask_tls",
        "max_runs",
        "force",
        "progress",
        "announce",
        "out",
        "resume",
        "interval",
    ],
    "image_advice": [
        "scenario",
        "images",
        "base",
        "zstd",
        "weights",
        "seeds",
        "processes",
        "dask",
        "dask_tls",
        "max_runs",
        "force",
        "progress",
        "announce",
        "out",
        "resume",
    ],
    "fit": ["inputs", "catalogs", "manifests", "where", "containerd", "seed"],
    "compare": [
        "a",
        "b",
        "set",
        "set_a",
        "set_b",
        "seeds",
        "processes",
        "dask",
        "dask_tls",
        "force",
        "progress",
        "metrics",
        "out",
        "resume",
        "interval",
    ],
    "solve": [
        "scenario",
        "knob",
        "range",
        "objective",
        "slo",
        "want",
        "maximize",
        "trials",
        "seeds",
        "processes",
        "dask",
        "dask_tls",
        "force",
        "progress",
        "out",
        "resume",
        "interval",
    ],
    "sweep": [
        "scenario",
        "set",
        "seeds",
        "paired",
        "processes",
        "dask",
        "out",
        "resume",
        "force",
        "dask_tls",
        "progress",
        "announce",
        "metrics",
        "named",
        "interval",
    ],
    "from_mapping": ["mapping", "overrides", "directory"],
    "load": ["path", "overrides"],
    "override": ["scenario", "overrides"],
    "run": ["scenario", "seed", "detail", "progress", "status", "watch", "force", "announce", "scratch"],
    "simulate": ["spec", "name", "detail", "progress", "status", "watch", "scratch"],
    "summarize": ["result"],
}
RESULT_FIELDS = [
    "name",
    "seed",
    "version",
    "end",
    "ended",
    "nodes",
    "pools",
    "detail",
    "events",
    "pulls",
    "layers",
    "pods",
    "links",
    "removals",
    "disks",
    "registries",
    "under_way",
    "warnings",
    "statuses",
    "requests",
    "plugin_runs",
    "platforms",
    "runtimes",
    "rollouts",
    "departures",
    "joins",
    "autoscaled",
    "prepulls",
    "spans",
    "absent",
    "faults",
    "cached",
    "controllers",
    "traffic",
    "guesses",
    "reads",
    "caches",
    "peers",
    "prices",
    "cached_sizes",
    "volumes",
]


@pytest.mark.parametrize("package, names", [(pullsim, NAMES), (pullsim.results, RESULTS)], ids=["pullsim", "results"])
def test_public_names(package, names):
    assert package.__all__ == names
    assert all(getattr(package, name) is not None for name in names)
    assert set(names) <= set(dir(package))
    with pytest.raises(AttributeError, match="has no attribute 'lod'"):
        _ = package.lod


def test_names_are_the_ones_of_their_homes():
    assert pullsim.load is pullsim.scenario.load
    assert pullsim.run is sys.modules["pullsim.run"].run
    assert pullsim.tables is pullsim.results.tables
    assert pullsim.results.pods is pullsim.results.tables.pods


@pytest.mark.parametrize("name", SIGNATURES)
def test_signatures(name):
    assert list(inspect.signature(getattr(pullsim, name)).parameters) == SIGNATURES[name]


def test_fields_of_a_result():
    assert list(inspect.signature(pullsim.Result).parameters) == RESULT_FIELDS


def test_the_stub_for_type_checkers_has_the_same_names():
    tree = ast.parse((ROOT / "pullsim" / "__init__.pyi").read_text(encoding="utf-8"))
    imports = {
        (alias.asname, node.module) for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert sorted(name for name, _ in imports) == NAMES
    lazy = {(name, module) for name, module in imports if name in pullsim._LAZY}
    assert lazy == set(pullsim._LAZY.items())


@pytest.mark.parametrize("statement", ["import pullsim", "import pullsim.cli", "import pullsim.results"])
def test_importing_loads_the_standard_library_only(statement):
    assert _python(f"{statement}; import sys; print([name for name in {HEAVY} if name in sys.modules])") == "[]"


@pytest.mark.parametrize("first", ["import pullsim", "import pullsim.run", "from pullsim.run import Result"])
def test_the_function_run_is_never_hidden_by_the_module_of_its_name(first):
    code = f"{first}\nimport pullsim, pullsim.run, pullsim.cluster.cluster\nprint(callable(pullsim.run))"
    assert _python(code) == "True"


def test_a_simulation_loads_no_pandas_and_no_matplotlib():
    code = """if True:
        import sys, pullsim
        scenario = pullsim.from_mapping({"nodes": [{}], "workloads": [{"pods": {"image": "nginx:1.12"}}]})
        pullsim.summarize(pullsim.run(scenario))
        print([name for name in ("pandas", "matplotlib", "typer", "rich") if name in sys.modules])"""
    assert _python(code) == "[]"


def test_the_example_in_the_documentation_of_the_package():
    outcome = doctest.testmod(pullsim)
    assert outcome.attempted > 0
    assert outcome.failed == 0


def _python(code: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
