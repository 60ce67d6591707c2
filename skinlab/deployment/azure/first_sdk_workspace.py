"""A workspace through Azure ML's SDK v1, which has been out of Microsoft's support since June 2026."""

import contextlib
import importlib.util
import logging
import re
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from skinlab.deployment.azure import environment, failures
from skinlab.deployment.azure.failures import NOT_FOUND, Failure, GoneError
from skinlab.deployment.azure.naming import Names
from skinlab.errors import SetupError
from skinlab.schema import AzureMlAciDeployment, AzureMlAksDeployment
from skinlab.serving.loading import Bundle

if TYPE_CHECKING:
    from azureml.core import Workspace
    from azureml.core.model import InferenceConfig, Model
    from azureml.core.webservice import Webservice

Declared = AzureMlAciDeployment | AzureMlAksDeployment
TAG = "bundle"
STATUS = re.compile(r"(?:Response Code|StatusCode|status code): (\d{3})", re.I)
CODE = re.compile(r'"code"\s*:\s*"([^"]+)"')
MESSAGE = re.compile(r'"message"\s*:\s*"((?:[^"\\]|\\.)*)"', re.I)
HEADERS = re.compile(r"Headers: .*")


class FirstWorkspace:
    """Where a service of SDK v1 is made.

    Args:
        declared: which workspace, and how large a service.

    Raises:
        SetupError: the SDK is not installed.
    """

    def __init__(self, declared: Declared) -> None:
        _require_sdk()
        self._declared = declared
        self._opened: Workspace | None = None

    def has(self, name: str) -> bool:
        """Whether there is a service of this name in the workspace."""
        try:
            self._service(name, f"service {name} cannot be looked for")
        except GoneError:
            return False
        return True

    def register(self, names: Names, bundle: Bundle) -> "Model":
        """The registered model, which is the one that is there where it has the same files."""
        from azureml.core.model import Model

        with self._doing(f"model {names.model} cannot be registered"):
            tag = [TAG, names.model_version]
            there = Model.list(self._workspace(), name=names.model, tags=[tag])
            if there:
                return there[0]
            with contextlib.chdir(bundle.path.parent):  # the SDK refuses paths that are not below it
                return Model.register(self._workspace(), bundle.path.name, names.model, tags={TAG: names.model_version})

    def make(self, names: Names, bundle: Bundle, model: "Model") -> None:
        """Make a service, in the place of the one of this name, and wait for it."""
        from azureml.core.model import Model

        doing = f"service {names.service} cannot be made"
        with self._doing(doing), TemporaryDirectory() as code:
            environment.write_code(Path(code))
            service = Model.deploy(
                self._workspace(),
                names.service,
                [model],
                inference_config=_inference(names, self._declared, bundle, code),
                deployment_config=_sizes(self._declared),
                overwrite=True,
            )
            try:
                service.wait_for_deployment(show_output=False, timeout_sec=60 * self._declared.create_minutes)
            except Exception as error:
                if "exceeded timeout" in str(error):
                    raise failures.too_long(doing, self._declared) from error
                raise

    def address(self, name: str) -> str:
        """Where a service is asked."""
        doing = f"the address of service {name} cannot be had"
        with self._doing(doing):
            return str(self._service(name, doing).scoring_uri)

    def key(self, name: str) -> str:
        """What a request must bring."""
        doing = f"the key of service {name} cannot be had"
        with self._doing(doing):
            service = self._service(name, doing)
            if isinstance(self._declared, AzureMlAksDeployment) and self._declared.auth == "token":
                return str(service.get_access_token().access_token)
            return str(service.get_keys()[0])

    def state(self, name: str) -> str:
        """What a service is in, in Azure's word.

        Raises:
            GoneError: there is none.
        """
        return str(self._service(name, f"service {name} cannot be looked at").state)

    def logs(self, name: str, lines: int) -> str:
        """The end of a service's log."""
        doing = f"the log of service {name} cannot be had"
        with self._doing(doing):
            return str(self._service(name, doing).get_logs(num_lines=lines) or "")

    def delete(self, name: str) -> None:
        """Delete a service, if it is there."""
        doing = f"service {name} cannot be deleted"
        with contextlib.suppress(GoneError), self._doing(doing):
            self._service(name, doing).delete()

    def delete_model(self, name: str, version: str) -> None:
        """Take a model from the workspace, if it is there."""
        from azureml.core.model import Model

        with self._doing(f"model {name} cannot be deleted"):
            for found in Model.list(self._workspace(), name=name, tags=[[TAG, version]]):
                found.delete()

    def _service(self, name: str, doing: str) -> "Webservice":
        from azureml.core.webservice import Webservice

        with self._doing(doing):
            return Webservice(self._workspace(), name)

    def _workspace(self) -> "Workspace":
        """Asked for once, and not before it is needed: looking at it takes requests."""
        if self._opened is None:
            self._opened = _open(self._declared)
        return self._opened

    def _doing(self, doing: str) -> contextlib.AbstractContextManager[None]:
        return failures.told(doing, self._declared, _failure)


