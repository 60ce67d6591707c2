"""A mistake in a file is blamed on that file."""

from skinlab import schema
from skinlab.config import tree

SOURCES = ", ".join(name for kind in tree.members(schema.Dataset) for name in tree.variant_names(kind))
PRESET = "# @package _global_\n"


def test_an_unknown_key_in_a_preset_names_the_preset(write, mistakes):
    write("conf/experiment/mine.yaml", PRESET + "optimizer:\n  learning_rat: 1\n")
    (line,) = mistakes("experiment=mine")
    assert line.startswith(
        "conf/experiment/mine.yaml: optimizer.learning_rat=1: no key 'learning_rat' in optimizer "
        "(conf/optimizer/momentum_sgd.yaml); did you mean 'learning_rate'?"
    )


def test_a_bad_value_in_a_preset_names_the_preset(write, mistakes):
    write("conf/experiment/mine.yaml", PRESET + "network: {dropout: 2}\n")
    assert mistakes("experiment=mine") == [
        "conf/experiment/mine.yaml: network.dropout=2: must be at least 0 and below 1"
    ]


def test_an_override_of_a_bad_value_mends_it(write, mistakes):
    write("conf/experiment/mine.yaml", PRESET + "network: {dropout: 2}\n")
    assert mistakes("experiment=mine", "network.dropout=3") == ["network.dropout=3: must be at least 0 and below 1"]


def test_a_file_of_a_config_dir_is_named_by_that_folder(write, mistakes, project):
    write("more/optimizer/fast.yaml", "name: momentum_sgd\nlearning_rate: 20\nminibatch_size: 16\nmomentum: 0.9\n")
    assert mistakes("optimizer=fast", config_dirs=[project / "more"]) == [
        f"{project}/more/optimizer/fast.yaml: optimizer.learning_rate=20: must be greater than 0 and at most 10",
        (
            f"optimizer.weight_decay is required (not in {project}/more/optimizer/fast.yaml): "
            "L2: this times the weight is added to its gradient; e.g. optimizer.weight_decay=NUMBER"
        ),
    ]


def test_a_choice_without_a_known_name_is_refused(write, mistakes):
    write("conf/dataset/mine.yaml", "name: foldr\n")
    assert mistakes("dataset=mine") == [
        f"conf/dataset/mine.yaml: dataset.name=foldr: must be one of {SOURCES}; did you mean 'folder'?",
        (
            "conf/network/resnet18.yaml: network.image_size=${dataset.image_size}: leads nowhere: "
            "Interpolation key 'dataset.image_size' not found"
        ),
    ]


def test_a_name_that_is_no_text_is_refused(write, mistakes):
    write("conf/dataset/mine.yaml", "name: [folder]\nimage_size: 64\n")
    assert mistakes("dataset=mine") == [
        f"conf/dataset/mine.yaml: dataset.name=[folder]: must be one of {SOURCES}; did you mean 'folder'?"
    ]


def test_a_bad_element_of_a_list_in_a_file_is_found(write, mistakes):
    write("conf/experiment/mine.yaml", PRESET + "training: {schedule: {phases: [{epochs: 1, factor: x}]}}\n")
    assert mistakes("experiment=mine") == [
        "conf/experiment/mine.yaml: training.schedule.phases.0.factor=x: must be a number, not text"
    ]


def test_a_preset_without_its_first_line_is_told_so(write, mistakes):
    write("conf/experiment/mine.yaml", "seed: 3\n")
    assert mistakes("experiment=mine") == [
        (
            "conf/experiment/mine.yaml: experiment={seed: 3}: sets no key; "
            "a preset begins with the line `# @package _global_`"
        )
    ]


def test_yaml_that_cannot_be_read_names_file_and_line(write, mistakes):
    file = write("conf/experiment/mine.yaml", PRESET + "seed: 1\nnetwork: [\n")
    (line,) = mistakes("experiment=mine")
    assert line.startswith(f"experiment=mine: {file}, line 4: not valid YAML: ")


def test_a_choice_that_a_preset_asks_for_in_vain_is_one_line(write, mistakes):
    write("conf/experiment/mine.yaml", PRESET + "defaults:\n  - override /network: resnet99\n")
    (line,) = mistakes("experiment=mine")
    assert "network/resnet99" in line


def test_a_rule_is_blamed_on_the_override_among_its_keys(mistakes):
    (line,) = mistakes("split.validation=0.8")
    assert line.startswith("split.validation=0.8: split.validation + split.test must be below 1")


def test_a_rule_broken_by_a_file_is_blamed_on_the_file(write, mistakes):
    write("conf/experiment/mine.yaml", PRESET + "split: {test: 0.95}\n")
    (line,) = mistakes("experiment=mine")
    assert line.startswith("conf/experiment/mine.yaml: split.test=0.95: split.validation + split.test must be below 1")
