"""Sweeps: every run is the run of its recipe, wherever it is made, and none is lost."""

import json
import statistics
import sys
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from importlib import import_module

import numpy as np
import pytest

from nn import Recipe, evaluate, fit, plot, sweep
from nn.train.recipe import fit_options
from nn.train.run import prepared
from nn.train.settings import RecipeError

module = import_module("nn.train.sweep")
BASE = {"data": "moons", "n": 12, "hidden": [3], "epochs": 4}
GRID = {"lr": [0.01, 0.1], "activation": ["relu", "tanh"]}


def found(recipe=None, grid=None, **options):
    return sweep(recipe or BASE, grid or GRID, progress=False, **options)


def test_a_row_is_the_run_of_its_recipe():
    rows = found(vectorize=False).rows
    assert [(row["lr"], row["activation"]) for row in rows] == [
        (lr, name) for lr in GRID["lr"] for name in GRID["activation"]
    ]
    for row in rows:
        recipe = Recipe.of(BASE).replace(lr=row["lr"], activation=row["activation"])
        run = prepared(recipe)
        loss = run.loss
        history = fit(run.model, run.X, run.y, loss=loss, progress=False,
                      **fit_options(recipe, run.model, 12))  # fmt: skip
        assert (row["loss"], row["accuracy"]) == evaluate(run.model, run.X, run.y, loss=loss)
        assert row["epochs"] == history.epochs == 4


def test_what_is_held_out_is_measured_too():
    (row,) = found({**BASE, "held_out": 0.25}, {"seed": [1]}).rows
    assert {"held_out_loss", "held_out_accuracy"} < set(row)


# --- Pools -----------------------------------------------------------------------------------


@contextmanager
def dask():
    import distributed

    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as here,
        distributed.Client(here) as client,
    ):
        yield client


POOLS = [
    pytest.param(lambda: ThreadPoolExecutor(3), id="threads"),
    pytest.param(lambda: ProcessPoolExecutor(2), id="processes", marks=pytest.mark.slow),
    pytest.param(dask, id="dask", marks=[pytest.mark.slow, pytest.mark.needs("distributed")]),
]


def test_without_a_place_to_show_it_there_is_no_bar(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)  # as in pythonw
    assert len(sweep({"data": "xor", "epochs": 1}, {"seed": [0]}).rows) == 1


@pytest.mark.filterwarnings("ignore")  # Dask's own
@pytest.mark.parametrize("make", POOLS)
def test_a_pool_gives_the_same_bits_in_the_same_order(make, tmp_path):
    path = tmp_path / "runs.jsonl"
    with make() as pool:
        assert found(pool=pool, path=path).rows == found(vectorize=False).rows
    assert len(path.read_text().splitlines()) == 4


class Losing:
    """A pool that loses its second run."""

    def __init__(self):
        self.count = 0

    def submit(self, f, *args):
        self.count += 1
        future = Future()
        if self.count == 2:
            future.set_exception(OSError("the worker is gone"))
        else:
            future.set_result(f(*args))
        return future


def test_a_run_that_a_pool_loses_is_a_row_and_made_again_the_next_time(tmp_path):
    path = tmp_path / "runs.jsonl"
    rows = found(pool=Losing(), path=path).rows
    assert rows[1] == {
        "lr": 0.01, "activation": "tanh", "error": "OSError: the worker is gone", "lost": True,
    }  # fmt: skip
    assert len(path.read_text().splitlines()) == 3
    assert found(path=path).rows == found().rows
    assert len(path.read_text().splitlines()) == 4


# --- Files, failures, Ctrl-C -----------------------------------------------------------------


@pytest.fixture
def made(monkeypatch):
    """The recipes of the runs that were made one by one."""
    runs, attempted = [], module.attempted

    def counted(described):
        runs.append(described)
        if len(runs) == 3 and "interrupt" in runs[0]:
            raise KeyboardInterrupt
        return attempted(described)

    monkeypatch.setattr(module, "attempted", counted)
    return runs


