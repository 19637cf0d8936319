"""The paragraphs of ``scenarios/REFERENCE.md`` that are not generated: Markdown that `reference` inserts."""

from __future__ import annotations

from typing import Final

HEAD: Final = """\
# Scenario files: reference

<!-- Generated: python -m pullsim.results.reference > scenarios/REFERENCE.md -->

Every key, its unit, default and meaning; how `--set` names keys; when a run ends; what it writes.

- [By example](#by-example)
- Keys: [top level](#top-level), [`images`](#images), [`registries`](#registries), [`prices`](#prices),
  [`variation`](#variation), [`nodes`](#nodes), [`workloads`](#workloads), [units](#units)
- [`--set`](#--set)
- [When a run ends](#when-a-run-ends)
- [Files](#files): [`summary.json`](#summaryjson), [`pods.csv`](#podscsv), [`pulls.csv`](#pullscsv),
  [`layers.csv`](#layerscsv), [`removals.csv`](#removalscsv), [`rollouts.csv`](#rolloutscsv),
  [`departures.csv`](#departurescsv), [`joins.csv`](#joinscsv), [`prepulls.csv`](#prepullscsv),
  [`reads.csv`](#readscsv), [`traffic.csv`](#trafficcsv), [`caches.csv`](#cachescsv), [`peers.csv`](#peerscsv),
  [`status.csv`](#statuscsv), [`events.jsonl`](#eventsjsonl), [charts](#charts), [stages](#stages)
- [Exit codes](#exit-codes)

## By example

```yaml
version: 1
name: three-images
seed: 1
registries:
  - {host: docker.io, egress: 10Gbit/s, perConnection: 75MB/s, roundTrip: 20ms, auth: bearer}
nodes:
  - {name: workers, count: 3, nic: 5Gbit/s, cores: 4, disk: {write: 125MiB/s}, kubelet: {maxParallelImagePulls: 2}}
workloads:
  - {name: web, pods: {image: "nginx:1.12", count: 6}}
  - {name: db, pods: {image: "postgres:9.6"}, on: {node: workers-0001}}
  - {name: cache, pods: {image: "redis:3.2", count: 3}, at: 5s, deadline: 1m}
```

Only `nodes` is required. The file is YAML 1.2 (or JSON): `on` and `10:30` are text, versions are read as they are
written (`1.30` is not `1.3`), a key may stand only once, a key with `null` counts as absent, and an unknown key is an
error. Relative paths start at the file's directory. `pullsim schema` prints the JSON Schema, for editors.
"""

PLACEMENT: Final = """\
`spread` gives a pod to the node with the fewest pods, `pack` to the one with the most, among those that the filters
leave ([where pods go](#where-pods-go)).
"""

VARIATION: Final = """\
Each seed draws a cluster; see [docs/variation.md](../docs/variation.md). A spread is the standard deviation of a
natural logarithm: with 0.1 two in three are within a tenth of the figure.

"""

UNITS: Final = """\
## Units

| type | written as | in tables and `summary.json` |
|---|---|---|
| size | `30MB`, `900kB`, `10GiB`, or as Kubernetes has it `10Gi`, `500M`; a bare number is bytes | bytes |
| rate | bits `10Gbit/s`, `10Gbps`, `800Mbit/s`, or bytes `90MB/s`, `128MiB/s`; the unit is required | bytes/s |
| duration | as Go has it: `250ms`, `10s`, `5m0s`, `1.5h`, `54µs`; the unit is required but for `0` | seconds |
| amounts | by resource: `{cpu: 15500m, memory: 60GiB, nvidia.com/gpu: 1}`, in the quantities of Kubernetes | |
| frequency | `4/s`, `10/min`, `0.1/h`, `2/d` | per second |
| price | `0.09/GB`, `90/TB` | per byte |
| version | `"1.35"`, `2.1`, or with a patch `v1.35.2`, `v1.35.1+k3s1`; without one the newest known patch | text |
| platform | `linux/amd64`, `linux/arm64/v8` | text |
| name | lower-case letters, digits, `-` and `.`, as Kubernetes has it | text |

`k`, `M`, `G`, `T` are powers of 1000, `Ki`, `Mi`, `Gi`, `Ti` of 1024.
"""

