"""`skinlab weights`: which published weights there are, fetching them ahead, and .pth files as .safetensors."""

import sys
from collections.abc import Sequence
from pathlib import Path

from skinlab.commands.arguments import Parser
from skinlab.config.suggest import did_you_mean, then_list
from skinlab.errors import ConfigError

HELP = """usage: skinlab weights [list]
       skinlab weights fetch NETWORK...
       skinlab weights convert FROM.pth TO.safetensors

Published weights for network.weights=imagenet. Training fetches what it needs by itself; fetching ahead is for machines
that will be offline. A file that was put into the folder by hand is used if its SHA-256 is the published one.

  list      each network, where its weights come from, and whether they are here
  fetch     have the weights of these networks here, e.g. skinlab weights fetch mobilenet_v2
  convert   write a .pth file of torch.save as .safetensors, without executing what is in it
"""
ACTIONS = ("list", "fetch", "convert")


def main(argv: list[str]) -> int:
    """Run the command.

    Returns:
        0: it is done.

    Raises:
        ConfigError: an unknown action or network, or a file that does not hold weights.
        SetupError: weights cannot be fetched, or a file in the folder is another one than its name says.
        OutputError: something cannot be written.
    """
    parser = Parser("weights")
    parser.add_argument("action", nargs="?", default="list")
    parser.add_argument("names", nargs="*", default=[])
    options = parser.parse_args(argv)
    if options.help:
        sys.stdout.write(HELP)
    elif options.action == "list":
        _list(options.names)
    elif options.action == "fetch":
        _fetch(options.names)
    elif options.action == "convert":
        _convert(options.names)
    else:
        hint = then_list(did_you_mean(options.action, ACTIONS), "Actions", ACTIONS)
        raise ConfigError(f"no action '{options.action}'{hint}")
    return 0


def _list(names: Sequence[str]) -> None:
    from skinlab import paths
    from skinlab.networks.pretrained import registry, store

    if names:
        raise ConfigError(f"weights list takes no arguments, not {' '.join(names)}")
    for published in registry.everything():
        here = store.find(published)
        places = ", ".join(dict.fromkeys(store.place(source) for source in published.sources))
        file = here[0].name if here else f"not here: {published.megabytes} MB from {places}"
        _say(f"{published.network:<14} {file}")
    _say(f"folder: {paths.weights()}")


def _fetch(names: Sequence[str]) -> None:
    from skinlab.networks.pretrained import registry, store

    known = {published.network: published for published in registry.everything()}
    if not names:
        raise ConfigError(f"which network? There are: {', '.join(known)}")
    for name in names:
        if name not in known:
            raise ConfigError(
                f"no published weights for '{name}'{then_list(did_you_mean(name, known), 'There are', known)}"
            )
    for name in names:
        path, source = store.obtain(known[name], _say)
        _say(f"{name}: {path}, SHA-256 {source.sha256}")


def _convert(names: Sequence[str]) -> None:
    from skinlab import files
    from skinlab.networks import weights
    from skinlab.networks.pretrained import given

    if len(names) != 2 or not names[1].endswith(".safetensors"):  # noqa: PLR2004 - from, to
        raise ConfigError("convert needs two names: FROM.pth TO.safetensors")
    before, after = (Path(name) for name in names)
    arrays = given.load(before)
    with files.replacing(after) as temporary:
        weights.save(arrays, temporary)
    _say(f"{after}: {len(arrays)} arrays, SHA-256 {files.sha256_of(after)}")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
