"""The workers of a data-parallel training: which images of a minibatch are whose, and what they exchange by MPI.

Every worker has the whole network. CNTK adds up the gradients; the running statistics are averaged here.
"""

import numpy as np


class Alone:
    """A single worker: everything is its own, there is nobody to talk to."""

    rank, size = 0, 1

    def part(self, count):
        """First and past-the-last of the images that are this worker's."""
        return 0, count

    def learner(self, learner):
        """The learner as CNTK's trainer takes it."""
        return learner

    def average(self, constants, images):
        """Average these arrays over the workers, by the images that each had."""

    def finish(self):
        """Take leave of the others."""


class Ranks(Alone):
    """One of several workers that `mpiexec` started. All of them are given the same commands."""

    def __init__(self, cntk):
        self.cntk = cntk
        self.communicator = cntk.distributed.mpi_communicator()
        self.rank = cntk.distributed.Communicator.rank()
        self.size = cntk.distributed.Communicator.num_workers()

    def part(self, count):
        """A minibatch is dealt in its order; parts differ by one image at most, and may be empty."""
        return count * self.rank // self.size, count * (self.rank + 1) // self.size

    def learner(self, learner):
        """CNTK's learner that adds up all workers' gradients before the update."""
        return self.cntk.distributed.data_parallel_distributed_learner(learner)

    def average(self, constants, images):
        """A sum of all workers' values times their images, with the images themselves as its last number."""
        if not constants:
            return
        values = [constant.value for constant in constants]
        flat = np.concatenate([value.ravel() for value in values] + [np.ones(1, np.float32)])
        view = self.cntk.NDArrayView.from_data((flat * images).astype(np.float32), self.cntk.cpu())
        self.communicator.aggregate_in_place([view], self.communicator.workers())
        total = np.array(view.asarray())
        start = 0
        for constant, value in zip(constants, values):
            mean = total[start : start + value.size] / total[-1]
            constant.value = mean.reshape(value.shape)
            start += value.size

    def finish(self):
        """Leave MPI; `mpiexec` takes the end of a worker that does not for a failure."""
        self.cntk.distributed.Communicator.finalize()
