"""CRI-O's copies, with costs that make everything computable by hand; 1.36 unless a release is told."""

from __future__ import annotations

import pytest

from pullsim.cri import Auth
from pullsim.oci.catalog import Catalog
from pullsim.oci.manifest import Index
from pullsim.releases.crio import RELEASES
from pullsim.spec.credentials import DockerConfigEntry, Secret
from pullsim.spec.registry import AccessSpec, Account, Fault, Host
from tests.support.outcome import ended, fetches, layers, messages, pull, stages, whole
from tests.support.pipeline import PULLS, simultaneous
from tests.support.world import (
    AMD64,
    ARM64,
    FAR,
    HOST,
    NAME,
    RATE,
    UNIT,
    crio,
    image,
    layer,
    named,
    node,
    pod,
    registry,
    run,
    run_containerd,
    with_secrets,
)

ALL = pytest.mark.parametrize("version", [since for since, _ in RELEASES], ids=str)


def copy_alone(*content, version=(1, 36), source=None, **spec):
    costs = {key: spec.pop(key) for key in ("inflate", "metadata_write", "gzip", "stored") if key in spec}
    result = run_containerd({"a:1": image(*content)}, spec=node(crio(version, **costs), **spec), source=source)
    return result, pull(result, "a")


def expected_of(content, slots=6):
    """Ends of layers where the one that gets the next-needed layer keeps its slot while it commits."""
    fetch, work = zip(*content, strict=True)
    ends, unpacked = simultaneous(fetch, slots), 0.0
    for end, each in zip(ends, work, strict=True):
        unpacked = max(end, unpacked) + each
    return unpacked


# ---------------------------------------------------------------- one pull alone


@ALL
@pytest.mark.parametrize("content", [each for each in PULLS if len(each) <= 6])
def test_layers_are_committed_in_order_while_others_are_fetched(content, version):
    """Up to six layers have a slot each; E_i = max(F_i, E_{i-1}) + A_i."""
    result, record = copy_alone(*(layer(f"l{n}", *each) for n, each in enumerate(content)), version=version)
    assert record.ended == pytest.approx(expected_of(content))
    assert [each.fetched for each in layers(result, "a")] == pytest.approx(simultaneous([f for f, _ in content], 6))
    assert whole(record)
    assert (record.layers, record.layers_fetched) == (len(content), len(content))


def test_six_layers_at_a_time():
    result, record = copy_alone(*(layer(f"l{n}") for n in range(8)))
    requested = [each.requested for each in layers(result, "a")]
    assert requested == pytest.approx([0.0] * 6 + [6.0] * 2)
    assert record.ended == pytest.approx(8.0)


def test_the_one_that_commits_keeps_its_slot():
    """l0 is fetched at 7 and committed until 17 by the holder of its slot; the others' slots pass on at 7."""
    content = [layer("l0", 1, 10), *(layer(f"l{n}", 1) for n in range(1, 7)), layer("l7", 1)]
    result, _ = copy_alone(*content)
    found = layers(result, "a")
    assert [each.requested for each in found[6:]] == pytest.approx([6.0, 6.0])
    late = [layer("l0", 0.5, 10), *(layer(f"l{n}", 1) for n in range(1, 6)), layer("l6", 1), layer("l7", 1)]
    result, _ = copy_alone(*late)
    found = layers(result, "a")
    # l0 at 3.0 (six share the link), then it commits: only five are left, until 5.5 when they are all there
    assert found[0].fetched == pytest.approx(3.0)
    assert [each.requested for each in found[6:]] == pytest.approx([5.5, 5.5])
    assert found[0].unpack_ended == pytest.approx(13.0)


@pytest.mark.parametrize(
    ("fetch", "inflate", "fetched"),
    [(1.0, 0.5, 1.0), (1.0, 3.0, 3.0), (2.0, 2.0, 2.0)],
)
def test_a_layer_is_inflated_while_it_is_downloaded_and_again_to_be_unpacked(fetch, inflate, fetched):
    """Unpacked bytes of 3 s at RATE; the download ends when both are done."""
    result, record = copy_alone(layer("x", fetch, 3.0), inflate=3 * RATE / inflate)
    (only,) = result.layers
    assert only.committed == pytest.approx(fetched)
    assert record.ended == pytest.approx(fetched + 3.0)
    assert stages(record)["unpack_cpu"] == pytest.approx(record.ended - fetch)


