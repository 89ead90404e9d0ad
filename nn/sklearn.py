"""Our nets as estimators of scikit-learn: in its pipelines, searches and scores.

They go by scikit-learn's names beside `nn.MLP`, and take what its own nets do not: an activation
for each layer, one of the output, a loss, an initialiser, weights of examples.

>>> from nn.datasets import moons
>>> from nn.sklearn import MLPClassifier
>>> X, y = moons(60)
>>> net = MLPClassifier((8, 4), activation=["relu", "tanh"], random_state=0).fit(X, y)
>>> net.score(X, y) > 0.9
True
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from autograd_core.extras import needing
from nn.given import listed, look_up
from nn.losses import LOSSES, Loss, suited_to
from nn.model.mlp import MLP
from nn.optim import OPTIMIZERS
from nn.train.fit import fit, predict

with needing("sklearn", "nn.sklearn"):
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.utils import check_random_state
    from sklearn.utils.metaestimators import available_if
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import (
        _check_sample_weight,
        check_is_fitted,
        validate_data,
    )

__all__ = ["MLPClassifier", "MLPRegressor"]

SEEDS = 2**31  # of which a random state draws one


class Net(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """What both have in common.

    `hidden` are the widths of the hidden layers; `lr` None is the rate that the optimiser starts
    with. `output` and `loss` None are what suits the targets. All else is as in `nn.MLP` and
    `nn.fit`. Fitted, `model_` is the `nn.MLP`, and `history_` the record of the training.
    """

    def __init__(
        self,
        hidden: Sequence[int] = (16,),
        *,
        activation: Any = "relu",
        output: Any = None,
        loss: str | None = None,
        init: Any = "xavier",
        optimizer: str = "adam",
        lr: float | None = None,
        l2: float = 0.0,
        epochs: int = 200,
        batch_size: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.hidden, self.activation, self.output, self.loss = hidden, activation, output, loss
        self.init, self.optimizer, self.lr, self.l2 = init, optimizer, lr, l2
        self.epochs, self.batch_size, self.random_state = epochs, batch_size, random_state

    def train(self, X: Any, y: Any, loss: Loss, n_outputs: int, sample_weight: Any) -> Self:
        """Make a model and fit it to checked data."""
        row = look_up("optimizer", self.optimizer, OPTIMIZERS)
        seed = int(check_random_state(self.random_state).randint(SEEDS))
        self.model_ = MLP(
            X.shape[1],
            [*listed("hidden", self.hidden), n_outputs],
            activation=self.activation,
            output=loss.outputs[0] if self.output is None else self.output,
            init=self.init,
            seed=seed,
        )
        weights = None
        if sample_weight is not None:
            weights = _check_sample_weight(sample_weight, X, ensure_non_negative=True)
            X, y, weights = X[weights > 0], y[weights > 0], weights[weights > 0]
        self.history_ = fit(
            self.model_,
            X,
            y,
            loss=loss,
            optimizer=row(row.start if self.lr is None else self.lr),
            epochs=self.epochs,
            batch_size=self.batch_size,
            seed=seed,
            l2=self.l2,
            sample_weight=weights,
            progress=False,
        )
        return self

    def outputs(self, X: Any) -> Any:
        """What the model says, with a row for each example."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=float, reset=False)
        return np.array(predict(self.model_, X), dtype=float).reshape(len(X), -1)


class MLPRegressor(RegressorMixin, Net):  # type: ignore[misc]
    """A net for numbers, one or several for each example."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on examples X with numbers y."""
        X, y = validate_data(self, X, y, dtype=float, multi_output=True, y_numeric=True)
        self.is_one_ = y.ndim == 1
        y = np.asarray(y, dtype=float).reshape(len(X), -1)
        loss = look_up("loss", self.loss or suited_to(0).name, LOSSES)
        return self.train(X, y, loss, y.shape[1], sample_weight)

    def predict(self, X: Any) -> Any:
        """The numbers for each example."""
        outputs = self.outputs(X)
        return outputs[:, 0] if self.is_one_ else outputs

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


def has_probabilities(net: Any) -> bool:
    """Whether the loss is one of probabilities, or of scores that stand for them."""
    name = net.loss_name_ if hasattr(net, "loss_name_") else net.loss
    scores = {row.scores: row for row in LOSSES.values() if row.scores}
    return name is None or name in scores or bool(LOSSES[name].scores)


class MLPClassifier(ClassifierMixin, Net):  # type: ignore[misc]
    """A net for classes, which may have any names."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on examples X with labels y."""
        X, y = validate_data(self, X, y, dtype=float)
        check_classification_targets(y)
        self.classes_, places = np.unique(y, return_inverse=True)
        k = len(self.classes_)
        if k < 2:
            raise ValueError(f"{type(self).__name__}: there is one class only, {self.classes_[0]}")
        loss = look_up("loss", self.loss or suited_to(k).name, LOSSES)
        if k > 2 and not loss.of_classes:
            raise ValueError(f"the loss {loss.name} tells two classes apart, and there are {k}")
        self.loss_name_ = loss.name
        return self.train(X, places, loss, k if loss.of_classes else 1, sample_weight)

    def decision_function(self, X: Any) -> Any:
        """Scores, the larger the surer: of class 1 above 0, or of each of more than two classes."""
        outputs = self.outputs(X)
        if outputs.shape[1] == 1:
            return outputs[:, 0] - LOSSES[self.loss_name_].threshold
        return outputs[:, 1] - outputs[:, 0] if len(self.classes_) == 2 else outputs

    def predict(self, X: Any) -> Any:
        """The class of each example."""
        scores = self.decision_function(X)
        return self.classes_[scores.argmax(1) if scores.ndim == 2 else (scores > 0).astype(int)]

    @available_if(has_probabilities)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> Any:
        """The probability of each class, where the loss is of such."""
        outputs = self.outputs(X)
        if not LOSSES[self.loss_name_].scores:  # the loss takes scores itself
            z = outputs if outputs.shape[1] > 1 else np.hstack([np.zeros_like(outputs), outputs])
            shares = np.exp(z - z.max(1, keepdims=True))
            return shares / shares.sum(1, keepdims=True)
        return outputs if outputs.shape[1] > 1 else np.hstack([1 - outputs, outputs])