def _open(declared: Declared) -> "Workspace":
    from azureml.core import Workspace
    from azureml.core.authentication import AbstractAuthentication

    from skinlab.deployment.azure.signing_in import credential

    class Authentication(AbstractAuthentication):  # type: ignore[misc]  # the SDK has no types
        """What azure-identity finds by itself, for the SDK's own kind of it."""

        def __init__(self) -> None:
            super().__init__()
            self._credential = credential()  # asked each time: it keeps a token for as long as it is good

        def _get_arm_token(self) -> str:
            return self._credential.get_token(f"{self._get_arm_end_point().rstrip('/')}/.default").token

        _get_azureml_client_token = _get_arm_token
        _get_graph_token = _get_arm_token

        def _get_all_subscription_ids(self) -> Any:
            """Only the one that is meant: whether we may use it is for Azure to say."""
            return [SimpleNamespace(subscription_id=declared.subscription, subscription_name="")], None

        def _get_workspace(self, *_: Any) -> None:
            """Leave it to the SDK to look for it."""

    logging.getLogger("azureml").setLevel(logging.CRITICAL)  # what it logs is raised too
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        where = (declared.subscription, declared.resource_group, declared.workspace)
        return Workspace(*where, auth=Authentication())


def _inference(names: Names, declared: Declared, bundle: Bundle, code: str) -> "InferenceConfig":
    from azureml.core import Environment
    from azureml.core.conda_dependencies import CondaDependencies
    from azureml.core.model import InferenceConfig

    made = Environment(names.environment)
    made.docker.base_image = declared.image
    made.python.conda_dependencies = CondaDependencies(_underlying_structure=environment.conda(bundle))
    made.inferencing_stack_version = "latest"
    return InferenceConfig(entry_script=environment.SCRIPT, source_directory=code, environment=made)


def _sizes(declared: Declared) -> Any:
    from azureml.core.webservice import AciWebservice, AksWebservice

    if isinstance(declared, AzureMlAciDeployment):
        return AciWebservice.deploy_configuration(
            cpu_cores=declared.cpu_cores, memory_gb=declared.memory_gb, auth_enabled=True
        )
    return AksWebservice.deploy_configuration(
        autoscale_enabled=False,
        num_replicas=declared.replicas,
        cpu_cores=declared.cpu_cores,
        memory_gb=declared.memory_gb,
        auth_enabled=declared.auth == "key",
        token_auth_enabled=declared.auth == "token",
        replica_max_concurrent_requests=declared.concurrency,
        scoring_timeout_ms=int(1000 * declared.request_seconds),
        namespace=declared.namespace,
        compute_target_name=declared.cluster,
    )


def _failure(error: Exception) -> Failure:
    """What an error of the SDK says; it puts the answer of the service into its message, as text."""
    import requests
    from azure.core.exceptions import AzureError, ClientAuthenticationError
    from azureml.exceptions import AuthenticationException, AzureMLException, ProjectSystemException

    if not isinstance(error, AzureMLException | AzureError | requests.RequestException):
        return Failure(None, (), f"Azure answered what its SDK does not expect: {error!r}")
    text = HEADERS.sub("", str(getattr(error, "message", None) or error)).replace("\\n", " ").replace('\\"', '"')
    status = STATUS.search(text)
    number = int(status.group(1)) if status else None
    if "WebserviceNotFound" in text or (isinstance(error, ProjectSystemException) and "not found" in text.lower()):
        number = NOT_FOUND
    where = "".join(f" {found}" for found in failures.ADDRESS.findall(text))
    said = " ".join(dict.fromkeys(MESSAGE.findall(text)))
    unsigned = isinstance(error, AuthenticationException | ClientAuthenticationError)
    return Failure(number, CODE.findall(text), f"{said}{where}" if said else text, unsigned)


def _require_sdk() -> None:
    if importlib.util.find_spec("azureml") is None or importlib.util.find_spec("azureml.core") is None:
        raise SetupError(
            "azureml-core is not installed, which deployment=azureml_aci and azureml_aks need: "
            "pip install 'skinlab[azure_v1]', in an environment of its own"
        )
