"""What pods request: quantities, and how those of containers add up (component-helpers, resource, helpers.go)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullsim.errors import InputError
from pullsim.formats.kubernetes.item import Item
from pullsim.formats.kubernetes.resources import parse_amount, pod_requests
from pullsim.inputs.document import Document, parse_document
from pullsim.units import parse_quantity

GI = 2**30


@pytest.mark.parametrize(
    "resource, text, amount",
    [
        ("cpu", "2", 2000),
        ("cpu", "500m", 500),
        ("cpu", "0.5", 500),
        ("cpu", "1e3", 1_000_000),
        ("cpu", "100u", 1),  # rounded up, as MilliValue does
        ("cpu", "1500n", 1),
        ("cpu", "0", 0),
        ("cpu", "+2", 2000),
        ("cpu", ".5", 500),
        ("memory", "1Gi", GI),
        ("memory", "1.5Gi", 3 * GI // 2),
        ("memory", "128974848", 128_974_848),
        ("memory", "129e6", 129_000_000),
        ("memory", "129M", 129_000_000),
        ("memory", "128974848000m", 128_974_848),
        ("memory", "123Mi", 123 * 2**20),
        ("memory", "100m", 1),
        ("memory", "1E", 10**18),
        ("memory", "10k", 10_000),
        ("ephemeral-storage", "2Ti", 2 * 2**40),
        ("nvidia.com/gpu", "8", 8),
        ("hugepages-2Mi", "4Mi", 4 * 2**20),
    ],
)
def test_quantities(resource, text, amount):
    assert parse_amount(resource, text) == amount
    assert parse_amount(resource, parse_document(f"v: {text}", "file").tree["v"]) == amount


@pytest.mark.parametrize(
    "resource, value, message",
    [
        ("cpu", "500 mm", "unknown suffix 'mm'"),
        ("memory", "1GiB", r"unknown suffix 'GiB' \(Kubernetes writes Gi\)"),
        ("memory", "1gi", "unknown suffix 'gi'"),
        ("memory", "1e3Ki", "unknown suffix 'Ki'"),
        ("memory", "1K", "unknown suffix 'K'"),
        ("cpu", "-1", "is negative"),
        ("cpu", "two", "does not start with a number"),
        ("cpu", "", "does not start with a number"),
        ("cpu", True, "true is no quantity"),
        ("cpu", ["1"], "a list is no quantity"),
        ("memory", "10E", "is too large"),
        ("nvidia.com/gpu", "500m", "of nvidia.com/gpu must be a whole number"),
    ],
)
def test_what_is_no_quantity(resource, value, message):
    with pytest.raises(ValueError, match=message):
        parse_amount(resource, value)


@given(st.integers(0, 2**32), st.sampled_from(["", "m", "k", "M", "G", "Ki", "Mi", "Gi"]))
def test_larger_numbers_are_larger_quantities(number, suffix):
    assert parse_quantity(f"{number + 1}{suffix}") > parse_quantity(f"{number}{suffix}")
    assert (
        parse_quantity(f"{number}.0{suffix}")
        == parse_quantity(f"{number}{suffix}")
        == number * parse_quantity(f"1{suffix}")
    )


def container(restart=None, limits=None, **requests):
    resources = {"requests": requests} if limits is None else {"requests": requests, "limits": limits}
    return {"name": "c", "image": "x", "resources": resources, **({"restartPolicy": restart} if restart else {})}


def requested(**spec):
    return pod_requests(Item({"containers": [], **spec}, Document("pod", spec), ()))


@pytest.mark.parametrize(
    "spec, total",
    [
        ({"containers": [container()]}, {}),
        ({"containers": [container(cpu="1"), container(cpu="500m", memory="1Gi")]}, {"cpu": 1500, "memory": GI}),
        # A limit without a request is one; a request of 0 stands.
        ({"containers": [container(limits={"cpu": "2", "memory": "1Gi"}, cpu="0")]}, {"cpu": 0, "memory": GI}),
        ({"containers": [container(limits={"nvidia.com/gpu": 1})]}, {"nvidia.com/gpu": 1}),
        # One init container at a time, beside nothing.
        (
            {"containers": [container(cpu="1")], "initContainers": [container(cpu="3"), container(cpu="2")]},
            {"cpu": 3000},
        ),
        (
            {"containers": [container(cpu="1"), container(cpu="3")], "initContainers": [container(cpu="3")]},
            {"cpu": 4000},
        ),
        # A sidecar runs beside the containers, and beside the init containers after it.
        (
            {
                "containers": [container(cpu="1")],
                "initContainers": [container(cpu="4"), container("Always", cpu="1"), container(cpu="3")],
            },
            {"cpu": 4000},
        ),
        (
            {
                "containers": [container(cpu="1")],
                "initContainers": [container("Always", cpu="1"), container(cpu="4")],
            },
            {"cpu": 5000},
        ),
        (
            {"containers": [container(cpu="1")], "overhead": {"cpu": "250m", "memory": "1Gi"}},
            {"cpu": 1250, "memory": GI},
        ),
        # What stands at the pod counts instead of its containers, for cpu and memory.
        (
            {"containers": [container(cpu="1", memory="1Gi")], "resources": {"requests": {"cpu": "3"}}},
            {"cpu": 3000, "memory": GI},
        ),
        ({"containers": [container(cpu="1")], "resources": {"limits": {"cpu": "3"}}}, {"cpu": 1000}),
        ({"containers": [container()], "resources": {"limits": {"memory": "2Gi"}}}, {"memory": 2 * GI}),
    ],
)
def test_requests_of_a_pod(spec, total):
    assert requested(**spec) == total


amounts = st.integers(0, 3).map(lambda count: f"{count * 500}m")


@given(st.lists(amounts, max_size=4), st.lists(st.tuples(amounts, st.booleans()), max_size=5))
def test_requests_are_what_runs_at_one_time(regular, inits):
    """The largest sum of what runs together, at any moment of the pod's start."""
    moments, sidecars = [], 0
    for amount, sidecar in inits:
        moments.append(sidecars + parse_amount("cpu", amount))
        sidecars += parse_amount("cpu", amount) if sidecar else 0
    moments.append(sidecars + sum(parse_amount("cpu", amount) for amount in regular))
    spec = {
        "containers": [container(cpu=amount) for amount in regular],
        "initContainers": [container("Always" if sidecar else None, cpu=amount) for amount, sidecar in inits],
    }
    assert requested(**spec).get("cpu", 0) == max(moments)


@pytest.mark.parametrize(
    "resources, message",
    [
        ({"requests": {"cpu": "2x"}}, "containers[c].resources.requests.cpu: quantity '2x': unknown suffix"),
        ({"requests": {"gpu": 1}}, "requests.gpu: 'gpu' is no resource"),
        ({"requests": {"memroy": "1Gi"}}, "did you mean memory?"),
        ({"request": {"cpu": 1}}, "unknown field 'request'; did you mean requests?"),
        ({"requests": {"cpu": 2}, "limits": {"cpu": 1}}, "the request of cpu must not be above its limit"),
        (
            {"requests": {"nvidia.com/gpu": 1}, "limits": {"nvidia.com/gpu": 2}},
            "the request of nvidia.com/gpu must equal its limit",
        ),
        ({"requests": ["cpu"]}, "requests must be a mapping"),
    ],
)
def test_wrong_resources(resources, message):
    spec = {"containers": [{"name": "c", "image": "x", "resources": resources}]}
    with pytest.raises(InputError) as caught:
        pod_requests(Item(spec, Document("pod", spec), ()))
    assert message in str(caught.value)
