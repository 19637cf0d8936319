"""The build hook that compiles the simulated side with mypyc, where HATCH_BUILD_HOOK_ENABLE_CUSTOM asks for it.

The modules stay plain Python: without the hook nothing of this is needed. An editable install gets its extension
modules beside the sources, where Python prefers them; a wheel gets them in their place.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from copy import copy
from multiprocessing.pool import ThreadPool
from pathlib import Path
from sysconfig import get_config_var
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from mypy.version import __version__ as mypy_version
from mypyc.build import mypycify
from setuptools import Distribution, Extension
from setuptools.command.build_ext import build_ext

ROOMS = ("kernel", "network", "hardware", "kubelet", "registry", "runtime")
#: Outside of the rooms, what runs or is read for each pod. The rest is used once for a node, and would gain nothing.
MODULES = (
    "pullsim/cluster/controllers/controller_manager.py",
    "pullsim/cluster/node.py",
    "pullsim/cluster/pod_lifecycle.py",
    "pullsim/cluster/quiescence.py",
    "pullsim/cluster/scheduler/changes.py",
    "pullsim/cluster/scheduler/filters.py",
    "pullsim/cluster/scheduler/node_info.py",
    "pullsim/cluster/scheduler/placement.py",
    "pullsim/cluster/scheduler/scheduler.py",
    "pullsim/cluster/scheduler/scheduling_queue.py",
    "pullsim/cluster/scheduler/signature.py",
    "pullsim/cluster/scheduler/tally.py",
    "pullsim/column_packer.py",
    "pullsim/cri.py",
    "pullsim/oci/manifest.py",
    "pullsim/oci/platform.py",
    "pullsim/oci/reference.py",
    "pullsim/releases/containerd.py",
    "pullsim/releases/crio.py",
    "pullsim/row_appender.py",
    "pullsim/span_columns.py",
    "pullsim/spec/cluster.py",
    "pullsim/spec/credential_url.py",
    "pullsim/spec/credentials.py",
    "pullsim/spec/eviction_thresholds.py",
    "pullsim/spec/hardware.py",
    "pullsim/spec/hosts.py",
    "pullsim/spec/kubelet.py",
    "pullsim/spec/pod.py",
    "pullsim/spec/registry.py",
    "pullsim/spec/runtime.py",
    "pullsim/spec/scheduling.py",
    "pullsim/spec/selectors.py",
    "pullsim/spec/startup.py",
    "pullsim/spec/stored_image.py",
    "pullsim/spec/unpack.py",
    "pullsim/time_line.py",
    "pullsim/units.py",
)
LEFT_OUT = {
    "kubelet/images/policy.py",  # users may derive classes from its protocol
    "runtime/fixed/server.py",  # little to do
}

#: Every figure is that of the interpreter, also where the processor multiplies and adds in one step, with one rounding
#: (Microsoft's compiler does not join the two unless it is asked to); calls between the modules are direct.
FLAGS = ("-ffp-contract=off", "-fvisibility=hidden")
#: GCC learns from a run which ways through the code are taken; what the run does not reach is compiled as ever.
COUNTING = ("-fprofile-generate",)
COUNTED = ("-fprofile-use", "-fprofile-partial-training", "-fprofile-correction", "-Wno-missing-profile")
TRAINING = "benchmarks/speed/training.py"
#: Set by those who change the sources and compile often: the same modules in half of the time, which run slower.
UNTRAINED = "PULLSIM_UNTRAINED"


def modules(root: Path) -> list[str]:
    """Return the modules that are compiled, relative to the root of the project."""
    found = [
        path
        for room in ROOMS
        for path in sorted((root / "pullsim" / room).rglob("*.py"))
        if path.name != "__init__.py" and path.relative_to(root / "pullsim").as_posix() not in LEFT_OUT
    ]
    return [*MODULES, *(path.relative_to(root).as_posix() for path in found)]


class ParallelBuild(build_ext):
    """Compiles the C files of an extension side by side: each module is one, and a compiler has one core."""

    def build_extensions(self) -> None:
        """Compile and link all extensions; where the compiler is no Unix one, which is not made for this, in turn."""
        if self.compiler.compiler_type == "unix":
            compile_in_turn = self.compiler.compile

            def compile_all(sources: list[str], **options: Any) -> list[str]:
                with ThreadPool(os.cpu_count()) as pool:  # the threads wait for the compiler's processes
                    made = pool.map(lambda source: compile_in_turn([source], **options), sources, chunksize=1)
                return [path for paths in made for path in paths]

            self.compiler.compile = compile_all
        super().build_extensions()


def digest_of(root: Path, *, trained: bool) -> str:
    """Return the digest of what the extension modules are made from: sources, the compiler's version, this file."""
    made_of = hashlib.sha256(f"{mypy_version} {get_config_var('EXT_SUFFIX')} {trained}".encode())
    for name in ("hatch_build.py", TRAINING, *modules(root)):
        made_of.update(name.encode() + hashlib.sha256((root / name).read_bytes()).digest())
    return made_of.hexdigest()