def test_downloads_share_the_cores_with_each_other():
    """Three layers, 1 s of inflating each, on one core: 3 s, then 3 s of unpacking."""
    content = [layer(f"l{n}", 0.0, 1.0) for n in range(3)]
    _, record = copy_alone(*content, inflate=RATE, cores=1)
    assert record.ended == pytest.approx(6.0)


def test_there_is_no_fsync_of_a_blob_and_files_are_written_meanwhile():
    _, record = copy_alone(layer("x", 2.0, 1.0), fsync=5.0, write=RATE)
    assert record.ended == pytest.approx(3.0)
    _, record = copy_alone(layer("x", 2.0, 0.0), write=RATE / 2)
    assert stages(record) == {"download_egress": 2.0, "unpack_disk": 2.0}


@pytest.mark.parametrize(("version", "a_layer"), [((1, 35, 0), 3), ((1, 35, 1), 2)])
def test_records_of_blobs_layers_and_of_the_image_are_written_one_at_a_time(version, a_layer):
    """The location of each blob before its request; a layer's before it is applied (to 1.35.0) and twice afterwards;
    three documents, the image's record four times, and its name."""
    _, record = copy_alone(layer("x", 0.0), layer("y", 0.0), metadata_write=1.0, version=version)
    assert stages(record) == {"request": 2.0, "commit": a_layer * 2 + 3 + 4 + 1}


def test_the_last_of_the_first_six_asks_first():
    """Each request comes after a write of 1 s, and writes are made one at a time; later layers follow in order."""
    content = [layer(f"l{n}", 100) for n in range(8)]
    result, _ = copy_alone(*content, metadata_write=1.0)
    requested = [each.requested for each in layers(result, "a")]
    assert requested[:6] == pytest.approx([2.0, 3.0, 4.0, 5.0, 6.0, 1.0])
    assert requested[6] < requested[7]
    result, _ = copy_alone(*content[:3], metadata_write=1.0)
    assert [each.requested for each in layers(result, "a")] == pytest.approx([2.0, 3.0, 1.0])


# ---------------------------------------------------------------- requests


AUTHS = [  # auth, TLS, round trips of ping (and token) and of the second connection; then manifest and config
    ("none", False, 5),  # TLS that is refused: 2; connection, ping, connection
    ("none", True, 5),  # TCP and TLS, ping, TCP and TLS
    ("basic", False, 5),  # the ping's 401 is the challenge
    ("bearer", False, 7),  # and a connection to the token server, a token
    ("bearer", True, 8),
]


@pytest.mark.parametrize(("auth", "tls", "ping"), AUTHS)
def test_round_trips_of_a_cold_pull(auth, tls, ping):
    """One client for everything, and the ping's connection is not used again; the layer goes over the second one."""
    _, record = copy_alone(layer("x", 1, 2), source=registry(auth=auth, tls=tls, **FAR))
    assert stages(record) == {"resolve": ping + 2, "request": 1.0, "download_egress": 1.0, "unpack_cpu": 2.0}


@pytest.mark.parametrize(("version", "manifests", "round_trips"), [((1, 30), 1, 5 + 1), ((1, 31), 1, 5 + 2)])
def test_a_present_image_is_asked_for_with_a_get_of_its_manifest(version, manifests, round_trips):
    """To 1.30 that is compared with what is there; later the config is read too, and the layers are found there."""
    spec = node(crio(version), cached=[NAME])
    result = run_containerd(
        {"a:1": image(layer("x", 1, 2))}, [pod("p", NAME, policy="Always")], spec=spec, source=registry(**FAR)
    )
    assert stages(pull(result, "p")) == {"resolve": round_trips}
    (asked,) = result.registries
    assert (asked.heads, asked.manifests, asked.blobs) == (0, manifests, round_trips - 6)
    assert pull(result, "p").downloaded == 0


@pytest.mark.parametrize(("version", "manifests"), [((1, 28), 4), ((1, 31), 2)])
def test_to_1_30_manifests_are_read_twice(version, manifests):
    images = Catalog()
    images.add(NAME, Index.of([(AMD64, image(layer("x"))), (ARM64, image(layer("y")))], size=0))
    result = run_containerd(images, [pod("a", NAME)], spec=node(crio(version)))
    (asked,) = result.registries
    assert (asked.heads, asked.manifests, asked.blobs) == (0, manifests, 2)


