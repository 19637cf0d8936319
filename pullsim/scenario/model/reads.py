"""The section ``reads`` of workloads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, model_validator

from pullsim.reads import Order
from pullsim.reads import Reads as ReadsSpec
from pullsim.scenario.model.hardware import Short
from pullsim.scenario.model.quantities import Duration, Size  # noqa: TC001  # pydantic reads them

_SPEC = ReadsSpec()
#: A start of HelloBench's containers reads 6.4 % of the image on average (Harter et al., FAST 2016), and Python
#: imports its modules one after the other; that it computes 2 s meanwhile is an assumption. A model server reads all
#: weights at once; with how many reads at a time is an assumption.
PRESETS: Final[Mapping[str, Mapping[str, Any]]] = {
    "python-web": {"share": 0.064, "concurrency": 1, "think": "2s", "order": "random"},
    "model-server": {"share": 1.0, "concurrency": 16, "order": "sequential"},
}


class Reads(Short):
    """What its process reads of its image from the start on; when it has, it is ready.

    It matters where files come when they are read: from a volume that is made of a snapshot. Elsewhere files are in
    memory, and only `think` takes time. A name of a preset may stand for it: `reads: model-server`.
    """

    preset: Literal["python-web", "model-server"] | None = Field(
        default=None,
        description="Defaults: python-web reads 6.4 % in random order, one read at a time, and computes 2s; "
        "model-server reads all of it, 16 reads at a time.",
    )
    bytes: Size | None = Field(default=None, gt=0, description="Unpacked bytes; instead of a share.")
    share: Annotated[float, Field(gt=0, le=1)] | None = Field(
        default=None, description="Share of all bytes of the image's files; by default 1."
    )
    concurrency: Annotated[int, Field(ge=1, le=1024)] = Field(default=_SPEC.concurrency, description="Reads at a time.")
    think: Duration = Field(default=_SPEC.think, description="Time that it computes between its reads, in all.")
    order: Order = Field(default=_SPEC.order, description="Whether what is read lies together, or anywhere.")
    size: Size = Field(default=_SPEC.size, gt=0, description="Bytes of one read, in random order.")
    image: str | None = Field(default=None, description="Of which of the pod's images; by default the largest.")

    @model_validator(mode="before")
    @classmethod
    def _of_preset(cls, data: Any) -> Any:
        data = {"preset": data} if isinstance(data, str) else data
        found = PRESETS.get(str(data.get("preset"))) if isinstance(data, Mapping) else None
        if found is None:
            return data
        own = {key: value for key, value in found.items() if key != "share" or data.get("bytes") is None}
        return {**own, **data}

    @model_validator(mode="after")
    def _one_amount(self) -> Self:
        if self.bytes is not None and self.share is not None:
            raise ValueError("has bytes and a share; give one of them")
        return self