AUTOSCALE: Final = """\
### Autoscaled pools

Nodes are asked for when pods are pending: the scheduler tries them, those with the largest requests first, on the nodes
that there are, on those on their way (with their DaemonSets' pods on them), and what fits nowhere on a new node of the
first pool of the file that it fits. Pods that must be spread (`DoNotSchedule`) get nodes in each of the pools' zones,
and over hostnames as many as it takes, as Karpenter has it; with `scanInterval` only the nodes that there are and that
come count. What pods merely prefer (`ScheduleAnyway`, preferred affinity) asks for no nodes, though Karpenter first
takes it as required. The new nodes join after `autoscale.boot`, `joins.csv` lists them. A run does not end while pods
wait for a node that is on its way, and does not wait for empty nodes to leave.

An empty node leaves after `consolidateAfter`. With the policy WhenEmptyOrUnderutilized so does, one in 10 s, a node
whose pods fit on the others that are ready, and the pods begin anew there. `departures.csv` has both, with the reason,
the pods that a node took along and their pulls. Budgets (Karpenter's and PodDisruptionBudgets), the annotation
do-not-disrupt, prices and a choice between instance types are not simulated.
"""

DISK: Final = """\
### Disk space

With `disk.size` a node's disk can fill up: compressed blobs (with CRI-O, while their image is copied) and unpacked
layers count, and `disk.used` for the rest; layers that images share count once. A download or an unpacking claims its
space when it begins; one that finds too little goes on until the disk is full, and then the pull fails with `no space
left on device` (cause `noSpace`). What a failed pull leaves is collected 0.245 s later, with or without a size: the
next attempt fetches it again.

The kubelet looks every 5 minutes from the node's join, and removes unused images, least recently used first, when the
disk is used beyond `imageGCHighThresholdPercent`. Images of containers, exited ones too, are in use. It counts
compressed sizes (with CRI-O unpacked ones), also of layers that stay for other images, so what it counts is not what
comes back. With less free
than `evictionHard` (looked at every 10 s) the node has the condition DiskPressure and gets no pods; the kubelet removes
exited containers and all unused images, then, while that is not enough, evicts a pod at a look, the one bound last
first. Evicted and deleted pods are not replaced.
"""

WORKLOADS: Final = """\
Pods are named as their workload when they are alone, else `NAME-00000`, `NAME-00001`, …; those of a workload without a
name `w0-00000`, after its index; of a StatefulSet `NAME-0`; of a DaemonSet `NAME-NODE`.

A `manifest` has Pods, Deployments, ReplicaSets, StatefulSets, DaemonSets, Jobs and CronJobs, and what they need:
RuntimeClasses, PriorityClasses, Secrets and ServiceAccounts, in YAML documents, JSON or a List. Other kinds with a pod
template (Rollout, JobSet, LeaderWorkerSet, whatever an operator takes) have pods as a ReplicaSet has, with a warning;
all others are left out, with a warning that counts them by kind, and so are pods of a dump that no controller wants
(succeeded, failed, terminating and static ones) and, without a warning, objects whose owner is in the file too
(`pullsim validate -v` lists them all). Pods with the `nodeName` of a node that the scenario lacks, as those of
`kubectl get pods -A -o json`, go where the scheduler puts them, with one warning. A file of Events, Nodes or image
manifests, in which nothing has pods, is an error that says where it goes. A CronJob needs a horizon; a run begins on a
Monday, 1 January, at midnight. Of a pod count its containers' names, images, `imagePullPolicy`, `restartPolicy` and
probes, `imagePullSecrets`, `serviceAccountName`, and what decides [its node](#where-pods-go); what else could change
where or how a pod starts is a warning. An annotation of the pod says how long its init containers run:
`pullsim.io/run: "migrate=5s,wait=10s"`. In a Job's pods it may name all containers: such a pod completes, frees its
place, and others follow until the Job has its completions. Without that a Job has the pods that it begins with.

A `trace` of [SimKube](https://simkube.dev) (version 2; extra `pullsim[simkube]`) has objects that were applied and
deleted over time, from its first event on: see [what becomes of them](../docs/import.md#traces-of-simkube).

A pod has *started* when all its containers run, and is *ready* `startup.ready` later; the sandbox (`startup.sandbox`)
comes before its first pull, the start of a container (`startup.container`) after each. These are given durations, 0 by
default: nothing on the node makes them longer. Deadlines count until the start; controllers, ordered StatefulSets too,
wait until a pod is ready, and has been for `minReadySeconds`. How long a pod takes to be ready is not in a manifest: no
container is before the `initialDelaySeconds` of its readiness and startup probes, so the longest of them counts from
the pod's start, with a warning, where the workload has no `startup.ready`. `kubectl`'s READY counts a pod's regular
containers when the pod is ready.
"""

