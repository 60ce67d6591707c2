import pytest

from skinlab.commands.complete import candidates
from skinlab.commands.table import VERBS


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    """A current directory with images, a table and an experiment."""
    for name in ("images/benign", "images/with space", "conf/experiment", "more/experiment"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("images.csv", "conf/experiment/mine.yaml", "more/experiment/other.yaml", ".hidden"):
        (tmp_path / name).touch()
    run = tmp_path / "outputs" / "runs" / "debug" / "20261123-002523-f1deba"
    run.mkdir(parents=True)
    (run / "run.json").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_verbs_come_first():
    assert candidates([""]) == [*(verb.name for verb in VERBS), "--help", "--version"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("c", ["check", "compare", "cache", "completion"]),
        ("check --s", ["--show"]),
        ("check opt", ["optimizer=", "optimizer."]),
        ("check method", ["method=", "method."]),
        ("check se", ["seed="]),
        ("check training.sc", ["training.schedule."]),
        ("check training.s", ["training.schedule.", "training.sampling="]),
        (
            "check training.schedule.",
            ["training.schedule.name=", "training.schedule.phases=", "training.schedule.warmup_epochs="],
        ),
        ("check engine.mkl_cpu_type=", [f"engine.mkl_cpu_type={name}" for name in ("auto", "default", "avx2")]),
        ("check engine.device=c", ["engine.device=cpu"]),
        ("check dataset=fo", ["dataset=folder"]),
        ("check dataset.shuffle_labels=t", ["dataset.shuffle_labels=true"]),
        ("check engine.threads=", ["engine.threads=null"]),
        ("check tracking.m", ["tracking.mlflow."]),
        ("check tracking.mlflow.b", ["tracking.mlflow.bundle="]),
        ("check tracking.tensorboard=t", ["tracking.tensorboard=true"]),
        ("check experiment=m", ["experiment=mine"]),
        ("check --config-dir more experiment=o", ["experiment=other"]),
        ("check --config-dir=more experiment=o", ["experiment=other"]),
        ("check --config-dir nowhere experiment=o", []),
        ("check --config-dir m", ["more/"]),
        ("train -m augmentation=none,f", ["augmentation=none,flip_crop"]),
        ("train -m engine.device=cpu,a", ["engine.device=cpu,auto"]),
        ("check +se", ["+seed="]),
        ("check dataset=folder dataset.p", ["dataset.positive_class=", "dataset.path="]),
        ("check dataset=synthetic dataset.p", ["dataset.positive_class="]),
        ("check dataset=mine dataset.p", ["dataset.positive_class=", "dataset.path="]),
        ("check dataset.path=im", ["dataset.path=images/", "dataset.path=images.csv"]),
        ("check dataset.path=images/", ["dataset.path=images/benign/"]),
        ("check dataset.path=nowhere/", []),
        ("check optimizer.learning_rate=", []),
        ("check nonsense.", []),
        ("nonsense ", []),
        ("completion z", ["zsh"]),
        ("resume im", ["images/", "images.csv"]),
        ("folds images/", ["images/benign/"]),
        ("folds --j", ["--json"]),
        ("compare im", ["images/", "images.csv"]),
        ("compare --m", ["--metric"]),
        ("setup ", ["cntk"]),
        ("setup cntk ", []),
        ("predict im", ["images/", "images.csv"]),
        ("predict images/ --o", ["--out"]),
        ("evaluate im", ["images/", "images.csv"]),
        ("evaluate run dataset=fo", ["dataset=folder"]),
        ("evaluate run --s", ["--subset"]),
        ("runs s", ["show"]),
        ("runs --s", ["--since", "--sort"]),
        ("runs status=failed --l", ["--limit"]),
        ("runs show f1", ["f1deba"]),
        ("runs show lat", ["latest"]),
        ("runs diff f1deba 2026", ["20261123-002523-f1deba"]),
        ("runs import im", ["images/", "images.csv"]),
        ("runs trash e", ["empty"]),
        ("resume f1", ["f1deba"]),
        ("predict 2026", ["20261123-002523-f1deba"]),
        ("predict f1deba im", ["images/", "images.csv"]),
        ("deploy im", ["images/", "images.csv"]),
        ("deploy run deployment.p", ["deployment.port="]),
        ("deploy run --r", ["--replace"]),
        ("deployments re", ["restart"]),
        ("score mine im", ["images/", "images.csv"]),
    ],
)
def test_what_may_follow(words, expected):
    assert candidates(words.split(" ")) == expected


def test_the_name_that_follows_a_choice_is_not_offered():
    assert "dataset.name=" not in candidates(["check", "dataset.n"])


def test_everything_offered_for_a_verb_that_declares_can_be_typed():
    top = candidates(["check", ""])
    assert {"name=", "seed=", "dataset=", "dataset.", "training.", "experiment="} <= set(top)
    assert not any(name.count(".") > 1 for name in top)
