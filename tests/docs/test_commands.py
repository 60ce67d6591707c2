"""Every command that README.md, docs/ and experiments/README.md show in a block is run, in the order of its page.

rules.py says what stands for the placeholders, how trainings are made small, and what cannot run here and why: such a
command is at least parsed. Whatever is in none of its tables and does not run fails the test.
"""

import contextlib
import functools
import re
import shutil
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from skinlab import paths
from skinlab.deployment import record
from tests import homes
from tests.data.archive.archive_server import Archive, serving
from tests.docs import rules, site
from tests.docs.pages import PAGES, Block, blocks, commands, inline, name_of
from tests.docs.shell import Shell, skinlab
from tests.docs.stand_in import pretend

pytestmark = pytest.mark.cntk


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@pytest.fixture(scope="module")
def home(cntk_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home in force for all pages: they share its cache, which one of them clears, and its deployments."""
    made = homes.make(tmp_path_factory.mktemp("home"), runtimes_of=cntk_home)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(paths.HOME_VARIABLE, str(made))
        patch.setenv("NO_PROXY", "127.0.0.1")
        yield made
        site.delete_deployments()


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """The folder that each page begins with, and the address that serves it."""
    folder = tmp_path_factory.mktemp("site")
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_address[1]}"
    site.pictures(folder, address)
    yield folder, address
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def sources(home: Path, images: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Finished runs and a sweep: one run is real, the others have its model."""
    folder = tmp_path_factory.mktemp("sources")
    declared = ["train", "dataset=folder", f"dataset.path={images[0] / 'images'}", *rules.SHORT]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name, words in (
            ("model", ["method=featurize"]),
            ("mine", ["name=mine"]),
            ("base", ["name=base", "seed=2"]),
        ):
            given = [*declared, *words, f"output_dir=made-{name}"]
            done = skinlab(given)
            assert done.code == 0, done.err
            next((folder / f"made-{name}").glob("runs/*/*")).rename(folder / name)
            pretend(patch, folder / "model")
        swept = ["train", "-m", *declared[1:], "name=mine", "optimizer.learning_rate=0.01,0.02", "output_dir=made"]
        assert skinlab(swept).code == 0
        next((folder / "made").glob("sweeps/*/*")).rename(folder / "sweep")
    return folder


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_of_a_page_runs(
    page: Path,
    home: Path,
    images: tuple[Path, str],
    sources: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder, web = images
    here = tmp_path / "here"
    site.copy(folder, here)
    site.fill(here, name_of(page), page.read_text(encoding="utf-8"), sources)
    monkeypatch.chdir(here)
    shell, names = Shell(rules.shortened, {"SKINLAB_HOME": str(home)}), site.names()
    with serving(Archive(images=24)) as archive:
        monkeypatch.setenv("SKINLAB_ISIC_API", archive.api)
        for block in blocks(page):
            if block.kind == "yaml" and (
                path := re.match(r"(?:# @package _global_\n)?# (conf/\S+\.yaml)\n", block.text)
            ):
                Path(path[1]).parent.mkdir(parents=True, exist_ok=True)
                Path(path[1]).write_text(block.text)
            for line in commands(block) if block.kind == "shell" else []:
                _carry_out(line, shell, web, sources / "model")
            if block.kind == "python" and not _shown(block):
                _prepare(block.text, shell)
                with pytest.MonkeyPatch.context() as patch:
                    pretend(patch, sources / "model")
                    exec(compile(block.text, f"{block.page}:{block.line}", "exec"), names)  # noqa: S102 - our own pages


def _carry_out(line: str, shell: Shell, web: str, model: Path) -> None:
    if rule := rules.not_run(line):
        rule.check(line)
        return
    if line.startswith("curl ") and shutil.which("curl") is None:
        pytest.skip("curl is missing; the commands before it ran")
    typed = rules.substituted(line).replace("WEB/", f"{web}/").replace("NEWEST", site.newest_sweep())
    if address := _prepare(typed, shell):
        typed = typed.replace("http://127.0.0.1:8000", address)
    if re.match(r"skinlab train .*-m ", line) and "$" not in line:
        rules.declared(line)
    with pytest.MonkeyPatch.context() as patch:
        if not line.startswith(rules.TRAINED):
            pretend(patch, model)
        patch.setattr("skinlab.web.server.Server.wait", lambda _server: None)  # they come up, and end
        with contextlib.chdir(site.request() if typed.startswith("python -c") else "."):
            done = shell.run(typed)
    expected = rules.CODES.get(line.split("  #", maxsplit=1)[0].strip(), 0)
    assert done.code == expected, f"{line}\n{done.out.decode()[-2000:]}{done.err[-2000:]}"


def _prepare(line: str, shell: Shell) -> str | None:
    """Bring about what a command takes for granted; the address of the service, for a command that asks one."""
    if resumed := re.match(r"skinlab resume (\S+)", line):
        site.interrupted(Path(resumed[1]))
    if packed := re.match(r"skinlab runs import (\w+)\.zip", line):
        shutil.rmtree(next(Path("outputs/runs").glob(f"*/*-{packed[1]}")))
    if "--urls" in line:
        site.addresses()
    if re.match(r"skinlab deploy (?!.*--replace)", line) or "deployment=azure" in line:
        site.delete_deployments()
    elif re.search(r"^curl |^KEY=|^skinlab (score|verify|deployments) |^skinlab deploy |Client\(", line):
        return _deployed().address.rstrip("/").removesuffix("/score")
    return None


def _deployed() -> record.Record:
    """The deployment `lesions`, on this machine."""
    if record.find("lesions") is None:
        done = skinlab(rules.shortened(["deploy", site.RUN, "deployment.name=lesions"]))
        assert done.code == 0, done.err
    found = record.find("lesions")
    assert found is not None
    return found


def _shown(block: Block) -> bool:
    return any(block.page == page and block.text.startswith(begin) for page, begin, _ in rules.SHOWN)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_block_of_a_page_is_of_a_known_kind(page: Path) -> None:
    for block in blocks(page):
        assert _shown(block) or block.kind != "unknown", (
            f"{block.page}:{block.line} is no command, Python or YAML: {block.text}"
        )


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_in_a_text_names_what_there_is(page: Path) -> None:
    for line in inline(page):
        rules.check_words(line)


def test_what_the_tables_list_is_on_the_pages() -> None:
    lines = [line for page in PAGES for block in blocks(page) if block.kind == "shell" for line in commands(block)]
    for rule in rules.NOT_RUN:
        assert any(rules.not_run(line) is rule for line in lines), f"no command needs the rule {rule.pattern}"
    for page, begin, _ in rules.SHOWN:
        found = [block for one in PAGES if name_of(one) == page for block in blocks(one)]
        assert any(block.text.startswith(begin) for block in found), f"{page} shows no {begin}"
    assert set(rules.CODES) <= {line.split("  #")[0].strip() for line in lines}
