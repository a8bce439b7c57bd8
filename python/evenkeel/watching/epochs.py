"""Epochs and evaluations, as inferred from a training loop.

An epoch ends when the data loader of the training loop starts again; in a loop without one, when training continues
after an evaluation, which is a pass through the model that no backward pass follows.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Evaluation:
    """Passes that no backward pass followed."""

    modes: list[bool] = field(default_factory=list)
    samples: int = 0
    loss: float = 0.0
    right: int = 0
    judged: int = 0
    #: Samples whose loss is known.
    valued: int = 0

    def take(self, training: bool, samples: int) -> None:
        """Record a pass."""
        self.modes.append(training)
        self.samples += samples

    def results(self) -> dict[str, object]:
        """Return the fields of an epoch record."""
        found: dict[str, object] = {}
        if self.modes:
            found["training_mode"] = sum(self.modes) * 2 > len(self.modes)
        if self.valued:
            found["validation_loss"] = self.loss / self.valued
        if self.judged:
            found["validation_accuracy"] = self.right / self.judged
        return found


class Epochs:
    """Counts epochs and gathers their results."""

    def __init__(self) -> None:
        self.number = 0
        #: Number of samples in the first epoch; None until it ends.
        self.samples: int | None = None
        #: True if the loop reports the ends of epochs itself.
        self.explicit = False
        self.steps = 0
        self._samples = 0
        self._loss = 0.0
        self._right = 0.0
        self._judged = 0
        self._evaluation = Evaluation()
        self._given: dict[str, object] = {}
        self._began: weakref.ref[Any] | None = None
        self._loader: weakref.ref[Any] | None = None
        self._again = False
        #: Loss, samples and correct predictions of the last pass of an evaluation.
        self._judgement: tuple[float | None, int, int] | None = None

    # Events.

    def loader_begins(self, loader: Any) -> None:
        """A data loader starts."""
        self._began = weakref.ref(loader)

    def training_pass(self) -> None:
        """A pass with gradients starts: the loader that started last supplies the training data."""
        if self._began is not None:
            self._again = self._again or self.steps > 0
            self._loader, self._began = self._began, None

    def evaluation_pass(self, training: bool, samples: int) -> None:
        """A pass was recorded that no backward pass follows."""
        self._began = None
        self.settle()
        self._evaluation.take(training, samples)

    def evaluated(self, loss: float, samples: int, right: int | None) -> None:
        """A loss was computed for such a pass."""
        self._judgement = None
        self._evaluation.loss += loss * samples
        self._evaluation.valued += samples
        if right is not None:
            self._evaluation.right += right
            self._evaluation.judged += samples

    def judge(self, loss: float | None, samples: int, right: int) -> None:
        """The labels of such a pass are known from the data loader; they are used unless a loss is computed as well."""
        self._judgement = (loss, samples, right)

    def settle(self) -> None:
        """Count the pass whose loss was not computed."""
        if self._judgement is not None:
            loss, samples, right = self._judgement
            self._judgement = None
            self._evaluation.right += right
            self._evaluation.judged += samples
            if loss is not None:
                self._evaluation.loss += loss * samples
                self._evaluation.valued += samples

    def stepped(self, samples: int, loss: float, accuracy: float | None) -> None:
        """A step is over."""
        self.steps += 1
        self._samples += samples
        self._loss += loss * samples
        if accuracy is not None:
            self._right += accuracy * samples
            self._judged += samples

    def give(self, results: dict[str, object]) -> None:
        """The loop reports results of the current epoch."""
        self._given.update({name: value for name, value in results.items() if value is not None})

    # Results.

    def is_over(self) -> bool:
        """Return true if an epoch ended before the step that is to be recorded next."""
        if self.explicit or not self.steps:
            return False
        return self._again if self._loader is not None else bool(self._evaluation.modes or self._given)

    def loader_samples(self) -> int | None:
        """Return the number of samples per epoch according to the data loader."""
        loader = self._loader() if self._loader is not None else None
        sampler = getattr(loader, "sampler", None)
        try:
            return len(sampler) if sampler is not None else None
        except TypeError:
            return None

    @property
    def is_open(self) -> bool:
        """Return true if there are results or steps that are not in any record."""
        return bool(self.steps or self._given)

    def close(self, step: int) -> dict[str, object]:
        """Return the record of the epoch that ended, and start the next one."""
        self.settle()
        record: dict[str, object] = {"type": "epoch", "epoch": self.number, "step": step}
        if self._samples:
            record["train_loss"] = self._loss / self._samples
        if self._judged:
            record["train_accuracy"] = self._right / self._judged
        record.update(self._evaluation.results())
        record.update(self._given)
        if self.samples is None and self._samples:
            self.samples = self._samples
        self.number += 1
        self.steps = self._samples = self._judged = 0
        self._loss = self._right = 0.0
        self._evaluation, self._given, self._again = Evaluation(), {}, False
        return record
