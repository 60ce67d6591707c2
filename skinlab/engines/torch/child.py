"""A process that holds one replica and does what its parent asks: `python -m skinlab.engines.torch.child`.

Arguments: file descriptor of the pipe, process id of the parent, the file by which the processes meet. It ends with its
parent, whatever becomes of that.
"""

import ctypes
import os
import signal
import sys
from multiprocessing.connection import Connection

PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int) -> None:
    """Ask Linux to kill this process when its parent goes; leave at once if that has happened already."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(0)


def main() -> None:
    """Join the other processes, then answer until the pipe is closed."""
    descriptor, parent, meeting = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    die_with_parent(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business
    from torch import distributed
    from torch.distributed import FileStore  # type: ignore[attr-defined]

    from skinlab.engines.torch.crew import Answer, carry_out
    from skinlab.engines.torch.replica import Place, Replica

    place = Place(rank=int(os.environ["RANK"]), world=int(os.environ["WORLD_SIZE"]))
    connection = Connection(descriptor)
    try:
        _, (engine, chosen) = connection.recv()
        store = FileStore(meeting, place.world)
        distributed.init_process_group(
            "gloo" if chosen.device == "cpu" else "nccl", store=store, rank=place.rank, world_size=place.world
        )
        replica = Replica(engine, chosen, place)
        connection.send(Answer())
        while True:
            command, given = connection.recv()
            connection.send(carry_out(replica, command, given))
    except (EOFError, BrokenPipeError):
        return  # the parent has closed the pipe


if __name__ == "__main__":
    main()
