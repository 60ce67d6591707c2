import itertools

import pytest

from skinlab.engines.cntk import pins


@pytest.mark.parametrize(("variant", "expected"), [("cpu", "cntk"), ("gpu", "cntk-gpu")])
def test_each_variant_has_its_own_cntk_and_shares_the_rest(variant: pins.Variant, expected: str) -> None:
    names = [pin.name for pin in pins.pins_of(variant)]
    assert names == [expected, "numpy", "scipy", "pip"]


def test_wheel_pattern_follows_the_file_name_of_the_wheel() -> None:
    pin = pins.pins_of("gpu")[0]
    assert pin.wheel_pattern == "cntk_gpu-2.7.post2-*.whl"
    assert pin.requirement.startswith("cntk-gpu==2.7.post2 --hash=sha256:6954c67b")


def test_a_line_without_hash_is_refused() -> None:
    with pytest.raises(ValueError, match=r"numpy==1\.19\.5"):
        pins.parse("numpy==1.19.5")


def test_every_pin_is_explained() -> None:
    lines = pins.LOCK_FILE.read_text(encoding="utf-8").splitlines()
    for before, line in itertools.pairwise(lines):
        if "==" in line:
            assert before.startswith("#"), f"no comment above {line}"
