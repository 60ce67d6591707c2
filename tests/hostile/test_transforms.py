"""Declared transforms of a stranger: a declaration calls a class of transforms or nothing."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from skinlab.config import compose, parse
from skinlab.config.redeclare import completed
from skinlab.data.augmentation import Augmenter
from skinlab.data.transforms import build, faults
from skinlab.errors import ConfigError
from tests.hostile.audit import Watch
from tests.runs.run_builders import declared

CALL = "{_target_: skinlab.children.run, command: [touch, pwned]}"
FLIP = "albumentations.HorizontalFlip"
HIDDEN = [
    "${oc.create:" + CALL + "}",
    "\\${oc.create:" + CALL + "}",
    "\\\\${oc.create:" + CALL + "}",
    "${oc.decode:'" + CALL + "'}",
    "a${oc.env:HOME}b",
    "${name}",
    "${",
]


@pytest.mark.parametrize("text", HIDDEN)
def test_an_interpolation_in_a_recorded_transform_is_refused_and_never_resolved(text: str, harmless: Watch) -> None:
    config = declared() | {"augmentation": {"name": "a", "copies": 0, "transforms": [{"_target_": FLIP, "p": text}]}}
    with pytest.raises(ConfigError, match=r"augmentation\.transforms\.0\.p.*\$\{.*nothing resolves it"):
        parse(completed(json.loads(json.dumps(config))))
    with pytest.raises(ConfigError, match="HorizontalFlip"):
        Augmenter([{"_target_": FLIP, "p": text}])
    assert not Path("pwned").exists()
    assert harmless.seen == []


@pytest.mark.parametrize("key", ["name", "output_dir"])
def test_an_interpolation_in_any_recorded_text_is_refused(key: str, harmless: Watch) -> None:
    with pytest.raises(ConfigError, match=rf"{key}.*nothing resolves it"):
        parse(completed(declared() | {key: HIDDEN[0]}))
    assert harmless.seen == []


@pytest.mark.parametrize("text", [f"'{HIDDEN[0]}'", f"'{HIDDEN[1]}'"])
def test_a_preset_cannot_hide_a_call_in_an_interpolation(text: str, tmp_path: Path, harmless: Watch) -> None:
    (tmp_path / "presets" / "augmentation").mkdir(parents=True)
    file = tmp_path / "presets" / "augmentation" / "shared.yaml"
    file.write_text(f"name: shared\ncopies: 0\ntransforms:\n  - _target_: {FLIP}\n    p: {text}\n")
    with pytest.raises(ConfigError, match=r"shared\.yaml: .*nothing is looked up for a file"):
        compose(["augmentation=shared"], [tmp_path / "presets"])
    assert not Path("pwned").exists()
    assert harmless.seen == []


@pytest.mark.parametrize("word", ["_args_", "_partial_", "_recursive_", "_convert_", "_x"])
def test_words_of_hydra_are_refused(word: str) -> None:
    nested = {"_target_": "albumentations.OneOf", "transforms": [{"_target_": FLIP, word: True}]}
    with pytest.raises(ConfigError, match=rf"transforms\.0\.transforms\.0\.{word}=True: is a word of Hydra"):
        build([nested])


@pytest.fixture
def mylab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quiet_home: Path) -> Path:
    """A package of the user's own that the settings allow; it imports other modules, as packages do."""
    package = tmp_path / "mylab"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "transforms.py").write_text(
        "import os\nimport numpy as np\nfrom albumentations import HorizontalFlip, ImageOnlyTransform\n"
        "class Spots(ImageOnlyTransform):\n    def apply(self, img, **_):\n        return img\n"
        "def nothing():\n    return None\n"
        "class Plain:\n    pass\n"
    )
    (quiet_home / "settings.toml").write_text('allowed_targets = ["mylab.transforms"]')
    monkeypatch.syspath_prepend(str(tmp_path))
    yield package
    for name in [name for name in sys.modules if name.partition(".")[0] == "mylab"]:
        del sys.modules[name]


def test_a_transform_of_an_allowed_package_is_built_also_inside_another(mylab: Path) -> None:
    spots = {"_target_": "mylab.transforms.Spots", "p": 1.0}
    Augmenter([spots, {"_target_": "albumentations.OneOf", "transforms": [spots, {"_target_": FLIP}]}])


@pytest.mark.parametrize(
    ("target", "arguments", "what"),
    [
        ("mylab.transforms.np.savetxt", {"fname": "pwned", "X": [1]}, "cannot be imported"),
        ("mylab.transforms.os.makedirs", {"name": "pwned"}, "cannot be imported"),
        ("mylab.transforms.nothing", {}, "is no class of transforms"),
        ("mylab.transforms.Plain", {}, "is no class of transforms"),
        ("mylab.transforms.os", {}, "is no class of transforms"),
        ("mylab.transforms.HorizontalFlip", {}, "name it by its own package"),
        ("mylab.transforms.Absent", {}, "is no class of transforms"),
        ("albumentations.BboxParams", {"format": "coco"}, "is no class of transforms"),
    ],
)
def test_of_an_allowed_package_only_its_own_classes_of_transforms_are_called(
    target: str, arguments: dict[str, Any], what: str, mylab: Path, harmless: Watch
) -> None:
    with pytest.raises(ConfigError, match=what):
        Augmenter([{"_target_": target, **arguments}])
    assert not Path("pwned").exists()
    assert harmless.seen == []


def test_what_the_check_refuses_the_builder_refuses(harmless: Watch) -> None:
    for target in ("os.system", "albumentations.os.system", "skinlab.children.run", "albumentations.core", "", ".a", 3):
        transforms: list[dict[str, Any]] = [{"_target_": target, "command": ["touch", "pwned"]}]
        assert list(faults(transforms))
        with pytest.raises(ConfigError, match="is not allowed"):
            build(transforms)
    assert harmless.seen == []
