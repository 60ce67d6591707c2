"""`skinlab bundle RUN --out X.zip`: a run's bundle as one file, to run where no skinlab is installed."""

import sys
from pathlib import Path

from skinlab import files
from skinlab.commands.arguments import Parser
from skinlab.errors import ConfigError

USAGE = """usage: skinlab bundle RUN --out FILE.zip

Write the bundle of a finished run as one zip file: the model, its signature and labels, score.py with the init() and
run() that Azure ML calls, requirements.txt with exact versions and hashes, the replay set, the model card, checksums.

  RUN              a run directory, or a folder with a copy of its bundle
  --out FILE.zip   the file to write

The same bundle gives the same bytes. The replay set holds images of the run's test subset (bundle.replay_images of the
run): look whether they may leave this machine.

Research software: not a medical device, not for diagnosis.
"""


def main(argv: list[str]) -> int:
    """Run `skinlab bundle ARGV`.

    Returns:
        0.

    Raises:
        ConfigError: wrong arguments.
        BundleError: there is no bundle, or it lacks what it takes to run elsewhere.
        OutputError: the file cannot be written.
    """
    parser = Parser("bundle")
    parser.add_argument("run", type=Path, nargs="?")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args(argv)
    if options.help:
        sys.stdout.write(USAGE)
        return 0
    if options.run is None or options.out is None:
        raise ConfigError("needs a run and a file: skinlab bundle RUN --out FILE.zip; see skinlab bundle --help")
    from skinlab.runs.naming import resolve
    from skinlab.serving import loading, replay
    from skinlab.serving.packing import zipped

    bundle = loading.load(resolve(options.run))
    images = len(replay.of(bundle))
    content = zipped(bundle)
    files.write_bytes(options.out, content)
    held = f"{images} image{'' if images == 1 else 's'} of the test subset" if images else "no replay set"
    sys.stdout.write(f"{options.out}: {len(content) / 1e6:.1f} MB, model {bundle.sha256[:12]}, {held}\n")
    return 0
