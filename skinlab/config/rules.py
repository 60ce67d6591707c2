"""Rules that join several keys, or that a type cannot say. The only place for them."""

import importlib.util
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

from skinlab import networks, schema
from skinlab.config import suggest, wording
from skinlab.config.problems import Problem
from skinlab.config.tree import KeyPath
from skinlab.data import transforms
from skinlab.errors import ConfigError
from skinlab.evaluation import objectives, operating_rule
from skinlab.settings import allowed_targets, settings_file
from skinlab.transfer.addresses import is_loopback

LONGEST_NAME = 200  # bytes; file systems take 255, temporary files add a suffix
NO_FOLDER = f"must be usable as a folder name: 1 to {LONGEST_NAME} bytes, no slash, no space at either end"
ON_FAILURE = r"continue|stop|retry\([1-9]\d?\)"
REVISION = "none|[0-9a-f]{4,64}"
DEPLOYMENT_NAME = "[A-Za-z0-9][A-Za-z0-9_-]{0,63}"
NEAREST = 3  # names of models that an error suggests
SINK_PACKAGES = {  # tracking sink -> the modules that it needs, and the extra that brings them
    "tensorboard": (("tensorboard",), "tracking"),
    "mlflow": (("mlflow",), "tracking"),
    "azureml": (("mlflow", "azureml.mlflow"), "azureml"),
}
STORES = ("http", "https", "sqlite", "postgresql", "mysql", "mssql")
OPTIMIZERS = {
    "cntk": ("sgd", "momentum_sgd", "nesterov", "adam", "rmsprop", "adagrad"),
    "torch": ("sgd", "momentum_sgd", "nesterov", "adam", "adamw", "rmsprop", "adagrad"),
}
"""What each engine can be asked for, in the order of the schema."""
ENGINE_PACKAGES = {"torch": {"torch": "torch", "lightning_fabric": "lightning-fabric"}}  # engine -> modules: packages


def check(config: schema.Config) -> list[Problem]:
    """Everything that is wrong with a declaration whose keys are each right."""
    data = (_name, _classes, _label_revision, _split, _targets, _copies, _imbalance)
    rules = (
        *data,
        _network,
        _image_size,
        _weights,
        _std,
        _operating_point,
        _subgroups,
        _engine,
        _engine_packages,
        _workers,
        _lr_find,
        _head,
        _freeze,
        _sinks,
        _deployment,
        _addresses,
        _sweep,
    )
    return [problem for rule in rules for problem in rule(config)]


def _name(config: schema.Config) -> Iterator[Problem]:
    """The name becomes a folder."""
    if not is_folder_name(config.name):
        yield Problem(("name",), config.name, NO_FOLDER)


def is_folder_name(name: str) -> bool:
    """Whether a name can be that of one folder.

    >>> is_folder_name("lesions 2"), is_folder_name("/etc"), is_folder_name("..")
    (True, False, False)
    """
    unsafe = any(character in "/\\" or not character.isprintable() for character in name)
    return not (unsafe or name != name.strip() or name in ("", ".", "..") or len(name.encode()) > LONGEST_NAME)


def folder_name(name: str) -> str:
    """A recorded name that becomes a folder.

    Raises:
        ConfigError: it cannot.
    """
    if not is_folder_name(name):
        raise ConfigError(f"the recorded name {name!r} {NO_FOLDER}")
    return name


def _head(config: schema.Config) -> Iterator[Problem]:
    """Features are of the images as they are."""
    if isinstance(config.method, schema.Head) and config.training.mixup > 0:
        what = "must be 0 with method=head, which never sees images together: choose method=finetune for mixup"
        yield Problem(("training", "mixup"), config.training.mixup, what, others=(("method", "name"),))


