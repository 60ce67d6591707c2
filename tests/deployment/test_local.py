"""A local service as its user meets it: real processes, sockets and signals."""

import dataclasses
import json
import os
import signal
import socket
from pathlib import Path

import numpy as np
import pytest

from skinlab.deployment import record as recorded
from skinlab.deployment.local import LocalTarget
from skinlab.deployment.record import Record
from skinlab.errors import ConfigError, DeploymentError
from skinlab.serving import loading
from skinlab.serving.http import keys
from tests.deployment.services import BLUE, RED, Hammer, children, deploy, gone, key_of, port_of, post, wait_until
from tests.serving.bundles import RED_IS_MALIGNANT, arrays, write_bundle, write_replayed

pytestmark = pytest.mark.usefixtures("deployments_home")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_replayed(tmp_path_factory.mktemp("bundle") / "b")


@pytest.fixture(scope="module")
def running(bundle: Path, deployments_home: Path) -> Record:
    """A service that tests may ask but not change."""
    return deploy(bundle, "running", "body_mb=0.1", "request_seconds=1")


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another model: blue is malignant."""
    drawn = arrays() | {"fc.weight": np.ascontiguousarray(RED_IS_MALIGNANT[:, ::-1])}
    return write_bundle(tmp_path_factory.mktemp("other") / "b", drawn=drawn)


def label(answer: tuple[int, bytes]) -> str:
    status, body = answer
    assert status == 200, body
    return str(json.loads(body)["results"][0]["label"])


def test_it_answers_with_its_key_and_its_record_says_what_was_proven(running: Record, bundle: Path) -> None:
    assert (label(post(running)), label(post(running, BLUE))) == ("malignant", "benign")
    assert post(running, key="not-the-key-of-this")[0] == 401
    assert LocalTarget().status(running) == "running"
    assert recorded.find("running") == running
    assert running.model_sha256 == loading.load(bundle).sha256
    assert running.replay is not None
    assert running.replay.images == 3
    assert running.replay.largest_difference <= 1e-6


def test_it_listens_on_this_machine_alone_and_keeps_its_key_to_its_owner(running: Record) -> None:
    tables = [Path("/proc/net/tcp").read_text(), Path("/proc/net/tcp6").read_text()]
    listening = [line.split()[1] for text in tables for line in text.splitlines() if line.split()[3] == "0A"]
    ours = [address for address in listening if address.endswith(f":{port_of(running):04X}")]
    assert ours == [f"0100007F:{port_of(running):04X}"]
    assert Path(running.state["key_file"]).stat().st_mode & 0o777 == 0o600
    assert recorded.folder("running").stat().st_mode & 0o777 == 0o700
    assert key_of(running) not in LocalTarget().logs(running, 1000)


def test_a_body_that_is_too_large_is_refused_with_a_reason_even_while_it_is_sent(running: Record) -> None:
    status, body = post(running, b"x" * 150_000)
    assert status == 413
    assert b"larger than 0.1 MB" in body


def raw(record: Record, *pieces: bytes) -> bytes:
    """What is answered to bytes on a connection, until it is closed."""
    with socket.create_connection(("127.0.0.1", port_of(record)), timeout=60) as connection:
        for piece in pieces:
            connection.sendall(piece)
        received = b""
        while read := connection.recv(1 << 16):
            received += read
    return received


def test_a_body_that_never_ends_is_given_up(running: Record) -> None:
    head = f"POST /score HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {key_of(running)}\r\n"
    answer = raw(running, head.encode() + b"Content-Type: image/png\r\nContent-Length: 1000\r\n\r\nabc")
    assert answer.startswith(b"HTTP/1.1 408 ")


def test_a_head_that_is_too_long_or_no_http_is_refused(running: Record) -> None:
    assert raw(running, b"GET / HTTP/1.1\r\n", *[b"x: " + b"y" * 8000 + b"\r\n"] * 9).startswith(b"HTTP/1.1 431 ")
    assert raw(running, b"\x16\x03\x01 not http\r\n\r\n").startswith(b"HTTP/1.1 400 ")


def test_a_worker_that_dies_is_replaced_and_the_address_stays(bundle: Path) -> None:
    made = deploy(bundle, "crash", "workers=2", "threads=1")
    supervisor = made.state["process"]["pid"]
    first, second = children(supervisor)
    os.kill(first, signal.SIGSEGV)
    assert wait_until(lambda: len(set(children(supervisor)) - {first, second}) == 1)
    assert wait_until(lambda: LocalTarget().status(made) == "running")
    assert label(post(made)) == "malignant"
    assert f"worker {first} ended: killed by SIGSEGV" in LocalTarget().logs(made, 100)
    LocalTarget().delete(made, lambda _: None)


def test_a_service_whose_process_is_gone_is_stopped_and_so_are_its_workers(bundle: Path) -> None:
    made = deploy(bundle, "killed")
    supervisor = made.state["process"]["pid"]
    (worker,) = children(supervisor)
    os.kill(supervisor, signal.SIGKILL)
    assert wait_until(lambda: LocalTarget().status(made) == "stopped")
    assert wait_until(lambda: gone(worker))
    again = LocalTarget().restart(made, lambda _: None)
    assert (again.address, LocalTarget().status(again)) == (made.address, "running")
    assert key_of(again) == key_of(made)
    LocalTarget().delete(again, lambda _: None)


def test_one_of_another_version_says_how_to_begin_anew(running: Record) -> None:
    older = dataclasses.replace(running, settings={"target": "local", "unknown": 1})
    with pytest.raises(DeploymentError, match="deployed by another version of skinlab: .* --replace"):
        LocalTarget().restart(older, lambda _: None)


def test_deleting_ends_every_process_and_leaves_nothing(bundle: Path) -> None:
    made = deploy(bundle, "deleted", "drain_seconds=1")
    supervisor = made.state["process"]["pid"]
    workers = children(supervisor)
    LocalTarget().delete(made, lambda _: None)
    assert all(gone(pid) for pid in (supervisor, *workers))
    assert not recorded.folder("deleted").exists()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port_of(made)), timeout=5)


def test_one_takes_the_place_of_another_without_losing_a_request(bundle: Path, other: Path) -> None:
    made = deploy(bundle, "replaced")
    with Hammer(made) as hammer:
        assert wait_until(lambda: len(hammer.answers) > 50)
        again = deploy(other, "replaced")
        after = len(hammer.answers)
        assert wait_until(lambda: len(hammer.answers) > after + 50)
    assert hammer.failures == []
    labels = [label(answer) for answer in hammer.answers]
    assert (labels[0], labels[-1]) == ("malignant", "benign")
    assert set(labels[after:]) == {"benign"}
    assert (again.address, gone(made.state["process"]["pid"])) == (made.address, True)
    assert [path.name for path in recorded.folder("replaced").iterdir() if path.is_dir()] == [again.state["revision"]]
    LocalTarget().delete(again, lambda _: None)


def test_one_that_answers_otherwise_than_its_run_is_stopped_and_the_one_before_goes_on(
    running: Record, tmp_path: Path
) -> None:
    wrong = write_replayed(tmp_path / "wrong", off=0.01)
    with pytest.raises(
        DeploymentError, match=r"is not the model that was evaluated: .* 0.01 .* before goes on; its log"
    ):
        deploy(wrong, "running")
    assert recorded.find("running") == running
    assert label(post(running)) == "malignant"
    with pytest.raises(DeploymentError, match="is not the model"):
        deploy(wrong, "wrong")
    assert not recorded.folder("wrong").exists()


def test_one_that_does_not_come_up_says_why(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONWARNINGS", "error")
    monkeypatch.setenv("PYTHONPATH", str(bundle))  # no skinlab in there; the one of the environment may be another
    monkeypatch.setenv("PYTHONHOME", "/nowhere")
    with pytest.raises(DeploymentError, match="does not come up.*\n"):
        deploy(bundle, "unborn")
    assert not recorded.folder("unborn").exists()


def test_a_port_that_is_taken_is_named(running: Record, bundle: Path) -> None:
    with pytest.raises(DeploymentError, match=f"127.0.0.1:{port_of(running)} cannot be listened on"):
        deploy(bundle, "taken", f"port={port_of(running)}")
    assert not recorded.folder("taken").exists()


def test_keys_come_from_a_file_or_the_environment(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys.write(tmp_path / "mine", ["first-key-of-mine", "second-key-of-mine"])
    made = deploy(bundle, "keyed", f"key_file={tmp_path / 'mine'}")
    assert {post(made, key=key)[0] for key in ("first-key-of-mine", "second-key-of-mine")} == {200}
    monkeypatch.setenv("SKINLAB_DEPLOYMENT_KEYS", "a-key-of-the-environment")
    again = deploy(bundle, "keyed")
    assert (post(again, key="a-key-of-the-environment")[0], post(again, key="first-key-of-mine")[0]) == (200, 401)
    (worker,) = children(again.state["process"]["pid"])
    assert b"a-key-of-the-environment" not in Path(f"/proc/{worker}/environ").read_bytes()
    LocalTarget().delete(again, lambda _: None)


def test_a_key_file_that_others_may_read_is_refused(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "open").write_text("a-key-that-is-long\n")
    (tmp_path / "open").chmod(0o644)
    with pytest.raises(ConfigError, match="can be read by others"):
        deploy(bundle, "open", f"key_file={tmp_path / 'open'}")


def test_the_log_is_bounded(bundle: Path) -> None:
    made = deploy(bundle, "logged", "log_mb=0.002")
    for _ in range(60):
        assert post(made, RED)[0] == 200
    folder = recorded.folder("logged") / made.state["revision"]
    assert wait_until((folder / "service.log.1").exists)
    assert sum(path.stat().st_size for path in folder.glob("service.log*")) <= 2 * 2000
    assert LocalTarget().logs(made, 3).count("POST /score 200") == 3
    LocalTarget().delete(made, lambda _: None)


def test_two_commands_do_not_change_one_deployment_at_a_time(running: Record, bundle: Path) -> None:
    with recorded.changing("running"), pytest.raises(DeploymentError, match="is being changed by another command"):
        deploy(bundle, "running")
