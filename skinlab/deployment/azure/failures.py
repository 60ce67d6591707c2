"""What goes wrong in Azure, as one clear line each. Knows no SDK: what an error carries is handed over."""

import contextlib
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from skinlab import schema
from skinlab.errors import DeploymentError
from skinlab.transfer.addresses import shown

UNAUTHORIZED, FORBIDDEN, NOT_FOUND = 401, 403, 404
LONGEST = 400
LOG_LINES, LOG_BYTES, LOG_SECONDS = 15, 1 << 20, 30
SIGN_IN = re.compile(
    r"expired|AADSTS|CredentialUnavailable|failed to retrieve a token|ExpiredAuthenticationToken", re.I
)
QUOTA = re.compile(r"quota|OutOfCapacity|SkuNotAvailable|insufficient capacity", re.I)
TAKEN = re.compile(
    "already (exists|taken|in use|been taken)|there is already an? |must be unique|"
    "Name(Taken|NotAvailable|Unavailable)",
    re.IGNORECASE,
)
IMAGE = re.compile(r"image ?build|EnvironmentBuild|BuildEnvironment", re.I)
ADDRESS = re.compile(r"https://[^\s'\")]+")


class GoneError(DeploymentError):
    """There is no such thing in the workspace."""


@dataclass(frozen=True)
class Failure:
    """What an error of an SDK says.

    Attributes:
        status: of HTTP; None: there was no answer.
        codes: Azure's names of the error, the outer one first.
        message: in Azure's words.
        unsigned: there is no credential, or it is not taken.
    """

    status: int | None
    codes: Sequence[str]
    message: str
    unsigned: bool = False

    @property
    def text(self) -> str:
        """All of it, to be searched."""
        return " ".join([*self.codes, self.message])


@contextlib.contextmanager
def told(doing: str, declared: schema.AzureDeployment, failure: Callable[[Exception], Failure]) -> Iterator[None]:
    """Errors of an SDK, of any kind, as one line each; what it prints is not for the reader of our output.

    Args:
        doing: what is tried, e.g. "endpoint lesions cannot be made".
        declared: what the advice is about.
        failure: what an error of the SDK says.
    """
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    except DeploymentError:
        raise
    except Exception as found:
        raise error(doing, failure(found), declared) from found


def too_long(doing: str, declared: schema.AzureDeployment) -> DeploymentError:
    """What is said when Azure does not get it done."""
    minutes = f"{declared.create_minutes:g} minutes (deployment.create_minutes)"
    return DeploymentError(f"{doing}: it was not done within {minutes}")


def error(doing: str, failure: Failure, declared: schema.AzureDeployment) -> DeploymentError:
    """The error that a user sees.

    Args:
        doing: what was tried, e.g. "endpoint lesions cannot be made".
        failure: what the SDK said.
        declared: what the advice is about.
    """
    said = _short(failure)
    if failure.unsigned or failure.status == UNAUTHORIZED or SIGN_IN.search(failure.text):
        renew = "`az login`, or renew the AZURE_* variables"
        reason = f"Azure does not take the credentials, or they have expired: {renew} ({said})"
    elif failure.status == FORBIDDEN:
        reason = f"these credentials may not: {_place(declared)} ({said})"
    elif IMAGE.search(failure.text):
        reason = f"the image of its environment cannot be built ({said}){_log(failure)}"
    elif QUOTA.search(failure.text):
        reason = f"{_size(declared)} is more than the quota of the subscription ({said})"
    elif failure.status == NOT_FOUND:
        return GoneError(f"{doing}: not found: {_place(declared)} ({said})")
    elif TAKEN.search(failure.text):
        key = "endpoint" if isinstance(declared, schema.AzureMlOnlineDeployment) else "service"
        reason = f"the name is taken: choose another deployment.{key} ({said})"
    else:
        reason = said
    return DeploymentError(f"{doing}: {reason}")


def _place(declared: schema.AzureDeployment) -> str:
    return (
        f"workspace {declared.workspace}, resource group {declared.resource_group}, "
        f"subscription {declared.subscription}"
    )


def _size(declared: schema.AzureDeployment) -> str:
    """What was asked for, with the keys that ask for less."""
    if isinstance(declared, schema.AzureMlOnlineDeployment):
        keys = "deployment.instance_count, deployment.instance_type"
        return f"{declared.instance_count} x {declared.instance_type} ({keys})"
    if isinstance(declared, schema.AzureMlAksDeployment):
        keys = "deployment.replicas, deployment.cpu_cores, deployment.memory_gb"
        return f"{declared.replicas} x {declared.cpu_cores:g} cores, {declared.memory_gb:g} GB ({keys})"
    if isinstance(declared, schema.AzureMlAciDeployment):
        keys = "deployment.cpu_cores, deployment.memory_gb"
        return f"{declared.cpu_cores:g} cores, {declared.memory_gb:g} GB ({keys})"
    return "what was asked for"


def _short(failure: Failure) -> str:
    """Azure's own words on one line, without signatures of addresses."""
    plain = ADDRESS.sub(lambda found: shown(found.group()), failure.message)
    words = " ".join(plain.split())
    words = words if len(words) <= LONGEST else f"{words[:LONGEST]}..."
    code = next(iter(failure.codes), "")
    return words if not code or code in words else f"{code}: {words}"


def _log(failure: Failure) -> str:
    """The end of the build's log, where the message says where that is."""
    for found in ADDRESS.findall(failure.message):
        if text := _fetched(found.rstrip(".,;")):
            return ends_with(text)
    return ""


def ends_with(log: str) -> str:
    """The end of a log, to follow a message."""
    lines = log.strip().splitlines()[-LOG_LINES:]
    return "; its log ends with\n" + "\n".join(lines) if lines else ""


def _fetched(address: str) -> str:
    """What is at an address of Azure; empty where that cannot be had."""
    import requests

    try:
        with requests.get(address, timeout=LOG_SECONDS, stream=True, allow_redirects=False) as answer:
            if not answer.ok:
                return ""
            return answer.raw.read(LOG_BYTES, decode_content=True).decode(errors="replace")
    except (requests.RequestException, OSError):
        return ""