def _classes(config: schema.Config) -> Iterator[Problem]:
    classes, positive = config.dataset.classes, config.dataset.positive_class
    if classes is None:
        return
    path = ("dataset", "classes")
    names = list(classes)
    if len(set(names)) < max(2, len(names)):
        yield Problem(path, classes, "must be at least two different class names")
    elif positive is not None and positive not in names:
        what = f"must be one of dataset.classes: {', '.join(names)}"
        yield Problem(("dataset", "positive_class"), positive, what, others=(path,))
    if isinstance(classes, dict):
        yield from _distinct(classes, path, "class")


def _distinct(listed: Mapping[str, Sequence[str]], path: KeyPath, what: str) -> Iterator[Problem]:
    """Each name has values of its own."""
    for name in (name for name, values in listed.items() if not values):
        yield Problem((*path, name), [], f"is empty: name what belongs to this {what}")
    for value, count in Counter(value for values in listed.values() for value in values).items():
        if count > 1:
            where = ", ".join(name for name, values in listed.items() for other in values if other == value)
            yield Problem(path, dict(listed), f"{value} is named {count} times ({where}): it can be of one {what} only")


def _label_revision(config: schema.Config) -> Iterator[Problem]:
    revision = config.dataset.label_revision
    if revision is not None and not re.fullmatch(REVISION, revision):
        what = "must be none, or the first 4 or more digits of a revision that `skinlab data labels` shows"
        yield Problem(("dataset", "label_revision"), revision, what)


def _split(config: schema.Config) -> Iterator[Problem]:
    match config.split:
        case schema.HoldoutSplit():
            yield from _fractions(config.split)
        case schema.KFoldSplit() if config.split.fold >= config.split.folds:
            last = config.split.folds - 1
            what = f"must be at most {last}: folds are counted from 0, and split.folds={config.split.folds}"
            yield Problem(("split", "fold"), config.split.fold, what, others=(("split", "folds"),))
        case schema.ColumnSplit():
            yield from _subset_values(config.split)


def _fractions(split: schema.HoldoutSplit) -> Iterator[Problem]:
    taken = split.validation + split.test
    if taken >= 1:
        what = f"split.validation + split.test must be below 1 to leave images for training, not {taken:g}"
        yield Problem(("split", "validation"), split.validation, what, others=(("split", "test"),))


def _subset_values(split: schema.ColumnSplit) -> Iterator[Problem]:
    values = {"train": split.values.train, "validation": split.values.validation, "test": split.values.test}
    needed = {name: found for name, found in values.items() if found or name != "validation"}
    yield from _distinct(needed, ("split", "values"), "subset")
    if not values["validation"] and split.validation is None:
        what = "is empty: name the values for validation, or set split.validation=0.15 to take it from training"
        yield Problem(("split", "values", "validation"), [], what)


def _network(config: schema.Config) -> Iterator[Problem]:
    """What is not ours is one of timm's, which the torch engine alone can build."""
    name, path, ours = config.network.name, ("network", "name"), list(networks.DESCRIBED)
    if name in ours:
        return
    if config.engine.name != "torch":
        what = f"engine={config.engine.name} has {', '.join(ours)}; other names are timm's models, for engine=torch"
        yield Problem(path, name, what, hint=suggest.did_you_mean(name, ours), others=(("engine", "name"),))
    elif importlib.util.find_spec("timm") is None:
        yield Problem(path, name, "timm, which may have it, is not installed; pip install skinlab[torch]")
    elif name not in (theirs := _timm_names()):
        near = ", ".join(get_close_matches(name, [*ours, *theirs], n=NEAREST)) or "none is near"
        yield Problem(path, name, f"timm has no such model; the nearest: {near}")


def _timm_names() -> list[str]:
    from skinlab.networks import timm_network

    return timm_network.names()


def _image_size(config: schema.Config) -> Iterator[Problem]:
    if config.network.name not in networks.DESCRIBED:
        return  # timm's model is built, and refused where it does not fit, before the data are prepared
    smallest = networks.smallest_image(config.network.name)
    if config.network.image_size < smallest:
        what = f"must be at least {smallest} for {config.network.name}: its poolings leave nothing of less"
        yield Problem(("network", "image_size"), config.network.image_size, what, others=(("network", "name"),))