NODES_OF_PODS: Final = """\
### Where pods go

Read are, of manifests and of `pods` and `pod` alike:

| of a pod | how |
|---|---|
| `resources` | summed as the scheduler does: requests or limits; init containers, sidecars, `overhead` |
| `nodeName`, `nodeSelector`, `affinity` | all; of `namespaceSelector` the names of namespaces, or an empty one |
| `topologySpreadConstraints` | all fields |
| `tolerations` | against `taints` of pools, and those of nodes that are not ready or short of disk |
| `ports` | `hostPort`, and with `hostNetwork` all |
| `priority`, `priorityClassName` | the system's two classes, and PriorityClasses of any manifest, `globalDefault` too |
| `runtimeClassName` | the handler, `overhead` and `scheduling` of the RuntimeClass |
| labels | its own, and those of its controller: `pod-template-hash`, `controller-revision-hash`, `job-name` |

A node has the labels `kubernetes.io/hostname`, `kubernetes.io/os` and `kubernetes.io/arch` (those with `beta.` too),
`topology.kubernetes.io/zone` with `zones`, `node.kubernetes.io/instance-type` with a built-in preset,
`pullsim.io/pool` with the name of its pool, and the pool's `labels`. `on` stands above `nodeName`, `nodeSelector` and
required node affinity.

With warnings:

- A label that a manifest asks for and no node has is left out: the scenario does not tell its nodes apart so. What a
  scenario itself asks for holds, and pods that fit on no node, not even an empty one, start nowhere.
- A resource beyond cpu, memory and `ephemeral-storage` that no pool declares is given to each node, as much as one pod
  requests at the most. If one pool declares it, the others have none.
- What pods prefer asks for no nodes of [autoscaled pools](#autoscaled-pools).
- Preemption is not simulated, where pods of a higher priority come later and all pods want more than all nodes have.
- Volumes (claims) restrict nothing, other schedulers place as the default one does, pods with `schedulingGates` wait
  for ever, and those of a PriorityClass that no manifest has are of the default priority. ResourceQuotas, LimitRanges,
  `resourceClaims` and `tolerationSeconds` have no effect.

The rules are those of kube-scheduler 1.35 with its default profile. Of nodes with equal scores a pod gets the one with
the fewest pods, then the one that joined first, where the scheduler chooses at random; all nodes are scored, in large
clusters too; Services are no reason to spread pods. A pod that fits nowhere is tried again at once when a node joins,
is ready or loses a taint, or when a pod is gone: from 1.33 on its back-off does not hold it up while no other pod
waits. A pod that comes with a node has that node, and waits there for room, where a kubelet would refuse it.
"""

