from skinlab.engines.base import Batch, StepResult
from skinlab.training import pace
from tests.training.numpy_engine import NumpyEngine
from tests.training.test_loop import loader


class Clock:
    """Time goes by in steps alone: the first ones are slow."""

    def __init__(self, seconds: list[float]) -> None:
        self.seconds, self.now = seconds, 0.0

    def monotonic(self) -> float:
        return self.now


class Timed(NumpyEngine):
    """Each step takes what the clock has for it."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock

    def train_step(self, batch: Batch, step: int) -> StepResult:
        self.clock.now += self.clock.seconds[min(step, len(self.clock.seconds) - 1)]
        self.asked.append(step)
        return StepResult(1.0, 0)


def measured(monkeypatch, *seconds: float) -> tuple[pace.Pace, list[int]]:
    clock = Clock(list(seconds))
    monkeypatch.setattr(pace, "time", clock)
    engine = Timed(clock)
    return pace.measure(engine, loader()), engine.asked


def test_the_first_steps_are_not_timed_and_later_ones_go_on_through_epochs(monkeypatch) -> None:
    found, asked = measured(monkeypatch, 100.0, 100.0, 0.125)
    assert asked == list(range(pace.WARM_UP + pace.MOST_STEPS))
    assert (found.steps, found.seconds) == (pace.MOST_STEPS, 0.125 * pace.MOST_STEPS)
    assert found.images_per_second == found.images / found.seconds


def test_slow_steps_end_it_early_and_one_is_enough(monkeypatch) -> None:
    found, asked = measured(monkeypatch, 60.0)
    assert (found.steps, found.seconds, len(asked)) == (1, 60.0, pace.WARM_UP + 1)
