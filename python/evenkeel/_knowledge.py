"""Texts of the rules and of everything a config can name."""

from __future__ import annotations

import json
from typing import Any, cast

from evenkeel import _native
from evenkeel._records import Rule


def explain(code: str) -> Rule:
    """Return the rule with this code or name: what it measures, why, what to try, and when it is fine.

    >>> import evenkeel
    >>> evenkeel.explain("dead-relu").code
    'K010'
    """
    document = json.loads(_native.explain(code))
    sections = {section["title"]: section["text"] for section in document["sections"]}
    return Rule(document["code"], document["rule"], document["summary"], sections)


def catalog() -> dict[str, list[dict[str, Any]]]:
    """Return everything a config can name, by section: layers, activations, optimizers, rules and so on.

    >>> import evenkeel
    >>> "adamw" in [entry["name"] for entry in evenkeel.catalog()["optimizers"]]
    True
    """
    return cast("dict[str, list[dict[str, Any]]]", json.loads(_native.catalog_sections()))
