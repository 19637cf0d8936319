"""Whatever is in a file, its reader reads it or raises an error of ours; `python -m tests.readers` tries many more."""

from __future__ import annotations

from random import Random

import pytest

from tests.readers.readers import READERS, readers
from tests.readers.trials import check

FEW, MANY = 6, 100


#: By reader: what it reads in its first form, among much else.
SEEN = {
    "YAML": "'kind': 'Deployment', 'metadata': {'name': 'shop'",
    "JSON documents": "'pull_s': 3.2",
    "JSON lines": "(2, {'image': 'redis:3.2'",
    "TOML": "('conf.d/*.toml',)",
    "scenario": "Platform(os='linux', architecture='amd64', variant=''), max_pods=50",
    "study": "Knob(key='nodes[workers].nic', values=('1Gbit/s', '10Gbit/s'))",
    "times of pods": "[0.0, 1.5, 2.0, 60.0]",
    "KubeletConfiguration": "max_parallel_image_pulls=4, registry_pull_qps=10",
    "Kubernetes objects": "PodGroup(kind='Deployment', name='shop', namespace='shop'",
    "trace of SimKube": "image='example.com/web:v1'",
    "config of containerd": "max_concurrent_downloads=5",
    "hosts of containerd": "HostSpec(host='mirror.example.com:5000', scheme='https', path='/v2/mirror'",
    "docker config": "username='user', password='word'",
    "credential files": "key='registry.example.com', username='user', patterns=(), attempt=1",
    "credential providers": "match_images=('*.example.com', 'registry.example.com:443/team')",
    "secrets in files": '"password": "secret-2"',
    "images": "an image's config",
    "directory of images": "docker.io/library/crane-manifest-wordpress-index:latest",
    "catalogue": "registry.example.com/team/multi:v1",
    "files of a cluster": "# Written by `pullsim init` from nodes.json, pods.json.",
    "measured pulls": "ObservedPull(image='nginx:1.12', seconds=3.2, size=44000000, node='n1'",
    "runs of a study": "seconds=array('d', [1.0, 2.0]), never=1",
    "baseline": "{'small': {'end': 1.5, 'pods.total': 3",
    "results": "'images.define[example.com/app:v1].layers[0].size': '3MB'",
    "pods of a run": "node='workers-0000', namespace='default', pod='web-00000'",
}


@pytest.mark.parametrize("name", READERS)
def test_files_as_they_are_are_read(name):
    """Else their changes would find the same mistake for ever."""
    first, *others = map(repr, readers()[name].read_forms(FEW))
    assert SEEN[name] in first
    assert first not in others


@pytest.mark.parametrize("name", READERS)
def test_changed_files_are_read_or_refused(name):
    check(readers()[name], FEW)


@pytest.mark.long
@pytest.mark.parametrize("name", READERS)
def test_all_forms_are_read(name):
    """What is read of each is something else: a file that nothing looked at would be no form."""
    read = [repr(each) for each in readers()[name].read_forms()]
    assert len(set(read)) == len(read)


@pytest.mark.long
@pytest.mark.parametrize("name", READERS)
def test_many_changed_files_are_read_or_refused(name):
    check(readers()[name], MANY)


def test_changes_reach_every_form():
    """A third of the changed files, at least, is none of the forms, and none is lost."""
    reader, random = readers()["KubeletConfiguration"], Random(1)
    drawn = [reader.drawn(random) for _ in range(60)]
    assert all(files.keys() == reader.forms[0].keys() for files in drawn)
    assert sum(files not in reader.forms for files in drawn) > 20
