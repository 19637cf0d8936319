"""From inputs to a fit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pullsim.errors import InputError, Location
from pullsim.formats.oci.manifest import read_image
from pullsim.oci.catalog import Catalog, builtin_names
from pullsim.releases.containerd import CONTAINERD, DEFAULT_RELEASE
from pullsim.study.fit.fit_lab import fit_lab
from pullsim.study.fit.fit_pulls import fit_pulls
from pullsim.study.fit.lab import Lab
from pullsim.study.fit.observed import Observed
from pullsim.study.fit.read import read_input

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pullsim.releases.release import Written
    from pullsim.study.fit.fitted import Fit


def fit(
    inputs: Iterable[str | Path] | str | Path,
    *,
    catalogs: Iterable[str | Path] = (),
    manifests: Mapping[str, str | Path] | None = None,
    where: Mapping[str, str] | None = None,
    containerd: Written = DEFAULT_RELEASE,
    seed: int = 0,
) -> Fit:
    """Estimate figures of a node and its registry from measured pulls.

    ``inputs`` are files: kubelet events, kubelet metrics, tables of pulls, or one file of the lab's measurements;
    ``catalogs`` (built-in names or files) and ``manifests`` (a file by image name) tell the layers of images;
    ``where`` chooses rows of tables by their columns; ``containerd`` is the nodes' release, (2, 1) or (2, 3, 4), which
    measurements of the lab tell themselves. Raises InputError for inputs that cannot be read, that tell
    nothing, or without scipy.
    """
    paths = [Path(inputs)] if isinstance(inputs, str | Path) else [Path(path) for path in inputs]
    if not paths:
        raise InputError("nothing to fit: give at least one file of measured pulls")
    read = [read_input(path, where or {}) for path in paths]
    labs = [each for each in read if isinstance(each, Lab)]
    if labs:
        if len(read) > 1:
            message = "measurements of the lab are fitted alone: their link is known, that of other pulls is not"
            raise InputError(message, Location(labs[0].file))
        return fit_lab(labs[0], seed)
    observed = Observed()
    for each in read:
        if isinstance(each, Observed):
            observed.merge(each)
    try:
        release = CONTAINERD.resolve(containerd)
    except ValueError as error:
        raise InputError(str(error)) from None
    return fit_pulls(observed, _catalog(catalogs, manifests or {}), release, seed)


def _catalog(names: Iterable[str | Path], manifests: Mapping[str, str | Path]) -> Catalog:
    catalog = Catalog()
    for name in names:
        builtin = str(name) in builtin_names() or not ("/" in str(name) or str(name).endswith(".json"))
        catalog.merge(Catalog.builtin(str(name)) if builtin else Catalog.load(name))
    for image, path in manifests.items():
        catalog.add(image, read_image(path))
    return catalog
