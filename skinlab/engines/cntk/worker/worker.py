"""The CNTK worker: builds a CNTK graph from a description and trains it on command.

Runs under Python 3.6 with the standard library, numpy and cntk alone; it knows nothing of skinlab. One JSON object a
line comes on standard input, one goes back on what was standard output (CNTK's own prints are sent to standard error).
Arrays go through one memory-mapped file whose layout the `build` command gives. It ends when its input ends or its
parent dies. Started by mpiexec, with the address of a socket as second argument, it is one of several workers that get
the same commands through that socket, and share each minibatch.

Networks are described as in skinlab/networks/architecture.py; arrays have torchvision's names and shapes.
"""

import ctypes
import gc
import json
import math
import mmap
import os
import signal
import socket
import sys
import traceback
import types

import gradients
import numpy as np
import optimizers
import tensors
from ranks import Alone, Ranks

PR_SET_PDEATHSIG = 1
WEIGHTS, OPTIMIZER = "weights/", "optimizer/"


def die_with_parent(parent):
    """Ask the kernel to kill this process when its parent goes; leave at once if that has happened already."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(0)


def import_cntk():
    """Import CNTK without its check of the system.

    The check warns of every Linux but Ubuntu 16.04 and runs `ldconfig` a dozen times on the folders of LD_LIBRARY_PATH.
    CNTK runs what a model names as a "user function": no model is read here, and if one were, that is refused.
    """
    unchecked = types.ModuleType("cntk.cntk_py_init")
    unchecked.cntk_check_distro_info = unchecked.cntk_check_libs = lambda: None
    sys.modules[unchecked.__name__] = unchecked
    sys.setdlopenflags(os.RTLD_LAZY)  # the MPI stand-in defines only the symbols that are needed at load time
    import cntk

    cntk.internal._UDFDeserializeCallbackWrapper.__call__ = refuse_user_function  # noqa: SLF001 - has no other name
    return cntk


def refuse_user_function(*_arguments):
    """Stands where CNTK would run what the words of a file name."""
    raise RuntimeError("user functions are not loaded")


def adaptive_shares(before, after):
    """Float32 [before, after]: what each row gives to each result of adaptive average pooling, as torch has it."""
    shares = np.zeros((before, after), np.float32)
    for i in range(after):
        start, end = i * before // after, -((i + 1) * before // -after)
        shares[start:end, i] = 1.0 / (end - start)
    return shares


class Graph:
    """A CNTK graph built from a network description, with its arrays by name.

    Arrays of frozen nodes are constants: CNTK then computes no gradient for them, nor for what lies before them.
    """

    def __init__(self, cntk, network, frozen, arrays, minibatch_size, batchnorm):
        self.cntk = cntk
        self.frozen = set(frozen)
        self.arrays = arrays
        self.parameters = {}
        self.batchnorm = batchnorm
        # Running statistics move by `momentum` for a full minibatch, by less for a smaller last one.
        self.time_constant = -minibatch_size / math.log(1 - batchnorm["momentum"])
        size, self.takes = network["image_size"], network["takes"]
        self.image = cntk.input_variable(network["features"] if self.takes == "features" else (3, size, size))
        self.mask = cntk.input_variable(network["features"], name="mask")
        self.target = cntk.input_variable(network["classes"], name="target")
        self.label = cntk.input_variable(network["classes"], name="label")  # one-hot; for counting errors only
        self.weight = cntk.input_variable(1, name="weight")
        self.logits = self._connect(network["nodes"], training=False)
        self.training_logits = self._connect(network["nodes"], training=True)

    def _connect(self, nodes, training):
        """Connect the nodes; the part before dropout is shared between the training and the evaluation graph."""
        values = self.values = {self.takes: self.image} if not training else self.values
        seen_dropout = False
        for node in nodes:
            seen_dropout = seen_dropout or node["op"] == "dropout"
            if training and not seen_dropout:
                continue
            inputs = [values[name] for name in node["inputs"]]
            if node["op"] == "dropout":
                values[node["name"]] = inputs[0] * self.mask if training else inputs[0]
            else:
                values[node["name"]] = getattr(self, "_" + node["op"])(node, *inputs)
        return values[nodes[-1]["name"]]

    def _parameter(self, name, transform=None):
        if name not in self.parameters:
            value = self.arrays[name] if transform is None else transform(self.arrays[name])
            if name.rpartition(".")[0] in self.frozen:
                self.parameters[name] = self.cntk.Constant(value, name=name)
            else:
                self.parameters[name] = self.cntk.parameter(init=value, name=name)
        return self.parameters[name]

    def _statistic(self, name):
        if name not in self.parameters:
            self.parameters[name] = self.cntk.Constant(self.arrays[name], name=name)
        return self.parameters[name]

    @property
    def moving(self):
        """The running statistics that training moves, in the order of the network."""
        return [
            array
            for name, array in self.parameters.items()
            if name.rpartition(".")[2] in ("running_mean", "running_var") and name.rpartition(".")[0] not in self.frozen
        ]

    def _normalize(self, node, x):
        mean, std = (np.array(node["attributes"][part], np.float32).reshape(3, 1, 1) * 255 for part in ("mean", "std"))
        return (x - self.cntk.Constant(mean)) / self.cntk.Constant(std)

    def _conv(self, node, x):
        sizes = node["attributes"]
        x, padded = self._pad(x, sizes["kernel"], sizes["padding"])
        y = self.cntk.convolution(
            self._parameter(node["name"] + ".weight"),
            x,
            strides=(sizes["stride"],) * 2,
            auto_padding=[False, padded, padded],
            groups=sizes["groups"],
        )
        if not sizes["bias"]:
            return y
        return y + self._parameter(node["name"] + ".bias", lambda value: value.reshape(-1, 1, 1))

    def _pad(self, x, kernel, padding):
        """Give (x, False) with x padded by hand, or (x, True) where CNTK's own padding is the same thing.

        CNTK's auto padding is (kernel - 1) / 2 as in our networks, but it refuses a kernel that is larger than the
        unpadded image (the last stage of a ResNet at 64 pixels is 2 x 2).
        """
        if padding == 0:
            return x, False
        if padding == (kernel - 1) // 2 and kernel <= min(x.shape[1:]):
            return x, True
        pattern = [(0, 0), (padding, padding), (padding, padding)]
        return self.cntk.pad(x, pattern, mode=self.cntk.ops.CONSTANT_PAD, constant_value=0), False

    def _batchnorm(self, node, x):
        name = node["name"]
        arrays = [self._parameter(name + part) for part in (".weight", ".bias")]
        arrays += [self._statistic(name + part) for part in (".running_mean", ".running_var")]
        if name in self.frozen:
            return self._affine(x, *arrays)
        return self.cntk.batch_normalization(
            x,
            *arrays,
            spatial=True,
            normalization_time_constant=self.time_constant,
            epsilon=self.batchnorm["epsilon"],
            use_cudnn_engine=False,
            running_count=self.cntk.Constant(1),  # 0 would let the first minibatch replace the statistics
        )

    def _affine(self, x, *arrays):
        """Batch normalisation by the running statistics, in training too: CNTK's own would take the minibatch's."""
        weight, bias, mean, variance = (self.cntk.reshape(array, (-1, 1, 1)) for array in arrays)
        scale = weight / self.cntk.sqrt(variance + self.batchnorm["epsilon"])
        return x * scale + (bias - mean * scale)

    def _relu(self, _node, x):
        return self.cntk.relu(x)

    def _relu6(self, _node, x):
        return self.cntk.clip(x, 0.0, 6.0)

    def _maxpool(self, node, x):
        sizes = node["attributes"]
        padded = sizes["padding"] > 0
        kernel, stride = (sizes["kernel"],) * 2, (sizes["stride"],) * 2
        return self.cntk.pooling(x, self.cntk.MAX_POOLING, kernel, stride, auto_padding=[False, padded, padded])

    def _add(self, _node, x, y):
        return x + y

    def _mean(self, _node, x):
        return self.cntk.reshape(self.cntk.reduce_mean(x, axis=(1, 2)), x.shape[0])

    def _avgpool(self, node, x):
        """Adaptive pooling: columns, then rows, times a constant matrix of shares."""
        before, after = x.shape[1], node["attributes"]["size"]
        if before == after:
            return x
        shares = self.cntk.Constant(adaptive_shares(before, after))
        for _ in ("columns", "rows"):
            x = self.cntk.swapaxes(self.cntk.times(x, shares), 1, 2)
        return x

    def _flatten(self, _node, x):
        return self.cntk.reshape(x, int(np.prod(x.shape)))

    def _linear(self, node, x):
        weight = self._parameter(node["name"] + ".weight", lambda value: np.ascontiguousarray(value.T))
        return self.cntk.times(x, weight) + self._parameter(node["name"] + ".bias")

    def export(self):
        """All arrays by their torchvision names and in its layouts, float32."""
        transposed = {name for name, value in self.arrays.items() if value.ndim == 2}  # noqa: PLR2004 - linear
        return {
            name: np.ascontiguousarray(value.value.T if name in transposed else value.value).reshape(
                self.arrays[name].shape
            )
            for name, value in self.parameters.items()
        }

    def restore(self, arrays):
        """Take over arrays as `export` gives them."""
        for name, value in self.parameters.items():
            array = arrays[name].T if arrays[name].ndim == 2 else arrays[name]  # noqa: PLR2004 - linear
            value.value = np.ascontiguousarray(array).reshape(value.shape)


class Worker:
    """Answers commands; each public method is one."""

    def __init__(self, distributed):
        self.cntk = import_cntk()
        self.ranks = Ranks(self.cntk) if distributed else Alone()
        self.graph = self.trainer = self.optimizer = self.shared = None
        self.map_gradients = None  # made when they are asked for

    def gpus(self):
        """The GPUs that CNTK sees: those that CUDA_VISIBLE_DEVICES leaves."""
        device = self.cntk.device
        seen = [item for item in device.all_devices() if item.type() == device.DeviceKind.GPU]
        found = [device.get_gpu_properties(item) for item in sorted(seen, key=lambda item: item.id())]
        return {"gpus": [{"name": gpu.name, "capability": [gpu.version_major, gpu.version_minor]} for gpu in found]}

    def hello(self, gpu, seed):
        """Choose the device, by its number or the CPU, fix seeds and algorithms; tell what this runtime is."""
        cntk = self.cntk
        chosen = cntk.cpu() if gpu is None else cntk.gpu(gpu)
        cntk.try_set_default_device(chosen)
        cntk.cntk_py.set_fixed_random_seed(seed)
        cntk.cntk_py.force_deterministic_algorithms()
        return {
            "cntk": cntk.__version__,
            "numpy": np.__version__,
            "python": sys.version.split()[0],
            "device": str(chosen),
            "pid": os.getpid(),
            "threads": int(os.environ.get("OMP_NUM_THREADS") or len(os.sched_getaffinity(0))),
            "mkl_debug_cpu_type": os.environ.get("MKL_DEBUG_CPU_TYPE"),
        }

    def build(self, network, frozen, arrays, optimizer, minibatch_size, batchnorm, shared):
        """Make graph and trainer from a description and an .npz of arrays; map the shared file."""
        cntk = self.cntk
        with np.load(arrays) as loaded:
            values = {name: loaded[name] for name in loaded.files}
        self.map_gradients = None
        graph = self.graph = Graph(cntk, network, frozen, values, minibatch_size / self.ranks.size, batchnorm)
        cross_entropy = cntk.cross_entropy_with_softmax(graph.training_logits, graph.target)
        loss = cntk.element_times(cross_entropy, graph.weight)
        errors = cntk.classification_error(graph.training_logits, graph.label)
        self.optimizer = optimizers.make(cntk, graph.training_logits.parameters, optimizer)
        learner = self.ranks.learner(self.optimizer.learner)
        self.trainer = cntk.Trainer(graph.training_logits, (loss, errors), [learner])
        self._map(shared)
        return {"parameters": sum(value.value.size for value in graph.training_logits.parameters)}

    def reset(self):
        """Forget network, optimizer and shared arrays; tell the bytes of memory that are in use after that."""
        self.graph = self.trainer = self.optimizer = self.shared = self.map_gradients = None
        gc.collect()
        with open("/proc/self/statm") as file:
            pages = int(file.read().split()[1])
        return {"memory": pages * os.sysconf("SC_PAGE_SIZE")}

    def _map(self, shared):
        with open(shared["path"], "r+b") as file:
            memory = mmap.mmap(file.fileno(), 0)
        self.shared = {}
        for name, (dtype, shape, offset) in shared["arrays"].items():
            count = int(np.prod(shape))
            self.shared[name] = np.frombuffer(memory, dtype=dtype, count=count, offset=offset).reshape(shape)

    def _images(self, part):
        """[N, 3, H, W] float32 from a part of the shared uint8 [capacity, H, W, 3]; features as they are."""
        if self.graph.takes == "features":
            return np.array(self.shared["images"][part])
        return np.ascontiguousarray(self.shared["images"][part].transpose(0, 3, 1, 2), dtype=np.float32)

    def train_step(self, count, step, learning_rate):
        """One update on the first `count` shared images; `step` counts from 0."""
        graph, shared = self.graph, self.shared
        self.optimizer.prepare(learning_rate, step)
        divisor = self.optimizer.divisor(count)
        part = slice(*self.ranks.part(count))
        images = part.stop - part.start
        classes = graph.label.shape[0]
        feed = {
            graph.image: self._images(part),
            graph.target: np.array(shared["targets"][part]),
            graph.label: np.eye(classes, dtype=np.float32)[shared["labels"][part]],
            graph.weight: shared["weights"][part, None] / np.float32(divisor),
        }
        if graph.mask in graph.training_logits.arguments:
            feed[graph.mask] = np.array(shared["mask"][part])
        self.trainer.train_minibatch(feed if images else {})
        self.ranks.average(graph.moving, images)
        errors = self.trainer.previous_minibatch_evaluation_average * count
        return {"loss": self.trainer.previous_minibatch_loss_average * divisor, "correct": count - round(errors)}

    def predict(self, count):
        """Logits of the first `count` shared images, written to the shared file; each worker does its part."""
        part = slice(*self.ranks.part(count))
        if part.stop > part.start:
            self.shared["logits"][part] = self.graph.logits.eval({self.graph.image: self._images(part)})
        return {}

    def gradients(self, count, classes, feature_map, path):
        """Write the named map of the first `count` shared images, and the gradients of their classes, to an .npz.

        The first worker does it; it has the whole network.
        """
        if self.ranks.rank > 0:
            return {}
        if self.map_gradients is None:
            self.map_gradients = gradients.MapGradients(self.cntk, self.graph.logits, self.graph.values[feature_map])
        maps, slopes = self.map_gradients.compute({self.graph.image: self._images(slice(count))}, classes)
        with open(path, "wb") as file:
            np.savez(file, maps=maps, gradients=slopes)
        return {}

    def save(self, path):
        """Write weights, running statistics and the optimizer's state as a safetensors file."""
        if self.ranks.rank == 0:
            tensors.write(path, self._state())
        return {}

    def load(self, path):
        """Continue from what `save` wrote of the same network and optimizer."""
        found, state = tensors.read(path), self._state()
        if {name: (a.shape, a.dtype) for name, a in found.items()} != {n: (a.shape, a.dtype) for n, a in state.items()}:
            raise ValueError("it is not of this network and optimizer")
        self.graph.restore(_part(found, WEIGHTS))
        self.optimizer.restore(_part(found, OPTIMIZER))
        return {}

    def _state(self):
        state = {WEIGHTS + name: array for name, array in self.graph.export().items()}
        state.update((OPTIMIZER + name, array) for name, array in self.optimizer.state().items())
        return state

    def export(self, path):
        """Write all arrays to an .npz."""
        if self.ranks.rank == 0:
            with open(path, "wb") as file:
                np.savez(file, **self.graph.export())
        return {}


