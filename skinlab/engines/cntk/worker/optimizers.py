"""The update rules of skinlab/schema.py on CNTK; knows nothing of networks and commands.

Where CNTK's own learner computes the declared rule, it is used. CNTK's adam, rmsprop and adagrad are other rules than
PyTorch's of the same name (where epsilon stands, signs of gradients in rmsprop, averaged multipliers), and its nesterov
is another one while the rate changes: these are written here as graphs of assignments, which CNTK runs as a learner.
"""

import math

import numpy as np


class OwnLearner:
    """SGD with or without momentum by CNTK's own learner, which averages the gradient over the minibatch itself.

    Of its state only what is more than nothing is kept: the velocities, and the images seen, by which it finds the
    momentum of its schedule.
    """

    def __init__(self, cntk, parameters, optimizer):
        self.cntk = cntk
        self.has_velocity = optimizer["name"] != "sgd"
        options = {
            "parameters": parameters,
            "lr": self._schedule(1.0),
            "l2_regularization_weight": optimizer["weight_decay"],
        }
        if optimizer["name"] == "sgd":
            self.learner = cntk.sgd(**options)
        else:
            momenta = [(images, momentum) for images, momentum in optimizer["momenta"]]
            momentum = cntk.momentum_schedule(momenta, epoch_size=1, minibatch_size=cntk.learners.IGNORE)
            self.learner = cntk.momentum_sgd(momentum=momentum, unit_gain=False, **options)

    def divisor(self, _count):
        """What the loss of a minibatch of `count` images is to be divided by."""
        return 1

    def prepare(self, rate, _step):
        """Set the rate of the coming step."""
        self.learner.reset_learning_rate(self._schedule(rate))

    def state(self):
        """What the next steps depend on, by name."""
        if not self.has_velocity:
            return {}
        kept = self.learner.create_checkpoint()
        velocities = zip(self._names(), kept["smoothed_gradients"])
        return dict(velocities, samples=np.array(kept["sample_count"], np.int64))

    def restore(self, state):
        """Continue from what `state` told."""
        if self.has_velocity:
            kept = self.learner.create_checkpoint()
            kept["smoothed_gradients"] = [np.array(state[name]) for name in self._names()]
            kept["sample_count"] = self.cntk.cntk_py.SizeTWrapper(int(state["samples"]))
            self.learner.restore_from_checkpoint(kept)

    def _names(self):
        return ["velocity/" + parameter.name for parameter in self.learner.parameters]

    def _schedule(self, rate):
        # With IGNORE the rate and the momentum apply to the mean gradient of the minibatch, whatever its size.
        return self.cntk.learning_parameter_schedule(rate, minibatch_size=self.cntk.learners.IGNORE)


class Assignments:
    """Other rules, run by CNTK's universal learner; their state is theirs to keep.

    The universal learner is given the sum of the gradients over the minibatch, so the loss is divided by its size.
    A rule gives what the rate is multiplied with, of a parameter and its mean gradient with the weight decay.
    """

    def __init__(self, cntk, parameters, optimizer):
        self.cntk = cntk
        self.optimizer = optimizer
        self.states = {}
        self.rate, self.factor = self._number(), self._number()
        # CNTK counts the arguments of what it is given, and a method's own `self` among them.
        self.learner = cntk.universal(lambda trained, gradients: self._update(trained, gradients), parameters)  # noqa: PLW0108

    def divisor(self, count):
        """What the loss of a minibatch of `count` images is to be divided by."""
        return count

    def prepare(self, rate, step):
        """Set the numbers of the coming step."""
        factor = 1.0
        if self.optimizer["name"] == "adam":
            rate /= 1 - self.optimizer["beta1"] ** (step + 1)
            factor = 1 / math.sqrt(1 - self.optimizer["beta2"] ** (step + 1))
        self.rate.value = np.array([rate], np.float32)
        self.factor.value = np.array([factor], np.float32)

    def state(self):
        """What the next steps depend on, by name."""
        return {name: state.value for name, state in self.states.items()}

    def restore(self, state):
        """Continue from what `state` told."""
        for name, constant in self.states.items():
            constant.value = np.array(state[name])

    def _number(self):
        return self.cntk.Constant(np.zeros(1, np.float32))

    def _update(self, parameters, gradients):
        rule, decay = getattr(self, "_" + self.optimizer["name"]), self.optimizer["weight_decay"]
        updates = []
        for parameter, gradient in zip(parameters, gradients):
            slope = gradient + decay * parameter if decay else gradient
            updates.append(self.cntk.assign(parameter, parameter - self.rate * rule(parameter, slope)))
        return self.cntk.combine(updates)

    def _moving(self, name, parameter, advance):
        """Assign `advance(state)` to the state `name` of a parameter, which starts at zero; gives the new value."""
        state = self.cntk.Constant(np.zeros(parameter.shape, np.float32))
        self.states["{}/{}".format(name, parameter.name)] = state
        return self.cntk.assign(state, advance(state))

    def _nesterov(self, parameter, gradient):
        momentum = self.optimizer["momentum"]
        velocity = self._moving("velocity", parameter, lambda old: momentum * old + gradient)
        return gradient + momentum * velocity

    def _adam(self, parameter, gradient):
        beta1, beta2, epsilon = (self.optimizer[name] for name in ("beta1", "beta2", "epsilon"))
        mean = self._moving("mean", parameter, lambda old: beta1 * old + (1 - beta1) * gradient)
        square = self._moving("square", parameter, lambda old: beta2 * old + (1 - beta2) * (gradient * gradient))
        return mean / (self.factor * self.cntk.sqrt(square) + epsilon)

    def _rmsprop(self, parameter, gradient):
        alpha, epsilon = self.optimizer["alpha"], self.optimizer["epsilon"]
        square = self._moving("square", parameter, lambda old: alpha * old + (1 - alpha) * (gradient * gradient))
        return gradient / (self.cntk.sqrt(square) + epsilon)

    def _adagrad(self, parameter, gradient):
        square = self._moving("square", parameter, lambda old: old + gradient * gradient)
        return gradient / (self.cntk.sqrt(square) + self.optimizer["epsilon"])


def make(cntk, parameters, optimizer):
    """The declared rule for these parameters.

    Args:
        cntk: the imported package.
        parameters: what is trained.
        optimizer: name and numbers as in skinlab/schema.py; for momentum_sgd also `momenta`.
    """
    kind = OwnLearner if optimizer["name"] in ("sgd", "momentum_sgd") else Assignments
    return kind(cntk, parameters, optimizer)
