"""Small files of nodes' settings in the forms that their owners write, beside those of whole clusters."""

from __future__ import annotations

import gzip
from base64 import b64encode

_PACKED = b64encode(gzip.compress(b"kind: KubeletConfiguration\nregistryBurst: 30\n", mtime=0)).decode()
SETTINGS = {
    "registries.conf": """unqualified-search-registries = ["docker.io"]
[[registry]]
prefix = "quay.io"
location = "quay.io"
[[registry.mirror]]
location = "mirror.example.com/quay"
insecure = true
[[registry]]
location = "*.example.com"
""",
    "hosts.toml": """server = "https://registry-1.docker.io"
[host."http://mirror.example.com:5000"]
  capabilities = ["pull", "resolve"]
""",
    "machine-config.yaml": """apiVersion: machineconfiguration.openshift.io/v1
kind: MachineConfig
metadata: {name: 99-worker-generated-kubelet, labels: {machineconfiguration.openshift.io/role: sys}}
spec:
  config:
    storage:
      files:
        - path: /etc/kubernetes/kubelet.conf
          contents: {source: "data:,kind%3A%20KubeletConfiguration%0AregistryPullQPS%3A%2020%0A"}
        - path: /etc/kubernetes/other/kubelet.conf
          contents:
            compression: gzip
            source: "data:;base64,"""
    + _PACKED
    + """"
""",
    "mirrors.yaml": """apiVersion: config.openshift.io/v1
kind: ImageDigestMirrorSet
metadata: {name: mirrors}
spec: {imageDigestMirrors: [{source: quay.io, mirrors: [mirror.example.com/quay]}, {source: "*.io", mirrors: [m.io]}]}
""",
    "kubelet-config.yaml": """apiVersion: v1
kind: ConfigMap
metadata: {name: kubelet-config, namespace: kube-system}
data: {kubelet: "kind: KubeletConfiguration\\nserializeImagePulls: false\\nmaxParallelImagePulls: 4\\n"}
""",
    "gke.yaml": """kubeletConfig: {maxParallelImagePulls: 5, imageGcHighThresholdPercent: 80}
linuxConfig: {cgroupMode: CGROUP_MODE_V2}
""",
    "bottlerocket.toml": """[settings.kubernetes]
registry-qps = 10
max-pods = 50
[settings.kubernetes.node-labels]
pool = "sys"
[settings.container-runtime]
max-concurrent-downloads = 4
[[settings.container-registry.mirrors]]
registry = "docker.io"
endpoint = ["https://mirror.example.com"]
[[settings.container-registry.credentials]]
registry = "registry.example.com"
username = "u"
password = "p"
""",
    "user-data.txt": """MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="//"

--//
Content-Type: text/x-shellscript; charset="us-ascii"

#!/bin/bash
/etc/eks/bootstrap.sh c --kubelet-extra-args '--max-pods=30 --registry-qps=0 --node-labels=pool=sys'
--//
Content-Type: application/node.eks.aws

apiVersion: node.eks.aws/v1alpha1
kind: NodeConfig
spec:
  kubelet: {config: {maxParallelImagePulls: 8}, flags: ["--node-labels=a=sys"]}
  containerd: {config: "[plugins.'io.containerd.cri.v1.images']\\nmax_concurrent_downloads = 6\\n"}
  instance: {localStorage: {strategy: RAID0}}
--//--
""",
    "watch.json": """{"type": "ADDED", "object": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"},
 "spec": {"containers": [{"name": "c", "image": "nginx:1.25"}]}}}
{"type": "DELETED", "object": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "b"},
 "spec": {"containers": [{"name": "c", "image": "nginx:1.25"}]}}}
""",
}
