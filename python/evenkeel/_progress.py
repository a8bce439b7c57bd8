"""Progress of a training run as a bar in a terminal or a notebook."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any


class ProgressBar:
    """A tqdm bar that follows a training run; findings are printed above it as they appear.

    Without tqdm, or if the error output is neither a terminal nor a notebook, nothing is shown.
    """

    def __init__(self, shown: bool, on_epoch: Callable[[Mapping[str, Any]], object] | None = None) -> None:
        self._shown = shown and (sys.stderr.isatty() or _in_notebook())
        self._bar: Any = None
        self._on_epoch = on_epoch

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def tick(self, text: str) -> None:
        """Show the progress ``text``, a JSON document of the training run."""
        state = json.loads(text)
        if self._bar is None and self._shown and "total_steps" in state:
            self._bar = _bar(state["total_steps"])
        for news in state["news"]:
            if news["event"] == "epoch" and self._on_epoch is not None:
                self._on_epoch({name: value for name, value in news.items() if name != "event"})
            if news["event"] == "finding" and self._bar is not None:
                finding = news["finding"]
                self._bar.write(f"{finding['level']:<5} {finding['code']} {finding['message']}", file=sys.stderr)
        if self._bar is None:
            return
        self._bar.total = state["total_steps"]
        self._bar.set_description(f"epoch {state.get('epoch', 0)}/{state['epochs']}", refresh=False)
        shown = ("loss", "accuracy", "validation_loss", "validation_accuracy")
        numbers = {name: f"{state[name]:.4f}" for name in shown if state.get(name) is not None}
        self._bar.set_postfix(numbers, refresh=False)
        self._bar.update(state["step"] - self._bar.n)
        self._bar.refresh()


def _in_notebook() -> bool:
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return hasattr(shell, "kernel")


def _bar(steps: int) -> Any:
    try:
        if _in_notebook() and importlib.util.find_spec("ipywidgets") is not None:
            from tqdm.notebook import tqdm
        else:
            from tqdm import tqdm
    except ImportError:
        return None
    return tqdm(total=steps, unit="step")
