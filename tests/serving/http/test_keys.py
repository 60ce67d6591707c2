from pathlib import Path

import pytest

from skinlab.errors import ConfigError
from skinlab.serving.http import keys
from skinlab.serving.http.keys import Keys

KEY, OTHER = "k" * 16, "other-key-0123456789"


@pytest.mark.parametrize("header", [f"Bearer {KEY}", f"bearer {OTHER}", f"BEARER  {KEY} "])
def test_any_of_the_keys_is_let_in(header: str) -> None:
    assert Keys([KEY, OTHER]).allow(header.encode())


@pytest.mark.parametrize(
    "header", [None, b"", b"Bearer", b"Bearer ", KEY.encode(), b"Basic " + KEY.encode(), b"Bearer \xff"]
)
def test_anything_else_is_not(header: bytes | None) -> None:
    assert not Keys([KEY]).allow(header)


def test_a_file_is_written_for_its_owner_alone_and_read_back(tmp_path: Path) -> None:
    keys.write(tmp_path / "keys", [KEY, OTHER])
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o600
    assert keys.read(tmp_path / "keys") == [KEY, OTHER]


@pytest.mark.parametrize(
    ("content", "mode", "said"),
    [
        (KEY, 0o644, "can be read by others: chmod 600"),
        ("# none\n\n", 0o600, "holds no key"),
        ("short", 0o600, "at least 16 printable"),
        (f"{KEY} {KEY}", 0o600, "without blanks"),
        ("ключ" * 8, 0o600, "cannot be read"),
    ],
)
def test_a_file_that_is_not_safe_or_not_of_keys_is_refused(tmp_path: Path, content: str, mode: int, said: str) -> None:
    path = tmp_path / "keys"
    path.write_text(content)
    path.chmod(mode)
    with pytest.raises(ConfigError, match=said) as caught:
        keys.read(path)
    assert KEY not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="none cannot be read: No such file"):
        keys.read(tmp_path / "none")


def test_each_made_key_is_another_and_will_do() -> None:
    first, second = keys.made(), keys.made()
    assert first != second
    assert keys.checked([first], "here") == [first]
