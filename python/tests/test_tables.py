"""Tables of several libraries, read as the front door reads one from a file."""

import datetime
import decimal

import numpy as np
import pytest

import evenkeel
from evenkeel._tables import cells_of, columns_of, is_table
from evenkeel.errors import DataError

pandas = pytest.importorskip("pandas")
polars = pytest.importorskip("polars")
pyarrow = pytest.importorskip("pyarrow")

ROWS = 200
RANDOM = np.random.default_rng(1)
SIZE = RANDOM.normal(size=ROWS)
SIZE[3] = np.nan
COLOR = [None if row == 5 else ("red", "green", "blue")[row % 3] for row in range(ROWS)]
KIND = ["nut" if color == "red" else "bolt" for color in COLOR]
FRAME = pandas.DataFrame(
    {"size": SIZE, "color": COLOR, "made": pandas.date_range("2024-01-01", periods=ROWS), "kind": KIND}
)


class OnlyExports:
    """A table of a library nobody knows, which exports an Arrow stream."""

    def __init__(self, table):
        self._table = table

    def __arrow_c_stream__(self, requested_schema=None):
        return self._table.__arrow_c_stream__(requested_schema)


class OnlyInterchange:
    """A table of a library nobody knows, which exports an interchange object."""

    def __init__(self, table):
        self._table = table

    def __dataframe__(self, **kwargs):
        return self._table.__dataframe__(**kwargs)


TABLES = {
    "pandas": FRAME,
    "pandas, categories": FRAME.astype({"color": "category", "kind": "category"}),
    "pandas, nullable": FRAME.convert_dtypes(),
    "polars": polars.from_pandas(FRAME, nan_to_null=True),
    "polars, categories": polars.from_pandas(FRAME).with_columns(polars.col("color").cast(polars.Categorical)),
    "pyarrow": pyarrow.Table.from_pandas(FRAME),
    "pyarrow, dictionary": pyarrow.Table.from_pandas(FRAME.astype({"color": "category"})),
    "mapping": {"size": SIZE, "color": COLOR, "made": FRAME["made"].to_numpy(), "kind": KIND},
    "exporter": OnlyExports(pyarrow.Table.from_pandas(FRAME)),
    "interchange": OnlyInterchange(pyarrow.Table.from_pandas(FRAME)),
}


def train(table=FRAME, y="kind", **settings):
    return evenkeel.train(table, y, **{"epochs": 12, "seed": 0, "progress": False, **settings})


@pytest.fixture(scope="module")
def expected():
    return train().predict_proba(FRAME)


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_every_library_gives_the_same_bits(table, expected):
    run = train(table)
    np.testing.assert_array_equal(run.predict_proba(table), expected)
    kinds = {column["name"]: column["kind"] for column in run.summary["columns"]}
    assert kinds["size"] == "number" and kinds["color"] == "category"
    assert run.evaluate(table, "kind")["accuracy"] == pytest.approx((run.predict(FRAME) == KIND).mean())


def test_the_target_is_a_column_or_beside_the_table(expected):
    without = FRAME.drop(columns="kind")
    for y in (KIND, np.array(KIND), FRAME["kind"]):
        run = train(without, y)
        np.testing.assert_array_equal(run.predict_proba(without), expected)
        np.testing.assert_array_equal(run.predict_proba(FRAME), expected)
        assert run.evaluate(without, KIND)["samples"] == ROWS


def test_labels_of_tables_come_back_as_they_were_given():
    run = train(FRAME.assign(kind=np.where(FRAME["kind"] == "nut", 10, 9)))
    assert run.classes.tolist() == [9, 10] and set(run.predict(FRAME).tolist()) <= {9, 10}
    run = train(FRAME.assign(kind=FRAME["kind"] == "nut"))
    assert set(run.classes.tolist()) == {False, True}


def test_values_far_from_zero_keep_their_digits():
    times = 1.7e9 + np.arange(ROWS)
    run = train(FRAME.assign(kind=times), task="regression", epochs=40)
    assert run.task == "regression" and np.abs(run.predict(FRAME) - times).mean() < 40


