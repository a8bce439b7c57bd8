"""The engine through Python, PyTorch eager and scikit-learn's perceptron on the same arrays: `python bench/compare.py`.

Each trains the same perceptron (two hidden layers of relu, Adam, the same batches' size and number of epochs) on the same training
rows, standardised beforehand, with two threads. The programs take turns, so that whatever else the machine does meets all of
them alike; accuracies are on the same test rows. Printed are medians over the turns.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time

THREADS = 2
os.environ.setdefault("OMP_NUM_THREADS", str(THREADS))
os.environ.setdefault("OPENBLAS_NUM_THREADS", str(THREADS))

import numpy as np  # noqa: E402
import torch  # noqa: E402
from sklearn.datasets import load_digits, make_classification  # noqa: E402
from sklearn.model_selection import train_test_split  # noqa: E402
from sklearn.neural_network import MLPClassifier  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402
from torch import nn  # noqa: E402

import evenkeel  # noqa: E402

HIDDEN, BATCH, RATE = (128, 64), 64, 1e-3


def with_evenkeel(x, y, epochs, seed):
    layers = []
    for width in HIDDEN:
        layers += [{"type": "linear", "out_features": width}, {"type": "activation", "function": "relu"}]
    run = evenkeel.train(
        x,
        y,
        task="classification",
        epochs=epochs,
        seed=seed,
        threads=THREADS,
        progress=False,
        validation=0.0,
        test=0.0,
        model={"layers": [*layers, {"type": "linear"}]},
        optimizer={"type": "adam", "learning_rate": RATE},
        config={"train.batch_size": BATCH, "preprocess.steps": [], "schedule.type": "constant"},
    )
    return run.predict


def with_torch(x, y, epochs, seed):
    torch.manual_seed(seed)
    inputs, targets = torch.from_numpy(x), torch.from_numpy(y)
    widths = [x.shape[1], *HIDDEN]
    hidden = [part for sizes in zip(widths, widths[1:]) for part in (nn.Linear(*sizes), nn.ReLU())]
    model = nn.Sequential(*hidden, nn.Linear(widths[-1], int(y.max()) + 1))
    optimizer, loss = torch.optim.Adam(model.parameters(), RATE), nn.CrossEntropyLoss()
    for _ in range(epochs):
        for batch in torch.randperm(len(inputs)).split(BATCH):
            optimizer.zero_grad()
            loss(model(inputs[batch]), targets[batch]).backward()
            optimizer.step()

    def predict(rows):
        with torch.no_grad():
            return model(torch.from_numpy(rows)).argmax(1).numpy()

    return predict


def with_sklearn(x, y, epochs, seed):
    model = MLPClassifier(
        HIDDEN,
        batch_size=BATCH,
        learning_rate_init=RATE,
        max_iter=epochs,
        n_iter_no_change=epochs,
        tol=0.0,
        alpha=0.0,
        random_state=seed,
    )
    return model.fit(x, y).predict


PROGRAMS = {"evenkeel": with_evenkeel, "PyTorch eager": with_torch, "scikit-learn MLP": with_sklearn}


def data():
    """Names, arrays and epochs."""
    digits = load_digits()
    yield "digits, 1,797 x 64", digits.data, digits.target, 30
    x, y = make_classification(20_000, 40, n_informative=20, n_classes=5, random_state=0)
    yield "made up, 20,000 x 40", x, y, 10


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=3, help="turns of each program (default 3)")
    turns = parser.parse_args().turns
    torch.set_num_threads(THREADS)
    print(f"{'data':22} {'program':18} {'seconds':>8} {'of PyTorch':>10} {'accuracy':>9}")
    for name, x, y, epochs in data():
        rows = train_test_split(x.astype(np.float32), y.astype(np.int64), random_state=0, stratify=y)
        scaler = StandardScaler().fit(rows[0])
        train_x, test_x = (scaler.transform(part).astype(np.float32) for part in rows[:2])
        train_y, test_y = rows[2:]
        seconds, accuracies = {program: [] for program in PROGRAMS}, {program: [] for program in PROGRAMS}
        for turn in range(turns):
            for program, train in PROGRAMS.items():
                start = time.perf_counter()
                predict = train(train_x, train_y, epochs, turn)
                seconds[program].append(time.perf_counter() - start)
                answers = np.asarray(predict(test_x)).astype(np.int64)
                accuracies[program].append(float((answers == test_y).mean()))
        reference = statistics.median(seconds["PyTorch eager"])
        for program in PROGRAMS:
            taken, right = statistics.median(seconds[program]), statistics.median(accuracies[program])
            print(f"{name:22} {program:18} {taken:8.2f} {taken / reference:10.2f} {right:9.4f}")


if __name__ == "__main__":
    main()
