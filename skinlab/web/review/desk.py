"""The data set under review with its table and its label log: read when they are first asked for, then kept."""

import threading

from skinlab.data.classes import labels_of
from skinlab.data.label_log.entries import Entry
from skinlab.data.label_log.place import log_of, log_path
from skinlab.data.label_log.store import LabelLog
from skinlab.errors import DataError
from skinlab.web.review.evidence import gather
from skinlab.web.review.table import Table
from skinlab.web.workplace import Workplace


class Desk:
    """The data set under review, read when it is first asked for.

    Args:
        workplace: where it is.

    Attributes:
        workplace: the same.
    """

    def __init__(self, workplace: Workplace) -> None:
        self.workplace = workplace
        self._lock = threading.Lock()
        self._table: Table | None = None
        self._log: LabelLog | None = None

    @property
    def table(self) -> Table:
        """The images.

        Raises:
            DataError: no data set is open, or it or the evidence cannot be read.
        """
        with self._lock:
            if self._table is None:
                self._table = self._read()
            return self._table

    @property
    def log(self) -> LabelLog | None:
        """The label log; None: the data set has no place for one."""
        path = None if self.workplace.dataset is None else log_path(self.workplace.dataset)
        if self._log is None and path is not None:
            self._log = LabelLog(path)
        return self._log

    def writable(self) -> LabelLog:
        """The label log, to be added to.

        Raises:
            DataError: there is no place for one.
        """
        if self.workplace.dataset is None:
            raise _closed()
        return self.log or log_of(self.workplace.dataset)

    def entries(self, until: int | None = None) -> list[Entry]:
        """Those of the log, or the first of them."""
        return [] if self.log is None else self.log.read()[:until]

    def _read(self) -> Table:
        opened = self.workplace.reviewed()
        if opened is None:
            raise _closed()
        evidence = gather(opened.manifest, self.workplace.runs, self.workplace.audit)
        return Table(opened, evidence, labels_of(opened.dataset.classes))


def _closed() -> DataError:
    return DataError("no data set is open: skinlab ui dataset=folder dataset.path=PATH, or skinlab ui --run RUN")
