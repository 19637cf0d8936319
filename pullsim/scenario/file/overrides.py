"""Overrides of single values: ``nodes[workers].kubelet.maxParallelImagePulls=8``.

A key is a dotted path. An entry of a list is given in brackets by its name, host or image, by its index, or by ``*``
for all entries; a key of a mapping can be given in brackets too. ``kubelet.X`` alone is short for
``nodes[*].kubelet.X``.

A value is YAML. ``null`` removes the key, and so does ``unlimited`` for a key that is a limit. With ``unlimited`` for
``kubelet.maxParallelImagePulls`` the kubelet pulls in parallel, unless the scenario sets ``serializeImagePulls``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NoReturn

from pullsim.errors import InputError, Location, shown
from pullsim.formats.kubernetes.kubelet_fields import field_names
from pullsim.frozen import dataclass
from pullsim.inputs.document import Document, Route, entry_name, parse_documents, plain, read_document
from pullsim.inputs.suggestion import did_you_mean
from pullsim.scenario.presets.nodes import SECTIONS, SHORTHAND
from pullsim.scenario.presets.registries import PUBLIC

if TYPE_CHECKING:
    from pathlib import Path

_STEP: Final = re.compile(r"\.?(?P<key>[\w/-]+)|\[(?P<entry>[^\]]+)\]")
#: The value with which the kubelet has no limit, by the limit's key.
_UNLIMITED: Final = {"maxParallelImagePulls": None, "registryPullQPS": 0}


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a path: the key of a mapping, or the text in brackets."""

    name: str
    in_brackets: bool = False


@dataclass(frozen=True, slots=True)
class Override:
    """One ``KEY=VALUE``."""

    text: str
    steps: tuple[Step, ...]
    value: Any

    @property
    def place(self) -> Location:
        """The place that errors about this override have."""
        return Location(f"--set {self.text}")


def parse_override(text: str) -> Override:
    """Parse ``KEY=VALUE``. Raises InputError for a text that is not of this form."""
    place = Location(f"--set {text}")
    match = re.match(r"(?P<key>(?:[^=\[]|\[[^\]]*\])*)=(?P<value>.*)", text, re.DOTALL)
    if match is None:
        raise InputError("an override is KEY=VALUE: kubelet.maxParallelImagePulls=8", place)
    key = match["key"].strip()
    steps, end = [], 0
    while end < len(key) and (step := _STEP.match(key, end)) and (step["entry"] or end == 0 or key[end] == "."):
        steps.append(Step(step["key"] or step["entry"].strip(), in_brackets=step["key"] is None))
        end = step.end()
    if end < len(key) or not steps or steps[0].in_brackets or key.startswith("."):
        raise InputError(f"{shown(key)} is no key: keys are like nodes[workers].kubelet.maxParallelImagePulls", place)
    if steps[0] == Step("kubelet") and len(steps) > 1:
        steps = [Step("nodes"), Step("*", in_brackets=True), *steps]
    if not match["value"].strip():
        raise InputError("there is no value after =; null unsets", place)
    try:
        documents = parse_documents(match["value"], str(place))
    except InputError as error:
        raise InputError(error.message, place) from None
    if len(documents) > 1:
        raise InputError("the value is more than one YAML document", place)
    return Override(text, tuple(steps), documents[0].tree if documents else None)


def apply(document: Document, override: Override, directory: Path) -> None:
    """Apply an override to a document. Raises InputError for an entry of a list that does not exist.

    A ``kubelet`` that is the path of a file is replaced by the content of the file first; relative paths start at
    ``directory``. Unknown keys are found by the validation that follows, which reports them at this override.
    """
    _Application(document, override, directory).descend(document.tree, override.steps, ())


