"""Parts of a run as objects with fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Finding:
    """One thing the health rules found: where, measured against which limit, why, and what to change."""

    code: str
    """Of the rule, such as ``K010``; ``evenkeel.explain(code)`` has its text."""
    rule: str
    """Name of the rule, such as ``dead-relu``."""
    level: Literal["info", "warn", "error"]
    """Worth knowing, probably costly, or fatal."""
    layer: str | None
    """None for the whole network or the data."""
    measured: float | None
    """The statistic; None where it is not finite."""
    threshold: float | None
    """The limit it crossed."""
    first_step: int
    last_step: int
    message: str
    """Sentence that says what was found."""
    cause: str
    remedy: str
    document: Mapping[str, Any]
    """Everything about it, as ``summary.json`` has it."""

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
    """Of one sample."""
    parameters: int
    """Learned numbers."""
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
    """Texts by their titles."""

    def __str__(self) -> str:
        sections = "".join(f"\n\n{title.upper()}\n{text}" for title, text in self.sections.items())
        return f"{self.code} {self.name}: {self.summary}{sections}"


@dataclass(frozen=True)
class Check:
    """Outcome of a look at a training before its first step."""

    findings: tuple[Finding, ...]
    """Causes first."""
    notes: tuple[str, ...]
    """What each test did, and what it could not judge."""
    seconds: float
    document: Mapping[str, Any]
    """Everything, as ``evenkeel check --json`` prints it."""

    def __str__(self) -> str:
        findings = [str(finding) for finding in self.findings] or ["no findings"]
        return "\n".join([*self.notes, *findings])
