"""Names of image files."""

import pytest

from skinlab.data.sources.files import image_ids, is_image, without_extension


@pytest.mark.parametrize("name", ["a.jpg", "a.JPEG", "a.b.png", "x/y.TIF", "a.webp"])
def test_image_extensions_are_known_in_any_case(name: str) -> None:
    assert is_image(name)


@pytest.mark.parametrize("name", ["a.txt", "jpg", ".jpg", "a.jpg.gz", "png/a"])
def test_other_names_are_no_images(name: str) -> None:
    assert not is_image(name)


def test_dots_in_a_name_are_kept() -> None:
    assert without_extension("site.3/lesion.v2") == "site.3/lesion.v2"
    assert without_extension("site.3/lesion.v2.png") == "site.3/lesion.v2"


def test_ids_are_unique_for_unique_paths() -> None:
    paths = ["a.jpg", "a.png", "b.png", "sub/a.jpg"]
    assert len(set(image_ids(paths))) == 4
