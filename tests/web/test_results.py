"""The results of a run over HTTP: what is shown, what is refused, and in how many words."""

import json
import re
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from skinlab.networks.resnet import resnet
from skinlab.web.app import create
from skinlab.web.door import Door, Keys
from skinlab.web.opening import dataset_of
from skinlab.web.workplace import Workplace
from tests.comparison.run_builders import Made, finished
from tests.results.result_builders import finished_run, images
from tests.serving.bundles import write_bundle

NAME = "runs/lesions/20261101-100000-aaaa01"
HTML = {"accept": "text/html"}


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An output folder with one run on small images; only to be read."""
    root = tmp_path_factory.mktemp("results")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SKINLAB_HOME", str(root / "home"))
        run = finished_run(root / "outputs" / NAME, images(root / "images"))
    network = resnet("resnet18", 32, 2, [0.5] * 3, [0.2] * 3)
    write_bundle(run / "bundle", architecture=network)
    return root / "outputs"


@pytest.fixture
def pages(output: Path, inside) -> TestClient:
    return inside(Workplace(output))


def words(client: TestClient, **asked: object) -> str:
    answer = client.get("/results", params={"run": NAME, **asked}, headers=HTML)
    assert answer.status_code == 200, answer.text
    return answer.text


def said(answer) -> str:
    """The one line of a refusal."""
    line = answer.json()["error"]
    assert "\n" not in line
    return line


def test_a_page_holds_a_bounded_number_of_images_whatever_the_run_has(tmp_path: Path, inside) -> None:
    finished(tmp_path / "outputs" / NAME, made=Made(images=2000))
    client = inside(Workplace(tmp_path / "outputs"))
    page = words(client, sort="name", page=3)
    assert page.count('class="card ') == 48
    assert "97 to 144 of 2000 images" in page
    assert len(page) < 400_000
    assert "2000 to 2000" not in words(client, page=10_000)


def test_the_images_of_a_cell_are_as_many_as_the_matrix_counts(pages: TestClient, output: Path) -> None:
    summary = json.loads((output / NAME / "summary.json").read_text())["test"]
    for row, truth in enumerate(summary["classes"]):
        for column, called in enumerate(summary["classes"]):
            part = pages.get("/results/images", params={"run": NAME, "truth": truth, "called": called}).text
            count = summary["confusion_matrix"][row][column]
            assert f'data-total="{count}"' in part
            assert part.count('class="card ') == count


def test_without_a_positive_class_no_number_is_about_a_class_alone(tmp_path: Path, inside) -> None:
    finished(tmp_path / "outputs" / NAME, made=Made(classes=("a", "b", "c"), positive=None))
    page = words(inside(Workplace(tmp_path / "outputs")))
    tiles = re.findall(r"<dt>([^<]+)</dt>", page)
    assert tiles[:2] == ["AUC, macro", "Balanced accuracy"]
    assert not {"Sensitivity", "Specificity"} & set(tiles)
    assert "positive" not in page
    assert 'id="threshold"' not in page


def test_a_subgroup_has_numbers_of_its_own_and_says_that_it_is_small(pages: TestClient) -> None:
    page = words(pages, group="sex: female")
    assert "too small to say: " in page
    assert 'value="sex: female" selected' in page
    assert "of this subgroup alone" in page
    assert page.count('class="card ') < words(pages).count('class="card ')


def test_pictures_are_the_images_that_were_scored(pages: TestClient) -> None:
    for kind, size in (("small", (16, 12)), ("whole", (16, 12)), ("heat", (256, 256))):
        answer = pages.get("/results/picture", params={"run": NAME, "row": 3, "kind": kind})
        assert answer.status_code == 200, answer.text
        assert Image.open(BytesIO(answer.content)).size == size


def test_heat_maps_are_kept_and_differ_between_the_classes(pages: TestClient, monkeypatch) -> None:
    asked = {"run": NAME, "row": 1, "kind": "heat"}
    maps = [pages.get("/results/picture", params={**asked, "code": code}).content for code in (0, 1)]
    assert maps[0] != maps[1]
    monkeypatch.setattr("skinlab.serving.explaining.Explainer.heat_map", None)  # none is made again
    assert [pages.get("/results/picture", params={**asked, "code": code}).content for code in (0, 1)] == maps


def test_a_small_picture_is_not_sent_again_to_who_has_it(pages: TestClient) -> None:
    asked = {"run": NAME, "row": 3}
    tag = pages.get("/results/picture", params=asked).headers["etag"]
    assert pages.get("/results/picture", params=asked, headers={"if-none-match": tag}).status_code == 304


def test_an_image_that_is_another_file_by_now_is_not_shown_as_the_one_that_was_scored(tmp_path: Path, inside) -> None:
    run = finished_run(tmp_path / "outputs" / NAME, images(tmp_path / "images"))
    client = inside(Workplace(tmp_path / "outputs"))
    name = (run / "predictions.csv").read_text().split("\n")[1].split(",")[0]
    (row,) = [
        row
        for row in range(20)
        if name in client.get("/results/image", params={"run": NAME, "row": row, "subset": "validation"}).text
    ]
    asked = {"run": NAME, "subset": "validation", "row": row}
    assert client.get("/results/picture", params=asked).status_code == 200
    Image.fromarray(np.zeros((9, 9, 3), np.uint8)).save(tmp_path / "images" / f"{name}.png")
    answer = client.get("/results/picture", params=asked)
    assert (answer.status_code, said(answer)) == (422, f"{name} is another file than the one that was scored")
    (tmp_path / "images" / f"{name}.png").unlink()
    assert "cannot be read" in said(client.get("/results/picture", params=asked))


def test_where_the_data_set_is_gone_numbers_are_shown_and_it_is_said_why_there_are_no_pictures(
    tmp_path: Path, inside
) -> None:
    finished_run(tmp_path / "outputs" / NAME, images(tmp_path / "images"))
    (tmp_path / "images" / "table.csv").unlink()
    page = words(inside(Workplace(tmp_path / "outputs")))
    assert "the images and subgroups cannot be shown: " in page
    assert "no picture" in page
    assert "<img" not in page


def test_a_declaration_that_is_damaged_takes_the_pictures_alone(tmp_path: Path, inside) -> None:
    run = finished(tmp_path / "outputs" / NAME)
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(record | {"config": {"dataset": 3}}))
    assert "the images and subgroups cannot be shown: " in words(inside(Workplace(tmp_path / "outputs")))


def test_in_a_frame_all_addresses_begin_with_its_key(output: Path) -> None:
    keys = Keys(embedded="frame")
    with TestClient(
        Door(create(Workplace(output)), keys, 8000), base_url="http://127.0.0.1:8000/embedded/frame"
    ) as pages:
        for address in (f"results?run={NAME}", f"results/image?run={NAME}&row=0", "runs"):
            text = pages.get(address, headers=HTML).text
            found = re.findall(r'(?:href|src|action)="(/[^"]*)"', text)
            assert found
            assert [one for one in found if not one.startswith("/embedded/frame/")] == []


def test_phantoms_that_nobody_waits_for_are_not_drawn_for_a_page(tmp_path: Path, inside, monkeypatch) -> None:
    monkeypatch.setattr("skinlab.data.sources.synthetic._draw_all", None)
    finished(tmp_path / "outputs" / NAME, "dataset.images=1000000", made=Made())
    page = words(inside(Workplace(tmp_path / "outputs")))
    assert "1000000 phantoms are not in the cache: draw them by `skinlab data preview`" in page


@pytest.mark.parametrize(
    "name",
    [
        "runs/lesions/none",
        "../outputs/runs/lesions/20261101-100000-aaaa01",
        "runs/../runs/lesions/20261101-100000-aaaa01",
        "/etc",
        ".trash",
        "named-0",
        "named-\u0661",
        "a\0b",
        "~",
        "runs",
    ],
)
def test_what_is_no_run_of_the_output_folder_is_one_line(pages: TestClient, name: str) -> None:
    answer = pages.get("/results", params={"run": name})
    assert answer.status_code == 404
    assert said(answer).startswith(f"there is no run {name} in ")


def test_a_link_out_of_the_output_folder_is_not_followed(tmp_path: Path, output: Path, inside) -> None:
    (tmp_path / "outputs").mkdir()
    (tmp_path / "outputs" / "runs").symlink_to(output / "runs")
    answer = inside(Workplace(tmp_path / "outputs")).get("/results", params={"run": NAME})
    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"truth": "nevus"}, "there is no class nevus; there are: benign, malignant"),
        ({"group": "sex: x"}, "no image is in a subgroup sex: x"),
        ({"sort": "age"}, "there is no order age; there are: loss, uncertainty, sure, probability, name"),
        ({"threshold": "nan"}, "a threshold is a number from 0 to 1, not nan"),
        ({"threshold": "2"}, "a threshold is a number from 0 to 1, not 2"),
        ({"subset": "train"}, "the request is not what this address takes"),
        ({"page": 0}, "the request is not what this address takes"),
    ],
)
def test_words_that_make_no_sense_are_one_line(pages: TestClient, asked: dict[str, object], expected: str) -> None:
    answer = pages.get("/results", params={"run": NAME, **asked})
    assert (answer.status_code, said(answer)) == (422, expected)


@pytest.mark.parametrize("row", [-1, 20, 10**12])
@pytest.mark.parametrize("part", ["image", "picture"])
def test_rows_that_are_not_there_are_refused(pages: TestClient, row: int, part: str) -> None:
    answer = pages.get(f"/results/{part}", params={"run": NAME, "row": row})
    assert answer.status_code in (404, 422)
    assert said(answer) == f"there is no image {row} in the subset test"


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("run.json", "{", "run.json cannot be read"),
        ("run.json", "[]", "run.json cannot be read: it is no JSON object"),
        ("predictions.csv", "", "are not of the same test images"),
        ("summary.json", '{"test": 1}', "its results are not as skinlab writes them"),
    ],
)
def test_a_damaged_run_is_one_line(tmp_path: Path, inside, name: str, content: str, expected: str) -> None:
    run = finished(tmp_path / "outputs" / NAME)
    (run / name).write_text(content)
    answer = inside(Workplace(tmp_path / "outputs")).get("/results", params={"run": NAME})
    assert answer.status_code == 409
    assert expected in said(answer)


def test_a_run_that_failed_says_why_and_how_to_go_on(tmp_path: Path, inside) -> None:
    run = finished(tmp_path / "outputs" / NAME)
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(record | {"status": "failed", "error": "<b>the loss became NaN"}))
    page = words(inside(Workplace(tmp_path / "outputs")))
    assert "There are no results: &lt;b&gt;the loss became NaN." in page
    assert "skinlab resume" in page


def test_nothing_in_a_run_becomes_markup(tmp_path: Path, inside) -> None:
    evil = "<img src=x onerror=alert(1)>"
    made = Made(classes=("benign", evil), positive=evil, images=10)
    run = finished(tmp_path / "outputs" / NAME, made=made)
    for name in ("run.json", "predictions.csv", "split.csv"):
        text = (run / name).read_text()
        (run / name).write_text(text.replace("image_0001", evil).replace('"default"', json.dumps(evil)))
    client = inside(Workplace(tmp_path / "outputs"))
    for page in (words(client), words(client, subset="validation", truth=evil, text=evil)):
        assert evil not in page
        assert "&lt;img src=x onerror=alert(1)&gt;" in page


def test_an_image_leads_to_its_label_where_its_data_set_is_under_review(output: Path, inside) -> None:
    asked = {"run": NAME, "row": 0}
    here = inside(Workplace(output, dataset_of(output / NAME))).get("/results/image", params=asked).text
    assert "/review?text=" in here
    assert "/review?text=" not in inside(Workplace(output)).get("/results/image", params=asked).text


@pytest.mark.parametrize(
    "changed",
    [{"metrics": {}}, {"per_class": None}, {"classes": ["benign", "malignant"]}, {"threshold": "x"}, {"threshold": 7}],
)
def test_numbers_of_another_shape_are_one_line(tmp_path: Path, inside, changed: dict[str, object]) -> None:
    run = finished(tmp_path / "outputs" / NAME)
    summary = json.loads((run / "summary.json").read_text())
    (run / "summary.json").write_text(json.dumps(summary | {"test": summary["test"] | changed}))
    answer = inside(Workplace(tmp_path / "outputs")).get("/results", params={"run": NAME})
    assert answer.status_code == 409
    assert "as skinlab writes them" in said(answer)


def test_without_a_name_the_run_of_the_command_is_shown_wherever_it_lies(tmp_path: Path, output: Path, inside) -> None:
    client = inside(Workplace(tmp_path / "elsewhere", runs=(output / NAME,)))
    answer = client.get("/results", headers=HTML)
    assert str(answer.url).endswith("/results?run=named-0")
    assert answer.status_code == 200
    assert inside(Workplace(tmp_path / "elsewhere")).get("/results", headers=HTML).url.path == "/runs"
