"""Files with the credentials of ci at reg.example.com, and a plugin's configuration."""

from __future__ import annotations

import json
from base64 import b64encode

from pullsim.formats.kubernetes.objects import read_objects

PROVIDER = {
    "name": "plugin",
    "matchImages": ["*.example.com"],
    "defaultCacheDuration": "12h",
    "apiVersion": "credentialprovider.kubelet.k8s.io/v1",
}


def config(*providers, version="v1", **more):
    return {
        "apiVersion": f"kubelet.config.k8s.io/{version}",
        "kind": "CredentialProviderConfig",
        "providers": [*providers],
        **more,
    }


DOCKER = {"auths": {"reg.example.com": {"auth": b64encode(b"ci:p").decode()}}}


SECRET = {"kind": "Secret", "metadata": {"name": "regcred"}, "type": "kubernetes.io/dockerconfigjson"}


def manifest(tmp_path, *objects, namespace="default"):
    file = tmp_path / "objects.yaml"
    file.write_text("\n---\n".join(json.dumps(each) for each in objects))
    return read_objects(file, namespace)
