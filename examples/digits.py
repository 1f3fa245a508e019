"""Train a small network on handwritten digits and log every step of it.

One hidden layer, softmax, stochastic gradient descent with momentum, written out in numpy. The
1,797 images come inside scikit-learn. Loss and accuracy of the batch and of the test images are
logged at each step::

    python examples/digits.py --hidden 64 --rate 0.1 --epochs 30

The server is that of RUNSTONE_URL, or the one on this machine; without any the data wait on disk.
"""

# numpy's arithmetic has no exact types.
# pyright: basic
from __future__ import annotations

import argparse
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from runstone import Run
from sklearn.datasets import load_digits

Array = NDArray[np.float64]
Integers = NDArray[np.int64]


class Network:
    """Pixels to probabilities of the ten digits."""

    def __init__(self, hidden: int, generator: np.random.Generator) -> None:
        self.weights: list[Array] = [
            generator.normal(0.0, np.sqrt(2 / 64), (64, hidden)),
            np.zeros(hidden),
            generator.normal(0.0, np.sqrt(1 / hidden), (hidden, 10)),
            np.zeros(10),
        ]
        self.moments: list[Array] = [np.zeros_like(weight) for weight in self.weights]

    def forward(self, pixels: Array) -> tuple[Array, Array]:
        """Activations of the hidden layer, and probabilities."""
        first, first_bias, second, second_bias = self.weights
        hidden = np.maximum(pixels @ first + first_bias, 0.0)
        scores = hidden @ second + second_bias
        scores -= scores.max(axis=1, keepdims=True)
        shares = np.exp(scores)
        return hidden, shares / shares.sum(axis=1, keepdims=True)

    def step(self, pixels: Array, digits: Integers, rate: float, momentum: float) -> dict[str, float]:
        """Take one step down the gradient; loss and accuracy of the batch before it."""
        hidden, probabilities = self.forward(pixels)
        before = score(probabilities, digits)
        error: Array = probabilities.copy()
        error[np.arange(len(digits)), digits] -= 1.0
        error /= len(digits)
        back: Array = (error @ self.weights[2].T) * (hidden > 0)
        gradients: list[Array] = [pixels.T @ back, back.sum(axis=0), hidden.T @ error, error.sum(axis=0)]
        for weight, moment, gradient in zip(self.weights, self.moments, gradients, strict=True):
            moment *= momentum
            moment -= rate * gradient
            weight += moment
        return before


def score(probabilities: Array, digits: Integers) -> dict[str, float]:
    """Mean cross entropy, and the share of digits that are right."""
    right = probabilities[np.arange(len(digits)), digits]
    return {
        "loss": float(-np.log(np.maximum(right, 1e-12)).mean()),
        "accuracy": float((probabilities.argmax(axis=1) == digits).mean()),
    }


def train(settings: argparse.Namespace) -> None:
    """Train one network as one run."""
    loaded = cast("Any", load_digits())
    generator = np.random.default_rng(settings.seed)
    order = generator.permutation(len(loaded.target))
    pixels: Array = loaded.data[order] / 16.0
    digits: Integers = loaded.target[order]
    train_pixels, train_digits, test_pixels, test_digits = pixels[:1437], digits[:1437], pixels[1437:], digits[1437:]

    config = {key: getattr(settings, key) for key in ("hidden", "rate", "momentum", "batch", "epochs")}
    with Run(experiment=settings.experiment, name=settings.name, config=config, seed=settings.seed) as run:
        run.define_metric("accuracy", goal="max")
        run.define_metric("loss", goal="min")
        network = Network(settings.hidden, generator)
        step = 0
        for epoch in range(settings.epochs):
            shuffled = generator.permutation(len(train_digits))
            for begin in range(0, len(shuffled), settings.batch):
                batch = shuffled[begin : begin + settings.batch]
                here = network.step(train_pixels[batch], train_digits[batch], settings.rate, settings.momentum)
                there = score(network.forward(test_pixels)[1], test_digits)
                run.log(here, step=step, epoch=epoch, context={"subset": "train"})
                run.log(there, step=step, epoch=epoch, context={"subset": "test"})
                step += 1
        run["steps"] = step


def main() -> None:
    """Read the hyperparameters from the command line."""
    parser = argparse.ArgumentParser(description="train on handwritten digits")
    parser.add_argument("--hidden", type=int, default=32)
    parser.add_argument("--rate", type=float, default=0.1)
    parser.add_argument("--momentum", type=float, default=0.0)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--name", default=None)
    parser.add_argument("--experiment", default="digits")
    train(parser.parse_args())


if __name__ == "__main__":
    main()
