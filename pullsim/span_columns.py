"""The spans of pods by column, as they are added to `pullsim.span_rows.SpanRows`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


class SpanColumns:
    """Nodes, namespaces, names and first spans of pods, and stages, begins, ends, images and causes of their spans."""

    __slots__ = ("begins", "causes", "ends", "firsts", "images", "names", "namespaces", "nodes", "stages")

    def __init__(self) -> None:
        self.firsts: list[int] = []  # index of the first span of each pod among all spans
        self.nodes: list[str | None] = []
        self.namespaces: list[str] = []
        self.names: list[str] = []
        self.stages: list[str] = []
        self.begins: list[float] = []  # seconds; as an array they would take three times as long to add
        self.ends: list[float] = []  # seconds
        self.images: list[str | None] = []
        self.causes: list[str | None] = []

    def add(self, first: int, node: str | None, namespace: str, pod: str, spans: Sequence[tuple[Any, ...]]) -> None:
        """Append the spans of one pod; ``first`` is the index that the first of them gets."""
        self.firsts.append(first)
        self.nodes.append(node)
        self.namespaces.append(namespace)
        self.names.append(pod)
        rows = [*spans]  # column by column, as compiled code knows how long each list becomes
        self.stages.extend([span[0] for span in rows])
        self.begins.extend([span[1] for span in rows])
        self.ends.extend([span[2] for span in rows])
        self.images.extend([span[3] for span in rows])
        self.causes.extend([span[4] for span in rows])
