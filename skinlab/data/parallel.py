"""How many processors this process may use."""

import os


def usable_cpus() -> int:
    """Processors that this process may run on, which in a container or a batch job are fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