def test_a_sweep_goes_on_where_its_file_ends(tmp_path, made):
    path = tmp_path / "runs.jsonl"
    first = found(path=path)
    assert len(made) == 4
    assert found(path=path).rows == first.rows
    more = found(grid={**GRID, "seed": [0, 1]}, path=path)
    assert len(made) == 8
    assert more.rows[::2] == [{**row, "seed": 0} | {"seed": 0} for row in first.rows]
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:3]) + lines[3][:20])
    assert found(path=path).rows == first.rows
    assert len(made) == 9
    assert found(path=path).rows == first.rows
    assert len(made) == 9


def test_a_file_that_cannot_be_is_refused_before_any_run(tmp_path, made):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        found(path=tmp_path / "nowhere" / "runs.jsonl")
    assert not made


def test_arrays_of_values_are_tried_as_their_numbers_are():
    rows = found(grid={"seed": np.arange(2), "hidden": [np.array([2, 2])]}).rows
    assert rows == found(grid={"seed": [0, 1], "hidden": [[2, 2]]}).rows


def test_a_file_that_is_something_else_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "runs.jsonl"
    for line in ('{"epochs": 3}', "[1, 2]", '{"recipe": {"lr": -1}}', "# Notes", "3", "\xff"):
        path.write_text(f"{line}\n", "latin-1")
        with pytest.raises(ValueError, match=r"runs\.jsonl, line 1: this is no run of a sweep"):
            found(path=path)
        assert path.read_text("latin-1") == f"{line}\n"


@pytest.mark.parametrize("vectorize", [False, True])
def test_a_run_that_diverges_is_a_row_that_says_so(vectorize, tmp_path):
    grid = {"lr": [0.1, 1e300], "seed": [0, 1]}
    recipe = {**BASE, "loss": "mse", "optimizer": "sgd", "epochs": 9}
    rows = found(recipe, grid, vectorize=vectorize, path=tmp_path / "runs.jsonl").rows
    assert ["error" in row for row in rows] == [False, False, True, True]
    assert rows[2]["error"].startswith("DivergedError: epoch ")
    assert all(row["loss"] < 1 for row in rows[:2])


def test_ctrl_c_keeps_what_is_finished(tmp_path, monkeypatch):
    path, attempted, count = tmp_path / "runs.jsonl", module.attempted, []

    def interrupted(described):
        count.append(1)
        if len(count) == 3:
            raise KeyboardInterrupt
        return attempted(described)

    monkeypatch.setattr(module, "attempted", interrupted)
    some = found(path=path)
    assert (len(some.rows), some.of) == (2, 4)
    assert len(path.read_text().splitlines()) == 2
    whole = found(path=path)
    assert whole.rows[:2] == some.rows
    assert (len(whole.rows), len(count)) == (4, 5)


def test_ctrl_c_cancels_what_waits_in_a_pool():
    class Waiting:
        def __init__(self):
            self.futures = []

        def submit(self, f, *args):
            future = Future()
            if not self.futures:
                future.set_result(f(*args))
            self.futures.append(future)
            return future

    class Interrupting(module.Queue):
        def get(self):
            if self.empty():
                raise KeyboardInterrupt
            return super().get()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "Queue", Interrupting)
        pool = Waiting()
        assert len(found(pool=pool).rows) == 1
    assert [future.cancelled() for future in pool.futures] == [False, True, True, True]


@pytest.mark.parametrize("wrong", ["native", 1, []])
def test_a_wrong_vectorize_is_refused(wrong):
    with pytest.raises(ValueError, match="vectorize must be True, False or None, got"):
        found(vectorize=wrong)


def test_settings_that_make_no_run_are_refused_before_any(made):
    for recipe, grid, said in (
        (BASE, {"lr": [0.1, -1.0]}, "lr: expected a number"),
        (BASE, {"rate": [0.1]}, "unknown setting 'rate'; known are data"),
        (BASE, ["lr"], "a grid has a list of values for each setting, got "),
        (BASE, {"seed": 5}, "seed: expected a list of values to try, got 5"),
        (BASE, {"optimizer": "adam"}, "optimizer: expected a list of values to try, got 'adam'"),
        ({**BASE, "activation": "swish"}, GRID, "activation: expected one of"),
    ):
        with pytest.raises(RecipeError, match=said):
            found(recipe, grid)
    assert not made


# --- At once ---------------------------------------------------------------------------------

