"""Every format that is read, by each of the ways to an answer: training's cache, predict, the service, score.py."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from skinlab import paths
from skinlab.cli import main
from skinlab.data.cache import decoded
from skinlab.data.hashes import sha256_of_files
from skinlab.data.images import decode_settings
from skinlab.serving import loading
from skinlab.serving.scoring import Scorer
from tests.data import profiles
from tests.data.mutated_images import saved, specimens
from tests.serving.bundles import write_bundle
from tests.serving.http.conftest import Worker
from tests.serving.test_portable import run, text

P3 = saved(
    "PNG",
    Image.new("RGB", (16, 16), (150, 110, 60)),
    icc_profile=profiles.rgb(profiles.DISPLAY_P3, profiles.SRGB_CURVE),
)


@pytest.mark.parametrize("colour_profile", ["convert", "ignore"])
def test_all_ways_give_the_same_answer_for_every_format(
    colour_profile: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(paths.HOME_VARIABLE, str(tmp_path / "home"))
    folder = write_bundle(tmp_path / "bundle", decode=decode_settings(colour_profile))
    sent = {**specimens(), "Display P3": P3}
    files = [tmp_path / f"{number:02}.bin" for number in range(len(sent))]
    for file, content in zip(files, sent.values(), strict=True):
        file.write_bytes(content)
    names = [str(file) for file in files]
    trained = decoded(names, [str(one) for one in sha256_of_files(names)[0]], 8, colour_profile=colour_profile)
    assert trained.unreadable == []
    scorer = Scorer(loading.load(folder), threads=1)
    expected = [scorer.answer(np.asarray(image)).probabilities for image in trained.images]
    assert main(["predict", str(folder), *names]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    predicted = [(float(row["probability_benign"]), float(row["probability_malignant"])) for row in rows]
    worker = Worker(folder, None)
    served = worker.together(
        [("POST", "/score", {"files": {"image": ("any.name", content)}}) for content in sent.values()]
    )
    worker.answerer.close()
    alone = [run(folder, {"image": text(content)})[0] for content in list(sent.values())[:1]]
    (together,) = run(folder, {"images": [text(content) for content in list(sent.values())[:32]]})
    for place, probabilities in enumerate(expected):
        assert predicted[place] == probabilities
        answer = served[place].json()["results"][0]["probabilities"]
        np.testing.assert_allclose(list(answer.values()), probabilities, rtol=0, atol=1e-6)
        if place < 32:
            assert tuple(together["results"][place]["probabilities"].values()) == probabilities
    assert tuple(alone[0]["results"][0]["probabilities"].values()) == expected[0]


def test_a_bundle_decodes_as_it_was_trained_and_not_as_is_usual(tmp_path: Path) -> None:
    ways = {
        setting: Scorer(loading.load(write_bundle(tmp_path / setting, decode=decode_settings(setting))), threads=1)
        for setting in ("convert", "ignore")
    }
    converted, ignored = (ways[setting].decode(P3)[4, 4].tolist() for setting in ways)
    assert ignored == [150, 110, 60]
    assert converted != ignored
    assert ways["convert"].answer_file(P3) != ways["ignore"].answer_file(P3)


def test_dicom_may_be_sent_as_what_it_is(tmp_path: Path) -> None:
    worker = Worker(write_bundle(tmp_path / "bundle"), None)
    header = {"content-type": "application/dicom"}
    answer = worker.ask("POST", "/score", content=specimens()["DICOM"], headers=header)
    worker.answerer.close()
    assert answer.status_code == 200
