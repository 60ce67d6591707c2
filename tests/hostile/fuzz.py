"""Changed files, the same for the same seed: what a stranger, a bad disk or a bad editor makes of a good one."""

import copy
import json
import os
import random
from collections.abc import Iterator
from typing import Any

ROUNDS = int(os.environ.get("SKINLAB_FUZZ_ROUNDS", "150"))
"""Changed files of each kind: few in the gate, many by `make fuzz`."""
SEED = int(os.environ.get("SKINLAB_FUZZ_SEED", "1"))
ODD: list[Any] = [
    *(None, True, False, 0, -1, 1, 10**39, -(10**30), 0.5, 1e308, "", "x", "../..", "/etc/passwd", "\x1b]0;t\x07"),
    *("${oc.env:HOME}", "=1+1", "\u202e", "x" * 5000, "a/b", "\0"),
    *([], {}, [[]], {"a": {"b": [1]}}, [1, "a", None], {"_target_": "os.system"}),
]


def values(good: Any, rounds: int = ROUNDS, seed: int = SEED) -> Iterator[Any]:
    """Changed copies of a JSON value: one to three places replaced, removed, added, or nested far too deeply."""
    for number in range(rounds):
        draw = random.Random(f"{seed}-{number}")  # noqa: S311 - the same each time
        changed = copy.deepcopy(good)
        for _ in range(draw.randint(1, 3)):
            _change(changed, draw)
        yield changed


def _change(value: Any, draw: random.Random) -> None:
    place = value
    while isinstance(place, dict | list) and place:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = draw.choice(keys)
        inner = place[key]
        if not isinstance(inner, dict | list) or not inner or draw.random() < 0.4:
            break
        place = inner
    else:
        return
    how = draw.random()
    if how < 0.15:
        del place[key]
    elif how < 0.2:
        place[key] = _deep(draw.randint(2, 200))
    elif how < 0.3 and isinstance(place, dict):
        place[str(draw.choice(ODD))] = copy.deepcopy(draw.choice(ODD))
    else:
        place[key] = copy.deepcopy(draw.choice(ODD))


def _deep(levels: int) -> Any:
    found: Any = 1
    for _ in range(levels):
        found = [found]
    return found


def texts(good: Any, rounds: int = ROUNDS, seed: int = SEED) -> Iterator[bytes]:
    """Changed JSON files: those of `values`, and every fifth damaged as bytes."""
    for number, changed in enumerate(values(good, rounds, seed)):
        data = json.dumps(changed).encode()
        yield from contents(data, 1, number) if number % 5 == 4 else [data]


def contents(good: bytes, rounds: int = ROUNDS, seed: int = SEED) -> Iterator[bytes]:
    """Changed copies of a file: bytes replaced, removed, doubled, or the file cut short."""
    for number in range(rounds):
        draw = random.Random(f"bytes-{seed}-{number}")  # noqa: S311 - the same each time
        data = bytearray(good)
        for _ in range(draw.randint(1, 8)):
            place, length = draw.randrange(len(data) + 1), draw.choice((1, 1, 2, 4, 16))
            match draw.randrange(4):
                case 0:
                    data[place : place + length] = draw.randbytes(length)
                case 1:
                    del data[place : place + length]
                case 2:
                    data[place:place] = data[place : place + length]
                case 3:
                    data[place : place + length] = draw.choice((b"\xff", b"\x00", b"\x7f")) * length
        yield bytes(data[: draw.randrange(len(data) + 1)] if draw.random() < 0.1 else data)
