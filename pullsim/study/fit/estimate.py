"""Robust least squares of the logarithm of predicted over observed; what the data tell, and how surely.

A figure that the data hardly change with, or only together with another, is held at its default instead of being
given a meaningless number.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from pullsim.errors import InputError
from pullsim.frozen import dataclass
from pullsim.streams import Streams

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from pullsim.study.fit.parameters import Parameter, Values

    Array = NDArray[np.float64]
    Predict = Callable[[Values], Array]

OUTLIER: Final = 0.1  # |log(predicted / observed)| from which a pull counts less and less
UNKNOWN: Final = math.log(2)  # standard error of a figure's logarithm from which it is held
INSENSITIVE: Final = 0.01  # relative change of the times for e-fold of the figure
STEP: Final = 0.02  # of the logarithm, for derivatives
REPEATS: Final = 400  # of the bootstrap
SURE: Final = (5, 95)  # percentiles of the intervals
STARTS: Final = 2  # of the search
BEAM: Final = 4
CONFOUNDED: Final = 0.8  # correlation
AS_GOOD: Final = 4.0  # difference of twice the log-likelihoods that is none (95 %)
_HARDLY: Final = "these pulls hardly depend on it"
_TIE: Final = 0.02  # relative difference of costs that is none


@dataclass(frozen=True, slots=True)
class Estimate:
    """Values of the parameters that the data tell, each with a 90 % interval, and why others are held."""

    values: Values  # of all parameters
    intervals: dict[str, tuple[float, float]]  # of those estimated
    held: dict[str, str]  # why, by name
    cost: float  # mean of the loss


@dataclass(frozen=True, slots=True)
class Data:
    """Observed seconds, what each may be off by on its own, and for how many pulls it stands."""

    observed: Array
    resolution: Array
    count: Array

    @property
    def rows(self) -> int:
        """Give the number of observations."""
        return len(self.observed)

    def residuals(self, predicted: Array) -> Array:
        """Give log(predicted / observed), less where the clock was coarse."""
        coarse: Array = np.hypot(1.0, self.resolution / (OUTLIER * self.observed))
        ratio: Array = np.log(np.maximum(predicted, 1e-6) / self.observed)
        return ratio * np.sqrt(self.count) / coarse


def estimate(
    parameters: Sequence[Parameter], predict: Predict, data: Data, seed: int, *, search: bool = True
) -> Estimate:
    """Estimate what the data tell; without ``search`` from the defaults only. Raises InputError without scipy."""
    problem = _Problem(tuple(parameters), predict, data)
    free = list(range(len(parameters)))
    held: dict[str, str] = {}
    x = problem.search(np.zeros(len(free)), free) if search else problem.fit(np.zeros(len(free)), free)
    while free and (unknown := _unknown(problem, x, free, search=search)) is not None:
        index, why, x = unknown
        free.remove(index)
        held[parameters[index].name] = why
    intervals = _bootstrap(problem, x, free, seed) if free else {}
    return Estimate(problem.values(x), intervals, held, problem.cost(x))


def again(parameters: Sequence[Parameter], predict: Predict, data: Data, found: Estimate) -> Values:
    """Fit the figures that were estimated to other data, from where they are."""
    problem = _Problem(tuple(parameters), predict, data)
    free = [index for index, parameter in enumerate(parameters) if parameter.name in found.intervals]
    x = np.array([math.log(found.values[parameter.name] / parameter.default) for parameter in parameters])
    return problem.values(problem.fit(x, free))


class _Problem:
    """The search space: logarithms of ratios to the defaults."""

    def __init__(self, parameters: tuple[Parameter, ...], predict: Predict, data: Data) -> None:
        self.parameters = parameters
        self.data = data
        self._predict = predict
        self.low = np.array([math.log(p.low / p.default) for p in parameters])
        self.high = np.array([math.log(p.high / p.default) for p in parameters])

    def values(self, x: Array) -> Values:
        return {p.name: p.default * math.exp(each) for p, each in zip(self.parameters, x, strict=True)}

    def residuals(self, x: Array) -> Array:
        return self.data.residuals(self._predict(self.values(x)))

    def cost(self, x: Array) -> float:
        loss: Array = 2 * (np.sqrt(1 + (self.residuals(x) / OUTLIER) ** 2) - 1)
        return float(loss.sum() / self.data.count.sum())

    def jacobian(self, x: Array, free: Sequence[int]) -> Array:
        base, columns = self.residuals(x), []
        for index in free:
            step = STEP if x[index] + STEP <= self.high[index] else -STEP
            moved = x.copy()
            moved[index] += step
            columns.append((self.residuals(moved) - base) / step)
        return np.stack(columns, axis=1)

    def search(self, x: Array, free: Sequence[int]) -> Array:
        """Fit from the best of several beginnings: limits that do not bind have no slope that would lead there."""
        beam = [x]
        for index in free:
            parameter = self.parameters[index]
            for value in parameter.tries:
                beam += [_with(each, index, math.log(value / parameter.default)) for each in list(beam)]
            beam = sorted(beam, key=self.cost)[:BEAM]
        return min((self.fit(each, free) for each in beam[:STARTS]), key=self.cost)

    def fit(self, x: Array, free: Sequence[int]) -> Array:
        least_squares = _least_squares()
        if not free:
            return x
        index = np.array(free)

        def residuals(part: Array) -> Array:
            moved = x.copy()
            moved[index] = part
            return np.append(self.residuals(moved), 1e-3 * part)  # a hair's pull towards the defaults

        begin = np.clip(x[index], self.low[index], self.high[index])
        bounds = (self.low[index] - 1e-9, self.high[index] + 1e-9)
        found = least_squares(
            residuals, begin, bounds=bounds, loss="soft_l1", f_scale=OUTLIER, diff_step=STEP, xtol=1e-4, ftol=1e-5
        )
        fitted = x.copy()
        fitted[index] = found.x
        return fitted


def _least_squares() -> Callable[..., Any]:
    try:
        from scipy.optimize import least_squares  # noqa: PLC0415  an extra
    except ImportError:
        raise InputError("fitting needs scipy: pip install 'pullsim[fit]'") from None
    return least_squares  # type: ignore[no-any-return]


def _with(x: Array, index: int, value: float) -> Array:
    moved = x.copy()
    moved[index] = value
    return moved


def _covariance(problem: _Problem, x: Array, jacobian: Array) -> Array:
    residuals = problem.residuals(x)
    scale = max(float(np.median(np.abs(residuals))) / 0.6745, 0.02)
    weights = 1 / np.sqrt(1 + (residuals / OUTLIER) ** 2)
    information = jacobian.T @ (weights[:, None] * jacobian) / scale**2
    return np.asarray(np.linalg.inv(information + 1e-4 * np.eye(len(information))), dtype=np.float64)


def _unknown(problem: _Problem, x: Array, free: list[int], *, search: bool) -> tuple[int, str, Array] | None:
    """Find a parameter that the data do not tell, why, and the best fit without it; None if they tell all."""
    jacobian = problem.jacobian(x, free)
    covariance = _covariance(problem, x, jacobian)
    errors = np.sqrt(np.diag(covariance))
    worst = int(np.argmax(errors))
    if errors[worst] >= UNKNOWN:
        correlation = np.abs(covariance[worst] / (errors * errors[worst]))
        correlation[worst] = 0.0
        insensitive = math.sqrt(float((jacobian[:, worst] ** 2).mean())) < INSENSITIVE
        if insensitive or len(free) == 1:
            return free[worst], _HARDLY, _without(problem, x, free, free[worst])
        confounded = [free[i] for i in range(len(free)) if correlation[i] >= CONFOUNDED]
        if not confounded:
            why = "too few or too scattered pulls to tell it to a factor of two"
            return free[worst], why, _without(problem, x, free, free[worst])
        return _one_of(problem, x, free, [free[worst], *confounded])
    for index in sorted(free, key=lambda index: -abs(x[index])) if search else ():
        if abs(x[index]) < UNKNOWN:
            break
        rest = [each for each in free if each != index]
        moved = problem.search(_with(x * 0, index, 0.0), rest)
        if problem.data.rows * math.log(problem.cost(moved) / problem.cost(x)) < AS_GOOD:
            if not rest:
                return index, _HARDLY, moved
            other = max(rest, key=lambda each: abs(moved[each] - x[each]))
            return index, _apart(problem.parameters[other].name), moved
    return None


def _one_of(problem: _Problem, x: Array, free: list[int], candidates: list[int]) -> tuple[int, str, Array]:
    """Choose which of some confounded parameters is held: the one without which the others fit best."""
    best: tuple[float, int, Array] | None = None
    for index in candidates:
        moved = _without(problem, x, free, index)
        cost = problem.cost(moved)
        if best is None or cost < best[0] * (1 - _TIE) - 1e-6:
            best = cost, index, moved
    assert best is not None
    other = next(index for index in candidates if index != best[1])
    return best[1], _apart(problem.parameters[other].name), best[2]


def _without(problem: _Problem, x: Array, free: list[int], index: int) -> Array:
    """Fit the others with one parameter at its default."""
    rest = [each for each in free if each != index]
    return problem.fit(_with(x, index, 0.0), rest)


def _apart(other: str) -> str:
    return f"these pulls cannot tell it from {other}"


def _bootstrap(problem: _Problem, x: Array, free: Sequence[int], seed: int) -> dict[str, tuple[float, float]]:
    """Draw residuals with replacement; each draw moves the figures by one Gauss-Newton step from the best ones.

    A whole fit a draw would take minutes with the simulator; near the optimum the step is nearly the same. Residuals
    are drawn and not pulls, as a figure may hang on few pulls, which a draw of pulls would miss.
    """
    stream = Streams(seed).get("fit", "bootstrap")
    residuals, jacobian = problem.residuals(x), problem.jacobian(x, free)
    weights = 1 / np.sqrt(1 + (residuals / OUTLIER) ** 2)
    rows, degrees = len(residuals), max(len(residuals) - len(free), 1)
    step = np.linalg.solve(
        jacobian.T @ (weights[:, None] * jacobian) + 1e-6 * np.eye(len(free)), (weights[:, None] * jacobian).T
    )
    scaled = residuals * math.sqrt(rows / degrees)
    moves = [step @ scaled[[stream.choice(rows) for _ in range(rows)]] for _ in range(REPEATS)]
    center = np.mean(moves, axis=0)  # the optimum has no step of its own
    low, high = np.percentile(np.array(moves) - center, SURE, axis=0)
    values = problem.values(x)
    return {
        (parameter := problem.parameters[index]).name: (
            max(values[parameter.name] * math.exp(min(a, 0.0)), parameter.low),
            min(values[parameter.name] * math.exp(max(b, 0.0)), parameter.high),
        )
        for index, a, b in zip(free, low, high, strict=True)
    }
