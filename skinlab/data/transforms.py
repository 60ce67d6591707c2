"""Declared transforms: what a declaration may name, and the objects that are made of it.

The builder asks `faults` before it looks anything up, so the check of a declaration and the building cannot disagree.
No resolver runs on a declared string, and a name must lead to a class of transforms: nothing else is called.
"""

import importlib
import inspect
import os
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from skinlab.errors import ConfigError

TARGET = "_target_"
LIBRARY = "albumentations"
OWN_PACKAGE = "skinlab.augmentations"
OWN = tuple(f"{OWN_PACKAGE}.{name}" for name in ("Hair", "Ruler"))
REFUSAL = (
    f"is not allowed: only transforms of albumentations by their own name, e.g. {LIBRARY}.HorizontalFlip, "
    f"{' and '.join(OWN)}"
)
Fault = tuple[tuple[str, ...], Any, str]
"""Keys from the list of transforms, what stands there, and what is wrong with it."""


def faults(transforms: Sequence[dict[str, Any]], allowed: Sequence[str] = ()) -> Iterator[Fault]:
    """What is wrong with declared transforms, as far as that can be said without importing anything.

    Args:
        transforms: as in conf/augmentation.
        allowed: further packages or names of classes, from the user's own settings.

    >>> list(faults([{"_target_": "albumentations.Blur", "_partial_": True}]))
    [(('0', '_partial_'), True, 'is a word of Hydra: a transform takes its own arguments only')]
    """
    for i, transform in enumerate(transforms):
        if TARGET not in transform:
            yield (str(i),), transform, f"needs a `{TARGET}`, e.g. {TARGET}: {LIBRARY}.HorizontalFlip"
        yield from _faults(transform, (str(i),), allowed)


def _faults(value: Any, path: tuple[str, ...], allowed: Sequence[str]) -> Iterator[Fault]:
    """The faults of a value and of all that is in it."""
    if isinstance(value, dict):
        for name, inner in value.items():
            here = (*path, str(name))
            if name == TARGET:
                if not (isinstance(inner, str) and package_of(inner, allowed)):
                    yield here, inner, REFUSAL
            elif str(name).startswith("_"):
                yield here, inner, "is a word of Hydra: a transform takes its own arguments only"
            else:
                yield from _faults(inner, here, allowed)
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from _faults(inner, (*path, str(i)), allowed)


def package_of(target: str, allowed: Sequence[str] = ()) -> str | None:
    """The package that a `_target_` may come from; None where no package may give it.

    Of albumentations only what the package itself exports, `albumentations.Name`: a dotted path through its modules
    would reach what these import. Of skinlab the transforms in `OWN`.

    >>> package_of("albumentations.HorizontalFlip"), package_of("albumentations.os.system")
    ('albumentations', None)
    >>> package_of("mylab.Spots", ["mylab"]), package_of("mylabs.Spots", ["mylab"])
    ('mylab', None)
    """
    module, _, name = target.rpartition(".")
    if not all(part.isidentifier() for part in target.split(".")):
        return None
    if target in OWN or (module == LIBRARY and name[0].isupper()):
        return module
    for prefix in (entry.rstrip(".") for entry in allowed):
        if target.startswith(f"{prefix}."):
            return prefix
        if target == prefix and module:
            return module
    return None


def build(transforms: Sequence[dict[str, Any]], allowed: Sequence[str] = ()) -> Any:
    """A pipeline of declared transforms, `skinlab.augmentations.Compose`.

    Args:
        transforms: as in conf/augmentation; at least one.
        allowed: as for `faults`.

    Raises:
        ConfigError: a transform is not allowed, is no transform, or does not take these arguments.
    """
    for path, value, what in faults(transforms, allowed):
        raise ConfigError(f"augmentation.transforms.{'.'.join(path)}={value}: {what}")
    _import_albumentations()
    from skinlab.augmentations import Compose

    made = [_built(transform, allowed) for transform in transforms]
    try:
        return Compose(made, strict=True)  # else a misspelt argument is only warned of
    except ValueError as error:
        raise ConfigError(f"augmentation.transforms: {error}") from error


def _built(value: Any, allowed: Sequence[str]) -> Any:
    """A value with every declared transform in it made, the innermost first."""
    if isinstance(value, list):
        return [_built(inner, allowed) for inner in value]
    if not isinstance(value, dict):
        return value
    arguments = {name: _built(inner, allowed) for name, inner in value.items() if name != TARGET}
    if TARGET not in value:
        return arguments
    kind = _class_of(value[TARGET], allowed)
    try:
        return kind(**arguments)
    except Exception as error:  # whatever the constructor of a library's or a user's class finds wrong
        line = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise ConfigError(f"augmentation.transforms: {value[TARGET]}: {line}") from error


def _class_of(target: str, allowed: Sequence[str]) -> type:
    """The class of transforms that a target names, which must be of the very package that is allowed."""
    from albumentations import BaseCompose, BasicTransform

    package = package_of(target, allowed)
    module, _, name = target.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), name, None)
    except ImportError as error:
        raise ConfigError(f"augmentation.transforms: {target} cannot be imported: {error}") from error
    if not inspect.isclass(found) or not issubclass(found, BasicTransform | BaseCompose):
        raise ConfigError(f"augmentation.transforms: {target} is no class of transforms")
    if not f"{found.__module__}.".startswith(f"{package}."):
        raise ConfigError(f"augmentation.transforms: {target} is of {found.__module__}: name it by its own package")
    return found


def _import_albumentations() -> None:
    """Import the library without what it would do besides: ask the package index for a newer version, import torch.

    It imports torch, where that is installed, for a transform that gives tensors: a second, and 400 MB a process.
    """
    os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"
    hidden = "torch" not in sys.modules
    if hidden:
        sys.modules["torch"] = None  # type: ignore[assignment]  # how Python says that a module is not to be found
    try:
        import albumentations  # noqa: F401 - what follows finds it imported
        import cv2
    finally:
        if hidden:
            del sys.modules["torch"]
    cv2.setNumThreads(0)  # images are small, and the processes are as many as the user chose
