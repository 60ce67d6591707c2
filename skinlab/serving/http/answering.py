"""From image files to results: decoded in threads, computed in batches, explained on demand. Knows no HTTP."""

import asyncio
import base64
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skinlab.data.decoding import DecodingError, decode
from skinlab.errors import BundleError
from skinlab.serving.http.batching import Batcher
from skinlab.serving.loading import Bundle
from skinlab.serving.portable.answering import Asked, RequestError, result, with_scores
from skinlab.serving.scoring import run_on_one_thread

Image = NDArray[np.uint8]
Outputs = dict[str, NDArray[np.float32]]
LOGITS = "logits"


class Answerer:
    """A bundle that answers requests.

    Args:
        bundle: verified.
        threads: images that are computed beside each other.
        max_batch: images that are computed together at most.
        batch_wait_s: how long one may wait for others.
        pixels: an image whose header declares more is refused.
        computed: called with the size of each batch.
    """

    def __init__(
        self,
        bundle: Bundle,
        *,
        threads: int,
        max_batch: int,
        batch_wait_s: float,
        pixels: int,
        computed: Callable[[int], None],
    ) -> None:
        self.bundle = bundle
        self._pixels, self._computed = pixels, computed
        self._session = run_on_one_thread(bundle.model, bundle)
        self._input = bundle.signature["input"]["name"]
        self._outputs = [output.name for output in self._session.get_outputs()]
        self._batcher: Batcher[Image, Outputs] = Batcher(self._compute, threads, max_batch, batch_wait_s)
        self._decoders = ThreadPoolExecutor(threads, thread_name_prefix="skinlab-decode")
        self._explaining = threading.Lock()
        self._explainer: Any = None
        self._run(np.zeros((1, bundle.image_size, bundle.image_size, 3), np.uint8))  # memory is taken before the first

    async def results(self, of: Asked) -> list[dict[str, Any]]:
        """What is said of each image.

        Raises:
            RequestError: 422 one is no image, or was asked for what the model does not have.
        """
        return list(await asyncio.gather(*(self._result(content, of, row) for row, content in enumerate(of.images))))

    async def explained(self, of: Asked) -> list[dict[str, Any]]:
        """As `results` of a single image, with `explanation`: an overlay as a data address of a PNG file.

        Raises:
            RequestError: as for `results`; 422 there are several images, or the model cannot explain its answers.
        """
        if len(of.images) > 1:
            raise RequestError(422, "explain takes one image a request")
        (found,) = await self.results(of)
        index = self.bundle.classes.index(found["decision"])
        overlay = await asyncio.get_running_loop().run_in_executor(self._decoders, self._overlay, of.images[0], index)
        return [found | {"explanation": overlay}]

    def close(self) -> None:
        """End the threads, after what is being computed."""
        self._batcher.close()
        self._decoders.shutdown()

    async def _result(self, content: bytes, of: Asked, row: int) -> dict[str, Any]:
        answer: Future[Outputs] = Future()
        self._decoders.submit(self._queue, content, answer)
        try:
            outputs = await asyncio.wrap_future(answer)
        except DecodingError as error:
            raise RequestError(422, f"image {row}: {error}") from error
        found = result(outputs[self.bundle.signature["output"]["name"]], self.bundle.signature)
        if of.softmax is None:
            return found
        return with_scores(found, outputs.get(LOGITS), of.softmax[row], self.bundle.signature, row)

    def _queue(self, content: bytes, answer: "Future[Outputs]") -> None:
        """Decode a file and let its image wait for a batch; from thread to thread, not by way of the event loop."""
        if answer.cancelled():
            return
        try:
            image = self._decoded(content)
        except Exception as error:  # noqa: BLE001 - whoever waits for the answer gets it
            if answer.set_running_or_notify_cancel():
                answer.set_exception(error)
            return
        self._batcher.submit(image, answer)

    def _decoded(self, content: bytes) -> Image:
        return decode(content, self.bundle.image_size, self._pixels, self.bundle.colour_profile)

    def _compute(self, images: Sequence[Image]) -> list[Outputs]:
        self._computed(len(images))
        outputs = self._run(np.stack(images))
        return [{name: values[row] for name, values in outputs.items()} for row in range(len(images))]

    def _run(self, images: Image) -> Outputs:
        return dict(zip(self._outputs, self._session.run(self._outputs, {self._input: images}), strict=True))

    def _overlay(self, content: bytes, class_index: int) -> str:
        from skinlab.evaluation.explain import overlay, png

        image = self._decoded(content)
        with self._explaining:
            heat = self._explained_by().heat_map(image, class_index)
        return "data:image/png;base64," + base64.b64encode(png(overlay(image, heat))).decode("ascii")

    def _explained_by(self) -> Any:
        """The explainer, made when it is first asked for: it takes as much memory again as the model."""
        from skinlab.serving.explaining import Explainer

        if self._explainer is None:
            try:
                self._explainer = Explainer(self.bundle)
            except BundleError as error:
                raise RequestError(422, "this model cannot explain its answers") from error
        return self._explainer
