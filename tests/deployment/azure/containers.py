"""What Azure starts for a deployment: the uploaded score.py in a process of its own, with the uploaded model."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

PROGRAM = """
import json, sys
sys.path.insert(0, sys.argv[1])
import score
score.init()
print("ready", flush=True)
for line in sys.stdin:
    print(json.dumps(score.run(json.loads(line))), flush=True)
"""


class CrashedError(Exception):
    """The container does not come up; its log."""


class Container:
    """One running bundle.

    Args:
        folder: of its own.
        code: files by name.
        model: files by name, as they lie below AZUREML_MODEL_DIR.
    """

    def __init__(self, folder: Path, code: dict[str, bytes], model: dict[str, bytes]) -> None:
        for below, files in (("code", code), ("model", model)):
            for name, content in files.items():
                path = folder / below / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
        self._log = folder / "log"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", PROGRAM, str(folder / "code")],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=environment | {"AZUREML_MODEL_DIR": str(folder / "model")},
                cwd=folder,
            )
        self._lock = threading.Lock()
        self.asked = 0
        if self._line() != "ready\n":
            self.stop()
            raise CrashedError(self._log.read_text())

    def score(self, body: bytes) -> tuple[int, Any]:
        """Status and reply."""
        with self._lock:
            self.asked += 1
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps(body.decode()) + "\n")
            self._process.stdin.flush()
            reply = json.loads(self._line())
        return (422 if isinstance(reply, dict) and "error" in reply else 200), reply

    def log(self) -> str:
        return f"{self._log.read_text()}answered {self.asked} requests\n"

    def stop(self) -> None:
        self._process.kill()
        self._process.communicate()

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()