def test_parts_given_as_tables_stay_what_they_are():
    # Rows without a target are left out of their part alone.
    holes = FRAME.assign(kind=[None if row in (0, 1, 2) else kind for row, kind in enumerate(KIND)])
    run = train(holes, validation=(FRAME[:50], "kind"), test=(FRAME[:30], "kind"))
    sizes = [run.metrics[part]["samples"] for part in ("train", "validation", "test")]
    assert sizes == [ROWS - 3, 50, 30]


def test_a_model_of_a_table_takes_arrays_in_the_order_of_its_columns():
    numbers = pandas.DataFrame({"a": SIZE, "b": RANDOM.normal(size=ROWS)})
    run = train(numbers, SIZE > 0)
    np.testing.assert_array_equal(run.predict(numbers.to_numpy()), run.predict(numbers))
    with pytest.raises(DataError, match="columns a, b"):
        run.predict(numbers.to_numpy()[:, :1])
    array = evenkeel.train(numbers.to_numpy("float32"), SIZE > 0, epochs=2, progress=False)
    assert array.predict(numbers).shape == (ROWS,)


CELLS = {
    "whole numbers": ([1, 2], [1.0, 2.0]),
    "truths": (np.array([True, False]), ["true", "false"]),
    "missing numbers": ([1.5, None], [1.5, np.nan]),
    "decimals": ([decimal.Decimal("1.5"), None], [1.5, np.nan]),
    "texts": (["a", None], ["a", None]),
    "mixed": (["a", 1], ["a", "1"]),
    "missing of pandas": (pandas.array([1, None], dtype="Int64"), [1.0, np.nan]),
    "dates": ([datetime.date(2024, 1, 31), None], ["2024-01-31", None]),
    "times": (np.array(["2024-01-31T12:30", "NaT"], dtype="datetime64[m]"), ["2024-01-31 12:30:00.000000", None]),
    "durations": (np.array([90, "NaT"], dtype="timedelta64[s]"), [90.0, np.nan]),
    "nothing": ([None, None], [np.nan, np.nan]),
}


@pytest.mark.parametrize(("column", "expected"), CELLS.values(), ids=CELLS)
def test_cells_are_numbers_or_texts(column, expected):
    cells = cells_of(column)
    if isinstance(cells, list):
        assert cells == expected
    else:
        np.testing.assert_array_equal(cells, expected)


def test_tables_are_told_from_arrays():
    assert all(is_table(table) for table in TABLES.values())
    assert not any(
        is_table(data) for data in (SIZE, [[1.0]], FRAME["size"], polars.Series([1.0]), pyarrow.array([1.0]))
    )
    assert list(columns_of(pandas.DataFrame([[1, 2]]))) == ["0", "1"]


def test_what_is_wrong_with_a_table_is_said():
    double = pandas.DataFrame([[1, 2]] * 4, columns=["a", "a"])
    cases = [
        (lambda: train(y="kin"), "no column 'kin'"),
        (lambda: train(double, [0, 1] * 2), "several columns with the same name"),
        (lambda: train(FRAME[["kind"]]), "no column besides the target"),
        (lambda: train(FRAME[:0]), "no"),
        (lambda: train(FRAME, KIND[:5]), "200 samples and y has 5"),
        (lambda: train(FRAME, np.zeros((ROWS, 2)) + 0.5), "one target"),
        (lambda: train(FRAME, validation=(SIZE, KIND)), "all of one kind"),
        (lambda: train(validation=(FRAME.drop(columns="size"), "kind")), "different columns"),
        (lambda: train({"a": [b"x", b"y"], "b": [0, 1]}, "b"), "decode them to text"),
        (lambda: train().predict(FRAME.drop(columns="size")), "size"),
    ]
    for bad, text in cases:
        with pytest.raises(DataError, match=text):
            bad()
