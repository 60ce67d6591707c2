"""A bare CNTK loop: a network from CNTK's own functions on random minibatches in memory. Run by Python 3.6.

`python _bare_cntk.py NETWORK IMAGE_SIZE MINIBATCH_SIZE` reads lines `train STEPS` or `predict STEPS` and answers each
with the images/s of so many steps. It shares no code with skinlab: it is what skinlab is measured against.
"""

import os
import sys
import time
import types

import numpy as np

sys.setdlopenflags(os.RTLD_LAZY)
unchecked = types.ModuleType("cntk.cntk_py_init")
unchecked.cntk_check_distro_info = unchecked.cntk_check_libs = lambda: None
sys.modules[unchecked.__name__] = unchecked
import cntk as C  # noqa: E402, N812 - the name that CNTK's own examples use


def conv_bn(x, channels, out, kernel, stride, groups=1):
    weight = C.parameter((out, channels // groups, kernel, kernel), init=C.he_normal())
    padding = [False, kernel > 1, kernel > 1]
    x = C.convolution(weight, x, strides=(stride, stride), auto_padding=padding, groups=groups)
    scale, bias = C.parameter(out, init=1), C.parameter(out, init=0)
    mean, variance = C.constant(0, out), C.constant(1, out)
    return C.batch_normalization(
        x, scale, bias, mean, variance, spatial=True, normalization_time_constant=150, running_count=C.constant(0)
    )


def classifier(x, features):
    x = C.reshape(C.reduce_mean(x, axis=(1, 2)), features)
    return C.times(x, C.parameter((features, 2), init=C.he_normal())) + C.parameter(2, init=0)


def basic_block(x, channels, out, stride):
    y = C.relu(conv_bn(x, channels, out, 3, stride))
    y = conv_bn(y, out, out, 3, 1)
    if stride > 1 or channels != out:
        x = conv_bn(x, channels, out, 1, stride)
    return C.relu(x + y)


def resnet18(x):
    x = C.relu(conv_bn(x, 3, 64, 7, 2))
    x = C.pooling(x, C.MAX_POOLING, (3, 3), (2, 2), auto_padding=[False, True, True])
    channels = 64
    for out, stride in [(64, 1), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1)]:
        x = basic_block(x, channels, out, stride)
        channels = out
    return classifier(x, 512)


def relu6(x):
    return C.clip(x, 0, 6)


def inverted_residual(x, channels, out, expansion, stride):
    wide = channels * expansion
    y = relu6(conv_bn(x, channels, wide, 1, 1)) if expansion > 1 else x
    y = relu6(conv_bn(y, wide, wide, 3, stride, groups=wide))
    y = conv_bn(y, wide, out, 1, 1)
    return x + y if stride == 1 and channels == out else y


def mobilenet_v2(x):
    x = relu6(conv_bn(x, 3, 32, 3, 2))
    channels = 32
    stages = [
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    ]
    for expansion, out, blocks, stride in stages:
        for block in range(blocks):
            x = inverted_residual(x, channels, out, expansion, stride if block == 0 else 1)
            channels = out
    return classifier(relu6(conv_bn(x, 320, 1280, 1, 1)), 1280)


def main():
    network, size, minibatch = (
        {"resnet18": resnet18, "mobilenet_v2": mobilenet_v2}[sys.argv[1]],
        *map(int, sys.argv[2:]),
    )
    C.cntk_py.force_deterministic_algorithms()
    image, label = C.input_variable((3, size, size)), C.input_variable(2)
    logits = network(image)
    loss, errors = C.cross_entropy_with_softmax(logits, label), C.classification_error(logits, label)
    rate = C.learning_parameter_schedule(0.01, minibatch_size=C.learners.IGNORE)
    momentum = C.momentum_schedule(0.9, minibatch_size=C.learners.IGNORE)
    learner = C.momentum_sgd(logits.parameters, rate, momentum, unit_gain=False, l2_regularization_weight=5e-4)
    trainer = C.Trainer(logits, (loss, errors), [learner])
    generator = np.random.RandomState(0)
    images = [generator.normal(size=(minibatch, 3, size, size)).astype(np.float32) for _ in range(4)]
    labels = np.eye(2, dtype=np.float32)[generator.randint(0, 2, minibatch)]

    def train(step):
        trainer.train_minibatch({image: images[step % 4], label: labels})

    def predict(step):
        logits.eval({image: images[step % 4]})

    for line in sys.stdin:
        kind, steps = line.split()
        started = time.monotonic()
        for step in range(int(steps)):
            {"train": train, "predict": predict}[kind](step)
        print(int(steps) * minibatch / (time.monotonic() - started), flush=True)


if __name__ == "__main__":
    main()
