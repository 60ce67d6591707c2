"""The user's own settings: read, checked, never guessed."""

from pathlib import Path

import pytest

from skinlab.errors import ConfigError
from skinlab.settings import DEFAULT_CACHE_GB, allowed_targets, cache_bytes, settings_file


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SKINLAB_HOME", str(tmp_path))
    monkeypatch.delenv("SKINLAB_CACHE_GB", raising=False)
    return tmp_path


def write(text: str) -> None:
    settings_file().write_text(text, encoding="utf-8")


def test_without_settings_there_are_defaults() -> None:
    assert cache_bytes() == DEFAULT_CACHE_GB * 1e9
    assert allowed_targets() == []


def test_the_environment_goes_before_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    write('cache_gb = 20\nallowed_targets = ["mylab"]\n')
    assert cache_bytes() == 20_000_000_000
    assert allowed_targets() == ["mylab"]
    monkeypatch.setenv("SKINLAB_CACHE_GB", "0.5")
    assert cache_bytes() == 500_000_000


@pytest.mark.parametrize("value", ["0", "-1", "true", '"50"', "inf", "nan"])
def test_a_size_that_is_none_is_refused_with_its_place(value: str) -> None:
    write(f"cache_gb = {value}\n")
    with pytest.raises(ConfigError, match=r"settings\.toml: cache_gb = .* must be a number above 0"):
        cache_bytes()


@pytest.mark.parametrize("value", ["0", "50GB", "nan"])
def test_a_variable_that_is_no_size_is_refused(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKINLAB_CACHE_GB", value)
    with pytest.raises(ConfigError, match=f"^SKINLAB_CACHE_GB={value} must be a number above 0"):
        cache_bytes()


def test_a_misspelt_setting_is_refused() -> None:
    write("cache_gib = 20\n")
    with pytest.raises(ConfigError, match="no setting cache_gib; there are: allowed_targets, cache_gb"):
        cache_bytes()
