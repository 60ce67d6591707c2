"""What is said of an error, and what is taken away again; no SDK is needed."""

import pytest

from skinlab import schema
from skinlab.config import compose
from skinlab.deployment.azure import failures
from skinlab.deployment.azure.failures import Failure, GoneError
from skinlab.deployment.azure.undo import Undo
from skinlab.errors import DeploymentError
from tests.deployment.azure.service import PLACE


def declared(*words: str) -> schema.AzureDeployment:
    return compose([*words, *PLACE]).config.deployment


ONLINE = ("deployment=azureml_online", "deployment.instance_count=2")
AKS = ("deployment=azureml_aks", "deployment.cluster=farm", "deployment.replicas=3")


@pytest.mark.parametrize(
    ("words", "failure", "said"),
    [
        (ONLINE, Failure(401, ["InvalidToken"], "no"), "have expired: `az login`, or renew the AZURE_.* variables"),
        (ONLINE, Failure(None, [], "AADSTS700082: The refresh token has expired"), "`az login`"),
        (ONLINE, Failure(None, [], "whatever", unsigned=True), "`az login`"),
        (ONLINE, Failure(403, ["AuthorizationFailed"], "no"), "these credentials may not: workspace skin"),
        (ONLINE, Failure(400, ["OutOfQuota"], "no"), "2 x Standard_DS3_v2 .* is more than the quota"),
        (AKS, Failure(None, [], "Insufficient quota"), r"3 x 1 cores, 2 GB \(deployment.replicas, .* than the quota"),
        (ONLINE, Failure(409, ["Conflict"], "another operation is under way"), "x: Conflict: another operation"),
        (
            ONLINE,
            Failure(409, [], "Endpoint names must be unique in a region."),
            "the name is taken: choose another deployment.endpoint",
        ),
        (AKS, Failure(400, [], "it already exists"), "the name is taken: choose another deployment.service"),
        (ONLINE, Failure(404, ["WorkspaceNotFound"], "no"), "not found: workspace skin, resource group lab"),
        (ONLINE, Failure(500, ["Oops"], "a\nb  c"), "x: Oops: a b c$"),
        (ONLINE, Failure(500, [], "y" * 1000), "x: y{400}...$"),
    ],
)
def test_an_error_is_one_line_with_what_to_do(words: tuple[str, ...], failure: Failure, said: str) -> None:
    found = failures.error("x", failure, declared(*words))
    assert "\n" not in str(found)
    with pytest.raises(DeploymentError, match=said):
        raise found
    assert isinstance(found, GoneError) == (failure.status == 404)


def test_signatures_of_addresses_are_not_shown() -> None:
    found = failures.error("x", Failure(500, [], "see https://a.example/log?sig=secret for more"), declared(*ONLINE))
    assert str(found) == "x: see https://a.example/log for more"


def test_the_end_of_a_log_follows_a_message() -> None:
    assert failures.ends_with("") == ""
    log = "\n".join(str(number) for number in range(100))
    assert failures.ends_with(log).splitlines() == ["; its log ends with", *(str(number) for number in range(85, 100))]


def test_what_was_begun_last_is_taken_away_first_and_what_stays_is_named() -> None:
    undo, gone = Undo(), []

    def stuck() -> None:
        raise DeploymentError("the disk is full")

    undo.add("first", lambda: gone.append("first"))
    undo.add("second", stuck)
    undo.add("third", lambda: gone.append("third"))
    assert undo.said().endswith("by hand: second (the disk is full)")
    assert gone == ["third", "first"]
    assert undo.said() == ""
