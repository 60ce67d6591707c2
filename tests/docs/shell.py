"""A line of a page, run as a shell would: variables, `$(...)`, comments and `> FILE`. skinlab runs in this process."""

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from skinlab import logs
from skinlab.cli import main


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: bytes
    err: str


@dataclass
class Shell:
    """A working directory with variables.

    Attributes:
        words: what a command of skinlab becomes before it runs.
        variables: set by lines such as NAME=value.
    """

    words: Callable[[list[str]], list[str]]
    variables: dict[str, str] = field(default_factory=dict)

    def run(self, line: str) -> Done:
        """Run a line in the current directory."""
        tokens = shlex.split(self._expanded(line), comments=True)
        if len(tokens) == 1 and (set_to := re.fullmatch(r"([A-Z_]+)=(.*)", tokens[0], re.DOTALL)):
            self.variables[set_to[1]] = set_to[2]
            return Done(0, b"", "")
        tokens = [word for token in tokens for word in _matching(token)]
        tokens, target = (tokens[: tokens.index(">")], tokens[-1]) if ">" in tokens else (tokens, None)
        done = skinlab(self.words(tokens[1:])) if tokens[0] == "skinlab" else _process(tokens)
        if target:
            Path(target).write_bytes(done.out)
        return done

    def _expanded(self, line: str) -> str:
        line = re.sub(r"\$\((.*?)\)", lambda inner: self._output(inner[1]), line)
        return re.sub(r"\$([A-Z_]+)", lambda name: self.variables[name[1]], line)

    def _output(self, line: str) -> str:
        done = self.run(line)
        assert done.code == 0, f"{line}: {done.err}"
        return shlex.quote(done.out.decode().strip())


def _matching(token: str) -> list[str]:
    """The paths that a pattern below outputs/ stands for; everything else as it is."""
    found = sorted(map(str, Path().glob(token))) if re.fullmatch(r"outputs/[\w/]+/\*", token) else []
    return found or [token]


def skinlab(words: list[str]) -> Done:
    """`skinlab WORDS` in this process."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    with logs.restored(), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(words)
    return Done(code, out.buffer.getvalue(), err.buffer.getvalue().decode())  # type: ignore[attr-defined]


def _process(words: list[str]) -> Done:
    known = {"python": sys.executable}
    done = subprocess.run(
        [known.get(words[0], words[0]), *words[1:]],
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        timeout=120,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr.decode(errors="replace"))
