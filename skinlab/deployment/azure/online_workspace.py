"""A workspace through Azure ML's SDK v2: few operations, each of which ends within a time, or with one clear line."""

import contextlib
import importlib.util
import logging
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from skinlab import schema
from skinlab.deployment.azure import environment, failures
from skinlab.deployment.azure.failures import Failure, GoneError
from skinlab.deployment.azure.naming import Names
from skinlab.errors import DeploymentError, SetupError
from skinlab.serving.loading import Bundle

if TYPE_CHECKING:
    from azure.ai.ml import MLClient
    from azure.core.polling import LROPoller

DELETE_MINUTES = 30.0
HEADER = "azureml-model-deployment"
"""Names the deployment of an endpoint that a request is for, whatever the traffic is."""


class Workspace:
    """Where a managed online endpoint is made.

    Args:
        declared: which workspace.

    Raises:
        SetupError: the SDK is not installed.
    """

    def __init__(self, declared: schema.AzureMlOnlineDeployment) -> None:
        _require_sdk()
        self._declared = declared
        self._client = _client(declared)

    def register(self, names: Names, bundle: Bundle) -> None:
        """Have model and environment in the workspace; nothing changes where they are there."""
        from azure.ai.ml.constants import AssetTypes
        from azure.ai.ml.entities import Environment, Model

        with self._doing(f"model {names.model} cannot be registered"):
            if self._missing(lambda: self._client.models.get(names.model, names.model_version)):
                model = Model(
                    name=names.model,
                    version=names.model_version,
                    path=str(bundle.path),
                    type=AssetTypes.CUSTOM_MODEL,
                    description=bundle.note or None,
                    tags={"skinlab": "bundle", "model_sha256": bundle.sha256},
                )
                self._client.models.create_or_update(model)
        with self._doing(f"environment {names.environment} cannot be registered"):
            if self._missing(lambda: self._client.environments.get(names.environment, names.environment_version)):
                made = Environment(
                    name=names.environment,
                    version=names.environment_version,
                    image=self._declared.image,
                    conda_file=environment.conda(bundle),
                )
                self._client.environments.create_or_update(made)

    def has_endpoint(self, name: str) -> bool:
        """Whether there is an endpoint of this name in the workspace."""
        with self._doing(f"endpoint {name} cannot be looked for"):
            return not self._missing(lambda: self._client.online_endpoints.get(name))

    def make_endpoint(self, name: str) -> None:
        """Make an endpoint without deployments."""
        from azure.ai.ml.entities import ManagedOnlineEndpoint

        doing = f"endpoint {name} cannot be made"
        with self._doing(doing):
            made = ManagedOnlineEndpoint(name=name, auth_mode=self._declared.auth)
            self._wait(self._client.online_endpoints.begin_create_or_update(made), doing)

    def make_deployment(self, names: Names, colour: str, bundle: Bundle) -> None:
        """Make a deployment that gets no traffic."""
        doing = f"deployment {colour} of endpoint {names.service} cannot be made"
        with self._doing(doing), TemporaryDirectory() as code:
            environment.write_code(Path(code))
            made = self._deployment(names, colour, code)
            poller = self._client.online_deployments.begin_create_or_update(made)
            self._wait(poller, doing)

    def _deployment(self, names: Names, colour: str, code: str) -> Any:
        from azure.ai.ml.entities import CodeConfiguration, ManagedOnlineDeployment, OnlineRequestSettings

        declared = self._declared
        return ManagedOnlineDeployment(
            name=colour,
            endpoint_name=names.service,
            model=f"azureml:{names.model}:{names.model_version}",
            environment=f"azureml:{names.environment}:{names.environment_version}",
            code_configuration=CodeConfiguration(code=code, scoring_script=environment.SCRIPT),
            instance_type=declared.instance_type,
            instance_count=declared.instance_count,
            request_settings=OnlineRequestSettings(
                request_timeout_ms=int(1000 * declared.request_seconds),
                max_concurrent_requests_per_instance=declared.concurrency,
            ),
        )

    def give_traffic(self, name: str, colour: str) -> None:
        """Let one deployment of an endpoint answer all requests."""
        doing = f"the traffic of endpoint {name} cannot be moved to {colour}"
        with self._doing(doing):
            endpoint = self._client.online_endpoints.get(name)
            endpoint.traffic = {colour: 100}
            poller = self._client.online_endpoints.begin_create_or_update(endpoint)
            self._wait(poller, doing)

    def address(self, name: str) -> str:
        """Where an endpoint is asked."""
        with self._doing(f"the address of endpoint {name} cannot be had"):
            return str(self._client.online_endpoints.get(name).scoring_uri)

    def key(self, name: str) -> str:
        """What a request must bring."""
        with self._doing(f"the key of endpoint {name} cannot be had"):
            found = self._client.online_endpoints.get_keys(name)
            return str(getattr(found, "primary_key", None) or getattr(found, "access_token", ""))

    def state(self, name: str, colour: str) -> str:
        """What a deployment is in, in Azure's word.

        Raises:
            GoneError: there is none.
        """
        with self._doing(f"deployment {colour} of endpoint {name} cannot be looked at"):
            state = self._client.online_deployments.get(colour, name).provisioning_state
            return str(getattr(state, "value", state))

    def logs(self, name: str, colour: str, lines: int) -> str:
        """The end of a deployment's log."""
        with self._doing(f"the log of deployment {colour} of endpoint {name} cannot be had"):
            return str(self._client.online_deployments.get_logs(colour, name, lines))

    def delete_deployment(self, name: str, colour: str) -> None:
        """Delete a deployment, if it is there."""
        doing = f"deployment {colour} of endpoint {name} cannot be deleted"
        with contextlib.suppress(GoneError), self._doing(doing):
            self._wait(self._client.online_deployments.begin_delete(colour, name), doing, DELETE_MINUTES)

    def delete_endpoint(self, name: str) -> None:
        """Delete an endpoint with its deployments, if it is there."""
        doing = f"endpoint {name} cannot be deleted"
        with contextlib.suppress(GoneError), self._doing(doing):
            self._wait(self._client.online_endpoints.begin_delete(name), doing, DELETE_MINUTES)

    def archive_model(self, name: str, version: str) -> None:
        """Take a model from the lists of the workspace, if it is there; its files stay: the SDK deletes none."""
        with contextlib.suppress(GoneError), self._doing(f"model {name} cannot be archived"):
            self._client.models.archive(name=name, version=version)

    @staticmethod
    def _missing(get: Callable[[], Any]) -> bool:
        from azure.core.exceptions import ResourceNotFoundError

        try:
            get()
        except ResourceNotFoundError:
            return True
        return False

    def _wait(self, poller: "LROPoller[Any]", doing: str, minutes: float | None = None) -> None:
        """Wait for what Azure does by itself: as long as declared, or so many minutes.

        Raises:
            DeploymentError: it takes too long.
        """
        poller.wait(60 * (self._declared.create_minutes if minutes is None else minutes))
        if not poller.done() and minutes is None:
            raise failures.too_long(doing, self._declared)
        if not poller.done():
            raise DeploymentError(f"{doing}: it was not done within {minutes:g} minutes")
        poller.result()

    def _doing(self, doing: str) -> contextlib.AbstractContextManager[None]:
        return failures.told(doing, self._declared, _failure)


