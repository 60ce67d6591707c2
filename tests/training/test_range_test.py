import numpy as np
import pytest

from skinlab.engines.base import Batch, StepResult
from skinlab.training.range_test import RangeTest, rising_rates, run_range_test
from tests.training.numpy_engine import NumpyEngine
from tests.training.test_loop import loader


class Valley(NumpyEngine):
    """Its loss is a given function of the step."""

    def __init__(self, losses: list[float]) -> None:
        super().__init__()
        self.given = losses

    def train_step(self, batch: Batch, step: int) -> StepResult:
        self.asked.append(step)
        return StepResult(self.given[step], 0)


def seen(losses: list[float], smoothing: float = 0.0, divergence: float = 4.0) -> tuple[RangeTest, list[int]]:
    engine = Valley(losses)
    rates = rising_rates(1e-5, 1.0, len(losses))
    return run_range_test(engine, loader(), rates, smoothing, divergence, lambda *_: None), engine.asked


def test_rates_rise_by_one_factor() -> None:
    rates = rising_rates(1e-4, 1e-1, 7)
    np.testing.assert_allclose(rates[1:] / rates[:-1], 10**0.5)
    np.testing.assert_allclose(rates[[0, -1]], [1e-4, 1e-1])


def test_steps_go_on_through_epochs_and_each_is_asked_for_its_number() -> None:
    result, asked = seen([1.0] * 20)  # an epoch of the loader has 6 steps
    assert asked == list(range(20))
    assert (len(result.rates), result.diverged) == (20, False)


def test_the_rate_of_the_steepest_descent_is_suggested() -> None:
    losses = [2.0, 2.0, 2.0, 1.9, 1.8, 1.0, 0.9, 0.9, 1.0, 1.2]
    result, _ = seen(losses)
    # central differences: between 1.8 and 0.9 over two steps
    assert result.suggestion() == pytest.approx(rising_rates(1e-5, 1.0, 10)[5])


def test_a_fall_after_the_smallest_loss_is_not_suggested() -> None:
    losses = [2.0, 2.0, 1.8, 1.5, 1.3, 1.2, 4.0, 1.5, 1.6, 1.6]
    result, _ = seen(losses)
    assert result.suggestion() == pytest.approx(rising_rates(1e-5, 1.0, 10)[2])


def test_the_brink_itself_is_not_suggested_however_steep_the_last_step_to_it() -> None:
    losses = [2.0, 2.0, 1.8, 1.5, 1.3, 1.2, 1.15, 0.2, 6.0, 9.0]
    result, _ = seen(losses, divergence=100)
    assert result.suggestion() == pytest.approx(rising_rates(1e-5, 1.0, 10)[6])


def test_without_descent_there_is_no_suggestion() -> None:
    assert seen([1.0 + 0.1 * step for step in range(10)])[0].suggestion() is None
    assert seen([1.0, float("nan"), *[1.0] * 8])[0].suggestion() is None


@pytest.mark.parametrize("runaway", [10.0, float("nan"), float("inf")])
def test_the_test_ends_where_the_loss_runs_away(runaway: float) -> None:
    result, asked = seen([1.0, 0.9, 0.8, 0.7, runaway, 1.0, 1.0, 1.0, 1.0, 1.0])
    assert result.diverged
    assert asked == [0, 1, 2, 3, 4]
    assert np.isfinite(result.smoothed).all()


def test_the_smoothed_loss_is_a_moving_average_whose_weights_add_up_to_one() -> None:
    result, _ = seen([4.0, 2.0, 2.0, 2.0], smoothing=0.5, divergence=100)
    np.testing.assert_allclose(result.smoothed[:2], [4.0, (4 * 0.5 + 2) / 1.5])
    np.testing.assert_allclose(result.losses, [4.0, 2.0, 2.0, 2.0])
