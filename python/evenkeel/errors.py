"""Exceptions and warnings.

Every exception the package raises on purpose is an :class:`EvenkeelError`. Its text says what is wrong, where, and what
to do next, as the messages of the ``evenkeel`` command do.
"""

import os
import sys
import warnings

__all__ = [
    "ConfigError",
    "ConversionWarning",
    "DataError",
    "EvenkeelError",
    "EvenkeelWarning",
    "RunError",
    "StoppedWarning",
    "TrainingError",
]


class EvenkeelError(Exception):
    """Base class of all exceptions of the package."""


class ConfigError(EvenkeelError, ValueError):
    """A setting that does not exist, has an invalid value, or conflicts with another one."""


class DataError(EvenkeelError, ValueError):
    """Samples that cannot be read or do not fit the model."""


class RunError(EvenkeelError, OSError):
    """A run or a model that cannot be read or written."""


class TrainingError(EvenkeelError, RuntimeError):
    """A training run that failed, for example because its loss became infinite."""


class EvenkeelWarning(UserWarning):
    """Base class of all warnings of the package."""


class ConversionWarning(EvenkeelWarning):
    """An array was converted to float32, which cost time and memory, or digits."""


class StoppedWarning(EvenkeelWarning):
    """A training run was stopped before its end; the run is kept and can be used."""


def warn(message: str, category: type[EvenkeelWarning]) -> None:
    """Issue a warning for the line of the program that called the package."""
    package = os.path.dirname(__file__)
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_code.co_filename.startswith(package):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)
