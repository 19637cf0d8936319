import io

from rich.console import Console

from pullsim.cli.progress import ProgressBar
from pullsim.cli.study_options import _once
from pullsim.run import Progress


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def shown(progresses, *, terminal=True):
    file, clock = io.StringIO(), Clock()
    console = Console(file=file, force_terminal=terminal, width=100)
    with ProgressBar(console, clock) as bar:
        for at, progress in progresses:
            clock.now = at
            bar(progress)
    return file.getvalue()


def test_a_short_run_shows_nothing():
    assert shown([(0.1, Progress(5.0, None, 1, 10)), (0.9, Progress(9.0, None, 10, 10))]) == ""


def test_a_long_run_shows_pods():
    text = shown([(0.5, Progress(5.0, None, 1, 10)), (1.5, Progress(1234.0, None, 5, 10))])
    assert "50%" in text
    assert "t = 1,234 s, 5 of 10 pods" in text


def test_a_run_with_a_horizon_shows_time():
    assert "25%" in shown([(2.0, Progress(150.0, 600.0, 1, 10))])


def test_pods_of_daemon_sets_are_not_counted_before():
    assert "100%" in shown([(2.0, Progress(150.0, None, 11, 10))])


def test_a_long_study_without_a_terminal_says_once_how_long_it_takes(capsys):
    """Runs that are kept from before tell nothing about the time that is left."""
    clock = Clock()
    tell = _once(clock)
    for clock.now, done in ((0.5, 40), (9.0, 41), (12.0, 44), (30.0, 50)):
        tell(done, 100)
    assert capsys.readouterr().err == "pullsim: 44 of 100 runs are done, the rest takes about 2 min 48 s\n"


def test_a_short_study_without_a_terminal_says_nothing(capsys):
    tell = _once(Clock())
    for done in range(5):
        tell(done, 4)
    assert capsys.readouterr().err == ""