def test_the_first_mirror_that_has_the_manifest_serves_all():
    """Unlike containerd, which begins again at the first host for every blob."""
    fault = Fault(status=503, of="blobs")
    mirror = registry("mirror.test", faults=(fault,))
    source = registry(mirrors=(Host("gone.test"), Host("mirror.test")))
    gone = registry("gone.test", images=())
    result = run([pod("a", NAME)], node(crio()), registries=[source, mirror, gone], images={"a:1": image(layer("x"))})
    assert pull(result, "a").cause == "serverError"
    assert {each.host: (each.manifests, each.blobs) for each in result.registries if each.manifests} == {
        "gone.test": (2, 0),
        "mirror.test": (2, 1),  # and one for the artifact
    }


# ---------------------------------------------------------------- what is shared


def test_equal_pulls_share_one_copy():
    images = {"a:1": image(layer("x", 1, 1), layer("y", 2, 1))}
    wanted = [pod("p", NAME), pod("q", NAME, at=0.5)]
    result = run_containerd(images, wanted, spec=node(crio()))
    assert ended(result) == {"p": pytest.approx(4.0), "q": pytest.approx(4.0)}
    assert stages(pull(result, "q")) == {"lock": 3.5}
    assert (pull(result, "q").downloaded, pull(result, "q").layers_fetched) == (0, 0)
    assert result.registries[0].manifests == 1


def test_pulls_with_other_credentials_do_not():
    access = AccessSpec((Account("u", "p"), Account("v", "p")), public=("*",))
    source = registry(auth="basic", access=access)
    secrets = tuple(Secret("default", name, (DockerConfigEntry(HOST, Auth(name, "p")),)) for name in "uv")
    wanted = [with_secrets(pod("p", NAME), "u"), with_secrets(pod("q", NAME), "v")]
    result = run_containerd({"a:1": image(layer("x", 1, 1))}, wanted, spec=node(crio()), source=source, secrets=secrets)
    assert set(fetches(result).values()) == {2}
    assert sum(each.downloaded for each in result.pulls) == 2 * UNIT


@pytest.mark.parametrize(("late", "downloads", "unpacks"), [(0.0, 2, 2), (3.0, 2, 1), (5.0, 1, 1)])
def test_a_shared_layer_is_downloaded_by_each_copy_until_it_is_committed(late, downloads, unpacks):
    """Nobody waits for another's download; base is committed at 4, and who has it later does not unpack it again."""
    base = layer("base", 2, 2)
    images = {"a:1": image(base, layer("x", 0.0)), "b:1": image(base, layer("y", 1))}
    wanted = [pod("a", NAME), pod("b", named("b:1"), at=late)]
    result = run_containerd(images, wanted, spec=node(crio()))
    assert fetches(result)["n-0", base.digest] == downloads
    unpacked = [each for each in result.layers if each.digest == base.digest and each.unpack_started is not None]
    assert len(unpacked) == unpacks


def test_a_layer_that_another_copy_has_committed_meanwhile_is_not_unpacked_again():
    """To 1.35.0 the second waits for the first's lock, and then finds it; from 1.35.1 both unpack."""
    base = layer("base", 1, 3)
    images = {"a:1": image(base), "b:1": image(base, layer("y", 0.0, 1))}
    unpacked = {}
    for version in ((1, 35, 0), (1, 35, 1)):
        result = run_containerd(images, spec=node(crio(version)))
        rows = [each for each in result.layers if each.digest == base.digest]
        unpacked[version] = sum(each.unpack_started is not None for each in rows)
    assert unpacked == {(1, 35, 0): 1, (1, 35, 1): 2}


@pytest.mark.parametrize(
    ("version", "applied", "ends"),
    [((1, 35, 0), [3.0, 5.0, 7.0], [7.0] * 3), ((1, 35, 1), [3.0] * 3, [3.0] * 3)],
)
def test_to_1_35_0_one_layer_is_applied_at_a_time_on_a_node_and_pulls_end_together(version, applied, ends):
    """Who has applied all his layers needs the lock once more, for the name, and comes after those who wait for it."""
    images = {f"{name}:1": image(layer(name, 1 / 3, 2)) for name in "abc"}
    result = run_containerd(images, spec=node(crio(version)))
    assert sorted(each.unpack_ended for each in result.layers) == pytest.approx(applied)
    assert sorted(ended(result).values()) == pytest.approx(ends)
    assert all(whole(each) for each in result.pulls)


