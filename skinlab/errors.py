"""The errors a user can cause, one type per kind of mistake.

Each message is one line: what was wrong, where, and what to do. The command line prints it without a traceback.
"""


class SkinlabError(Exception):
    """Base of all errors that end a command with one line and `exit_code`."""

    exit_code = 1


def of_exit_code(code: int, message: str) -> SkinlabError:
    """The error that a command ended with; for what was reported by another process.

    >>> of_exit_code(3, "no images")
    DataError('no images')
    """
    kinds = [kind for known in SkinlabError.__subclasses__() for kind in (known, *known.__subclasses__())]
    return next((kind for kind in kinds if kind.exit_code == code), SkinlabError)(message)


class ConfigError(SkinlabError):
    """The declaration is wrong: an unknown key or group, a wrong type, a value out of range."""

    exit_code = 2


class DataError(SkinlabError):
    """The data cannot be used: a missing folder, no images, one class only, a class too small for the split."""

    exit_code = 3


class EngineError(SkinlabError):
    """Training or prediction failed inside an engine, or its worker process died."""

    exit_code = 4


class SetupError(SkinlabError):
    """Something that must be installed is missing or could not be installed."""

    exit_code = 5


class UnavailableError(SetupError):
    """CNTK cannot be had on this machine: no CPython 3.6, or no Linux x86-64. `make run` then takes engine=torch."""

    exit_code = 7


class OutputError(SkinlabError):
    """Results could not be written: no permission, a full disk, a directory that is in use."""

    exit_code = 6


class BundleError(SkinlabError):
    """A trained model cannot be used: no bundle, one that was changed or damaged, or one of a newer skinlab."""

    exit_code = 8


class DeploymentError(SkinlabError):
    """A service does not come up, does not answer, or does not answer as the model that was evaluated."""

    exit_code = 9
