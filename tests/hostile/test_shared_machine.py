"""Other users of the machine and the network: keys, settings, locks, redirects and links meet nobody else."""

import http.server
import os
import socket
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from skinlab import files
from skinlab.commands.ui import leading_to
from skinlab.deployment import record
from skinlab.deployment.client import KEY_VARIABLE, Client
from skinlab.errors import ConfigError, DeploymentError
from skinlab.run import Run
from skinlab.settings import allowed_targets
from skinlab.transfer import peers
from skinlab.transfer.pace import Pacer, Patience
from skinlab.transfer.web import FetchError, Web
from tests.runs.run_builders import make_run


def test_the_link_of_the_pages_is_in_a_file_of_its_user_alone(quiet_home: Path) -> None:
    link = "http://127.0.0.1:1/enter?token=SECRET&x=1"
    with leading_to(link) as address:
        assert "SECRET" not in address
        file = Path(unquote(urlsplit(address).path))
        assert "SECRET&amp;x=1" in file.read_text()
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert not file.parent.exists()
    assert list(quiet_home.glob("ui-*")) == []


@pytest.mark.parametrize("mode", [0o646, 0o666, 0o602])
def test_settings_that_anybody_may_write_are_refused(quiet_home: Path, mode: int) -> None:
    file = quiet_home / "settings.toml"
    file.write_text('allowed_targets = ["mylab"]')
    assert allowed_targets() == ["mylab"]
    file.chmod(mode)
    with pytest.raises(ConfigError, match="anybody may write it: it says whose code is run"):
        allowed_targets()


def test_settings_of_somebody_else_are_refused(quiet_home: Path) -> None:
    (quiet_home / "settings.toml").write_text("")
    if os.getuid() != 0:
        pytest.skip("only root gives files away")
    os.chown(quiet_home / "settings.toml", 12345, -1)
    with pytest.raises(ConfigError, match="is not yours"):
        allowed_targets()


def test_a_folder_of_keys_that_others_may_write_is_refused(quiet_home: Path) -> None:
    with record.changing("mine") as folder:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    folder.chmod(0o777)
    with pytest.raises(DeploymentError, match="is not a folder of yours alone"), record.changing("mine"):
        pass


@pytest.mark.parametrize("address", ["http://192.0.2.1:8000", "http://example.org/score"])
def test_a_key_is_not_sent_over_http_to_another_machine(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "k" * 20)
    with pytest.raises(ConfigError, match="its key could be read on the way"):
        Client(address)
    Client(address, insecure=True)
    Client(address.replace("http", "https"))
    Client("http://127.0.0.1:8000")
    monkeypatch.delenv(KEY_VARIABLE)
    Client(address)


class Redirecting(http.server.BaseHTTPRequestHandler):
    """Sends everybody to `to`, and remembers who asked."""

    to = ""
    asked: list[str] = []  # noqa: RUF012 - of the class of one test

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(302 if self.path == "/away" else 200)
        if self.path == "/away":
            self.send_header("Location", self.to)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def server() -> Iterator[tuple[int, type[Redirecting]]]:
    handler = type("Handler", (Redirecting,), {"asked": []})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running.server_port, handler
        running.shutdown()


def web() -> Web:
    patience = Patience(connect=2, read=5, tries=1, backoff=0.1, longest_backoff=0.1)
    return Web(Pacer(1000), patience, "any")


@pytest.mark.parametrize("host", ["127.1", "0.0.0.0", "[::ffff:127.0.0.1]", "2130706433", "localhost.", "x.localhost"])  # noqa: S104
def test_no_redirect_from_the_internet_leads_into_this_machine(
    host: str, server: tuple[int, type[Redirecting]], monkeypatch: pytest.MonkeyPatch
) -> None:
    port, handler = server
    handler.to = f"http://{host}:{port}/inside"
    monkeypatch.setattr(peers.Session, "met_neighbour", lambda *_: False)  # as if the first server were on the internet
    with pytest.raises(FetchError):
        web().json(f"http://127.0.0.1:{port}/away")
    assert "/inside" not in handler.asked


def test_a_server_of_ones_own_network_may_redirect_within_it(server: tuple[int, type[Redirecting]]) -> None:
    port, handler = server
    handler.to = f"http://127.0.0.1:{port}/inside"
    assert web().json(f"http://127.0.0.1:{port}/away") == {}
    assert handler.asked == ["/away", "/inside"]


def test_nothing_of_netrc_is_sent(
    server: tuple[int, type[Redirecting]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port, handler = server
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password secret\n")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    seen: list[str | None] = []
    handler.do_GET = lambda self: (seen.append(self.headers.get("Authorization")), Redirecting.do_GET(self))[1]  # type: ignore[method-assign]
    assert web().json(f"http://127.0.0.1:{port}/x") == {}
    assert seen == [None]


def test_a_lock_whose_file_its_last_owner_removed_is_nobodys(tmp_path: Path) -> None:
    run = Run.open(make_run(tmp_path / "a", status="interrupted"))
    first = run._locked()
    waiting = os.open(tmp_path / "a" / ".lock", os.O_RDWR)  # as a process does that opened before the owner removed it
    (tmp_path / "a" / ".lock").unlink()
    first.close()
    second = run._locked()
    assert os.fstat(second.fileno()).st_ino != os.fstat(waiting).st_ino
    with pytest.raises(BlockingIOError):
        Run.open(tmp_path / "a")._locked()
    os.close(waiting)
    second.close()


def test_temporary_names_are_new_and_not_guessed(tmp_path: Path) -> None:
    names = set()
    for _ in range(20):
        with files.replacing(tmp_path / "a") as temporary:
            assert temporary.exists()
            names.add(temporary.name)
            temporary.write_text("x")
    assert len(names) == 20
    (tmp_path / "link").symlink_to(tmp_path / "precious")
    with pytest.raises(FileExistsError):
        files.open_new(tmp_path / "link")
    assert not (tmp_path / "precious").exists()


def test_the_processes_of_a_training_listen_to_nobody_else() -> None:
    pytest.importorskip("torch", reason="torch is missing: pip install torch")
    from skinlab.engines.torch.children import _environment

    variables = _environment(0, 2)
    assert variables["GLOO_SOCKET_IFNAME"] == variables["NCCL_SOCKET_IFNAME"] == "lo"
    assert socket.gethostbyname("localhost") == "127.0.0.1"
