import io
from pathlib import Path

from rich.console import Console

from skinlab.comparison.arms import open_runs
from skinlab.comparison.comparing import Question, compare
from skinlab.comparison.tables import show
from tests.comparison.run_builders import Made, finished


def shown(*paths: Path, width: int = 160) -> str:
    text = io.StringIO()
    show(compare(*open_runs(paths), Question()), Console(file=text, width=width))
    return text.getvalue()


def test_seeds_are_told_as_ranges_with_their_spread_and_a_name_with_brackets_is_printed_as_it_is() -> None:
    paths = [
        finished(Path(f"{rate}-{seed}"), f"optimizer.learning_rate={rate}", f"seed={seed}", "dataset.classes=[a,b]",
                 made=Made(draw=seed + place))
        for place, rate in enumerate(("0.01", "0.02"))
        for seed in (0, 1, 2, 5)
    ]  # fmt: skip
    text = shown(*paths)
    assert "0-2, 5" in text
    assert "(SD 0." in text
    assert "and 3 more" in text
    assert "dataset.classes" not in text


def test_a_narrow_terminal_loses_nothing() -> None:
    paths = [
        finished(Path("one"), "dataset.classes=[benign,malignant]"),
        finished(Path("two"), "dataset.classes=null", made=Made(draw=1)),
    ]
    text = "".join(shown(*paths, width=60).split())
    assert "dataset.classes" in text.replace("\n", "")
    assert "null" in text
    assert "notdistinguishable" in text or "betterthan" in text


def test_more_keys_than_experiments_are_read_in_rows() -> None:
    keys = ("optimizer.learning_rate=0.03", "network.dropout=0.25", "training.epochs=7")
    lines = shown(finished(Path("one")), finished(Path("two"), *keys, made=Made(draw=1)), width=80).splitlines()
    for key in keys:
        name, _, value = key.partition("=")
        assert any(line.split()[:1] == [name] and line.split()[-1] == value for line in lines)
    assert lines[1].split() == ["A", "B"]
