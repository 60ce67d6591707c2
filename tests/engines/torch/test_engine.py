"""The engine in one process: statistics, state, precision, EMA, clipping, and what it refuses."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skinlab import schema
from skinlab.engines.torch.engine import STATE
from skinlab.errors import EngineError, OutputError
from skinlab.networks import weights
from skinlab.networks.architecture import Architecture, Builder
from skinlab.networks.resnet import resnet
from tests.engines.torch.cases import (
    MEAN,
    STD,
    batch,
    distance,
    linear_network,
    momentum_sgd,
    pictures,
    plan,
    same,
    small_network,
    started,
    train,
)

ADAM = schema.Adam(
    name="adam", learning_rate=0.01, minibatch_size=4, weight_decay=0.01, beta1=0.9, beta2=0.99, epsilon=1e-8
)


def test_exported_weights_are_the_imported_ones() -> None:
    network = resnet("resnet18", 32, 2, MEAN, STD)
    initial = weights.initial(network, 3)
    with started() as engine:
        engine.build(plan(network), initial)
        assert same(engine.export_weights(), initial)


def test_running_statistics_move_by_the_minibatchs_share() -> None:
    graph = Builder("stem")
    x = graph.batchnorm("bn", graph.normalize([0, 0, 0], [1, 1, 1]), 3)
    graph.linear("fc", graph.dropout("dropout", graph.mean("avgpool", x)), (3, 2))
    network = Architecture("bn", 4, 2, features=3, nodes=tuple(graph.nodes))
    mean, variance = np.zeros(3), np.ones(3)
    with started() as engine:
        engine.build(plan(network, [0.0, 0.0]), weights.initial(network, 1))
        for step, count in enumerate([4, 3]):
            given = batch(count, network, seed=step)
            engine.train_step(given, step)
            share = 1 - 0.9 ** (count / 4)
            pixels = given.images.reshape(-1, 3) / 255
            mean = (1 - share) * mean + share * pixels.mean(axis=0)
            variance = (1 - share) * variance + share * pixels.var(axis=0, ddof=1)
        exported = engine.export_weights()
    np.testing.assert_allclose(exported["bn.running_mean"], mean, atol=1e-6)
    np.testing.assert_allclose(exported["bn.running_var"], variance, atol=1e-6)


@pytest.mark.parametrize(
    ("settings", "optimizer"),
    [
        ({}, momentum_sgd()),
        ({"precision": "bf16"}, momentum_sgd()),
        ({"channels_last": False}, momentum_sgd()),
        ({"ema": 0.9, "clip_norm": 0.5}, ADAM),
    ],
    ids=["fp32", "bf16", "contiguous", "adam-ema-clip"],
)
def test_a_loaded_state_continues_bit_for_bit(
    tmp_path: Path, settings: dict[str, Any], optimizer: schema.Optimizer
) -> None:
    network = small_network()
    planned, initial = plan(network, optimizer=optimizer), weights.initial(network, 3)
    with started(**settings) as straight:
        straight.build(planned, initial)
        expected = train(straight, network, range(8), sizes=(4, 3))
        logits = straight.predict(pictures(5, network))
    with started(**settings) as first:
        first.build(planned, initial)
        train(first, network, range(5), sizes=(4, 3))
        first.save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [STATE]
    with started(**settings) as second:
        second.build(planned, weights.initial(network, 99))
        second.load(tmp_path)
        assert same(train(second, network, range(5, 8), sizes=(4, 3)), expected)
        assert np.array_equal(second.predict(pictures(5, network)), logits)


def test_the_same_training_gives_the_same_bits() -> None:
    network = resnet("resnet18", 32, 2, MEAN, STD)
    results = []
    for _ in range(2):
        with started(threads=2, precision="bf16") as engine:
            engine.build(plan(network), weights.initial(network, 3))
            results.append(train(engine, network, range(2)))
    assert same(*results)


def test_a_new_build_forgets_everything() -> None:
    network = small_network()
    initial = weights.initial(network, 3)
    with started(ema=0.9) as engine:
        results = []
        for _ in range(2):
            engine.build(plan(network), initial)
            results.append(train(engine, network, range(2)))
    assert same(*results)


def test_frozen_parts_stay() -> None:
    network = small_network()
    initial = weights.initial(network, 3)
    with started() as engine:
        engine.build(plan(network, frozen=network.up_to("stem")), initial)
        trained = train(engine, network, range(3))
    changed = {name for name, array in trained.items() if not np.array_equal(array, initial[name])}
    assert {name.split(".")[0] for name in changed} == {"layer1", "fc"}
    assert len(changed) == len([name for name in trained if name.split(".")[0] in ("layer1", "fc")])


def test_training_in_bf16_is_near_fp32_and_prediction_is_in_fp32() -> None:
    network = small_network()
    initial = weights.initial(network, 3)
    results = []
    for precision in ("fp32", "bf16"):
        with started(precision=precision) as engine:
            engine.build(plan(network), initial)
            logits = engine.predict(pictures(4, network))
            results.append((logits, train(engine, network, range(4))))
    (logits, trained), (logits_bf16, trained_bf16) = results
    assert np.array_equal(logits, logits_bf16)
    assert 0 < distance(trained, trained_bf16) < 0.02


def test_the_memory_layout_changes_the_rounding_only() -> None:
    network = small_network()
    results = []
    for channels_last in (True, False):
        with started(channels_last=channels_last) as engine:
            engine.build(plan(network), weights.initial(network, 3))
            results.append(train(engine, network, range(4)))
    assert 0 < distance(*results) < 1e-5


def test_the_mean_weights_follow_their_formula_and_are_what_is_predicted_and_exported_with() -> None:
    network = small_network()
    initial = weights.initial(network, 3)
    with started() as plain:
        plain.build(plan(network), initial)
        courses = [train(plain, network, range(step, step + 1)) for step in range(4)]
    mean = {name: array.astype(np.float64) for name, array in initial.items()}
    for step, course in enumerate(courses, start=1):
        decay = min(0.25, step / (9 + step))
        mean = {name: decay * mean[name] + (1 - decay) * course[name] for name in mean}
    with started(ema=0.25) as engine:
        engine.build(plan(network), initial)
        exported = train(engine, network, range(4))
        predicted = engine.predict(pictures(4, network))
    for name, expected in mean.items():
        np.testing.assert_allclose(exported[name], expected, atol=1e-5)
    with started() as other:
        other.build(plan(network), exported)
        assert np.array_equal(other.predict(pictures(4, network)), predicted)


def test_a_clipped_gradient_has_the_declared_norm() -> None:
    network = linear_network()
    initial = weights.initial(network, 3)
    plain_descent = schema.SGD(name="sgd", learning_rate=1, minibatch_size=4, weight_decay=0)
    steps = []
    for clip_norm in (None, 0.01, 1000):
        with started(clip_norm=clip_norm) as engine:
            engine.build(plan(network, [1.0], plain_descent), initial)
            trained = train(engine, network, range(1))
        steps.append(np.concatenate([(trained[name] - initial[name]).ravel() for name in sorted(initial)]))
    free, clipped, loose = steps
    assert np.linalg.norm(free) > 0.02
    np.testing.assert_allclose(clipped, free * 0.01 / np.linalg.norm(free), rtol=1e-3)
    assert np.array_equal(free, loose)


def test_more_images_than_a_minibatch_are_predicted_and_none_too() -> None:
    network = small_network()
    with started() as engine:
        engine.build(plan(network), weights.initial(network, 3))
        images = pictures(11, network)
        single = np.concatenate([engine.predict(images[i : i + 1]) for i in range(11)])
        np.testing.assert_allclose(engine.predict(images), single, atol=1e-5)
        assert engine.predict(images[:0]).shape == (0, 2)


def test_a_state_of_another_network_is_refused(tmp_path: Path) -> None:
    with started() as engine:
        engine.build(plan(linear_network()), weights.initial(linear_network(), 1))
        engine.save(tmp_path)
        engine.build(plan(small_network()), weights.initial(small_network(), 1))
        with pytest.raises(EngineError, match="the arrays are not those of this network"):
            engine.load(tmp_path)


def test_a_damaged_state_is_told_with_its_path(tmp_path: Path) -> None:
    with started() as engine:
        engine.build(plan(linear_network()), weights.initial(linear_network(), 1))
        (tmp_path / STATE).write_bytes(b"damaged")
        with pytest.raises(EngineError, match=rf"the checkpoint {tmp_path / STATE} cannot be read"):
            engine.load(tmp_path)


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with started() as engine:
        engine.build(plan(linear_network()), weights.initial(linear_network(), 1))
        with pytest.raises(OutputError, match="cannot be written"):
            engine.save(tmp_path / "missing")


def test_it_describes_itself_and_adds_no_packages() -> None:
    with started(threads=1) as engine:
        facts = engine.describe()
        assert (facts["name"], facts["device"], facts["precision"], facts["threads"]) == ("torch", "cpu", "fp32", 1)
        assert facts["deterministic"] is True
        assert engine.packages() == {}
