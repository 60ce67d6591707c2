"""The archive's server serves here too: it fails in all the ways that a transfer must survive."""

from tests.data.archive.conftest import _no_proxy, archive, web

__all__ = ["_no_proxy", "archive", "web"]