def _failure(error: Exception) -> Failure:
    """What an error of the SDK says."""
    from azure.ai.ml.exceptions import MlException
    from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError

    if not isinstance(error, HttpResponseError):
        known = isinstance(error, AzureError | MlException)
        return Failure(None, (), str(error) if known else f"Azure answered what its SDK does not expect: {error!r}")
    codes, inner = [], error.error
    message = str(getattr(inner, "message", None) or error.message)
    while inner is not None and inner.code:
        codes.append(str(inner.code))
        details = inner.details or []
        message += "".join(f" {detail.message}" for detail in details if str(detail.message) not in message)
        inner = next(iter(details), None)
    return Failure(error.status_code, codes, message, isinstance(error, ClientAuthenticationError))


def _client(declared: schema.AzureMlOnlineDeployment) -> "MLClient":
    from azure.ai.ml import MLClient

    from skinlab.deployment.azure.signing_in import credential

    client = MLClient(
        credential(),
        declared.subscription,
        declared.resource_group,
        declared.workspace,
        show_progress=False,
        enable_telemetry=False,
    )
    for name in list(logging.root.manager.loggerDict):
        if name.startswith("azure."):  # each of its modules prints by itself
            logging.getLogger(name).setLevel(logging.WARNING)
    return client


def _require_sdk() -> None:
    if importlib.util.find_spec("azure") is None or importlib.util.find_spec("azure.ai.ml") is None:
        raise SetupError(
            "azure-ai-ml is not installed, which deployment=azureml_online needs: pip install 'skinlab[azure]'"
        )
