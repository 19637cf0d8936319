"""The commands: a table of their names and of where they are, so that no command loads the others."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import typer
from typer.core import TyperCommand
from typer.main import get_command

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SIMULATE: Final = "Simulate"
STUDY: Final = "Study"
INFORM: Final = "Inform"


class Entry(NamedTuple):
    """A command: the panel of the help in which it is, the first sentences of its own help, and its module."""

    panel: str
    help: str
    module: str
    function: str

    def load(self) -> Callable[..., None]:
        """Import the command."""
        function: Callable[..., None] = getattr(import_module(f"pullsim.cli.{self.module}"), self.function)
        return function

    def listed(self, name: str) -> TyperCommand:
        """Return a command that has what the list of commands shows, and does nothing."""
        return TyperCommand(name, help=self.help, rich_help_panel=self.panel)

    def command(self, name: str) -> Any:
        """Return the command itself."""
        alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        alone.command(name, rich_help_panel=self.panel)(self.load())
        return get_command(alone)


COMMANDS: Final[Mapping[str, Entry]] = {
    "init": Entry(
        SIMULATE,
        "Write a commented scenario of a cluster, from its dumps and settings; without any, a template.",
        "init",
        "init",
    ),
    "run": Entry(SIMULATE, "Simulate a scenario and print how long its pods waited, and why.", "run", "run"),
    "describe": Entry(
        SIMULATE,
        "Simulate a scenario and show a pod as `kubectl describe pod` would: its events, counted and thinned.",
        "describe",
        "describe",
    ),
    "explain": Entry(
        SIMULATE,
        "Say where the time of pods went, step by step, which pulls they waited for, and what would have helped.",
        "explain",
        "explain",
    ),
    "validate": Entry(
        SIMULATE,
        "Check scenarios without running them, and print the nodes, pods, images and registries, and what a run takes.",
        "validate",
        "validate",
    ),
    "fit": Entry(
        STUDY,
        "Estimate a node's and its registry's figures from measured pulls, as a preset for nodes[].preset.",
        "fit",
        "fit",
    ),
    "sweep": Entry(
        STUDY, "Run every variant of a scenario with the same seeds, and tabulate what they came to.", "sweep", "sweep"
    ),
    "compare": Entry(
        STUDY,
        "Compare A with B: what changed in the inputs, what it did, and which stage of the time moved.",
        "compare",
        "compare",
    ),
    "advise": Entry(
        STUDY,
        "Try what could start the pods earlier, each alone and the best in pairs, and rank it by what it gains.",
        "advise",
        "advise",
    ),
    "image-advice": Entry(
        STUDY,
        "Try what could be built otherwise in images - zstd, other layers, a shared base - and rank it by seconds "
        "gained.",
        "image_advice",
        "image_advice",
    ),
    "solve": Entry(
        STUDY,
        "Find the value of a knob that meets an SLO, or a deadline that pods meet. Exit code 1: there is none.",
        "solve",
        "solve",
    ),
    "ci": Entry(
        STUDY, "Run scenarios and fail when a figure is worse than it was, or an assertion does not hold.", "ci", "ci"
    ),
    "metrics": Entry(
        INFORM,
        "List the metrics that assertions, sweeps, comparisons, searches and gates know, with units and meanings.",
        "list_metrics",
        "metrics",
    ),
    "schema": Entry(INFORM, "Print the JSON Schema of scenario files, for editors and checkers.", "schema", "schema"),
    "catalogs": Entry(
        INFORM,
        "List the built-in image catalogues, or images in them: `pullsim catalogs nginx`.",
        "catalogs",
        "catalogs",
    ),
    "diagnostics": Entry(
        INFORM,
        "Say what the code of an error or warning means and what to do; without any, list all codes.",
        "list_diagnostics",
        "diagnostics",
    ),
    "explain-credentials": Entry(
        INFORM,
        "Say which credentials a kubelet tries for an image, in which order, and why it does not try the others.",
        "explain_credentials",
        "explain_credentials",
    ),
    "image": Entry(
        INFORM,
        "Show what Kubernetes makes of image names: their parts, the default pull policy, what the runtime is asked "
        "for.",
        "image",
        "image",
    ),
    "presets": Entry(
        INFORM,
        "List what `nodes[].preset` may name, or one preset's figures: `pullsim presets aws/m6i.large-gp3`.",
        "presets",
        "presets",
    ),
    "completion": Entry(
        INFORM,
        "Print the script that completes commands, options, metrics, keys and presets: source <(pullsim completion "
        "bash).",
        "completion",
        "completion",
    ),
}