def _part(arrays, prefix):
    """The arrays whose names begin so, by the rest of their names."""
    return {name[len(prefix) :]: array for name, array in arrays.items() if name.startswith(prefix)}


def serve(requests, replies, distributed):
    """Answer one JSON line after another until the input ends."""
    worker = Worker(distributed)
    for line in requests:
        request = json.loads(line)
        try:
            answer = {"ok": getattr(worker, request["command"])(**request["arguments"])}
        except Exception as error:  # noqa: BLE001 - every failure goes back to the parent, which knows what to do with it
            traceback.print_exc()
            answer = {"error": "{}: {}".format(type(error).__name__, str(error).strip().split("\n")[0])}
        replies.write(json.dumps(answer) + "\n")
        replies.flush()
    worker.ranks.finish()


def connect(address):
    """Join the other workers: give the streams of requests and replies after telling who this is."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(address)
    replies = connection.makefile("w")
    replies.write(json.dumps({"rank": int(os.environ["OMPI_COMM_WORLD_RANK"]), "pid": os.getpid()}) + "\n")
    replies.flush()
    return connection.makefile("r"), replies


def main():
    """Set up the pipes and serve."""
    distributed = len(sys.argv) > 2  # noqa: PLR2004 - parent and address
    die_with_parent(os.getppid() if distributed else int(sys.argv[1]))  # of several, mpiexec is the parent
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    requests, replies = connect(sys.argv[2]) if distributed else (sys.stdin, replies)
    serve(requests, replies, distributed)


if __name__ == "__main__":
    main()
