"""The estimator by itself, on problems of which the answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from pullsim.study.fit.estimate import Data, Estimate, estimate
from pullsim.study.fit.parameters import Parameter

pytest.importorskip("scipy")

SIZES = np.array([1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0] * 4)


def parameter(name: str, default: float = 1.0) -> Parameter:
    return Parameter(name, default, "factor", "", default / 1e3, default * 1e3)


def line(values: dict[str, float]) -> np.ndarray:
    return values["fixed"] + SIZES / values["rate"]


def noise(scale: float) -> np.ndarray:
    return np.exp(scale * np.random.default_rng(1).standard_normal(len(SIZES)))


def found(observed: np.ndarray, *names: str, predict=line) -> Estimate:
    data = Data(observed, np.zeros(len(observed)), np.ones(len(observed)))
    return estimate([parameter(name) for name in names], predict, data, seed=0)


TRUE = {"fixed": 3.0, "rate": 7.0}


def test_exact_data_give_the_exact_figures() -> None:
    assert found(line(TRUE), "fixed", "rate").values == pytest.approx(TRUE, rel=0.01)


def test_intervals_hold_the_truth_of_noisy_data() -> None:
    fitted = found(line(TRUE) * noise(0.05), "fixed", "rate")
    for name, (low, high) in fitted.intervals.items():
        assert low < TRUE[name] < high
        assert high / low < 1.2


def test_outliers_hardly_move_the_figures() -> None:
    """A fifth of the pulls took three times as long: queueing that the times include."""
    observed = line(TRUE) * noise(0.02)
    observed[::5] *= 3
    assert found(observed, "fixed", "rate").values == pytest.approx(TRUE, rel=0.1)


def test_the_only_figure_is_held_where_its_default_is_nearly_as_good() -> None:
    """Four pulls as by default, five that took three times as long: too few to believe them."""
    observed = np.array([1.0] * 4 + [3.0] * 5)
    fitted = found(observed, "rate", predict=lambda values: np.full(9, values["rate"]))
    assert fitted.held == {"rate": "these pulls hardly depend on it"}


def test_a_figure_that_changes_nothing_is_held_and_said() -> None:
    fitted = found(line(TRUE), "fixed", "rate", "colour")
    assert fitted.held == {"colour": "these pulls hardly depend on it"}
    assert fitted.values["colour"] == 1.0
    assert fitted.values["rate"] == pytest.approx(7.0, rel=0.01)


def test_one_of_two_figures_that_act_alike_is_held() -> None:
    """Only the sum of two fixed costs shows."""

    def predict(values: dict[str, float]) -> np.ndarray:
        return line({**values, "fixed": values["fixed"] + values["other"]})

    fitted = found(line(TRUE), "fixed", "other", "rate", predict=predict)
    ((name, why),) = fitted.held.items()
    assert name in ("fixed", "other")
    assert why == f"these pulls cannot tell it from {'other' if name == 'fixed' else 'fixed'}"
    assert fitted.values["fixed"] + fitted.values["other"] == pytest.approx(3.0, rel=0.05)


def test_one_size_tells_no_rate_from_a_fixed_cost() -> None:
    sizes = np.full(20, 50.0)
    observed = (3.0 + sizes / 7) * noise(0.02)[:20]
    data = Data(observed, np.zeros(20), np.ones(20))
    fitted = estimate([parameter("fixed"), parameter("rate")], lambda v: v["fixed"] + sizes / v["rate"], data, seed=0)
    assert len(fitted.held) == 1
    assert "cannot tell it from" in next(iter(fitted.held.values()))


def test_coarse_clocks_count_less() -> None:
    """Half of the rows are known to 20 s and wrong; the others decide."""
    observed, resolution = line(TRUE), np.zeros(len(SIZES))
    observed[::2] += 10
    resolution[::2] = 20
    data = Data(observed, resolution, np.ones(len(SIZES)))
    fitted = estimate([parameter("fixed"), parameter("rate")], line, data, seed=0)
    assert fitted.values == pytest.approx(TRUE, rel=0.1)


def test_the_seed_decides_the_intervals_and_nothing_else() -> None:
    observed = line(TRUE) * noise(0.05)
    data = Data(observed, np.zeros(len(SIZES)), np.ones(len(SIZES)))
    one, same, other = (estimate([parameter("fixed"), parameter("rate")], line, data, seed) for seed in (1, 1, 2))
    assert one == same
    assert one.values == other.values
    assert one.intervals != other.intervals
