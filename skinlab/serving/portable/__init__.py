"""What a bundle carries to run where no skinlab is installed; skinlab's own service uses the same code.

The modules here import the standard library, numpy, ONNX Runtime and each other, and are copied into the bundle as
they are.
"""

from importlib import resources

from skinlab.data import decoding

COPIED = ("score.py", "answering.py", "closed.py", "requirements.txt")


def contents() -> dict[str, bytes]:
    """The files by the name that they have in a bundle; requirements.txt has exact versions and hashes."""
    here = resources.files(__name__)
    copied = {name: here.joinpath(name).read_bytes() for name in COPIED}
    return copied | {"decoding.py": resources.files(decoding.__package__).joinpath("decoding.py").read_bytes()}
