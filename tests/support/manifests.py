"""Files of Kubernetes objects, and scenarios with them."""

import json

from pullsim.formats.kubernetes.objects import read_objects
from pullsim.scenario import from_mapping

FIXED = {"name": "n", "count": 2, "runtime": {"fixed": {}}}


def pod(containers=None, **spec):
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p"},
        "spec": {"containers": containers or [{"name": "c", "image": "x:1"}], **spec},
    }


def with_template(kind, name="d", metadata=None, template=None, **spec):
    own = pod()
    template = template or {"metadata": {}, "spec": own["spec"]}
    return {"kind": kind, "metadata": {"name": name, **(metadata or {})}, "spec": {"template": template, **spec}}


def read(tmp_path, *objects):
    path = tmp_path / "objects.yaml"
    path.write_text("\n---\n".join(json.dumps(entry) for entry in objects))
    return read_objects(path)


def built(tmp_path, *objects, **scenario):
    return assembled(tmp_path, *objects, **scenario).cluster


def assembled(tmp_path, *objects, nodes=None, workload=None, more=(), **scenario):
    read(tmp_path, *objects)
    mapping = {
        "nodes": nodes or [FIXED],
        "workloads": [{"manifest": "objects.yaml", **(workload or {})}, *more],
        **scenario,
    }
    return from_mapping(mapping, directory=tmp_path).assemble()
