"""Findings of the health rules as readable text."""

from __future__ import annotations

import json
import textwrap

from evenkeel._records import Finding

_WORDS = {"info": "note", "warn": "warning", "error": "error"}


def read(text: str) -> Finding:
    """Return the finding in a JSON object."""
    return Finding.of(json.loads(text))


def is_alarm(finding: Finding) -> bool:
    """Return true if something should change: the level is warn or error."""
    return finding.level != "info"


def is_cause(finding: Finding) -> bool:
    """Return true if no other finding explains this one."""
    return finding.document.get("explained_by") is None


def when(finding: Finding) -> str:
    """Return the epoch of a finding if no steps are known, otherwise its steps; step 0 is the state at the start."""
    epoch, first, last = finding.document.get("epoch"), finding.first_step, finding.last_step
    if epoch is not None:
        return f"after epoch {epoch}"
    if last == 0:
        return "at the start"
    if first == last:
        return f"step {first}"
    return f"steps {first} to {last}" if first else f"start to step {last}"


def describe(finding: Finding) -> str:
    """Return a finding in a few lines: message, cause and remedy."""
    place = f" {finding.layer}" if finding.layer else ""
    lines = [f"{_WORDS[finding.level]} {finding.code} {finding.rule}{place}: {finding.message}"]
    if finding.cause:
        lines.append(f"  why: {finding.cause}")
    if finding.remedy:
        lines.append(f"  try: {finding.remedy}")
    return "\n".join(textwrap.fill(line, 110, subsequent_indent="       ") for line in lines)
