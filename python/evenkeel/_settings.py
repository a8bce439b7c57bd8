"""Settings of a Python program as overrides of a config."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

import numpy as np

from evenkeel.errors import ConfigError


class Settings(TypedDict):
    """A config in the form that the compiled module takes."""

    config: str | None
    overrides: list[str]
    name: str


def settings_of(config: Mapping[str, Any] | str | os.PathLike[str] | None, name: str, **given: Any) -> Settings:
    """Make settings of ``config``, a preset, a TOML file or nested or dotted keys, and of the dotted keys ``given``.

    A value of ``None`` leaves its key unset. Dots in the names of ``given`` are written as two underscores.
    """
    file, overrides = None, []
    if isinstance(config, (str, os.PathLike)):
        file = os.fspath(config)
    elif config is not None:
        overrides = overrides_of(config)
    overrides += overrides_of({key.replace("__", "."): value for key, value in given.items()})
    return {"config": file, "overrides": overrides, "name": name}


def overrides_of(keys: Mapping[str, Any]) -> list[str]:
    """Write every key as ``section.key=value``, with the value as TOML writes it.

    >>> overrides_of({"train": {"epochs": 5}, "optimizer.type": "adamw"})
    ['train.epochs=5', 'optimizer.type="adamw"']
    """
    overrides = []
    for key, value in keys.items():
        if not isinstance(key, str):
            raise ConfigError(f'keys of a config are text such as "train.epochs", not {key!r}')
        if value is None:
            continue
        if isinstance(value, Mapping) and "." not in key:
            # A new type resets the other keys of its table, so it comes first.
            inner = sorted(value.items(), key=lambda item: item[0] != "type")
            overrides += [f"{key}.{name}={_toml(name, item)}" for name, item in inner if item is not None]
        else:
            overrides.append(f"{key}={_toml(key, value)}")
    return overrides


def _toml(key: str, value: Any) -> str:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else str(value).replace("-nan", "nan")
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if isinstance(value, str):
        # JSON and TOML agree on strings, except for one control character that JSON does not escape.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(str(name))} = {_toml(key, item)}" for name, item in value.items()) + "}"
    if isinstance(value, (Sequence, np.ndarray)):
        return "[" + ", ".join(_toml(key, item) for item in value) + "]"
    raise ConfigError(f"{key}: {value!r} is of type {type(value).__name__}; give a number, a text, a list or a mapping")