def _weights(config: schema.Config) -> Iterator[Problem]:
    named = config.network.weights
    if named == "imagenet" and config.network.name not in networks.DESCRIBED:
        what = "there are none that can be verified for timm's models: none, a .safetensors or .pth file, or a run"
        yield Problem(("network", "weights"), named, what, others=(("network", "name"),))
    elif named not in ("none", "imagenet") and not _exists(named):
        what = "must be none, imagenet, or an existing .safetensors or .pth file or run directory"
        yield Problem(("network", "weights"), named, what)


def _exists(path: str) -> bool:
    try:
        return Path(path).expanduser().exists()
    except (OSError, RuntimeError, ValueError):  # longer than a path, of no user, or with a zero byte
        return False


def _freeze(config: schema.Config) -> Iterator[Problem]:
    """Stages of timm's models are known when they are built."""
    method, name = config.method, config.network.name
    if not isinstance(method, schema.Finetune) or name not in networks.DESCRIBED:
        return
    choices = networks.freezable(networks.stages_of(name))
    if method.freeze not in choices:
        what = f"{name} has no such stage; there are: {', '.join(choices)}"
        hint = suggest.did_you_mean(method.freeze, choices)
        yield Problem(("method", "freeze"), method.freeze, what, hint=hint, others=(("network", "name"),))


def _std(config: schema.Config) -> Iterator[Problem]:
    if min(config.network.std) <= 0:
        yield Problem(("network", "std"), config.network.std, "each must be greater than 0")


def _engine(config: schema.Config) -> Iterator[Problem]:
    engine, optimizer = config.engine.name, config.optimizer.name
    yield from _lacking(OPTIMIZERS, engine, optimizer, ("optimizer", "name"))


def _workers(config: schema.Config) -> Iterator[Problem]:
    """Several CNTK workers share each minibatch, on the CPU."""
    if not isinstance(config.engine, schema.CntkEngine) or config.engine.workers == 1:
        return
    workers, images = config.engine.workers, config.optimizer.minibatch_size
    path, size = ("engine", "workers"), ("optimizer", "minibatch_size")
    if workers > images:
        what = f"must be at most optimizer.minibatch_size={images}: each worker needs an image of a minibatch"
        yield Problem(path, workers, what, others=(size,))
    if config.engine.device not in {"auto", "cpu"}:
        what = f"several workers compute on the CPU: leave out engine.device={config.engine.device}"
        yield Problem(path, workers, what, others=(("engine", "device"),))


def _lr_find(config: schema.Config) -> Iterator[Problem]:
    lowest, highest = config.lr_find.lowest, config.lr_find.highest
    if lowest >= highest:
        what = f"must be below lr_find.highest={highest:g}"
        yield Problem(("lr_find", "lowest"), lowest, what, others=(("lr_find", "highest"),))


def _lacking(table: Mapping[str, Sequence[str]], engine: str, wanted: str, path: KeyPath) -> Iterator[Problem]:
    """A choice that the engine does not have: what it has, and which engines have this one."""
    if wanted in table[engine]:
        return
    having = wording.alternatives_text(
        [f"engine={name}" for name, names in table.items() if wanted in names] or ["no engine"]
    )
    what = f"engine={engine} has {', '.join(table[engine])}; {having} has {wanted}"
    yield Problem(path, wanted, what)


def _operating_point(config: schema.Config) -> Iterator[Problem]:
    path, value = ("evaluation", "operating_point"), config.evaluation.operating_point
    try:
        operating_rule.parse(value)
    except ValueError as error:
        yield Problem(path, value, str(error))
        return
    classes = config.dataset.classes
    if classes is not None and (why := operating_rule.refusal(value, len(classes))):
        yield Problem(path, value, why, others=(("dataset", "classes"),))


