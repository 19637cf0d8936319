import itertools
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from pullsim.records import LinkSample
from pullsim.results import charts
from pullsim.results.charts import style
from pullsim.results.palette import DARK, LIGHT
from pullsim.stages import COLOURS, DARK_COLOURS, STAGES
from tests.support.records import empty, make

PLOTS = [
    charts.plot_gantt, charts.plot_links, charts.plot_pods_ready, charts.plot_pulls, charts.plot_start_cdf,
    charts.plot_start_rate, charts.plot_time_by_image, charts.plot_time_by_pool,
]  # fmt: skip

#: Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB.
VISIONS = {
    "normal": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def lab(colour, vision):
    """CIE L*a*b* of a colour as it is seen."""
    rgb = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.array(vision) @ linear, 0, 1)
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ seen
    x, y, z = np.cbrt(np.maximum(xyz / [0.9505, 1, 1.089], 0.008856))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def luminance(colour):
    """WCAG 2.2, relative luminance."""
    rgb = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]


@pytest.mark.parametrize("colours", [COLOURS, DARK_COLOURS], ids=["light", "dark"])
@pytest.mark.parametrize("vision", VISIONS)
def test_stages_can_be_told_apart(vision, colours):
    seen = {stage: lab(colour, VISIONS[vision]) for stage, colour in colours.items()}
    for one, other in itertools.combinations(STAGES, 2):
        assert np.linalg.norm(seen[one] - seen[other]) > 15, (one, other)


def test_stages_stand_out_from_dark_ground():
    """WCAG 2.2, success criterion 1.4.11: three to one."""
    ground = luminance(DARK.ground)
    assert set(DARK_COLOURS) == set(STAGES)
    for stage, colour in DARK_COLOURS.items():
        assert (luminance(colour) + 0.05) / (ground + 0.05) >= 3, stage


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_series_can_be_told_apart_and_from_their_ground(theme, vision):
    seen = [lab(colour, VISIONS[vision]) for colour in theme.series]
    ground = lab(theme.ground, VISIONS[vision])
    assert min(np.linalg.norm(one - other) for one, other in itertools.combinations(seen, 2)) > 15
    assert min(np.linalg.norm(one - ground) for one in seen) > 35


RUNS = {
    "nothing": empty(),
    "one pod": make(pods=1, nodes=1),
    "none started": make(pods=5, never=5),
    "some": make(pods=60, nodes=6, fail_first=5, never=4, pools=3),
    "long tail": make(pods=30, nodes=1, images=30, every=0),
}


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("plot", PLOTS, ids=lambda plot: plot.__name__)
def test_every_chart_of_every_run_has_a_title_and_labelled_units(plot, run):
    axes = plot(RUNS[run])
    assert axes.get_title(loc="left")
    assert axes.get_xlabel().endswith(("(s)", "(min)", "(h)"))
    axes.figure.draw_without_rendering()


@pytest.mark.parametrize("plot", PLOTS, ids=lambda plot: plot.__name__)
def test_a_chart_can_be_drawn_into_given_axes(plot):
    axes = Figure().subplots()
    assert plot(RUNS["some"], axes) is axes


def test_cdf_ends_at_the_share_of_pods_that_started():
    axes = charts.plot_start_cdf(RUNS["some"])
    line = axes.lines[0].get_ydata()
    assert line[-1] == pytest.approx(100 * 56 / 60)
    assert "4 never started" in axes.get_title(loc="left")
    assert charts.plot_start_cdf(RUNS["one pod"]).lines[0].get_ydata()[-1] == 100


def test_a_chart_says_that_nothing_started():
    texts = [text.get_text() for text in charts.plot_start_cdf(RUNS["none started"]).texts]
    assert texts == ["none of 5 pods started"]


def test_a_long_tail_is_drawn_on_a_logarithmic_axis():
    result = make(pods=100, nodes=100, images=1)
    assert charts.plot_start_cdf(result).get_xscale() == "linear"
    result.pods[0] = result.pods[0]._replace(start_seconds=1000.0)
    assert charts.plot_start_cdf(result).get_xscale() == "log"


def test_lines_of_many_points_are_thinned_but_keep_their_peak():
    rises = [*map(float, range(0, 100_000, 2)), *[50_000.2] * 7]
    falls = [*map(float, range(1, 100_000, 2)), *[50_000.3] * 7]
    times, levels = style.level(rises, falls, 100_000.0)
    assert len(times) <= style.MAX_POINTS
    assert levels.max() == 8
    assert (np.diff(times) > 0).all()


def test_level_of_simultaneous_changes_shows_the_last():
    times, levels = style.level([1.0, 2.0, 2.0, 2.0], [1.0], 4.0)
    assert dict(zip(times, levels, strict=True)) == {0.0: 0, 1.0: 0, 2.0: 3, 4.0: 3}


def test_gantt_is_of_the_slowest_and_says_so():
    result = make(pods=200, nodes=20, images=30)
    axes = charts.plot_gantt(result, nodes=2, pulls=6)
    shown = [label.get_text().split()[0] for label in axes.get_yticklabels()]
    slowest = max(result.pulls, key=lambda pull: pull.ended - pull.requested)
    assert slowest.pod in shown
    assert len(shown) <= 6
    assert f"{len(shown)} of 200 pulls, on 2 of 20 nodes" in axes.get_title(loc="left")


