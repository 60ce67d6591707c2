"""Weights that were trained before: published ones, files, earlier runs; found, verified and fitted to a network."""

from skinlab.networks.pretrained.fitting import Start, require, start

__all__ = ["Start", "require", "start"]
