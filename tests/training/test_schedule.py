import pytest

from skinlab.schema import Phase, Schedule
from skinlab.training.schedule import learning_rate
from skinlab.training.schedule import rates as rates_of_steps

REFERENCE = [Phase(epochs=7, factor=1), Phase(epochs=7, factor=0.1), Phase(epochs=1, factor=0.01)]


def rates(name: str, epochs: int, warmup: float = 0) -> list[float]:
    schedule = Schedule(name=name, phases=REFERENCE, warmup_epochs=warmup)  # type: ignore[arg-type]
    return [learning_rate(schedule, 2.0, epochs, epoch + 0.5) for epoch in range(epochs)]


def test_every_step_has_its_rate() -> None:
    schedule = Schedule(name="phases", phases=REFERENCE, warmup_epochs=1)
    steps = rates_of_steps(schedule, 2.0, 15, 4)
    assert len(steps) == 60
    assert steps[:5].tolist() == pytest.approx([0.25, 0.75, 1.25, 1.75, 2.0])
    assert steps[[27, 28, 55, 56]].tolist() == pytest.approx([2.0, 0.2, 0.2, 0.02])


def test_the_references_phases() -> None:
    assert rates("phases", 15) == pytest.approx([2.0] * 7 + [0.2] * 7 + [0.02])


def test_phases_are_stretched_to_the_declared_epochs() -> None:
    assert rates("phases", 30) == pytest.approx([2.0] * 14 + [0.2] * 14 + [0.02] * 2)
    assert rates("phases", 2) == pytest.approx([2.0, 0.2])
    assert rates("phases", 1) == pytest.approx([2.0])


def test_warm_up_rises_from_zero_to_the_phases() -> None:
    assert rates("phases", 15, warmup=2)[:4] == pytest.approx([0.5, 1.5, 2.0, 2.0])


def test_cosine_falls_from_the_base_to_nothing() -> None:
    cosine = rates("cosine", 100)
    assert cosine[0] == pytest.approx(2.0, rel=1e-3)
    assert cosine[50] == pytest.approx(1.0, rel=0.03)
    assert 0 < cosine[-1] < 1e-3
    assert cosine == sorted(cosine, reverse=True)


def test_one_cycle_rises_then_falls() -> None:
    cycle = rates("one_cycle", 100)
    peak = cycle.index(max(cycle))
    assert peak in (29, 30)
    assert cycle[0] < 0.15
    assert cycle[-1] < 1e-3
    assert cycle[:peak] == sorted(cycle[:peak])
    assert cycle[peak:] == sorted(cycle[peak:], reverse=True)
