import pytest

from pullsim.errors import InputError
from pullsim.scenario.builder.arrivals import arrival_times, read_trace
from pullsim.scenario.model.workloads import Arrivals
from pullsim.streams import Streams


def times(tmp_path, arrivals, count=None, start=0.0, seed=0):
    stream = Streams(seed).get("arrivals", "w")
    return arrival_times(arrivals and Arrivals.model_validate(arrivals), count, start, stream, tmp_path)


def test_without_arrivals_all_come_at_once(tmp_path):
    assert times(tmp_path, None, 3, 60.0) == [60.0, 60.0, 60.0]
    assert times(tmp_path, None) == [0.0]


def test_equal_distances_start_at_once(tmp_path):
    assert times(tmp_path, {"every": "250ms"}, 3, 10.0) == [10.0, 10.25, 10.5]


def test_a_list_is_sorted_and_gives_the_count(tmp_path):
    assert times(tmp_path, {"at": ["3s", "0s"]}, None, 1.0) == [1.0, 4.0]


def test_poisson_has_its_rate_and_depends_on_the_seed_alone(tmp_path):
    found = times(tmp_path, {"poisson": "4/s"}, 4000)
    assert found == sorted(found)
    assert found[0] > 0
    assert found[-1] == pytest.approx(1000, rel=0.05)
    assert times(tmp_path, {"poisson": "4/s"}, 4000) == found
    assert times(tmp_path, {"poisson": "4/s"}, 10) == found[:10]
    assert times(tmp_path, {"poisson": "4/s"}, 10, seed=1) != found[:10]


@pytest.mark.parametrize(
    "text",
    [
        "t\n0.5\n2\n",
        "pod,t\na,2s\nb,500ms\n",
        "0.5,a\n2,b\n",
        "\ufeff t , x\n\n0.5,1\n2,1\n",
        '"500ms"\n"2s"',
    ],
)
def test_traces(tmp_path, text):
    (tmp_path / "trace.csv").write_text(text, encoding="utf-8")
    assert times(tmp_path, {"trace": "trace.csv"}) == [0.5, 2.0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "trace.csv: the trace has no times"),
        ("t\n", "trace.csv: the trace has no times"),
        ("time,pod\n3,a\n", "trace.csv:1: there is no column t, the time of arrival; columns are time, pod"),
        ("t\n3\n-1\n", "trace.csv:3: time '-1' must be a number of seconds, 0 or more"),
        ("t\nnan\n", "trace.csv:2: time 'nan' must be"),
        ("t\n3 o'clock\n", 'trace.csv:2: duration "3 o\'clock"'),
        ("a,t\nx\n", "trace.csv:2: the line has 1 columns, times are in column 2"),
    ],
)
def test_wrong_traces(tmp_path, text, message):
    path = tmp_path / "trace.csv"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_trace(path)
    assert message in str(caught.value)


def test_the_count_must_fit_a_list(tmp_path):
    assert times(tmp_path, {"at": ["0s", "3s"]}, 2) == [0.0, 3.0]
    with pytest.raises(ValueError, match="count is 3, but arrivals list 2 times"):
        times(tmp_path, {"at": ["0s", "3s"]}, 3)
