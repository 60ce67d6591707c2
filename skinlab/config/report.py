"""Problems and their origins as lines for the user."""

import re
from collections.abc import Sequence
from typing import NoReturn

from skinlab.config import tree, wording
from skinlab.config.origin import Origins
from skinlab.config.problems import ABSENT, Problem
from skinlab.errors import ConfigError

INTERPOLATION = re.compile(r"\$\{([\w.]+)\}")


def raise_problems(problems: Sequence[Problem]) -> NoReturn:
    """Raise one `ConfigError` with a line per problem, for values whose origin is not known."""
    raise ConfigError("\n".join(lines(problems, Origins())))


def lines(problems: Sequence[Problem], origins: Origins) -> list[str]:
    """One line per problem, in their order, without those that only follow from another through `${...}`."""
    wrong = {problem.dotted for problem in problems}
    causes = [problem for problem in problems if not _follows(problem, origins, wrong - {problem.dotted})]
    return list(dict.fromkeys(_line(problem, origins) for problem in causes or problems))  # a circle has no cause


def _follows(problem: Problem, origins: Origins, wrong: set[str]) -> bool:
    written = origins.written(problem.path)
    match = INTERPOLATION.fullmatch(written) if isinstance(written, str) else None
    return match is not None and any(match[1] == key or match[1].startswith(f"{key}.") for key in wrong)


def _line(problem: Problem, origins: Origins) -> str:
    section = problem.section
    file = origins.section_file(section) if section and not tree.in_list(section) else None
    typed = next(filter(None, map(origins.override, (problem.path, *problem.others))), None)
    if problem.value is ABSENT:
        where = f" (not in {file})" if file and not typed else ""
        return f"{_prefix(typed.text if typed else None)}{problem.dotted} {problem.what}{where}{problem.hint}"
    what = f"{problem.what}{f' ({file})' if file else ''}{problem.hint}"
    if typed and (typed.path[: len(problem.path)] == problem.path or typed.path in problem.others):
        return f"{typed.text}: {what}"
    held = None if typed else origins.file(problem.path, *problem.others)
    source, path = held or (typed.text if typed else None, problem.path)
    value = problem.value if path == problem.path else origins.written(path)
    return f"{_prefix(source)}{'.'.join(path)}={wording.value_text(value)}: {what}"


def _prefix(source: str | None) -> str:
    return f"{source}: " if source else ""