def _subgroups(config: schema.Config) -> Iterator[Problem]:
    path = ("evaluation", "subgroups")
    declared = config.evaluation.subgroups or {}
    if twice := sorted(name for name, count in Counter(list(declared)).items() if count > 1):
        yield Problem(path, declared, f"names {', '.join(twice)} more than once")
    for column, edges in declared.items() if isinstance(declared, dict) else ():
        if edges is not None and (not edges or any(low >= high for low, high in pairwise(edges))):
            yield Problem((*path, column), edges, "must be the rising edges of bands, e.g. [30, 45, 60], or null")


def _sinks(config: schema.Config) -> Iterator[Problem]:
    for sink, (modules, extra) in SINK_PACKAGES.items():
        declared = getattr(config.tracking, sink)
        missing = [module for module in modules if declared and not _is_installed(module)]
        if missing:
            yield Problem(("tracking", sink), sink, f"{missing[0]} is not installed; pip install 'skinlab[{extra}]'")


def _is_installed(module: str) -> bool:
    package, _, below = module.partition(".")
    return importlib.util.find_spec(package) is not None and (not below or importlib.util.find_spec(module) is not None)


def _addresses(config: schema.Config) -> Iterator[Problem]:
    """Where a run is told about: of a known kind, and without a secret, since declarations are kept and shown."""
    mlflow, azureml = config.tracking.mlflow, config.tracking.azureml
    if mlflow and mlflow.uri is not None:
        kinds = "a server, http://HOST:PORT, or a store, sqlite:///FILE"
        yield from _address(("tracking", "mlflow", "uri"), mlflow.uri, STORES, kinds)
    if azureml:
        yield from _address(("tracking", "azureml", "uri"), azureml.uri, ("azureml",), "an address azureml://...")


def _address(path: KeyPath, uri: str, schemes: Sequence[str], kinds: str) -> Iterator[Problem]:
    try:
        parts = urlsplit(uri)
    except ValueError:  # e.g. half a bracket of an IPv6 address
        yield Problem(path, uri, f"must be {kinds}")
        return
    if parts.scheme.partition("+")[0] not in schemes or "://" not in uri:
        yield Problem(path, uri, f"must be {kinds}")
    elif parts.password is not None:
        what = "holds a password, which would be kept with every run: use MLFLOW_TRACKING_PASSWORD or ~/.pgpass"
        yield Problem(path, uri, what)


def _sweep(config: schema.Config) -> Iterator[Problem]:
    """How trials are chosen; what is swept is only known to `skinlab train -m`."""
    sweep = config.sweep
    if re.fullmatch(ON_FAILURE, sweep.on_failure) is None:
        what = "must be continue, stop or retry(n), e.g. 'sweep.on_failure=\"retry(2)\"'"
        yield Problem(("sweep", "on_failure"), sweep.on_failure, what)
    if sweep.sampler == "grid" and sweep.trials is not None:
        yield Problem(("sweep", "trials"), sweep.trials, "a grid runs all its points: leave it null")
    if sweep.sampler != "grid" and sweep.trials is None:
        yield Problem(("sweep", "trials"), None, f"must say how many points sweep.sampler={sweep.sampler} chooses")
    yield from _objectives(config)
    for name, scaled in (sweep.scaled or {}).items():
        if scaled.by == name:
            yield Problem(
                ("sweep", "scaled", name, "by"), scaled.by, "must be another key than the one that follows it"
            )


