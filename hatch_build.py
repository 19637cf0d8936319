"""The build hook that compiles the simulated side with mypyc, where HATCH_BUILD_HOOK_ENABLE_CUSTOM asks for it.

The modules stay plain Python: without the hook nothing of this is needed. An editable install gets its extension
modules beside the sources, where Python prefers them; a wheel gets them in their place.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from sysconfig import get_config_var
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOMS = ("kernel", "network", "hardware", "kubelet", "registry", "runtime")
#: Outside of the rooms. The rest of `spec` is data that is read when a node is made: compiled it would gain nothing.
MODULES = (
    "pullsim/releases/containerd.py",
    "pullsim/releases/crio.py",
    "pullsim/spec/credential_url.py",
    "pullsim/spec/credentials.py",
    "pullsim/spec/eviction_thresholds.py",
    "pullsim/spec/hardware.py",
    "pullsim/spec/hosts.py",
    "pullsim/spec/stored_image.py",
    "pullsim/spec/unpack.py",
    "pullsim/time_line.py",
)
LEFT_OUT = {
    "kernel/environment.py",  # a subclass of SimPy's
    "kubelet/images/policy.py",  # users may derive classes from its protocol
    "kubelet/kubelet.py",  # little to do
    "runtime/fixed/server.py",  # little to do
}


def modules(root: Path) -> list[str]:
    """Return the modules that are compiled, relative to the root of the project."""
    found = [
        path
        for room in ROOMS
        for path in sorted((root / "pullsim" / room).rglob("*.py"))
        if path.name != "__init__.py" and path.relative_to(root / "pullsim").as_posix() not in LEFT_OUT
    ]
    return [*MODULES, *(path.relative_to(root).as_posix() for path in found)]


def compile_modules(root: Path, target: Path) -> None:
    """Compile all of them into extension modules below ``target``, unless that is done.

    ``root`` is the working directory. Types are checked elsewhere, with all that the project depends on.
    """
    from mypyc.build import mypycify  # noqa: PLC0415  # needed by this alone
    from setuptools import Distribution  # noqa: PLC0415
    from setuptools.command.build_ext import build_ext  # noqa: PLC0415

    sources = [__file__, *modules(root)]
    done = target / f"pullsim__mypyc{get_config_var('EXT_SUFFIX')}"  # they all have their code in it
    if done.exists() and done.stat().st_mtime > max(Path(source).stat().st_mtime for source in sources):
        return  # an installer asks twice: for the metadata, and for the files
    shutil.rmtree(target, ignore_errors=True)
    with tempfile.TemporaryDirectory() as scratch:
        extensions = mypycify(
            ["--config-file=", "--ignore-missing-imports", "--follow-imports=silent", *modules(root)],
            opt_level="3",
            group_name="pullsim",
            target_dir=scratch,
        )
        for extension in extensions:
            extension.extra_compile_args.append("-ffp-contract=off")  # every figure is that of the interpreter
        command = build_ext(Distribution({"name": "pullsim", "ext_modules": extensions}))
        command.build_lib = str(target)
        command.build_temp = scratch
        command.ensure_finalized()
        command.run()


class CompiledModules(BuildHookInterface[Any]):
    """Hatch's custom hook."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile before the files are collected."""
        root = Path(self.root)
        target = root / "build" / "compiled"
        compile_modules(root, target)
        for path in sorted(target.rglob("*.so")):
            place = path.relative_to(target)
            if version == "editable":
                shutil.copyfile(path, root / place)
            else:
                build_data["force_include"][str(path)] = place.as_posix()
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