@dataclass(frozen=True, slots=True)
class _Application:
    document: Document
    override: Override
    directory: Path

    def descend(self, node: Any, steps: tuple[Step, ...], route: Route) -> None:
        """Apply the remaining steps to ``node``, the mapping or list at ``route``."""
        step, rest = steps[0], steps[1:]
        if isinstance(node, list):
            for index in self._entries(node, step, route):
                if not rest:
                    self._set(node, index, route)
                elif isinstance(node[index], dict | list):
                    self.descend(node[index], rest, (*route, index))
                else:
                    self._refuse(f"{self.document.name((*route, index))} is {shown(node[index])}, not a mapping")
            return
        if step.name == "*" and step.in_brackets:
            for key in list(node):
                self.descend(node, (Step(key), *rest), route)
        elif rest:
            self.descend(self._child(node, step.name, rest[0], route), rest, (*route, step.name))
        else:
            self._set(node, step.name, route)

    def _child(self, node: dict[str, Any], key: str, following: Step, route: Route) -> Any:
        """Return the mapping or list at ``key``, which is created if there is none."""
        child, here = node.get(key), (*route, key)
        if isinstance(child, dict | list) and (child or not following.in_brackets):
            return child
        if not child and isinstance(child, dict | list | None):
            listed = key in ("registries", "nodes", "workloads", "define", "manifests", "containers", "initContainers")
            if listed and key != "registries":
                self._refuse(f"the scenario has no {self.document.name(here)}")
            made: Any = [] if listed else {}
        elif key == "kubelet" and isinstance(child, str):
            made = self._kubelet(child)
        elif key in SHORTHAND and not following.in_brackets:
            made = {SHORTHAND[key]: child}
        else:
            self._refuse(f"{self.document.name(here)} is {shown(child)}, not a mapping")
        node[key] = made
        self._mark(here)
        return made

    def _kubelet(self, path: str) -> Any:
        tree = read_document(self.directory / path).tree
        if not isinstance(tree, dict):
            self._refuse(f"{path} is no KubeletConfiguration, which is a mapping")
        return tree.get("kubeletconfig", tree)

    def _entries(self, entries: list[Any], step: Step, route: Route) -> list[int]:
        """Return the indices of the list entries that a step names."""
        name = self.document.name(route)
        if not step.in_brackets:
            self._refuse(f"{name} is a list: write {name}[NAME].{step.name}, or {name}[*].{step.name} for all")
        if step.name == "*":
            return list(range(len(entries))) or self._refuse(f"the scenario has no {name}")
        names = [entry_name(entry) for entry in entries]
        found = [index for index, known in enumerate(names) if known == step.name]
        if not found and step.name.isdecimal() and len(step.name) < 7 and int(step.name) < len(entries):
            found = [int(step.name)]
        if not found and route == ("registries",):  # an unlisted host exists too: a public one
            entries.append({"host": step.name, **PUBLIC})
            found = [len(entries) - 1]
            self._mark((*route, found[0]))
        if not found:
            known = [known for known in names if known is not None]
            self._refuse(f"{name} has no entry {shown(step.name)}" + did_you_mean(step.name, known))
        return found

    def _set(self, node: Any, key: str | int, route: Route) -> None:
        here = (*route, key)
        value = plain(self.override.value)
        if len(here) == 4 and here[0] == "nodes" and here[2] == "kubelet" and key not in node and value is not None:
            self._check_field(str(key))
        if value == "unlimited" and here == ("horizon",):
            value = None
        if value == "unlimited" and route[-1:] == ("kubelet",) and key in _UNLIMITED:
            value = _UNLIMITED[str(key)]
            if key == "maxParallelImagePulls" and node.get("serializeImagePulls") is None:
                node["serializeImagePulls"] = False  # without a limit the kubelet would pull serially
                self._mark((*route, "serializeImagePulls"))
        for places in (self.document.values, self.document.keys):
            for known in [known for known in places if known[: len(here)] == here]:
                del places[known]
        if isinstance(node, list):
            node[int(key)] = value
        elif value is None and here[:1] == ("nodes",) and here[2:3] and here[2] in SECTIONS:
            node[str(key)] = None  # null, as a preset would fill in a missing key
        elif value is None:
            node.pop(str(key), None)
            return
        else:
            node[str(key)] = value
        self._mark(here)

    def _check_field(self, name: str) -> None:
        """Refuse a field that no release of the kubelet has.

        In a file that is a warning only, as a newer release may have it; an override of it would change nothing.
        """
        if name not in {*field_names(), "kind", "apiVersion", "kubeletconfig"}:
            self._refuse(f"a KubeletConfiguration has no field {shown(name)}{did_you_mean(name, field_names())}")

    def _mark(self, route: Route) -> None:
        self.document.values[route] = self.document.keys[route] = self.override.place

    def _refuse(self, message: str) -> NoReturn:
        raise InputError(message, self.override.place)