CREDENTIALS: Final = """\
For an image the kubelet tries, one after the other and each with a pull of its own: what fits of the pod's secrets, of
the node's `dockerConfig`, of the answers of its credential providers. Only when nothing fits is the pull anonymous, or
with what the runtime has of its own (`registry.configs` in `config.toml`, headers in `hosts.toml`).
`pullsim explain-credentials IMAGE --config FILE` says what fits and why.

A registry with `credentials` or `allow` is private. It answers 401 to who shows nothing, or what it does not know; with
`auth: basic` it answers 403 to a known user who may not pull from the repository, or whose password has expired.
"""

SET: Final = """\
## `--set`

`--set KEY=VALUE`, as often as wanted, later ones over earlier ones and all of them over the file. A key is a path with
dots; an entry of a list goes by its name, host or image in brackets, or by its index; `*` is all of them. A key that
has dots itself goes in brackets too: `nodes[*].allocatable[nvidia.com/gpu]=2`. The value is YAML, `null` unsets. Quote
brackets and `*` for the shell.

```
--set seed=7
--set kubelet.maxParallelImagePulls=8                 # short for nodes[*].kubelet.…
--set 'nodes[workers].disk.write=250MiB/s'
--set 'nodes[*].nic=25Gbit/s'
--set 'registries[docker.io].egress=10Gbit/s'         # added when the file does not list the host
--set 'registries[docker.io].perConnection=unlimited'
--set 'workloads[web].pods.count=200'
--set 'images.define[example.com/team/app:v3].layers=[{size: 30MB}, {size: 900kB}]'
```
"""

END: Final = """\
## When a run ends

With a `horizon`, there: what happens at that instant is recorded.

Without one, when no pod is still starting or becoming ready. A pod whose last attempt failed does not count as starting
once that attempt began after the last change of the world: the end of a fault, a tag that moves, an image that is
removed, a node that joins, a pod that is created or deleted; what it tries after that changes nothing. A pull without
space may succeed as long as garbage collection, deletions and evictions still change the node: until nothing has come
or gone for ten minutes and the ages and periods of its KubeletConfiguration. 24 hours of simulated time are the most.
`ended` in `summary.json` says which it was: `horizon`, `settled`, `limit` or `interrupted`.

A pod that has not started by then has its time until the end of the run in the tables; in percentiles it is later than
all others ([what p99 means here](../docs/percentiles.md)).

What a run takes is estimated before it begins, from nodes, pods, layers, departures and failing pulls over the horizon:
`pullsim validate` prints it, and commands that run say so when it is more than 10 s or 2 GB. What would not fit into
the machine's memory, or take more than 24 hours of CPU time, is refused before anything of it is made, unless `--force`
is given. A scenario file has 10 MB and 500,000 values at the most.
"""

CELLS: Final = """\
`--table-formats parquet` (extra `pullsim[parquet]`) writes the tables as `pods.parquet` and so on in place of the CSV
files, `csv,parquet` both: the same rows, columns and numbers, with types, in groups of 100,000 rows. Of each kind of
rows the first 131,072 are kept in memory while a run goes on, and the others in a file without a name in `DIR`, from
which tables are written: so the memory of a run with `--out` does not grow with its rows. Nothing of that file is left,
whatever ends the process.

Instants end in `_at` and are seconds since the start of the run; durations end in `_s`; sizes are bytes. A missing
value is an empty cell, or `null`. The same scenario, seed and version give the same bytes, pictures excepted.

A cell of CSV that is text and begins with `=`, `+`, `-`, `@` or a tab has an apostrophe before it, so that no
spreadsheet takes it for a formula; numbers stay numbers. Drop it to get the text, as `pullsim fit` does. Control
characters are written as `\\x1b` in CSV and by JSON's escapes in JSON; Parquet has texts as they are.
"""

EXIT_CODES: Final = """\
## Exit codes

| code | meaning |
|---|---|
| 0 | done; pods that never started do not change it |
| 1 | an assertion failed; the files are written |
| 2 | the input is wrong; nothing is written, and each mistake is a line with file, line, column, value and rule |
| 70 | a bug of pullsim |
| 130 | interrupted (Ctrl-C); 143 by SIGTERM, 129 by SIGHUP: within a second, and the last line says what was kept |
"""
