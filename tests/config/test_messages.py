"""What a user reads: exact lines."""

import pytest

from skinlab.config import compose

KEYS = (
    "name, seed, output_dir, dataset, split, audit, augmentation, network, method, optimizer, training, lr_find, "
    "evaluation, engine, tracking, bundle, deployment, sweep, experiment"
)
ONE_MISTAKE = {
    # misspelt
    "optimizer.learning_rat=0.1": (
        "optimizer.learning_rat=0.1: no key 'learning_rat' in optimizer (conf/optimizer/momentum_sgd.yaml); "
        "did you mean 'learning_rate'? Keys: learning_rate, minibatch_size, weight_decay, name, momentum"
    ),
    "lerning_rate=0.1": (
        f"lerning_rate=0.1: no key 'lerning_rate'; did you mean 'optimizer.learning_rate'? Keys: {KEYS}"
    ),
    "optimzer=momentum_sgd": (f"optimzer=momentum_sgd: no key 'optimzer'; did you mean 'optimizer'? Keys: {KEYS}"),
    "optimzer.learning_rate=1": (
        f"optimzer.learning_rate=1: no key 'optimzer'; did you mean 'optimizer.learning_rate'? Keys: {KEYS}"
    ),
    "experimnt=debug": f"experimnt=debug: no key 'experimnt'; did you mean 'experiment'? Keys: {KEYS}",
    "zzz=1": f"zzz=1: no key 'zzz'; keys: {KEYS}",
    "training.schedule.nme=phases": (
        "training.schedule.nme=phases: no key 'nme' in training.schedule (conf/config.yaml); "
        "did you mean 'name'? Keys: name, phases, warmup_epochs"
    ),
    "optimizer=momentum_sdg": (
        "optimizer=momentum_sdg: no such choice in group 'optimizer'; did you mean 'momentum_sgd'? "
        "There are: adagrad, adam, adamw, momentum_sgd, nesterov, rmsprop, sgd"
    ),
    "engine=jax": "engine=jax: no such choice in group 'engine'; there are: cntk, torch",
    "optimizer=null": (
        "optimizer=null: no such choice in group 'optimizer'; there are: adagrad, adam, adamw, momentum_sgd, nesterov, "
        "rmsprop, sgd"
    ),
    # of another choice
    "dataset.path=x": (
        "dataset.path=x: no key 'path' in dataset=synthetic (conf/dataset/synthetic.yaml); "
        "it belongs to dataset=folder, dataset=table, dataset=isic_challenge, dataset=isic_cli, dataset=isic_archive "
        "and dataset=urls"
    ),
    "dataset.name=folder": "dataset.name=folder: follows the choice from the group; write dataset=folder",
    # missing
    "dataset=folder": "dataset.path is required: the folder, or a .zip or .tar archive of it; e.g. dataset.path=PATH",
    "~dataset.images": (
        "~dataset.images: dataset.images is required: how many phantoms are drawn; e.g. dataset.images=NUMBER"
    ),
    # out of range
    "optimizer.learning_rate=-1": "optimizer.learning_rate=-1: must be greater than 0 and at most 10",
    "network.dropout=1.5": "network.dropout=1.5: must be at least 0 and below 1",
    "optimizer.minibatch_size=0": "optimizer.minibatch_size=0: must be at least 1 and at most 4096",
    "training.checkpoint_minutes=0": "training.checkpoint_minutes=0: must be greater than 0",
    "network.mean=[0,0]": "network.mean=[0,0]: must have exactly 3 elements, not 2",
    "optimizer.learning_rate=nan": "optimizer.learning_rate=nan: must be a finite number",
    "training.checkpoint_minutes=inf": "training.checkpoint_minutes=inf: must be a finite number",
    "training.schedule.phases.0.factor=-0.5": (
        "training.schedule.phases.0.factor=-0.5: must be at least 0 and at most 100"
    ),
    "dataset.image_size=10": "dataset.image_size=10: must be at least 32 and at most 1024",
    # wrong type
    "optimizer.learning_rate=abc": "optimizer.learning_rate=abc: must be a number, not text",
    "optimizer.learning_rate='0.1'": "optimizer.learning_rate='0.1': must be a number, not text",
    "optimizer.learning_rate=null": "optimizer.learning_rate=null: must be a number, not null",
    "seed=true": "seed=true: must be a whole number, not true or false",
    "training.epochs=1.5": "training.epochs=1.5: must be a whole number, not a decimal number",
    "dataset.shuffle_labels=1": "dataset.shuffle_labels=1: must be true or false, not a whole number",
    "name=12": "name=12: must be text, not a whole number; quote it: '\"12\"'",
    "dataset.classes=a": "dataset.classes=a: must be a list of texts, {name: a list of texts} or null, not text",
    "training=3": "training=3: must be keys and values, not a whole number",
    "optimizer.momentum.x=3": "optimizer.momentum.x=3: must be a number, not keys and values",
    "engine.device=gpuu": (
        "engine.device=gpuu: must be one of auto, cpu, gpu, gpu:0, gpu:1, gpu:2, gpu:3, gpu:4, gpu:5, gpu:6, gpu:7; "
        "did you mean 'gpu'?"
    ),
    # inside what one override sets
    "training.schedule={name: cosin}": (
        "training.schedule={name: cosin}: training.schedule.name=cosin: must be one of phases, cosine, one_cycle; "
        "did you mean 'cosine'?"
    ),
    "training.schedule.phases=[{epochs: 1}]": (
        "training.schedule.phases=[{epochs: 1}]: training.schedule.phases.0.factor is required: "
        "multiple of optimizer.learning_rate; e.g. training.schedule.phases.0.factor=NUMBER"
    ),
    # not an override at all
    "optimizer": "optimizer: must be KEY=VALUE",
    "=3": "=3: must be KEY=VALUE",
    "name=[a": (
        "name=[a: cannot be read: no viable alternative at input '[a'; "
        "quote a value with special characters: name='\"[a\"'"
    ),
    "dataset.classes=[n\u00e4vus, melanom]": (
        "dataset.classes=[n\u00e4vus, melanom]: cannot be read: token recognition error at: '\u00e4'; "
        'quote a value with special characters: dataset.classes=\'["n\u00e4vus","melanom"]\''
    ),
    "sweep.on_failure=retry(2)": (
        "sweep.on_failure=retry(2): cannot be read: Unknown function 'retry'; "
        "quote a value with special characters: sweep.on_failure='\"retry(2)\"'"
    ),
    "sweep.on_failure=again": (
        "sweep.on_failure=again: must be continue, stop or retry(n), e.g. 'sweep.on_failure=\"retry(2)\"'"
    ),
    "seed=1,2": (
        "seed=1,2: several values make a sweep: add -m; one list is seed=[...], one text with commas seed='\"...\"'"
    ),
    "+seed=3": "+seed=3: is there already; write seed=3",
    "hydra.searchpath=[x]": "hydra.searchpath=[x]: name further config folders with --config-dir DIR",
    "network.image_size=${foo}": "network.image_size=${foo}: leads nowhere: Interpolation key 'foo' not found",
    # rules
    "split.test=0.9": (
        "split.test=0.9: split.validation + split.test must be below 1 to leave images for training, not 1.05"
    ),
    "name=a/b": ("name=a/b: must be usable as a folder name: 1 to 200 bytes, no slash, no space at either end"),
}