APART = {"seed": [0, 3], "init_scale": [0.5, 2.0], "lr": [0.02, 0.1]}


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"data": "xor", "n": None},
        {"data": "circles", "noise": 0.2, "optimizer": "momentum", "l2": 0.01},
        {"data": "blobs", "clip_norm": 0.1, "schedule": "cosine"},
        {"loss": "hinge", "hidden": [4, 2], "activation": "tanh", "optimizer": "rmsprop"},
        {"loss": "mse", "output": "tanh", "optimizer": "sgd", "hidden": []},
    ],
    ids=lambda settings: " ".join(map(str, settings.values())) or "as it is",
)
def test_runs_at_once_are_runs_one_by_one_but_for_rounding(settings, made):
    recipe = {
        **BASE,
        "epochs": 12,
        **({"n": None} if settings.get("data") == "xor" else {}),
        **settings,
    }
    at_once = found(recipe, APART)
    assert not made
    one_by_one = found(recipe, APART, vectorize=False)
    assert len(made) == 8
    for row, expected in zip(at_once.rows, one_by_one.rows, strict=True):
        assert row == {**expected, "loss": pytest.approx(expected["loss"], rel=1e-9)}


def test_runs_at_once_shorten_gradients_whose_squares_overflow():
    steep = {"data": "xor", "hidden": [4] * 9, "loss": "mse", "optimizer": "sgd", "lr": 0.001}
    recipe = {**steep, "init_scale": 1e9, "clip_norm": 1e9, "epochs": 2}
    rows = [
        sweep(recipe, {"seed": range(2)}, vectorize=at_once, progress=False).rows
        for at_once in (True, False)
    ]
    for row, expected in zip(*rows, strict=True):
        assert row == {**expected, "loss": pytest.approx(expected["loss"], rel=1e-9)}


def test_only_runs_that_can_be_are_made_at_once(made):
    few = {"seed": [0, 1]}
    found(grid=few)
    assert len(made) == 2
    found({**BASE, "batch": 5}, {"seed": range(8)})
    assert len(made) == 10
    found(grid=few, vectorize=True)
    assert len(made) == 10
    with pytest.raises(RecipeError, match=r"batch: runs that are made at once have none, .* has 5"):
        found({**BASE, "batch": 5}, few, vectorize=True)
    with ThreadPoolExecutor(1) as pool, pytest.raises(ValueError, match="take one of them"):
        found(pool=pool, vectorize=True)


# --- Tables ----------------------------------------------------------------------------------


@pytest.mark.needs("pandas")
def test_a_table_for_pandas():
    some = found()
    table = some.to_pandas()
    assert table.columns.tolist() == ["lr", "activation", "epochs", "loss", "accuracy"]
    assert json.loads(table.to_json(orient="records", double_precision=15))[0]["lr"] == 0.01


def test_pictures_of_a_sweep():
    some = found(grid={"lr": [0.01, 0.1, 1.0], "activation": ["relu", "tanh"], "seed": [0, 1, 2]})
    heat = plot.sweep(some, "lr", "activation").figure.axes[0]
    assert heat.images[0].get_clim() == (0.0, 1.0)  # of shares, though all be alike
    assert [label.get_text() for label in heat.get_yticklabels()] == ["relu", "tanh"]
    shares = np.array(heat.images[0].get_array())
    rows = [row for row in some.rows if (row["lr"], row["activation"]) == (1.0, "relu")]
    assert shares.shape == (2, 3)
    assert shares[0, 2] == sum(row["accuracy"] == 1.0 for row in rows) / 3
    curve = plot.sweep(some, "lr", value="loss").figure.axes[0]
    at = sorted(row["loss"] for row in some.rows if row["lr"] == 0.1)
    assert curve.lines[0].get_ydata()[1] == statistics.median(at)
    assert curve.get_xscale() == "log"
    for row in some.rows:
        row["accuracy"] = 1.0 if row["seed"] == 0 else 0.5
    assert list(plot.sweep(some, "lr").figure.axes[0].lines[0].get_ydata()) == [1 / 3] * 3
    for arguments, said in ((("rate",), "unknown setting 'rate'"), (("lr",), "unknown value 'x'")):
        with pytest.raises(ValueError, match=said):
            plot.sweep(some, *arguments, value="x")
