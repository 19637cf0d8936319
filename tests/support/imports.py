"""Imports of a few objects, as the tests of `pullsim init` make them."""

from pathlib import Path

import yaml

from pullsim.importer.draft import Question
from pullsim.importer.importing import import_cluster
from pullsim.inputs.document import parse_document
from pullsim.scenario.file.reader import from_document


def scenario_of(text):
    return from_document(parse_document(text, "scenario.yaml"), Path())


def tree_of(*files):
    return yaml.safe_load(import_cluster(map(str, files), Question.rollout)[0])


def node(name, runtime, images, **labels):
    info = {
        "kubeletVersion": "v1.31.0",
        "containerRuntimeVersion": runtime,
        "architecture": "amd64",
        "operatingSystem": "linux",
    }
    status = {"nodeInfo": info, "images": [{"names": names, "sizeBytes": size} for names, size in images]}
    return {"kind": "Node", "metadata": {"name": name, "labels": labels}, "status": status}


def cluster_of_two_pools(*pods):
    nodes = [node(f"{pool}-{n}", "containerd://1.7.0", [], pool=pool) for pool in "ab" for n in range(2)]
    return {"kind": "List", "items": [*nodes, *pods]}
