"""Ctrl-C, other threads, and progress while a training runs."""

import io
import os
import signal
import sys
import threading
import time

import numpy as np
import pytest

import evenkeel
from evenkeel.errors import StoppedWarning

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(4_000, 20)).astype("float32")
Y = X[:, 0] + X[:, 1] * X[:, 2]


def interrupted(work, started=None):
    """Call ``work`` and press Ctrl-C once it has ``started``; return its result and how long it went on after that."""
    pressed = []

    def press():
        if started is not None:
            started.wait(60)
        time.sleep(0.3)
        pressed.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=press)
    thread.start()
    try:
        result = work()
    finally:
        ended = time.perf_counter()
        thread.join()
    return result, ended - pressed[0]


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_ctrl_c_keeps_what_there_is():
    started = threading.Event()

    def endless():
        settings = {"train.early_stopping": 0}
        return evenkeel.train(X, Y, epochs=10_000, on_epoch=lambda _: started.set(), config=settings, progress=False)

    with pytest.warns(StoppedWarning, match="stopped on request after .* steps; the run is kept") as caught:
        run, seconds = interrupted(endless, started)
    assert caught[0].filename == __file__
    # 100 ms on an idle machine; tests run beside others.
    assert seconds < 0.5
    assert run.status == "stopped" and 0 < run.summary["steps"]
    assert np.isfinite(run.predict(X[:10])).all() and len(run.steps["loss"]) > 0
    assert "stopped" in repr(run)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_ctrl_c_in_a_function_of_the_program_keeps_what_there_is_too():
    def press(epoch):
        if epoch["epoch"] == 2:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.01)

    with pytest.warns(StoppedWarning, match="stopped on request"):
        run = evenkeel.train(X, Y, epochs=10_000, on_epoch=press, config={"train.early_stopping": 0}, progress=False)
    assert run.status == "stopped" and run.summary["epochs"] >= 2


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_ctrl_c_leaves_a_check_at_once():
    big = RANDOM.normal(size=(4000, 32, 32, 3)).astype("float32")
    began = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        interrupted(lambda: evenkeel.check(big, np.arange(4000) % 10, budget=30.0))
    assert time.perf_counter() - began < 5


def test_other_threads_of_the_program_run_on():
    counted = [0]
    over = threading.Event()

    def count():
        while not over.is_set():
            counted[0] += 1
            time.sleep(0.001)

    thread = threading.Thread(target=count)
    thread.start()
    evenkeel.train(X, Y, epochs=5, progress=False)
    over.set()
    thread.join()
    assert counted[0] > 20


def test_trainings_run_side_by_side_in_threads():
    runs = {}

    def train(seed):
        runs[seed] = evenkeel.train(X[:500], Y[:500] > 0, epochs=3, seed=seed % 2, progress=False, threads=1)

    threads = [threading.Thread(target=train, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_array_equal(runs[0].predict_proba(X), runs[2].predict_proba(X))
    assert not np.array_equal(runs[0].predict_proba(X), runs[1].predict_proba(X))


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_is_a_bar_in_a_terminal_and_nothing_elsewhere(monkeypatch):
    pytest.importorskip("tqdm")
    shown = {}
    for name, stream in (("terminal", Terminal()), ("file", io.StringIO())):
        monkeypatch.setattr(sys, "stderr", stream)
        sick = {"model": {"preset": "mlp", "init": "zeros"}, "config": {"train.early_stopping": 0}}
        evenkeel.train(X[:400], Y[:400] > 0, epochs=6, seed=0, **sick)
        shown[name] = stream.getvalue()
    assert "epoch 6/6" in shown["terminal"] and "loss=" in shown["terminal"] and "K0" in shown["terminal"]
    assert shown["file"] == ""
