"""A run as HTML in a notebook: curves, layers, findings. A single text without scripts or external files."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from evenkeel._run import Run

_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 360, 180, 60, 24
_COLORS = ("#4269d0", "#d0662c")
_CLASSES = ("loss", "accuracy", "balanced_accuracy", "f1", "roc_auc", "log_loss")
_VALUES = ("r2", "rmse", "mae")
_LEVELS = {"error": "#b3261e", "warn": "#9a6700", "info": "#57606a"}


def run_html(run: Run) -> str:
    """Return the run as a ``div``."""
    history = run.history
    charts = []
    for name, title in (("loss", "loss"), ("accuracy", "accuracy"), ("r2", "R2")):
        series = {part: history[f"{part}_{name}"] for part in ("train", "validation") if f"{part}_{name}" in history}
        if series and len(history["epoch"]) > 1:
            charts.append(_chart(title, history["epoch"], series))
    return (
        '<div class="evenkeel-run" style="font-family: system-ui, sans-serif; font-size: 13px">'
        f"<p><b>{escape(repr(run)[1:-1])}</b></p>"
        f'<div style="display: flex; flex-wrap: wrap; gap: 16px">{"".join(charts)}</div>'
        f"{_findings(run)}{_metrics(run)}{_layers(run)}</div>"
    )


def _chart(title: str, epochs: NDArray[np.float64], series: dict[str, NDArray[np.float64]]) -> str:
    values = np.concatenate(list(series.values()))
    values = values[np.isfinite(values)]
    if values.size == 0:
        return ""
    low, high = float(values.min()), float(values.max())
    span = high - low or 1.0
    first, last = float(epochs[0]), float(epochs[-1])

    def place(epoch: float, value: float) -> str:
        x = _LEFT + (epoch - first) / (last - first) * (_WIDTH - _LEFT - 8)
        y = _HEIGHT - _BOTTOM - (value - low) / span * (_HEIGHT - _BOTTOM - 24)
        return f"{x:.1f},{y:.1f}"

    lines, legend = [], []
    for (name, numbers), color in zip(series.items(), _COLORS):
        points = " ".join(place(e, v) for e, v in zip(epochs.tolist(), numbers.tolist()) if np.isfinite(v))
        lines.append(f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="1.5"/>')
        legend.append(f'<tspan fill="{color}">{name} </tspan>')
    axis = f'stroke="currentColor" stroke-opacity="0.3" x1="{_LEFT}" y1="{_HEIGHT - _BOTTOM}"'
    return (
        f'<svg role="img" aria-label="{title} by epoch" width="{_WIDTH}" height="{_HEIGHT}"'
        ' font-size="11" fill="currentColor">'
        f'<text x="{_LEFT}" y="14"><tspan font-weight="bold">{title} </tspan>{"".join(legend)}</text>'
        f'<line {axis} x2="{_WIDTH - 8}" y2="{_HEIGHT - _BOTTOM}"/><line {axis} x2="{_LEFT}" y2="24"/>'
        f'<text x="{_LEFT - 4}" y="{_HEIGHT - _BOTTOM}" text-anchor="end">{low:.3g}</text>'
        f'<text x="{_LEFT - 4}" y="32" text-anchor="end">{high:.3g}</text>'
        f'<text x="{_LEFT}" y="{_HEIGHT - 8}">{first:.0f}</text>'
        f'<text x="{_WIDTH - 8}" y="{_HEIGHT - 8}" text-anchor="end">epoch {last:.0f}</text>'
        f"{''.join(lines)}</svg>"
    )


def _findings(run: Run) -> str:
    if not run.findings:
        return "<p>No findings.</p>"
    rows = []
    for finding in run.findings:
        color = _LEVELS[finding.level]
        rows.append(
            f'<li><b style="color: {color}">{finding.level}</b> {escape(finding.code)} {escape(finding.rule)}'
            f"{f' ({escape(finding.layer)})' if finding.layer else ''}: {escape(finding.message)}"
            f"<br><small>{escape(finding.remedy)}</small></li>"
        )
    return f"<ul>{''.join(rows)}</ul>"


def _metrics(run: Run) -> str:
    rows = []
    for part, metrics in run.metrics.items():
        numbers: dict[str, Any] = {name: metrics.get(name) for name in _CLASSES}
        numbers |= {name: (metrics.get("regression") or {}).get(name) for name in _VALUES}
        rows.append((part, metrics["samples"], numbers))
    if not rows:
        return ""
    shown = [name for name in rows[0][2] if any(numbers[name] is not None for _, _, numbers in rows)]
    head = "".join(f"<th>{name.replace('_', ' ')}</th>" for name in shown)
    body = "".join(
        f"<tr><th>{part}</th><td>{samples:,}</td>"
        + "".join(f"<td>{'' if numbers[name] is None else format(numbers[name], '.4f')}</td>" for name in shown)
        + "</tr>"
        for part, samples, numbers in rows
    )
    return f'<table style="font-size: 13px"><tr><th></th><th>samples</th>{head}</tr>{body}</table>'


def _layers(run: Run) -> str:
    rows = "".join(
        f"<tr><td>{escape(layer.name)}</td><td>{escape(layer.description)}</td>"
        f"<td>{' x '.join(map(str, layer.output_shape))}</td><td>{layer.parameters:,}</td></tr>"
        for layer in run.layers
    )
    head = "<tr><th>layer</th><th></th><th>output</th><th>parameters</th></tr>"
    count = len(run.layers)
    table = f'<table style="font-size: 13px">{head}{rows}</table>'
    return f"<details><summary>{count} layers</summary>{table}</details>"
