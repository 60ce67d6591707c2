"""How much each swept key matters: its share of the variance of the results (functional analysis of variance).

Of a whole grid the shares are exact. Of other searches a random forest stands in for what was not tried (Hutter, Hoos
and Leyton-Brown, ICML 2014), here by averaging its predictions over points drawn evenly.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FEWEST = 10
"""Points that a forest needs to be worth looking at."""
TREES, BACKGROUND, STEPS = 100, 256, 16


@dataclass(frozen=True)
class Importance:
    """What the keys explain.

    Attributes:
        shares: of each key by itself, 0 to 1; empty: nothing can be said.
        method: how they were computed, or why they were not.
        explained: how much of the variance the forest predicts out of bag; None: it was none.
    """

    shares: list[float]
    method: str
    explained: float | None = None

    @property
    def together(self) -> float:
        """What no key explains by itself: how they act together."""
        return max(0.0, 1 - sum(self.shares))


def importance(places: Floats, values: Floats) -> Importance:
    """The shares of the keys.

    Args:
        places: float64 [N, K], where each point lies on each axis.
        values: float64 [N], what came of it.
    """
    if len(values) < 2 or np.ptp(values) == 0:  # noqa: PLR2004 - one value does not vary
        return Importance([], "there are no two points with different values")
    if _is_grid(places):
        return Importance([_main(places[:, at], values) for at in range(places.shape[1])], "exact, of the whole grid")
    if len(values) < FEWEST:
        return Importance([], f"fewer than {FEWEST} points have a value")
    return _by_forest(places, values)


def _is_grid(places: Floats) -> bool:
    """Whether each combination of the values is there once."""
    combinations = int(np.prod([len(np.unique(column)) for column in places.T]))
    return len(np.unique(places, axis=0)) == len(places) == combinations


def _main(column: Floats, values: Floats) -> float:
    means = [values[column == value].mean() for value in np.unique(column)]
    return float(np.var(means) / np.var(values))


def _by_forest(places: Floats, values: Floats) -> Importance:
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.metrics import r2_score

    forest = RandomForestRegressor(TREES, bootstrap=True, oob_score=True, random_state=0).fit(places, values)
    draw = np.random.default_rng(0)
    tried = [_levels(column) for column in places.T]
    background = np.stack([draw.choice(levels, BACKGROUND) for levels in tried], axis=1)
    total = float(np.var(forest.predict(background)))
    predicted = forest.oob_prediction_
    known = np.isfinite(predicted)
    explained = float(r2_score(values[known], predicted[known]))
    if total == 0:
        return Importance([], "the forest finds nothing that matters", explained)
    shares = []
    for at, levels in enumerate(tried):
        repeated = np.repeat(background[None], len(levels), axis=0)
        repeated[:, :, at] = levels[:, None]
        means = forest.predict(repeated.reshape(-1, len(tried))).reshape(len(levels), -1).mean(axis=1)
        shares.append(float(np.var(means) / total))
    scale = max(1.0, sum(shares))  # drawn points may give a little more than all
    return Importance([share / scale for share in shares], f"by a forest of {TREES} trees", explained)


def _levels(column: Floats) -> Floats:
    """The values of an axis, or as many evenly between its ends."""
    found = np.unique(column)
    return found if len(found) <= STEPS else np.linspace(found[0], found[-1], STEPS)
