"""Findings of the health rules as Python objects and as text."""

from __future__ import annotations

import json
import textwrap
from dataclasses import dataclass, field
from typing import Any

_LEVELS = ("info", "warn", "error")
_WORDS = {"info": "note", "warn": "warning", "error": "error"}


@dataclass(frozen=True)
class Finding:
    """One thing that a health rule found: the layer, what was measured against what, why, and what to change."""

    #: Code of the rule, such as ``K010``; ``evenkeel explain K010`` says more.
    code: str
    #: Name of the rule, such as ``dead-relu``.
    rule: str
    #: ``error`` (training cannot work like this), ``warn`` (probably costs accuracy or time) or ``info`` (a fact).
    level: str
    #: Name of the layer; None for the whole network or the data.
    layer: str | None
    #: Sentence that says what was found.
    message: str
    #: Probable cause.
    cause: str
    #: Remedies in words, best first.
    remedy: str
    #: First and last step at which the statistic was beyond its limit.
    first_step: int
    last_step: int
    #: The statistic and the limit it crossed.
    measured: float
    threshold: float
    #: Code of the finding that explains this one.
    explained_by: str | None
    #: The whole finding, as ``evenkeel diagnose --json`` writes it.
    document: dict[str, Any] = field(repr=False, compare=False)

    @classmethod
    def of(cls, text: str) -> Finding:
        """Return the finding in a JSON object."""
        document = json.loads(text)
        cause = document.get("explained_by")
        names = ("code", "rule", "level", "layer", "message", "cause", "remedy")
        numbers = ("first_step", "last_step", "measured", "threshold")
        known = {name: document.get(name) for name in (*names, *numbers)}
        return cls(explained_by=cause["code"] if cause else None, document=document, **known)

    @property
    def is_alarm(self) -> bool:
        """Whether something should change: the level is warn or error."""
        return _LEVELS.index(self.level) > 0

    def __str__(self) -> str:
        place = f" {self.layer}" if self.layer else ""
        lines = [f"{_WORDS[self.level]} {self.code} {self.rule}{place}: {self.message}"]
        if self.cause:
            lines.append(f"  why: {self.cause}")
        if self.remedy:
            lines.append(f"  try: {self.remedy}")
        return "\n".join(textwrap.fill(line, 110, subsequent_indent="       ") for line in lines)