@pytest.mark.parametrize("override", ONE_MISTAKE)
def test_one_mistake_is_one_line(override, mistakes):
    assert mistakes(override) == [ONE_MISTAKE[override]]


def test_all_mistakes_are_named_at_once(mistakes):
    assert mistakes("optimizer=momentum_sdg", "seed=-1", "training.epochs=x", "what", "dataset.imags=9") == [
        ONE_MISTAKE["optimizer=momentum_sdg"],
        "what: must be KEY=VALUE",
        "seed=-1: must be at least 0 and at most 2147483647",
        (
            "dataset.imags=9: no key 'imags' in dataset (conf/dataset/synthetic.yaml); did you mean 'images'? "
            "Keys: classes, on_other_label, positive_class, colour_profile, on_corrupt, on_missing, missing_values, "
            "on_spelling, label_log, label_revision, shuffle_labels, image_size, name, images, "
            "seed, draw_size, malignant_fraction, difficulty, label_noise, images_per_lesion"
        ),
        "training.epochs=x: must be a whole number, not text",
    ]


def test_a_bad_choice_brings_no_mistakes_about_its_keys(mistakes):
    assert len(mistakes("dataset=foldr", "dataset.path=x")) == 1


def test_a_bad_preset_brings_no_mistakes_about_what_it_would_have_set(mistakes):
    (line,) = mistakes("experiment=debg", "dataset.path=x")
    assert line.startswith("experiment=debg: no such choice in group 'experiment'; did you mean 'debug'?")


def test_a_value_that_follows_a_bad_one_is_not_reported_too(mistakes):
    assert [line.partition(":")[0] for line in mistakes("dataset.image_size=10")] == ["dataset.image_size=10"]


def test_the_last_override_of_a_key_is_blamed(mistakes):
    assert mistakes("seed=-1", "seed=-2") == ["seed=-2: must be at least 0 and at most 2147483647"]


def test_errors_of_hydra_itself_are_one_line(mistakes):
    (line,) = mistakes("hydra.foo=1")
    assert line == (
        "Could not override 'hydra.foo'; To append to your config use +hydra.foo=1; Key 'foo' not in 'HydraConf'"
    )


def test_errors_of_hydra_that_name_no_override_get_the_one_to_blame(mistakes):
    assert mistakes("seed=3", "training.schedule.phases.x=3") == [
        "training.schedule.phases.x=3: invalid literal for int() with base 10: 'x'"
    ]


def test_an_empty_override_can_be_seen(mistakes):
    assert mistakes("") == ["'': must be KEY=VALUE"]


def test_values_that_follow_one_another_in_a_circle_are_named(mistakes):
    (line,) = mistakes("name=${output_dir}", "output_dir=${name}")[:1]
    assert line.startswith("name=${output_dir}: leads nowhere")
    (line,) = mistakes("name=${name}")
    assert line.startswith("name=${name}: leads nowhere")


def test_a_key_whose_value_cannot_be_read_is_not_called_missing(mistakes):
    (line,) = mistakes("dataset=folder", "dataset.path=archive (1)")
    assert line.startswith("dataset.path=archive (1): cannot be read: Unknown function 'archive'")


def test_the_advice_for_a_list_that_cannot_be_read_works():
    advice = '["n\u00e4vus","melanom"]'
    declared = compose(["dataset=folder", "dataset.path=x", f"dataset.classes={advice}"]).config.dataset
    assert declared.classes == ["n\u00e4vus", "melanom"]
