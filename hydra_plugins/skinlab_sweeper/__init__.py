"""Where Hydra looks for plugins: the sweeper of `skinlab train -m`. The work is done in skinlab.sweeps."""

from typing import Any

from hydra.plugins.sweeper import Sweeper


class SkinlabSweeper(Sweeper):
    """Chosen by `hydra/sweeper=skinlab`; its settings are the config group `sweep`."""

    def setup(self, *, hydra_context: Any, task_function: Any, config: Any) -> None:
        """Keep what Hydra gives: what composes, the task (a `skinlab.sweeps.sweeper.Start`) and the declaration."""
        self.hydra_context = hydra_context
        self.task_function = task_function
        self.config = config

    def sweep(self, arguments: list[str]) -> Any:
        """Run the sweep; the overrides are in the task, as they were typed and checked."""
        from skinlab.sweeps.sweeper import run

        return run(self.task_function, self.config, self.hydra_context)