def compile_modules(root: Path, target: Path) -> None:
    """Compile all of them into extension modules below ``target``, unless that is done.

    ``root`` is the working directory. Types are checked elsewhere, with all that the project depends on.
    """
    trained = _can_train()
    done, digest = target / "digest.txt", digest_of(root, trained=trained)
    if done.exists() and done.read_text(encoding="ascii") == digest:
        return  # an installer asks twice, for the metadata and for the files; so does who builds a wheel and installs
    shutil.rmtree(target, ignore_errors=True)
    with tempfile.TemporaryDirectory() as scratch:
        extensions = mypycify(
            ["--config-file=", "--ignore-missing-imports", "--follow-imports=silent", *modules(root)],
            opt_level="3",
            debug_level="0",
            multi_file=True,
            group_name="pullsim",
            target_dir=scratch,
        )
        for extension in extensions:
            extension.extra_compile_args += () if sys.platform == "win32" else FLAGS
        if trained:
            counting = Path(scratch, "counting")
            _build(extensions, COUNTING, counting, scratch)
            _train(root, counting)
            _build(extensions, COUNTED, target, scratch)
        else:
            _build(extensions, (), target, scratch)
    done.write_text(digest, encoding="ascii")


def _can_train() -> bool:
    """Whether the compiler can learn from a run, as GCC can, and nobody wants the modules sooner."""
    if not sys.platform.startswith("linux") or os.environ.get(UNTRAINED):
        return False
    command = [*os.environ.get("CC", get_config_var("CC")).split(), "--version"]
    asked = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603  the compiler
    return "Free Software Foundation" in asked.stdout


def _build(extensions: list[Extension], flags: tuple[str, ...], target: Path, scratch: str) -> None:
    """Compile and link the extensions with some more flags, into ``target``.

    Object files get the same places in ``scratch`` each time: beside them lies what a run has counted.
    """
    made = [copy(extension) for extension in extensions]
    for extension in made:
        extension.extra_compile_args = [*extension.extra_compile_args, *flags]
        extension.extra_link_args = [*extension.extra_link_args, *flags]
    command = ParallelBuild(Distribution({"name": "pullsim", "ext_modules": made}))
    command.build_lib, command.build_temp, command.force = str(target), scratch, True
    command.ensure_finalized()
    command.run()


def _train(root: Path, counting: Path) -> None:
    """Run the workloads with the modules that count; they write what they have counted when the process ends."""
    shutil.copytree(root / "pullsim", counting / "pullsim", dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.so"))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(counting), str(root)))}
    command = [sys.executable, "-P", str(root / TRAINING)]
    subprocess.run(command, check=True, cwd=counting, env=environment)  # noqa: S603  this interpreter


class CompiledModules(BuildHookInterface[Any]):
    """Hatch's custom hook."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile before the files are collected."""
        root = Path(self.root)
        target = root / "build" / "compiled"
        compile_modules(root, target)
        for path in sorted(target.rglob(f"*{get_config_var('EXT_SUFFIX')}")):
            place = path.relative_to(target)
            if version == "editable":
                shutil.copyfile(path, root / place)
            else:
                build_data["force_include"][str(path)] = place.as_posix()
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
