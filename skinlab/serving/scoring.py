"""Answers of a bundle: an image file in, probabilities, label and decision out. The one scorer of every server.

Each image is computed by itself on one thread, several beside each other: an answer depends neither on the images
asked together with it, nor on the number of threads, nor on their load. Knows nothing of files, formats and networks.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from skinlab.data.images import ImageError
from skinlab.data.parallel import usable_cpus
from skinlab.errors import BundleError
from skinlab.evaluation.metrics import decide
from skinlab.networks.symmetries import VIEWS
from skinlab.serving.loading import Bundle

Source = TypeVar("Source")


@dataclass(frozen=True)
class Answer:
    """What a bundle says of one image.

    Attributes:
        probabilities: of each class, in the order of the classes; the shortest numbers that stand for these float32.
        label: the most probable class.
        decision: of two classes, the one that the bundle's threshold calls; of more, the most probable.
    """

    probabilities: tuple[float, ...]
    label: str
    decision: str


class Scorer:
    """A bundle, ready to answer; may be asked from several threads.

    Args:
        bundle: verified.
        threads: images that are computed beside each other; None: one per processor that this process may use.
        tta: views to average over, as in `evaluation.tta`; None: those of the bundle.

    Raises:
        BundleError: its model cannot be run, or averages over other views itself.
    """

    def __init__(self, bundle: Bundle, threads: int | None = None, tta: str | None = None) -> None:
        if bundle.tta not in ("none", tta or bundle.tta):
            raise BundleError(
                f"{bundle.path} averages over views itself (evaluation.tta={bundle.tta}), which tta={tta} cannot change"
            )
        self._views = VIEWS[tta or "none"] if bundle.tta == "none" else VIEWS["none"]
        self.bundle = bundle
        self.threads = threads or usable_cpus()
        self._input = bundle.signature["input"]["name"]
        self._output = bundle.signature["output"]["name"]
        self._session = run_on_one_thread(bundle.model, bundle)
        self._require_answers()

    def _require_answers(self) -> None:
        """Refuse a model that loads and does not answer an image with a probability of each class.

        Raises:
            BundleError: it does not.
        """
        size = self.bundle.image_size
        refusals: tuple[type[Exception], ...] = (*_refusals(), ValueError, LookupError)
        try:
            answer = self._run(np.zeros((1, size, size, 3), np.uint8))
        except refusals as error:
            raise _unusable(self.bundle, error) from error
        if answer.shape != (len(self.bundle.classes),):
            raise BundleError(f"the model of {self.bundle.path} does not answer with a probability of each class")

    def probabilities(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Probabilities float32 [classes] of uint8 [size, size, 3], RGB."""
        parts = [self._run(view.of(image[np.newaxis])) for view in self._views]
        return np.asarray(np.mean(parts, axis=0, dtype=np.float64), dtype=np.float32)

    def _run(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        answer: NDArray[np.float32] = self._session.run([self._output], {self._input: images})[0][0]
        return answer

    def probabilities_of(
        self, images: NDArray[np.uint8], rows: Sequence[int], advance: Callable[[], object] = lambda: None
    ) -> NDArray[np.float32]:
        """Probabilities of decoded images.

        Args:
            images: uint8 [N, size, size, 3], maybe memory-mapped.
            rows: which of them.
            advance: called after each.

        Returns:
            float32 [len(rows), classes].
        """
        result = np.empty((len(rows), len(self.bundle.classes)), dtype=np.float32)
        answers = _in_order(rows, lambda row: self.probabilities(np.ascontiguousarray(images[row])), self.threads)
        for place, (_, answer) in enumerate(answers):
            result[place] = answer
            advance()
        return result

    def decode(self, content: bytes) -> NDArray[np.uint8]:
        """The image in a file, as the model wants it: uint8 [size, size, 3].

        Raises:
            ImageError: it is not an image, or not a whole one.
        """
        return self.bundle.decode(content)

    def answer(self, image: NDArray[np.uint8]) -> Answer:
        """Probabilities, label and decision of uint8 [size, size, 3]."""
        probabilities = self.probabilities(image)
        exact, bundle = probabilities.astype(np.float64)[np.newaxis], self.bundle
        decision = int(decide(exact, bundle.positive, bundle.threshold)[0])
        shortest = tuple(float(str(probability)) for probability in probabilities)
        return Answer(shortest, bundle.classes[int(probabilities.argmax())], bundle.classes[decision])

    def answer_file(self, content: bytes) -> Answer:
        """The answer for the content of an image file.

        Raises:
            ImageError: it is not an image, or not a whole one.
        """
        return self.answer(self.decode(content))

    def answers(
        self,
        sources: Iterable[Source],
        read: Callable[[Source], bytes],
        then: Callable[[Source, NDArray[np.uint8], Answer], object] | None = None,
    ) -> Iterator[tuple[Source, Answer | ImageError]]:
        """The answer for each source, in order, or why there is none; few are in memory at a time.

        Args:
            sources: of any kind, e.g. paths; asked for as they are needed.
            read: gives the content of a source, or raises ImageError; called in several threads.
            then: what else to do with each source, its decoded image and the answer; called in several threads.
        """

        def one(source: Source) -> Answer | ImageError:
            try:
                image = self.decode(read(source))
            except ImageError as error:
                return error
            answer = self.answer(image)
            if then is not None:
                then(source, image, answer)
            return answer

        return _in_order(sources, one, self.threads)


Result = TypeVar("Result")


def _in_order(
    sources: Iterable[Source], work: Callable[[Source], Result], threads: int
) -> Iterator[tuple[Source, Result]]:
    """`work` of each source by several threads, in the order of the sources, no more than two a thread ahead."""
    waiting: deque[tuple[Source, Future[Result]]] = deque()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="skinlab-scoring")
    try:
        for source in sources:
            waiting.append((source, pool.submit(work, source)))
            if len(waiting) > 2 * threads:
                first, result = waiting.popleft()
                yield first, result.result()
        while waiting:
            first, result = waiting.popleft()
            yield first, result.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def run_on_one_thread(model: bytes, bundle: Bundle) -> Any:
    """ONNX Runtime for a model of a bundle; each call of its `run` computes in the thread that calls.

    Raises:
        BundleError: it cannot be run.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    refusals: tuple[type[Exception], ...] = (*_refusals(), ValueError)  # a name in it that is no UTF-8 is a ValueError
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except refusals as error:
        raise _unusable(bundle, error) from error


def _refusals() -> tuple[type[Exception], ...]:
    """What ONNX Runtime raises."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    return tuple(kind for kind in vars(state).values() if isinstance(kind, type) and issubclass(kind, Exception))


def _unusable(bundle: Bundle, error: Exception) -> BundleError:
    import onnxruntime

    reason = " ".join(str(error).split())
    return BundleError(f"the model of {bundle.path} cannot be run by onnxruntime {onnxruntime.__version__}: {reason}")
