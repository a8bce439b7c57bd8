"""Parts of a run as objects with fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Finding:
    """One finding of a health rule: the place, the measured value and its limit, the cause, and the remedy."""

    code: str
    """Code of the rule, such as ``K010``; ``evenkeel.explain(code)`` returns its text."""
    rule: str
    """Name of the rule, such as ``dead-relu``."""
    level: Literal["info", "warn", "error"]
    """``info``: a fact; ``warn``: the remedy should improve the result; ``error``: training fails."""
    layer: str | None
    """Name of the layer; None for the whole network or the data."""
    measured: float | None
    """Value of the statistic; None if it is not finite."""
    threshold: float | None
    """Limit that the value crossed."""
    first_step: int
    last_step: int
    message: str
    """One sentence that describes the finding."""
    cause: str
    remedy: str
    document: Mapping[str, Any]
    """The whole finding, as in ``summary.json``."""

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Finding:
        """Read the finding of a summary."""
        fields: dict[str, Any] = {name: document.get(name) for name in cls.__dataclass_fields__ if name != "document"}
        return cls(**fields, document=document)

    def __str__(self) -> str:
        place = f" in {self.layer}" if self.layer else ""
        return f"{self.code} {self.rule} ({self.level}){place}: {self.message}"


@dataclass(frozen=True)
class Layer:
    """One layer of a network."""

    name: str
    kind: str
    description: str
    output_shape: tuple[int, ...]
    """Shape of the output for one sample."""
    parameters: int
    """Number of learned parameters."""
    init: str | None
    """Initialiser of its weights."""

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Layer:
        """Read the layer of a summary."""
        return cls(
            name=document["name"],
            kind=document["kind"],
            description=document["description"],
            output_shape=tuple(document["output_shape"]),
            parameters=document["parameters"],
            init=document.get("init"),
        )


@dataclass(frozen=True)
class Rule:
    """A health rule: what it measures, why, what to try, and when it is fine."""

    code: str
    name: str
    summary: str
    sections: Mapping[str, str]
    """Texts by title."""

    def __str__(self) -> str:
        sections = "".join(f"\n\n{title.upper()}\n{text}" for title, text in self.sections.items())
        return f"{self.code} {self.name}: {self.summary}{sections}"


@dataclass(frozen=True)
class Check:
    """Result of the checks before the first step of a training run."""

    findings: tuple[Finding, ...]
    """Causes first."""
    notes: tuple[str, ...]
    """Notes of the tests on their work, and on checks without a result."""
    seconds: float
    document: Mapping[str, Any]
    """The whole result, as ``evenkeel check --json`` prints it."""

    def __str__(self) -> str:
        findings = [str(finding) for finding in self.findings] or ["no findings"]
        return "\n".join([*self.notes, *findings])
