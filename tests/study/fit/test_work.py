"""What a pull had to do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullsim.oci.catalog import Catalog
from pullsim.oci.manifest import Layer, Manifest, synthetic_digest
from pullsim.study.fit import fit_pulls, work
from pullsim.study.fit.observed import Observed, ObservedPull

BASE = Layer.of(synthetic_digest("base"), 30_000_000)
OWN = {name: Layer.of(synthetic_digest("own", name), 10_000_000) for name in "abcdefgh"}


def catalog() -> Catalog:
    made = Catalog()
    for name, layer in OWN.items():
        made.add(f"r.test/{name}:1", Manifest.of([BASE, layer]))
    return made


def pulls(*spans: tuple[str, str, float, float]) -> Observed:
    return Observed(
        [ObservedPull(f"r.test/{image}:1", end - begin, None, node, begin, end) for image, node, begin, end in spans]
    )


def test_layers_of_earlier_pulls_on_the_node_are_not_fetched_again() -> None:
    found = work.work_of(
        pulls(("b", "n1", 20, 30), ("a", "n1", 0, 10), ("b", "n2", 20, 30), ("a", "n1", 40, 41)), catalog()
    )
    assert {(w.pull.node, w.pull.image[7], w.size // 10**6) for w in found} == {
        ("n1", "a", 40), ("n1", "b", 10), ("n2", "b", 40), ("n1", "a", 0),
    }  # fmt: skip


def test_sharers_are_the_nodes_that_download_beside_a_pull() -> None:
    found = work.work_of(pulls(("a", "n1", 0, 10), ("a", "n2", 5, 15), ("a", "n3", 100, 110)), catalog())
    assert [w.sharers for w in found] == [1.5, 1.5, 1.0]


def test_pulls_beside_others_on_their_node_are_left_out_if_enough_are_left() -> None:
    alone = [("a", f"n{n}", 0.0, 10.0) for n in range(6)]
    observed = pulls(*alone, ("b", "x", 0, 10), ("c", "x", 2, 12))
    assert {w.pull.node for w in work.work_of(observed, catalog())} == {f"n{n}" for n in range(6)}
    assert observed.left_out == {work.OVERLAPPING: 2}
    few = pulls(("b", "x", 0, 10), ("c", "x", 2, 12))
    assert len(work.work_of(few, catalog())) == 2


def test_an_image_of_which_only_the_size_is_known_has_usual_layers() -> None:
    (found,) = work.work_of(Observed([ObservedPull("x", 3.0, 60_000_000)]), Catalog())
    assert [layer.size for layer in found.layers] == [10_000_000] * 6
    assert not found.known


def test_pulls_without_size_and_layers_are_counted() -> None:
    observed = Observed([ObservedPull("x", 3.0), ObservedPull("No Name", 3.0)])
    assert work.work_of(observed, Catalog()) == []
    assert observed.left_out == {work.NO_SIZE: 1, work.INVALID: 1}


def overlap(one, other):
    return max(0.0, min(one.ended, other.ended) - max(one.began, other.began))


SPANS = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from(["n1", "n2", "n3"]), st.integers(0, 30), st.integers(0, 12)),
    min_size=1,
    max_size=25,
)


@given(SPANS)
def test_sharers_and_crowds_are_those_of_every_pair(spans: list) -> None:
    found = pulls(*((image, node, begin, begin + length) for image, node, begin, length in spans)).pulls
    works = [work.Work(pull, (BASE,), known=True) for pull in found]
    for made in work._shared(works):
        pull = made.pull
        beside = sum(overlap(pull, other) for other in found if other.node != pull.node)
        assert made.sharers == pytest.approx(1 + (beside / pull.seconds if pull.seconds else 0))
    for node in ("n1", "n2", "n3"):
        mine = [pull for pull in found if pull.node == node]
        crowded = [
            pull
            for pull in mine
            if any(overlap(pull, other) > work.CLOCK + 0.1 * pull.seconds for other in mine if other is not pull)
        ]
        assert sorted(map(id, work._crowded(mine))) == sorted(map(id, crowded))


def test_many_pulls_are_thinned_at_equal_distances_and_it_is_said() -> None:
    found = pulls(*(("a", "n1", n, n + 1) for n in range(fit_pulls.MOST * 5 // 2)))
    works = [work.Work(pull, (BASE,), known=True) for pull in found.pulls]
    thinned = fit_pulls._thinned(works, found)
    assert len(thinned) == fit_pulls.MOST
    assert [each.pull.began for each in thinned[:4]] == [0, 2, 5, 7]
    assert found.notes == ["of 5,000 pulls 2,000 were taken, at equal distances"]
    assert fit_pulls._thinned(thinned, found) is thinned
