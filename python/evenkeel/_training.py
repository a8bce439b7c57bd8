"""Training, and the checks before it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from typing import Any

from evenkeel import _native
from evenkeel._progress import ProgressBar
from evenkeel._records import Check, Finding
from evenkeel._run import Run
from evenkeel._samples import Pair, Prepared, samples_to_train
from evenkeel._settings import Settings, overrides_of, settings_of
from evenkeel.errors import ConfigError, StoppedWarning, warn

Config = Mapping[str, Any] | str | os.PathLike[str]


def train(
    x: Any,
    y: Any,
    *,
    task: str | None = None,
    validation: float | Pair | None = None,
    test: float | Pair | None = None,
    sample_weight: Any = None,
    epochs: int | None = None,
    time_limit: float | None = None,
    seed: int | None = None,
    threads: int | None = None,
    config: Config | None = None,
    directory: str | os.PathLike[str] | None = None,
    name: str = "data",
    progress: bool = True,
    on_epoch: Callable[[Mapping[str, Any]], object] | None = None,
    **sections: Any,
) -> Run:
    """Train a network on ``x`` to predict ``y``, and watch its health.

    Settings that are not given are chosen from the data, as by the command ``evenkeel train``; ``Run.choices``
    lists them with their reasons. The interpreter's lock is released; Ctrl-C ends training at the next step, and
    the run is returned in its current state with a :class:`~evenkeel.errors.StoppedWarning`.

    Parameters
    ----------
    x:
        Rows ``[samples, features]``, images ``[samples, height, width, channels]`` of uint8 or float32, or a table
        (pandas, Polars, PyArrow, a mapping of columns, or anything that exports Arrow or an interchange object). NaN
        is a missing value. The engine keeps one copy of the samples; arrays that are not contiguous float32 (or
        uint8 images) are converted first, with a :class:`~evenkeel.errors.ConversionWarning`.
    y:
        Classes or values ``[samples]``, several values ``[samples, targets]``, or the name of a column of the table.
    task:
        ``"classification"`` or ``"regression"``. By default, text counts as classes, and numbers do if they are 0
        and 1, or few different integers.
    validation, test:
        A share of the samples, or a pair ``(x, y)``. ``test=0`` holds out no test split.
    sample_weight:
        Weight of each sample of ``x`` in the loss, ``[samples]``, relative to the others: 0 or more. Metrics
        count each sample once.
    epochs, time_limit, seed, threads:
        The keys of the same name in the section ``[train]``; ``time_limit`` is in seconds.
    config:
        Other keys, nested or dotted, or a preset or the path of a TOML file.
    directory:
        Folder in which the run is written as a folder called ``name``; without it, the run stays in memory until
        ``Run.save``.
    name:
        Name of the data in messages and reports.
    progress:
        Shows a bar in terminals and notebooks, if tqdm is installed.
    on_epoch:
        Called after each epoch with its losses and accuracies.
    sections:
        Sections of the config as mappings, such as ``optimizer={"type": "adamw"}``, or ``model={"layers": [...]}``.

    Examples
    --------
    >>> import numpy as np
    >>> import evenkeel
    >>> x = np.random.default_rng(0).normal(size=(200, 2)).astype("float32")
    >>> y = np.where(x[:, 0] > x[:, 1], "above", "below")
    >>> run = evenkeel.train(x, y, epochs=20, seed=0, progress=False)
    >>> run.predict(np.array([[3.0, -3.0], [-3.0, 3.0]], dtype="float32")).tolist()
    ['above', 'below']
    """
    prepared, shares = _prepared(x, y, task, validation, test, name, sample_weight)
    run_keys = {"run__directory": directory, "run__name": name} if directory is not None else {}
    settings = _settings(
        config,
        sections,
        prepared,
        **shares,
        train__epochs=epochs,
        train__time_limit=time_limit,
        train__seed=seed,
        train__threads=threads,
        **run_keys,
    )
    settings["name"] = name
    return train_prepared(prepared, settings, in_folder=directory is not None, progress=progress, on_epoch=on_epoch)


def train_prepared(
    prepared: Prepared,
    settings: Settings,
    *,
    in_folder: bool = False,
    progress: bool = False,
    on_epoch: Callable[[Mapping[str, Any]], object] | None = None,
) -> Run:
    """Train on prepared samples."""
    with ProgressBar(progress, on_epoch) as bar:
        native = _native.train(prepared.samples, settings, in_folder, bar.tick)
    run = Run(native, prepared.labels)
    if run.status == "stopped":
        reason = run.summary.get("reason") or "stopped"
        warn(f"{reason} after {run.summary['steps']} steps; the run is kept", StoppedWarning)
    return run


def check(
    x: Any,
    y: Any,
    *,
    task: str | None = None,
    config: Config | None = None,
    budget: float = 10.0,
    name: str = "data",
    **sections: Any,
) -> Check:
    """Check a training run before its first step: the data, the labels, the signal forward and backward, the gradient.

    Two slow tests take at most ``budget`` seconds each. The other parameters are those of :func:`train`.

    >>> import numpy as np
    >>> import evenkeel
    >>> x = np.random.default_rng(0).normal(size=(200, 2)).astype("float32")
    >>> checked = evenkeel.check(x, x[:, 0] > 0, model={"preset": "mlp", "init": "zeros"})
    >>> "symmetric" in str(checked) or len(checked.findings) > 0
    True
    """
    prepared, _ = _prepared(x, y, task, None, None, name)
    settings = _settings(config, sections, prepared)
    settings["name"] = name
    document = json.loads(_native.check_training(prepared.samples, settings, budget))
    findings = tuple(Finding.of(finding) for finding in document["findings"])
    return Check(findings, tuple(document["notes"]), document["seconds"], document)


def _prepared(
    x: Any,
    y: Any,
    task: str | None,
    validation: float | Pair | None,
    test: float | Pair | None,
    name: str,
    sample_weight: Any = None,
) -> tuple[Prepared, dict[str, float | None]]:
    pairs: list[Pair | None] = []
    shares: dict[str, float | None] = {}
    for part, given in (("validation", validation), ("test", test)):
        if isinstance(given, (tuple, list)):
            if len(given) != 2:
                raise ConfigError(f"{part} has {len(given)} entries; give a share of the samples, or a pair (x, y)")
            pairs.append((given[0], given[1]))
        else:
            pairs.append(None)
            shares[f"data__{part}"] = given
    prepared = samples_to_train(x, y, task, name=name, held_out=pairs, sample_weight=sample_weight)
    return prepared, shares


def _settings(config: Config | None, sections: Mapping[str, Any], prepared: Prepared, **given: Any) -> Settings:
    settings = settings_of(config, "data", **given)
    settings["overrides"] = overrides_of(prepared.settings) + settings["overrides"] + overrides_of(sections)
    return settings