def test_gantt_of_pulls_far_apart_gives_them_a_common_start():
    assert charts.plot_gantt(make(pods=4, nodes=4)).get_xlabel() == "simulated time (s)"
    axes = charts.plot_gantt(make(pods=4, nodes=4, every=1000))
    assert axes.get_xlabel() == "time since requested (s)"
    assert "at 50.0 min" in " ".join(label.get_text() for label in axes.get_yticklabels())


def test_a_capacity_far_above_the_use_does_not_flatten_the_curve():
    result = empty()
    result.end = 2.0
    result.links = [LinkSample("a", 0.0, 1.0, 1e6, 5e9), LinkSample("b", 0.0, 1.0, 0.9e6, float("inf"))]
    axes = charts.plot_links(result)
    assert axes.get_ylim()[1] < 3000
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == ["a\n(capacity: 5 GB/s)", "b\n(capacity: no limit)"]


def test_of_many_links_the_busiest_are_shown():
    result = empty()
    result.end = 1.0
    result.links = [LinkSample(f"l{i}", 0.0, 1.0, 1e6 * i, 1e9) for i in range(20)]
    axes = charts.plot_links(result)
    assert "busiest 6 of 20" in axes.get_title(loc="left")
    assert axes.get_legend().get_texts()[0].get_text().startswith("l19\n")


def test_svg_and_pdf_are_the_same_for_the_same_run(tmp_path, monkeypatch):
    monkeypatch.setattr(charts, "CHARTS", {name: charts.CHARTS[name] for name in ("start-cdf", "slowest-pulls")})
    texts = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        charts.write_charts(make(pods=4, fail_first=3), tmp_path / name, ["svg", "pdf"])
        texts.append({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()})
    assert texts[0] == texts[1]
    assert set(texts[0]) == {f"{name}.{form}" for name in ("start-cdf", "slowest-pulls") for form in ("svg", "pdf")}
    assert all(b"<dc:date>" not in text and b"CreationDate" not in text for text in texts[0].values())


def test_a_chart_is_drawn_once_as_png_with_the_pixels_of_its_layout(tmp_path, monkeypatch):
    figure, same = (charts.plot_pulls(make(pods=4)).figure for _ in range(2))
    drawn = []
    draw = Figure.draw
    monkeypatch.setattr(Figure, "draw", lambda self, renderer: (drawn.append(self), draw(self, renderer)))
    style.save(figure, tmp_path, "once", ["png"])
    assert drawn == [figure]
    same.savefig(tmp_path / "twice.png", dpi=figure.dpi)
    assert np.array_equal(imread(tmp_path / "once.png"), imread(tmp_path / "twice.png"))


def test_charts_of_pulls_are_left_out_when_there_are_no_records_of_pulls(tmp_path):
    result = make(pods=3)
    result.detail = "pods"
    result.pulls.clear()
    charts.write_charts(result, tmp_path)
    assert {path.stem for path in tmp_path.iterdir()} == {"start-cdf", "throughput", "time-by-pool"}


def test_titles_name_the_scenario_and_no_panel_says_it_again():
    run = replace(make(), name="shop")
    assert charts.plot_pulls(run).get_title(loc="left").startswith("shop: ")
    first, *others = (ax.get_title(loc="left") for ax in charts.throughput(run).axes)
    assert first.startswith("shop: ")
    assert not any("shop" in each for each in others)


def test_pods_that_start_before_they_are_ready_have_a_line_of_their_own():
    run = make()
    assert [line.get_label() for line in charts.plot_pods_ready(run).lines] == ["created", "ready"]
    for index, pod in enumerate(run.pods):
        run.pods[index] = pod._replace(ready=pod.started + 5.0)
    run.end += 5.0
    ax = charts.plot_pods_ready(run)
    assert [line.get_label() for line in ax.lines] == ["created", "started", "ready"]
    started, ready = (line.get_xdata() for line in ax.lines[1:])
    assert max(ready) >= max(started)


def test_the_gantt_shows_back_offs_before_further_attempts():
    run = make(pods=4, nodes=1, fail_first=2, every=0.0)
    again = next(pull for pull in run.pulls if pull.attempt == 2)
    failed = next(pull for pull in run.pulls if (pull.pod, pull.attempt) == (again.pod, 1))
    thin = [bar for bar in charts.plot_gantt(run).patches if bar.get_height() == pytest.approx(0.3)]
    assert (failed.ended, again.requested - failed.ended) in [
        (pytest.approx(bar.get_x()), pytest.approx(bar.get_width())) for bar in thin
    ]


def test_a_back_off_follows_the_failure_before_it_where_a_pod_s_name_comes_again():
    run = make(pods=4, nodes=1, fail_first=2, every=0.0)
    failed = [pull for pull in run.pulls if not pull.ok]
    late = max(pull.ended for pull in run.pulls)
    run.pulls += [pull._replace(requested=late, started=late, ended=late + 1) for pull in failed]
    run.end = late + 1
    thin = [bar for bar in charts.plot_gantt(run, pulls=99).patches if bar.get_height() == pytest.approx(0.3)]
    assert thin
    assert all(bar.get_width() >= 0 for bar in thin)
