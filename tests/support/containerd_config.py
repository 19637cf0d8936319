"""Heads of a config.toml in its versions, and how one is read as a release of containerd does."""

from __future__ import annotations

from pullsim.formats.containerd.config import read_runtime_config
from pullsim.releases.containerd import CONTAINERD

V2 = 'version = 2\n[plugins."io.containerd.grpc.v1.cri"]\n'
V2_INNER = 'version = 2\n[plugins."io.containerd.grpc.v1.cri".containerd]\n'
V3 = "version = 3\n[plugins.'io.containerd.cri.v1.images']\n"
TRANSFER = "\n[plugins.'io.containerd.transfer.v1.local']\n"
OVERLAYFS = "\n[plugins.'io.containerd.snapshotter.v1.overlayfs']\n"
V2_REGISTRY = '[plugins."io.containerd.grpc.v1.cri".registry'
V3_REGISTRY = "[plugins.'io.containerd.cri.v1.images'.registry"


def read_as(path, version):
    return read_runtime_config(path, CONTAINERD.resolve(version))


def read_text(directory, text, version=(2, 1)):
    (directory / "config.toml").write_text(text)
    return read_as(directory / "config.toml", version)


V2_RUNTIMES = '[plugins."io.containerd.grpc.v1.cri".containerd.runtimes'
V3_RUNTIMES = "[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes"