def test_to_1_35_0_a_record_waits_for_the_layer_that_is_applied_and_a_name_for_those_that_wait():
    """Layers take 2 s each. All are there at 1: a's is applied until 3, b's until 5, c's until 7, 9 and 11.

    a's record waits for b's layer, and its name for c's first. b's record waits for that one too, and its name for c's
    second, which has asked before.
    """
    alone = {f"{name}:1": image(layer(name, 1 / 3, 2)) for name in "ab"}
    images = alone | {"c:1": image(layer("c", 1 / 3, 2), layer("d", 0.0, 2), layer("e", 0.0, 2))}
    result = run_containerd(images, spec=node(crio((1, 35, 0))))
    assert ended(result) == {"a": pytest.approx(7.0), "b": pytest.approx(9.0), "c": pytest.approx(11.0)}
    assert stages(pull(result, "a"))["lock"] == pytest.approx(4.0)


@pytest.mark.parametrize(("version", "requested"), [((1, 35, 0), 13.0), ((1, 35, 1), 5.5)])
def test_to_1_35_0_a_layer_is_not_asked_for_while_another_one_is_applied(version, requested):
    """l0 is fetched at 3.0, as six share the link, and applied until 13; the others' slots are free at 5.5."""
    content = [layer("l0", 0.5, 10), *(layer(f"l{n}", 1) for n in range(1, 6)), layer("l6", 1), layer("l7", 1)]
    result, record = copy_alone(*content, version=version)
    found = layers(result, "a")
    assert found[0].unpack_ended == pytest.approx(13.0)
    assert [each.requested for each in found[6:]] == pytest.approx([requested] * 2)
    assert record.ended == pytest.approx(15.0 if version == (1, 35, 0) else 13.0)
    assert whole(record)


def test_a_known_blob_on_top_of_others_is_copied_from_there():
    """No download, no inflating: the layer that has the content is read, 1 s, and applied once more, 1 s."""
    images = {"a:1": image(layer("x", 1, 1), layer("y", 2, 4)), "b:1": image(layer("w", 1, 2), layer("y", 2, 4))}
    wanted = [pod("a", NAME), pod("b", named("b:1"), at=100.0)]
    result = run_containerd(images, wanted, spec=node(crio(stored=4 * RATE)))
    assert [(each.position, each.source) for each in layers(result, "b")] == [(0, HOST), (1, "local")]
    assert pull(result, "b").ended == pytest.approx(100 + 1 + 2 + 1 + 1)
    assert pull(result, "b").downloaded == UNIT


# ---------------------------------------------------------------- sizes and space


def test_sizes_are_those_of_unpacked_layers():
    """The kubelet's event has them; the pull's record has compressed bytes for every runtime."""
    result = run_containerd({"a:1": image(layer("x", 1, 3), documents=(10, 5))}, spec=node(crio()))
    assert messages(result, "Pulled")[0].endswith(f"Image size: {3 * UNIT + 15} bytes.")
    assert pull(result, "a").size == UNIT + 15


def test_temporary_files_take_space_until_the_copy_ends():
    content = [layer("x", 1, 2), layer("y", 1, 2)]
    result = run_containerd({"a:1": image(*content)}, spec=node(crio(), size=100 * UNIT))
    (disk,) = result.disks
    assert (disk.peak, disk.used) == (6 * UNIT, 4 * UNIT)


@pytest.mark.parametrize(
    ("size", "ends", "text"),
    [
        (2, 2.0, 'storing blob to file "/var/tmp/container_images_storage1/1": write /var/tmp/'),
        (4, 4.0, 'adding layer with blob "{digest}": processing tar file(write '),
    ],
)
def test_a_full_disk(size, ends, text):
    """3 to download, 2 to unpack; what was there comes back at once."""
    x = layer("x", 3, 2)
    result = run_containerd({"a:1": image(x)}, spec=node(crio((1, 31)), size=size * UNIT), horizon=5.0)
    failed = pull(result, "a")
    assert (failed.cause, failed.ended) == ("noSpace", pytest.approx(ends))
    assert text.format(digest=x.digest) in failed.error
    assert result.disks[0].used == 0