def _objectives(config: schema.Config) -> Iterator[Problem]:
    path, names = ("sweep", "objectives"), config.sweep.objectives or []
    for name in names:
        if name not in objectives.DIRECTIONS:
            known = list(objectives.DIRECTIONS)
            yield Problem(path, names, f"no metric '{name}'", hint=suggest.then_list("", "Metrics", known))
    if len(set(names)) < len(names):
        yield Problem(path, names, "names a metric twice")
    if len(names) > 1 and config.sweep.sampler == "cmaes":
        yield Problem(path, names, "sweep.sampler=cmaes takes one objective: several are for nsga2, tpe and random")
    if len(names) > 1 and config.sweep.pruner != "none":
        what = "several objectives leave nothing to prune by: sweep.pruner=none"
        yield Problem(path, names, what, others=(("sweep", "pruner"),))


def _deployment(config: schema.Config) -> Iterator[Problem]:
    """The name becomes a folder and part of addresses; without keys only this machine may ask."""
    declared = config.deployment
    if declared.name is not None and not re.fullmatch(DEPLOYMENT_NAME, declared.name):
        what = "must be 1 to 64 letters, digits, - or _, and begin with a letter or digit"
        yield Problem(("deployment", "name"), declared.name, what)
    if isinstance(declared, schema.LocalDeployment):
        if declared.auth == "none" and not is_loopback(declared.host):
            only = "without keys only deployment.host=127.0.0.1 is listened on"
            what = f"leaves {declared.host} open to everybody: {only}"
            yield Problem(("deployment", "auth"), declared.auth, what, others=(("deployment", "host"),))
        return
    key = "endpoint" if isinstance(declared, schema.AzureMlOnlineDeployment) else "service"
    named = getattr(declared, key)
    wrong = None if named is None else azure_name_problem(declared.target, named)
    if wrong is not None:
        yield Problem(("deployment", key), named, wrong)


def azure_name_problem(target: str, name: str) -> str | None:
    """What is wrong with the name that an endpoint or service would have in Azure; None where nothing is.

    >>> azure_name_problem("azureml_online", "Lesions-2"), azure_name_problem("azureml_aci", "Lesions-2")
    (None, 'must be 3 to 32 lower-case letters, digits or -, begin with a letter and not end with -')
    """
    letters = "A-Za-z" if target == "azureml_online" else "a-z"
    if re.fullmatch(f"[{letters}][{letters}0-9-]{{1,30}}[{letters}0-9]", name):
        return None
    case = "" if target == "azureml_online" else "lower-case "
    return f"must be 3 to 32 {case}letters, digits or -, begin with a letter and not end with -"


def _copies(config: schema.Config) -> Iterator[Problem]:
    if config.augmentation.copies and not config.augmentation.transforms:
        what = f"copies would be the image itself: augmentation={config.augmentation.name} has no transforms"
        yield Problem(("augmentation", "copies"), config.augmentation.copies, what)


def _imbalance(config: schema.Config) -> Iterator[Problem]:
    """Each of the two makes the classes count equally; both would turn the imbalance around."""
    if config.training.sampling == config.training.class_weights == "balanced":
        what = "corrects the imbalance a second time, with training.class_weights=balanced: set one of them"
        others = (("training", "class_weights"),)
        yield Problem(("training", "sampling"), config.training.sampling, what, others=others)


def _engine_packages(config: schema.Config) -> Iterator[Problem]:
    needed = ENGINE_PACKAGES.get(config.engine.name, {})
    missing = [package for module, package in needed.items() if importlib.util.find_spec(module) is None]
    if missing:
        are = "are" if len(missing) > 1 else "is"
        what = f"{' and '.join(missing)} {are} not installed; pip install skinlab[torch]"
        yield Problem(("engine", "name"), config.engine.name, what)


def _targets(config: schema.Config) -> Iterator[Problem]:
    """Opening somebody else's run must not run their code: only known libraries are reached by `_target_`."""
    listed = config.augmentation.transforms
    for keys, value, what in transforms.faults(listed, allowed_targets() if listed else ()):
        hint = f"; your own packages: allowed_targets in {settings_file()}" if what == transforms.REFUSAL else ""
        yield Problem(("augmentation", "transforms", *keys), value, what, hint=hint)
