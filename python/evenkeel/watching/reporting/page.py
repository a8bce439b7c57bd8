"""The page of a watched training run: findings, curves, layers; one self-contained HTML file, light or dark."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from evenkeel._records import Finding
from evenkeel.watching.reporting.findings import is_cause, when
from evenkeel.watching.reporting.series import Curve, LayerSeries, Series

_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM = 420, 190, 58, 12, 26
_WORDS = {"error": "error", "warn": "warning", "info": "note"}

_STYLE = """
:root { color-scheme: light dark; --back: #fff; --text: #1f2328; --dim: #59636e; --line: #d1d9e0; --card: #f6f8fa;
  --one: #3a63c8; --two: #c2561b; --error: #b3261e; --warn: #9a6700; --info: #59636e; }
@media (prefers-color-scheme: dark) { :root { --back: #14181d; --text: #e6edf3; --dim: #9aa4af; --line: #3a424b;
  --card: #1d232a;
  --one: #86a8ff; --two: #f0975d; --error: #ff8d84; --warn: #e2b341; --info: #9aa4af; } }
body { background: var(--back); color: var(--text); font: 15px/1.5 system-ui, sans-serif; margin: 0 auto;
  max-width: 1100px;
  padding: 24px; }
h1 { font-size: 24px; margin: 0 0 4px; } h2 { font-size: 18px; margin: 32px 0 8px; } p.facts { color: var(--dim);
  margin: 0; }
article { background: var(--card); border-left: 4px solid var(--info); border-radius: 4px; margin: 8px 0;
  padding: 8px 14px; }
article.error { border-color: var(--error); } article.warn { border-color: var(--warn); }
article.follows { margin-left: 28px; } article p { margin: 2px 0; } article .level { font-weight: 600; }
.error .level { color: var(--error); } .warn .level { color: var(--warn); } .info .level { color: var(--info); }
.charts { display: flex; flex-wrap: wrap; gap: 16px; } figure { margin: 0; } figcaption { font-weight: 600; }
figcaption span { font-weight: 400; } .one { color: var(--one); } .two { color: var(--two); }
svg { max-width: 100%; } svg text { fill: var(--dim); font-size: 11px; } svg .axis { stroke: var(--line); fill: none; }
svg .one { stroke: var(--one); fill: none; stroke-width: 1.5; } svg .two { stroke: var(--two); fill: none;
  stroke-width: 1.5; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-size: 13px; }
th, td { border-bottom: 1px solid var(--line); padding: 3px 10px; text-align: right; vertical-align: middle; }
th { color: var(--dim); font-weight: 600; } td:nth-child(-n+2), th:nth-child(-n+2) { text-align: left; }
"""


def render(
    name: str,
    series: Series,
    findings: Sequence[Finding],
    outcome: tuple[float, float | None] | None,
    *,
    ended: bool,
) -> str:
    """Return the page."""
    title = f"Training of {name}"
    parts = [
        f"<h1>{escape(title)}</h1><p class='facts'>{escape(_facts(series, outcome, ended))}</p>",
        "<h2>Findings</h2>",
        "".join(map(_finding, findings)) or "<p>Nothing to report.</p>",
        "<h2>Curves</h2>",
        f"<div class='charts'>{_curves(series)}</div>",
        "<h2>Layers</h2>",
        f"<div class='scroll'>{_layers(series)}</div>",
    ]
    head = f"<meta charset='utf-8'><meta name='viewport' content='width=device-width'><title>{escape(title)}</title>"
    body = "\n".join(part for part in parts if part)
    return f"<!doctype html>\n<html lang='en'><head>{head}<style>{_STYLE}</style></head>\n<body>{body}</body></html>\n"


def _facts(series: Series, outcome: tuple[float, float | None] | None, ended: bool) -> str:
    model = series.model
    optimizer = model.get("optimizer")
    facts = [
        f"{series.steps:,} steps{'' if ended else ' so far'}",
        f"{len(series.epochs)} epoch{'s' if len(series.epochs) > 1 else ''}" if series.epochs else "",
        f"loss {model['loss']}" if model.get("loss") else "",
        f"{optimizer}, learning rate {model['learning_rate']:g}" if optimizer and "learning_rate" in model else "",
        f"batches of {model['batch_size']}" if "batch_size" in model else "",
    ]
    if outcome is not None:
        facts.append(f"{round(100 * outcome[0])} % of the way from guessing to perfect on training samples")
    if outcome is not None and outcome[1] is not None:
        facts.append(f"{round(100 * outcome[1])} % on validation samples")
    return ", ".join(fact for fact in facts if fact)


def _finding(finding: Finding) -> str:
    place = f" {finding.layer}" if finding.layer else ""
    title = f"{finding.rule}{place}, {when(finding)}"
    lines = [
        f"<p><span class='level'>{_WORDS[finding.level]}</span> {escape(finding.code)} {escape(title)}</p>",
        f"<p>{escape(finding.message)}</p>",
    ]
    if finding.cause:
        lines.append(f"<p><b>Why</b> {escape(finding.cause)}</p>")
    if finding.remedy:
        lines.append(f"<p><b>Try</b> {escape(finding.remedy)}</p>")
    if not is_cause(finding):
        lines.append(f"<p>Explained by {escape(finding.document['explained_by']['code'])}</p>")
    follows = "" if is_cause(finding) else " follows"
    return f"<article class='{finding.level}{follows}'>{''.join(lines)}</article>"


def _curves(series: Series) -> str:
    charts = [_chart("Loss of the batch", [("", series.loss)])]
    for title, names in (
        ("Loss by epoch", ("train_loss", "validation_loss")),
        ("Accuracy by epoch", ("train_accuracy", "validation_accuracy")),
    ):
        charts.append(_chart(title, [(name.split("_")[0], _by_epoch(series.epochs, name)) for name in names]))
    charts.append(_chart("Gradient norm", [("", series.gradient_norm)]))
    charts.append(_chart("Learning rate", [("", series.learning_rate)]))
    return "".join(charts)


def _by_epoch(epochs: Sequence[dict[str, Any]], name: str) -> Curve:
    curve = Curve()
    for epoch in epochs:
        if name in epoch:
            curve.add(epoch["epoch"] + 1, epoch[name])
    return curve


def _chart(title: str, curves: Sequence[tuple[str, Curve]]) -> str:
    shown = [(name, curve) for name, curve in curves if len(curve.steps) > 1]
    if not shown:
        return ""
    values = [value for _, curve in shown for value in curve.values]
    steps = [step for _, curve in shown for step in curve.steps]
    low, high, first, last = min(values), max(values), min(steps), max(steps)
    width, height = _WIDTH - _LEFT - 8, _HEIGHT - _TOP - _BOTTOM
    bottom, right = _HEIGHT - _BOTTOM, _WIDTH - 8

    def place(step: int, value: float) -> str:
        x = _LEFT + (step - first) / max(last - first, 1) * width
        y = bottom - (value - low) / ((high - low) or 1.0) * height
        return f"{x:.1f},{y:.1f}"

    lines = []
    for style, (_, curve) in zip(("one", "two"), shown):
        points = " ".join(place(step, value) for step, value in zip(curve.steps, curve.values))
        lines.append(f"<polyline class='{style}' points='{points}'/>")
    names = " ".join(f"<span class='{style}'>{name}</span>" for style, (name, _) in zip(("one", "two"), shown) if name)
    return (
        f"<figure><figcaption>{title} {names}</figcaption>"
        f"<svg role='img' aria-label='{title}' width='{_WIDTH}' height='{_HEIGHT}' viewBox='0 0 {_WIDTH} {_HEIGHT}'>"
        f"<path class='axis' d='M{_LEFT} {_TOP}V{bottom}H{right}'/>{''.join(lines)}"
        f"<text x='{_LEFT - 6}' y='{_TOP + 8}' text-anchor='end'>{high:.3g}</text>"
        f"<text x='{_LEFT - 6}' y='{bottom}' text-anchor='end'>{low:.3g}</text>"
        f"<text x='{_LEFT}' y='{bottom + 16}'>{first}</text>"
        f"<text x='{right}' y='{bottom + 16}' text-anchor='end'>{last}</text></svg></figure>"
    )


def _layers(series: Series) -> str:
    columns = ("output deviation", "zeros", "gradient", "update / weight")
    head = "".join(f"<th>{name}</th>" for name in ("layer", "kind", "reads", "units", *columns))
    rows = "".join(_layer(name, layer) for name, layer in series.layers.items())
    return f"<table><tr>{head}</tr>{rows}</table>"


def _layer(name: str, layer: LayerSeries) -> str:
    description = layer.description
    kind = description.get("function") or description["kind"]
    reads = ", ".join(description.get("inputs", ())) or "input"
    cells = [name, kind, reads, str(description.get("units", ""))]
    curves = (layer.output_std, layer.zero_fraction, layer.gradient_rms, layer.update_ratio)
    texts = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
    return f"<tr>{texts}{''.join(f'<td>{_spark(curve)}</td>' for curve in curves)}</tr>"


def _spark(curve: Curve) -> str:
    """Return the last value of a curve and a small picture of all values."""
    if not curve.values:
        return ""
    low, high = min(curve.values), max(curve.values)
    count = max(len(curve.values) - 1, 1)
    points = " ".join(
        f"{60 * index / count:.1f},{15 - 14 * (value - low) / ((high - low) or 1.0):.1f}"
        for index, value in enumerate(curve.values)
    )
    picture = f"<svg width='60' height='16' aria-hidden='true'><polyline class='one' points='{points}'/></svg>"
    return f"{curve.values[-1]:.3g} {picture}"
