import csv
import html
import itertools
import json
import math
import os
import random
import re
import subprocess
import sys
from contextlib import redirect_stdout
from io import StringIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd_core.pictures import renderers
from nn import MLP, Adam, Recipe, datasets, diagnose, evaluate, fit, load, plot
from nn.__main__ import main
from nn.command.data import Data, examples_for, hold_out
from nn.command.folder import one_prediction
from nn.losses import binary_cross_entropy_with_logits, mse, suited_to
from nn.scaling import ColumnScale, for_raw_numbers
from nn.tables import MOST_CLASSES, TARGETS, Table, read_table
from nn.train.loop import Loop
from tests.rows import over

PICTURES = {"boundary.png": b"\x89PNG", "loss.png": b"\x89PNG", "graph.svg": b"<?xml"}
OF_A_TABLE = {"model.json", "columns.json"}
TINY = ["--data", "xor", "--hidden", "3", "--epochs", "1"]


@pytest.fixture
def out(tmp_path):
    """A folder that is not there yet."""
    return tmp_path / "out"


def table(path, header, *rows):
    """A CSV file."""
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header.split(","), *rows])
    return path


@pytest.fixture
def quick(tmp_path):
    """Arguments for a training that takes no time: of 3 inputs, so without boundary.png."""
    path = table(tmp_path / "quick.csv", "a,b,c,y", [0, 0, 1, 0], [1, 1, 0, 1])
    return ["--csv", path, "--hidden", "2", "--epochs", "1"]


class Drawn:
    """A picture that takes no time."""

    def render(self, format):
        return b"an image"


WAYS = {  # to fail: for each picture what is replaced, by what raises what
    "boundary.png": "nn.plot.decision_boundary",
    "loss.png": "nn.plot.loss",
    "graph.svg": "nn.command.folder.one_prediction",
}


@pytest.fixture(autouse=True)
def sketched(request, monkeypatch):
    """Plots take no time, but in tests that ask for them to be `drawn`."""
    if "drawn" not in request.fixturenames:
        for name in ("boundary.png", "loss.png"):
            monkeypatch.setattr(WAYS[name], lambda *_, **__: Drawn())


@pytest.fixture
def drawn():
    """Plots are what they are for users."""


def process(*arguments, **options):
    """The command as its users start it."""
    command = [sys.executable, "-m", "nn", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """What is printed and written for one epoch on xor."""
    folder = tmp_path_factory.mktemp("xor")
    with redirect_stdout(StringIO()) as printed:
        assert run(folder, *TINY) == 0
    return printed.getvalue(), folder


def names(folder):
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


def run(out, *arguments):
    """The exit code of a command that must not leave a trace of its inner life."""
    try:
        return main([*map(str, arguments), "--out", str(out)])
    except SystemExit as refusal:
        return refusal.code


def count_boxes(graph):
    """The nodes of a picture but for the labels of its arrows."""
    return graph.count('class="node"') - graph.count('_label" class="node"')


def refused(capsys, out, *arguments, naming):
    """The command says what is wrong and writes nothing."""
    assert run(out, *arguments) not in (0, None)
    shown = capsys.readouterr().err
    errors = [line for line in re.split("[\r\n]", shown) if "error: " in line]
    assert len(errors) == 1
    assert re.search(naming, errors[0])
    assert "Traceback" not in shown
    assert names(out) == set()


# --- What it does ----------------------------------------------------------------------------


def test_by_default_it_classifies_all_moons_and_writes_four_files_into_out(tmp_path):
    result = process(cwd=tmp_path)
    assert result.returncode == 0
    assert "MLP(2, [16, 16, 1]" in result.stdout
    assert "337 parameters on 100 examples of moons" in result.stdout
    assert "all 100 examples are classified right" in result.stdout
    assert "100/100" in result.stderr
    assert "accuracy 100.0%" in result.stderr
    out = tmp_path / "out"
    assert names(tmp_path) == {"out"}
    assert names(out) == {*PICTURES, "model.json"}
    assert all(name in result.stdout for name in names(out))
    for name, magic in PICTURES.items():
        assert (out / name).read_bytes().startswith(magic)

    X, y = datasets.moons(100, noise=0.1)
    model = load(out / "model.json")
    loss, accuracy = evaluate(model, X, y, loss=binary_cross_entropy_with_logits)
    assert accuracy == 1.0
    assert f"-> {loss:.4g}" in result.stdout


def test_the_graph_is_that_of_one_prediction_of_the_trained_model_with_its_gradients(tiny):
    _, out = tiny
    graph = (out / "graph.svg").read_text()
    for text in ("x0", "x1", "W1[0,0]", "b2[0]", "a1[1]", "z2[0]", "loss", "dot", "softplus"):
        assert text in graph
    assert "grad " in graph
    assert "grad –" not in graph
    assert count_boxes(graph) < 50
    for p in load(out / "model.json").parameters():
        assert re.search(
            rf">{re.escape(p.label)}</text>\n<text[^>]*>\s*{p.data:.4g}<", html.unescape(graph)
        )


@pytest.mark.parametrize(
    ("data", "n_in", "hidden", "outputs", "boxes"),
    [
        ("moons", 2, [16, 16], 1, 2 + 16 + 16 + 1 + 1),  # the net, neuron by neuron, and the loss
        ("digits", 64, [32], 10, 1 + 2 + 1),  # by layers
    ],
)
def test_the_graph_of_a_large_model_is_its_net(data, n_in, hidden, outputs, boxes):
    X, y = [[0.5] * n_in], [0]
    model = MLP(n_in, [*hidden, outputs], seed=3)
    loss = suited_to(max(2, outputs))
    inputs = [f"x{j}" for j in range(n_in)]
    picture = one_prediction(model, Data(data, inputs, X, y, list("0123456789")), loss)
    assert count_boxes(picture.render("svg").decode()) == boxes
    assert f"{len(hidden) + 1}" in str(picture)


def test_what_did_not_fit_is_said(tiny):
    printed, out = tiny
    model = load(out / "model.json")
    right = sum((model(x).data > 0) == label for x, label in zip(*datasets.xor(), strict=True))
    assert right < 4
    assert f"only {right} of 4 examples are classified right ({right / 4:.1%})" in printed
    assert "not fit" in printed
    assert "all 4" not in printed
    assert names(out) == {*PICTURES, "model.json"}


def test_of_many_examples_the_doctor_looks_at_some_of_each_class(out, monkeypatch, capsys):
    seen = []

    def looks(model, X, y, loss, **options):
        seen.append(list(zip(X, y, strict=True)))
        return diagnose(model, X, y, loss, **options)

    monkeypatch.setattr("nn.__main__.diagnose", looks)
    monkeypatch.setattr("nn.__main__.MOST_EXAMINED", 20)
    for n in (20, 200):
        arguments = ["--n", n, "--hidden", "2", "--epochs", "1", "--no-plots"]
        assert run(out, *arguments) == 0
        data = list(zip(*datasets.moons(n), strict=True))
        assert len(seen[-1]) == 20
        assert all(example in data for example in seen[-1])
        assert len({y for _, y in seen[-1]}) == 2


def test_a_loss_that_did_not_fall_is_said(tmp_path, out, capsys):
    path = table(tmp_path / "t.csv", "x,y", [1, 0.5], [2, 7.5], [3, 1.5])
    arguments = [
        "--csv",
        path,
        "--hidden",
        "2",
        "--epochs",
        "1",
        "--optimizer",
        "sgd",
        "--lr",
        "99",
    ]
    assert run(out, *arguments) == 0
    assert "training did not succeed: the loss did not fall" in capsys.readouterr().out


@pytest.mark.slow
def test_the_same_command_writes_the_same_model_and_graph_and_another_replaces_them(out, quick):
    written = []
    for seed in (3, 3, 4):
        assert run(out, *quick, "--seed", seed) == 0
        written.append([(out / name).read_bytes() for name in ("model.json", "graph.svg")])
    first, again, another = written
    assert first == again
    assert all(old != new for old, new in zip(first, another, strict=True))


def test_other_files_in_the_folder_are_left_alone(out, quick):
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    assert run(out, *quick) == 0
    assert names(out) == {"loss.png", "graph.svg", "notes.txt", *OF_A_TABLE}
    assert (out / "notes.txt").read_text() == "mine"


def test_every_choice_reaches_the_model(out, quick, capsys):
    choices = ["--activation", "tanh", "--loss", "hinge", "--optimizer", "sgd", "--lr", "0.25"]
    assert run(out, *quick, *choices, "--hidden", "3", "2") == 0
    assert "loss (hinge)" in capsys.readouterr().out
    model = load(out / "model.json")
    assert (model.sizes, model.activation, model.output) == ([3, 2, 1], "tanh", "linear")


@pytest.mark.slow
def test_the_command_does_what_the_library_does(out):
    arguments = ["--loss", "mse", "--epochs", "3", "--batch", "3", "--seed", "5"]
    assert run(out, *TINY, *arguments) == 0
    X, y = datasets.xor()
    model = MLP(2, [3, 1], seed=5)
    options = {"loss": mse, "optimizer": Adam(0.05), "epochs": 3, "batch_size": 3, "seed": 5}
    fit(model, X, y, **options, progress=False)
    written = load(out / "model.json")
    assert [p.data for p in written.parameters()] == [p.data for p in model.parameters()]
    boundary = plot.decision_boundary(model, X, y, threshold=0.5)  # between labels 0 and 1
    assert (out / "boundary.png").read_bytes() == boundary.render("png")


def test_no_hidden_layer_is_a_choice_too(out, quick):
    assert run(out, *quick, "--hidden") == 0
    assert load(out / "model.json").sizes == [1]


@pytest.mark.parametrize(
    ("loss", "output", "size"),
    [("binary_cross_entropy", "sigmoid", 1), ("nll", "softmax", 2), ("cross_entropy", "linear", 2)],
)
def test_the_output_layer_is_what_the_loss_needs(out, quick, loss, output, size):
    assert run(out, *quick, "--loss", loss) == 0
    model = load(out / "model.json")
    assert (model.output, model.sizes[-1]) == (output, size)


@pytest.mark.slow
@pytest.mark.parametrize(("data", "outputs"), [("circles", 1), ("spirals", 1), ("blobs", 3)])
def test_every_data_set_can_be_named(out, data, outputs, capsys):
    assert run(out, "--data", data, "--epochs", "1", "--hidden") == 0
    assert f"100 examples of {data}" in capsys.readouterr().out
    assert load(out / "model.json").sizes[-1] == outputs
    assert names(out) == {*PICTURES, "model.json"}


# --- Tables ----------------------------------------------------------------------------------


def test_a_table_of_two_classes(tmp_path, out, capsys):
    path = table(tmp_path / "t.csv", "x,y", [-1, 0], [-2, 0], [1, 1], [2, 1])
    assert run(out, "--csv", path, "--hidden", "4", "--epochs", "30") == 0
    assert "all 4 examples are classified right" in capsys.readouterr().out
    assert load(out / "model.json").sizes == [4, 1]


def test_a_table_of_three_classes_gets_three_outputs(tmp_path, out, capsys):
    path = table(tmp_path / "t.csv", "x,y", *[[x, x % 3] for x in range(6)])
    assert run(out, "--csv", path, "--hidden", "2", "--epochs", "1") == 0
    assert "loss (cross_entropy)" in capsys.readouterr().out
    assert load(out / "model.json").sizes == [2, 3]
    assert names(out) == {"loss.png", "graph.svg", *OF_A_TABLE}


def test_a_table_of_numbers_is_regression_with_no_word_about_classes(tmp_path, out, capsys):
    path = table(tmp_path / "t.csv", "x,y", *[[x, 2.5 * x] for x in range(5)])
    assert run(out, "--csv", path, "--hidden", "3", "--epochs", "20") == 0
    shown = capsys.readouterr().out
    assert "column y: numbers from 0 to 10" in shown
    assert "loss (mse)" in shown
    assert re.search(r"the loss fell by \d+\.\d%", shown)
    assert "class" not in shown


def test_a_table_of_three_inputs_has_no_boundary_and_says_so(out, quick, capsys):
    assert run(out, *quick) == 0
    shown = capsys.readouterr().out
    assert "no boundary.png: it needs 2 inputs, and there are 3" in shown
    assert names(out) == {"loss.png", "graph.svg", *OF_A_TABLE}
    assert "boundary.png" not in shown.split("wrote")[1].splitlines()[0]


def test_a_wide_table_has_a_readable_graph_too(tmp_path, out):
    header = ",".join([*[f"x{i}" for i in range(150)], "y"])
    path = table(tmp_path / "t.csv", header, [1] * 150 + [0], [2] * 150 + [1])
    assert run(out, "--csv", path, "--epochs", "1", "--hidden", "1") == 0
    assert count_boxes((out / "graph.svg").read_text()) < 50


def test_columns_named_as_parameters_are_have_a_graph_too(tmp_path, out):
    path = table(tmp_path / "t.csv", '"W1[0,0]",b1[0],y'.replace('"', ""), *[])
    path.write_text('"W1[0,0]",b1[0],y\n1,2,0\n3,5,1\n')
    assert run(out, "--csv", path, "--epochs", "1", "--hidden", "16") == 0
    assert "a1[15]" in (out / "graph.svg").read_text()


LABELS = {  # of two or three classes, as tables have them
    "0 and 1": ["0", "1"],
    "1 and 2": ["1", "2"],
    "-1 and 1": ["-1", "1.0"],
    "0 to 2": ["0", "1", "2"],
    "1 to 3": ["1", "2", "3"],
    "names": ["setosa", "versicolor", "virginica"],
    "names of any kind": ["déjà vu 漢字", "two words", "'quoted'"],
}
LAYOUTS = ["first", "middle", "last"]
SEPARATED = {"commas": ",", "semicolons": ";", "tabs": "\t", "spaces": " "}


@over("layout", LAYOUTS)
@over("header", [True, False])
@pytest.mark.parametrize("separator", SEPARATED)
@pytest.mark.parametrize("labels", LABELS)
def test_a_table_is_understood_in_every_form(tmp_path, labels, separator, header, layout):
    rng, known = random.Random(0), LABELS[labels]
    place = {"first": 0, "middle": 1, "last": 2}[layout]
    X = [[rng.gauss(0, 3), rng.randrange(9)] for _ in range(4 * len(known))]
    y = [k % len(known) for k in range(len(X))]
    rows = [[*map(str, x)] for x in X]
    head = ["width in cm", "2nd"]
    for row, k in zip(rows, y, strict=True):
        row.insert(place, known[k])
    head.insert(place, "the kind")
    path = tmp_path / "t.txt"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter=SEPARATED[separator]).writerows([head] * header + rows)
    found = read_table(path, "the kind" if header else str(place + 1))
    assert found.X == X
    assert found.classes() == sorted({*map(as_written, known)})
    assert [found.classes().index(label) for label in found.y] == [
        found.classes().index(as_written(known[k])) for k in y
    ]
    assert found.inputs == [
        name if header else f"#{j}" for j, name in enumerate(head, 1) if j != place + 1
    ]
    assert found.layout == f"separated by {separator}" + ", without a header" * (not header)


def as_written(label):
    """A label as the number that it is, or as a name."""
    return float(label) if label.strip("-.0123456789") == "" else label


@over("name", [*TARGETS, "Species", " CLASS "])
@over("place", [0, 1, 2])
def test_a_column_with_a_usual_name_is_the_target_wherever_it_stands(tmp_path, name, place):
    header, row = ["a", "b"], [0.5, 1.5]
    header.insert(place, name)
    row.insert(place, 7.25)
    path = table(tmp_path / "t.csv", ",".join(header), row)
    found = read_table(path)
    assert (found.target, found.y, found.X) == (name.strip(), [7.25], [[0.5, 1.5]])


def test_the_target_is_the_last_column_or_the_one_that_is_named_or_numbered(tmp_path, out, capsys):
    path = table(tmp_path / "t.csv", "a,b,c", [1, 2, 3], [4, 5, 6])
    targets = {None: "c", "b": "b", "1": "a", "3": "c"}
    assert {name: read_table(path, name).target for name in targets} == targets
    for name in ("d", "0", "4", "-1", "y", ""):
        naming = rf"no column '{name}' .*'a'"
        refused(capsys, out, "--csv", path, f"--target={name}", naming=naming)
    refused(capsys, out, "--data", "xor", "--target", "b", naming="target: .* no file")


def test_a_column_that_only_numbers_the_rows_is_no_input(tmp_path, capsys, out):
    for name, start, left in (("", 0, True), ("Id", 1, True), ("Id", 2, False), ("a", 0, False)):
        rows = [[start + i, i * i, i % 2] for i in range(6)]
        path = table(tmp_path / "t.csv", f"{name},x,y", *rows)
        found = read_table(path)
        assert (found.inputs[0] == "x") == left == ("left out" in found.layout)
        assert len(found.X[0]) == 2 - left


def test_what_looks_like_labels_and_what_does_not():
    measured = [[0.5, 1], [0, 2], [1, 2, 4], [1, 2, 3], [0, 1, 2], [2, 3, 2, 3], [-2, 2]]
    for y in measured:
        assert Table(["x"], [[0.0]] * len(y), "y", y, "").classes() == []
    many = list(range(MOST_CLASSES))
    assert Table(["x"], [], "y", 2 * many, "").classes() == many
    assert Table(["x"], [], "y", 2 * [*many, MOST_CLASSES], "").classes() == []


@pytest.mark.parametrize(
    ("loss", "y", "classes"),
    [
        ("mse", [0, 1, 0, 1], []),
        ("half_squared_error", [1, 2, 3, 1, 2, 3], []),
        ("cross_entropy", [30, 7, 30, 8], ["7", "8", "30"]),
        ("hinge", [0.5, 2.5, 2.5, 0.5], ["0.5", "2.5"]),
    ],
)
def test_a_loss_that_is_asked_for_decides_what_targets_are(tmp_path, out, loss, y, classes):
    path = table(tmp_path / "t.csv", "x,y", *enumerate(y))
    assert run(out, "--csv", path, "--loss", loss, "--epochs", "1", "--no-plots") == 0
    written = json.loads((out / "columns.json").read_text(encoding="utf-8"))
    assert written == {"inputs": ["x"], "target": "y", "classes": classes}


@pytest.mark.parametrize(
    ("loss", "y", "naming"),
    [
        ("mse", "abab", "t.csv: column y has names, and the loss is for numbers"),
        ("hinge", "abcabc", "hinge tells 2 classes apart, and .*t.csv has 3"),
        (None, "aaaa", "column y is 'a' in every row: there is nothing to learn"),
        ("nll", [5, 5, 5], "column y is 5.0 in every row: there is nothing to learn"),
        ("mse", [5, 5, 5], "column y is 5.0 in every row: there is nothing to learn"),
        (None, [0], "column y is 0.0 in every row: there is nothing to learn"),
        (None, [f"n{i}" for i in range(101)], "column y has 101 different targets, and at most"),
        ("nll", list(range(101)), "101 different targets, .*: --loss mse takes any numbers"),
    ],
)
def test_targets_that_no_loss_can_take_are_an_error_before_training(
    tmp_path, out, capsys, loss, y, naming
):
    path = table(tmp_path / "t.csv", "x,y", *enumerate(y))
    refused(capsys, out, "--csv", path, *(["--loss", loss] if loss else []), naming=naming)


def write_table(path, name):
    """A data set of scikit-learn as a file like those one finds: with names for classes."""
    found = getattr(pytest.importorskip("sklearn.datasets"), f"load_{name}")()
    kinds = [str(kind) for kind in getattr(found, "target_names", [])]
    rows = [
        [*x, kinds[t] if kinds else t]
        for x, t in zip(found.data.tolist(), found.target.tolist(), strict=True)
    ]
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([[*found.feature_names, "kind"], *rows])
    return path, found


@pytest.mark.parametrize("name", ["iris", "wine"])
def test_iris_and_wine_are_learned_with_no_hint_and_the_model_works_on_the_table(
    tmp_path, out, capsys, name
):
    path, found = write_table(tmp_path / f"{name}.csv", name)
    assert run(out, "--csv", path, "--no-plots") == 0
    shown = capsys.readouterr().out
    counts = [f"{kind} ({n})" for kind, n in zip(found.target_names, np.bincount(found.target))]
    assert f"column kind: 3 classes, {', '.join(counts)}" in shown
    right = classified_right(out, found)
    assert right >= 0.98 * len(found.target)
    assert f"{right} examples" in shown or f"{right} of {len(found.target)} examples" in shown
    written = json.loads((out / "columns.json").read_text(encoding="utf-8"))
    assert written == {
        "inputs": list(found.feature_names),
        "target": "kind",
        "classes": [*map(str, found.target_names)],
    }


def classified_right(out, found):
    """How many rows, as they are in the table, the written model tells the class of."""
    model = load(out / "model.json")
    said = [max(range(3), key=[z.data for z in model(x)].__getitem__) for x in found.data.tolist()]
    return sum(found.target == said)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["iris", "wine"])
@pytest.mark.parametrize("seed", range(5))
def test_iris_and_wine_are_told_apart_on_examples_held_out(tmp_path, out, capsys, name, seed):
    path, _ = write_table(tmp_path / f"{name}.csv", name)
    assert run(out, "--csv", path, "--held-out", "0.3", "--seed", seed, "--no-plots") == 0
    (said,) = re.findall("^held out: (.*)$", capsys.readouterr().out, re.MULTILINE)
    (share,) = re.findall(r"\((\d+\.\d)%\)", said) or ["100.0"]
    assert float(share) >= 90


def test_a_model_of_measurements_takes_and_gives_the_numbers_of_the_table(tmp_path, out, capsys):
    rng = random.Random(0)
    rows = [[1e6 + 1e3 * rng.random(), 1e-3 * rng.random()] for _ in range(40)]
    rows = [[a, b, 5e4 + 30 * (a - 1e6) + 1e7 * b] for a, b in rows]
    path = table(tmp_path / "t.csv", "a,b,price", *rows)
    assert run(out, "--csv", path, "--epochs", "200", "--no-plots") == 0
    shown = capsys.readouterr().out
    model, prices = load(out / "model.json"), [row[-1] for row in rows]
    errors = [model(row[:-1]).data - price for *row, price in [[*r[:-1], 0, r[-1]] for r in rows]]
    middle = sum(prices) / len(prices)
    mean_square = sum(error**2 for error in errors) / len(errors)
    assert mean_square < 0.01 * sum((price - middle) ** 2 for price in prices) / len(prices)
    assert f"-> {mean_square:.4g}" in shown


@given(
    st.lists(st.floats(-1e9, 1e9), min_size=2, max_size=9),
    st.lists(st.floats(-1e9, 1e9), min_size=2, max_size=9),
    st.sampled_from([[], [3], [2, 2]]),
    st.sampled_from(["relu", "tanh"]),
)
def test_scales_that_go_into_the_weights_change_no_output(inputs, targets, hidden, activation):
    scales = [ColumnScale.of("x", [v, *inputs]) for v in inputs]
    output = ColumnScale.of("y", targets)
    model = MLP(len(inputs), [*hidden, 1], activation=activation, seed=1)
    raw = for_raw_numbers(model, scales, output)
    scaled = model([scale(v) for scale, v in zip(scales, inputs, strict=True)]).data
    offset = max(abs(scale.mean / scale.deviation) for scale in scales)
    bound = 1e-12 * (1 + offset) * 10 * len(inputs) * output.deviation + 1e-12 * abs(output.mean)
    # Below 2.2e-308 floats are a fixed step apart: a weight there is off by it, times its input.
    bound += 10 * math.ulp(0.0) * (1 + sum(map(abs, inputs)))
    assert abs(raw(inputs).data - (scaled * output.deviation + output.mean)) <= bound


def test_numbers_are_learned_by_an_output_that_is_not_linear(tmp_path, out, capsys):
    rows = [[x, 0.2 + 0.1 * x] for x in range(6)]
    path = table(tmp_path / "t.csv", "x,y", *rows)
    arguments = ["--output", "sigmoid", "--hidden", "--epochs", "300", "--no-plots"]
    assert run(out, "--csv", path, *arguments) == 0
    model = load(out / "model.json")
    assert all(abs(model([x]).data - y) < 0.03 for x, y in rows)
    assert "try:" not in capsys.readouterr().out


def test_a_model_for_raw_numbers_keeps_what_it_was_built_with():
    built = {"activation": "tanh", "output": "sigmoid", "dropout": 0.25}
    raw = for_raw_numbers(MLP(1, [3, 1], **built), [ColumnScale(2.0, 3.0)], ColumnScale())
    assert {name: getattr(raw, name) for name in built} == built


def test_numbers_that_have_no_scale_are_an_error_that_names_the_column(tmp_path, out, capsys):
    path = table(tmp_path / "t.csv", "a,x,y", [1, 5e-324, 0], [2, 0, 1])
    refused(capsys, out, "--csv", path, naming="column x: numbers from 0 to .* one scale")


def test_what_is_held_out_is_not_trained_on_and_is_reported(tmp_path, out, capsys):
    path = table(tmp_path / "t.csv", "x,y", *[[x, int(x > 4)] for x in range(10)])
    arguments = ["--hidden", "2", "--epochs", "1", "--batch", "3", "--held-out", "0.3"]
    assert run(out, "--csv", path, *arguments) == 0
    shown = capsys.readouterr().out
    assert "on 7 examples" in shown
    assert re.search(r"^held out: .* 3 examples are classified right", shown, re.MULTILINE)


def test_a_table_with_nothing_left_to_train_on_is_an_error(tmp_path, out, capsys):
    path = table(tmp_path / "t.csv", "x,y", [1, 0.5], [2, 1.5])
    refused(
        capsys,
        out,
        "--csv",
        path,
        "--held-out",
        "0.9",
        naming="held_out: a share of 0.9 of 2 does not",
    )
    path = table(tmp_path / "t.csv", "x,y", [1, "a"], [2, "b"], [3, "c"], [4, "c"])
    refused(capsys, out, "--csv", path, "--held-out", "0.5", naming="an example of each class")


def test_the_column_y_may_stand_anywhere_and_spreadsheets_may_have_written_it(tmp_path, out):
    path = tmp_path / "t.csv"
    path.write_bytes(b"\xef\xbb\xbf y , x1\r\n0, 1.5\r\n\r\n1,-2e0\r\n")
    assert run(out, "--csv", path, "--hidden", "2", "--epochs", "1") == 0
    assert load(out / "model.json").n_in == 1


@pytest.mark.parametrize(
    ("content", "naming"),
    [
        ("y\n1\n", r"t\.csv needs columns of inputs and one of targets, .* it has one column"),
        ("", r"t\.csv needs columns of inputs .* it has no rows"),
        ("x,y\n", r"t\.csv has no rows below its header"),
        ("x,y\n\n\n", r"t\.csv has no rows below its header"),
        ("x,x,y\n1,2,3\n", r"t\.csv: two columns are named 'x'"),
        ("x,y\n1,0\n2,one\n", r"t\.csv, line 3, column y: 'one' is not a number"),
        ("x,y\n1,a\n2,b\n3,4\n", r"t\.csv, line 4, column y: '4' is a number, and others are"),
        ("x,y\nx,0\n", r"t\.csv, line 2, column x: 'x' is not a number"),
        ("kind,x,y\nred,1,0\n", r"t\.csv, line 2, column kind: 'red' is not a number"),
        ("x,y\n1,0\n,1\n", r"t\.csv, line 3, column x: the number is missing"),
        ("x,y\n1,0\nnan,1\n", r"t\.csv, line 3, column x: the number is missing \('nan'\)"),
        ("x,y\n1,0\n\n\nNA,1\n", r"t\.csv, line 5, column x: the number is missing \('NA'\)"),
        ("x,y\n1,a\n2,\n3,b\n", r"t\.csv, line 3, column y: the target is missing"),
        ("x,y\n1,a\n2,?\n3,b\n", r"t\.csv, line 3, column y: the target is missing \('\?'\)"),
        ("x,y\n1,0\n1,inf\n", r"t\.csv, line 3, column y: 'inf' is not finite"),
        ("x,y\n1,0\n1_0,1\n", r"t\.csv, line 3, column x: '1_0' is not a number"),
        (
            "x;y\n1,5;0\n2,5;1\n",
            r"line 2, column x: '1,5' is .*: decimals are written with a point",
        ),
        ("x,y\n1,0\n1\n", r"t\.csv, line 3: 1 cell where the header names 2"),
        ("x,y\n1,0,5\n", r"t\.csv, line 2: 3 cells where the header names 2"),
        ("1,2,0\n3,4,1\n5,6\n", r"t\.csv, line 3: 2 cells where the first row has 3"),
        ("1,,0\n3,4,1\n5,6,0\n", r"t\.csv, line 1, column #2: the number is missing"),
    ],
)
def test_a_table_that_is_wrong_is_an_error_that_names_line_and_column(
    tmp_path, out, capsys, content, naming
):
    (tmp_path / "t.csv").write_text(content)
    refused(capsys, out, "--csv", tmp_path / "t.csv", naming=naming)


def test_names_of_a_table_are_shown_on_a_terminal_that_lacks_their_letters(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("x,größe\n1,漢\n2,字\n", encoding="utf-8")
    arguments = ["--csv", path, "--epochs", "1", "--no-plots"]
    result = process(*arguments, cwd=tmp_path, env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert result.returncode == 0
    assert r"column gr\xf6\xdfe: 2 classes, \u5b57 (1), \u6f22 (1)" in result.stdout


def test_a_table_that_is_no_text_is_an_error(tmp_path, out, capsys):
    (tmp_path / "t.csv").write_bytes(b"\x89PNG\xff\xfe\x00")
    naming = "t.csv is not a text in UTF-8: .*CSV UTF-8"
    refused(capsys, out, "--csv", tmp_path / "t.csv", naming=naming)


def test_a_table_that_is_not_there_is_an_error_that_names_it(tmp_path, out, capsys):
    refused(capsys, out, "--csv", tmp_path / "no.csv", naming=r"error: .*/no\.csv: No such file")
    refused(capsys, out, "--csv", tmp_path, naming=rf"error: .*{tmp_path.name}: Is a directory")


# --- What fails, and what stands all the same ------------------------------------------------


@pytest.fixture
def slim(monkeypatch, tmp_path):
    """A system without any Graphviz that works."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(renderers, "RENDERERS", dict.fromkeys(renderers.RENDERERS, unusable))


def unusable(source, format):
    raise ImportError("libX11.so.6: cannot open shared object file")


FAILURES = [
    MemoryError("no room"),
    RecursionError("too deep"),
    KeyError("x"),
    ValueError("two\nlines"),
    OSError(28, "No space left on device"),
]


SOME = [part for n in (1, 2) for part in itertools.combinations(WAYS, n)]


@pytest.mark.parametrize(
    ("broken", "failure"),
    [*[(tuple(WAYS), failure) for failure in FAILURES], *[(part, FAILURES[0]) for part in SOME]],
    ids=lambda part: " ".join(part) if isinstance(part, tuple) else type(part).__name__,
)
def test_a_picture_that_fails_is_said_and_all_the_rest_is_written(
    out, capsys, monkeypatch, broken, failure
):
    def fail(*_, **__):
        raise failure

    for name in broken:
        monkeypatch.setattr(WAYS[name], fail)
    assert run(out, *TINY) == 1
    shown = capsys.readouterr()
    errors = [line for line in shown.err.splitlines() if line.startswith("error: ")]
    assert [line.split(":")[1] for line in errors] == [f" no {name}" for name in broken]
    assert all(str(failure.args[-1]).split()[-1] in line for line in errors)
    assert names(out) == {*PICTURES, "model.json"} - {*broken}
    assert load(out / "model.json").sizes == [3, 1]
    wrote = shown.out.splitlines()[-1]
    assert [name for name in PICTURES if name in wrote] == [n for n in PICTURES if n in names(out)]


def test_without_graphviz_the_graph_is_written_as_text_and_in_dot(out, capsys, slim):
    assert run(out, *TINY) == 1
    (error,) = [line for line in capsys.readouterr().err.splitlines() if "error: " in line]
    for said in ("no graph.svg", "dot: libX11", "pygraphviz: libX11", "pip install graphviz-pure"):
        assert said in error
    assert names(out) == {*PICTURES, "model.json", "graph.txt", "graph.dot"} - {"graph.svg"}
    assert (out / "graph.dot").read_text().startswith("digraph")
    assert "a1[0] = relu(z1[0])" in (out / "graph.txt").read_text(encoding="utf-8")


def test_without_matplotlib_the_graph_and_the_model_are_written(out, capsys, monkeypatch, drawn):
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert run(out, *TINY) == 1
    errors = [line for line in capsys.readouterr().err.splitlines() if "error: " in line]
    assert [re.search("no (.*?):", line)[1] for line in errors] == ["boundary.png", "loss.png"]
    assert all("pip install" in line and "matplotlib" in line for line in errors)
    assert names(out) == {"model.json", "graph.svg"}


def test_a_picture_of_an_earlier_run_is_called_that(out, capsys, slim):
    out.mkdir()
    (out / "graph.svg").write_text("old")
    assert run(out, *TINY) == 1
    assert "no graph.svg (the one that is there is older): " in capsys.readouterr().err
    assert (out / "graph.svg").read_text() == "old"


def test_without_plots_neither_matplotlib_nor_graphviz_is_asked_for(out, capsys, monkeypatch, slim):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert run(out, *TINY, "--no-plots") == 0
    shown = capsys.readouterr()
    assert "error" not in shown.err
    assert names(out) == {"model.json"}
    assert shown.out.splitlines()[-1] == f"wrote {out / 'model.json'}"


def test_a_plane_too_large_to_draw_leaves_the_model(tmp_path, out, capsys, drawn):
    path = table(tmp_path / "t.csv", "x1,x2,y", [1e308, 0, 0], [-1e308, 1, 1])
    assert run(out, "--csv", path, "--epochs", "1", "--hidden") == 1
    assert "error: no boundary.png: " in capsys.readouterr().err
    assert names(out) == {"loss.png", "graph.svg", *OF_A_TABLE}


def test_a_result_on_what_is_held_out_that_is_not_defined_is_said(tmp_path, out, capsys):
    path = table(tmp_path / "t.csv", "x,y", [0, 0.5], [1, 0.25], [2, 0.75], [3, 1e300])
    arguments = ["--csv", path, "--held-out", "0.25", "--no-plots", "--epochs", "1"]
    seed = next(seed for seed in range(99) if random.Random(seed).sample(range(4), 4)[0] == 3)
    assert run(out, *arguments, "--seed", seed) == 1
    shown = capsys.readouterr()
    assert "error: no result on what is held out: cannot compute" in shown.err
    assert "wrote" in shown.out
    assert names(out) == OF_A_TABLE


def test_an_interrupt_says_that_nothing_was_written(out, capsys, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    row = datasets.DataSet("xor", interrupt, "XOR")
    monkeypatch.setitem(datasets.DATASETS, "xor", row)
    assert run(out, *TINY) == 130
    assert "interrupted: nothing was written" in capsys.readouterr().err
    assert names(out) == set()


def test_an_interrupt_of_the_training_writes_what_it_has_come_to(
    out, capsys, monkeypatch, tmp_path
):
    def interrupted(loop, size):
        if len(seen) == 3:
            raise KeyboardInterrupt
        seen.append(size)
        return take_step(loop, size)

    seen, take_step, drawn = [], Loop.take_step, []
    monkeypatch.setattr("nn.__main__.draw_all", lambda *given: drawn.append(given[-1].epochs))
    training = ["--data", "moons", "--hidden", "3", "--batch", "50"]  # of two steps an epoch
    with monkeypatch.context() as patch:
        patch.setattr(Loop, "take_step", interrupted)
        assert run(out, *training, "--epochs", "9") == 130
    shown = capsys.readouterr()
    assert "interrupted in epoch 2 of 9: what it has come to is written" in shown.err
    assert "model.json" in shown.out
    assert drawn == [1]
    model = load(out / "model.json")
    assert model.recipe is None
    one, two = [tmp_path / str(k) for k in (1, 2)]
    for path, k in ((one, 1), (two, 2)):
        assert run(path, *training, "--epochs", k, "--no-plots") == 0
    numbers = [[p.data for p in load(path / "model.json").parameters()] for path in (one, two)]
    assert [p.data for p in model.parameters()] not in numbers  # it is a step after one epoch


def test_an_interrupt_leaves_the_best_epoch_where_that_is_asked_for(out, monkeypatch):
    def interrupted(loop, examples):
        seen.append(measure(loop, examples))
        if len(seen) == 6:
            raise KeyboardInterrupt
        return seen[-1]

    seen, measure = [], Loop.measure
    monkeypatch.setattr(Loop, "measure", interrupted)
    given = ["--lr", "2", "--held-out", "0.3", "--keep-best", "--no-plots"]
    assert run(out, *given) == 130
    _, test = hold_out(examples_for(Recipe()), 0.3, 0)
    loss, _ = evaluate(load(out / "model.json"), test.X, test.y, loss=suited_to(2))
    best, *_, last = sorted(loss for loss, _ in seen[:5])
    assert loss == pytest.approx(best, rel=1e-12)
    assert best < last


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_what_is_raised_in_a_training_has_the_record_so_far(error):
    def stop(history):
        if history.epochs == 2:
            raise error

    X, y = datasets.xor()
    options = {"loss": "mse", "optimizer": "sgd", "epochs": 5, "progress": False}
    with pytest.raises(error) as stopped:
        fit(MLP(2, [1], seed=0), X, y, **options, callbacks=[stop])
    assert stopped.value.history.loss == fit(MLP(2, [1], seed=0), X, y, **options).loss[:2]


@pytest.mark.parametrize(
    ("where", "written"),
    [
        ("nn.plot.decision_boundary", ["model.json"]),
        ("nn.plot.loss", ["model.json", "boundary.png"]),
        ("nn.command.folder.one_prediction", ["model.json", "boundary.png", "loss.png"]),
    ],
)
def test_an_interrupt_among_the_pictures_says_what_was_written(
    out, capsys, monkeypatch, where, written
):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(where, interrupt)
    assert run(out, *TINY) == 130
    assert f"interrupted: only {', '.join(written)} was written" in capsys.readouterr().err
    assert names(out) == set(written)


BARE = """
import pathlib, subprocess, sys
from nn.__main__ import main
for library in ("libX11", "libgobject"):
    maps = pathlib.Path("/proc/self/maps")
    assert not maps.exists() or library not in maps.read_text()
code = main(["--data", "xor", "--hidden", "3", "--epochs", "1"])
assert "pygraphviz" not in sys.modules
sys.exit(code)
"""


@pytest.mark.slow
def test_all_files_are_written_with_an_empty_path_and_without_what_pygraphviz_loads(tmp_path):
    command, environment = [sys.executable, "-c", BARE], {**os.environ, "PATH": ""}
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True)
    assert names(tmp_path / "out") == {*PICTURES, "model.json"}


# --- Bad input -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "naming"),
    [
        (["--data", "iris"], "data: expected one of moons.*iris"),
        (["--activation", "tahn"], "activation: .*tanh.*tahn"),
        (["--loss", "mae"], "loss: .*mse.*mae"),
        (["--optimizer", "sdg"], "optimizer: .*sgd.*sdg"),
        (["--epochs", "0"], "epochs: expected a whole number from 1 .*, got 0"),
        (["--epochs", "-5"], "epochs: expected a whole number from 1 .*, got -5"),
        (["--epochs", "many"], "many"),
        (["--epochs", "1.5"], "1.5"),
        (["--lr", "0"], "lr: expected a number .*, got 0"),
        (["--lr", "-0.1"], "lr: expected a number .*, got -0.1"),
        (["--lr", "nan"], "lr: expected a number .*, got nan"),
        (["--lr", "fast"], "fast"),
        (["--hidden", "0"], "hidden: a layer has 1 to .* neurons, got 0"),
        (["--hidden", "4", "-1"], "hidden: a layer has 1 to .* neurons, got -1"),
        (["--hidden", "four"], "four"),
        (["--seed", "x"], "'x'"),
        (["--colour", "red"], "--colour"),
        (["--data", "xor", "--csv", "t.csv"], "--csv"),
        (["--data", "blobs", "--loss", "hinge"], "hinge tells 2 .* blobs has 3"),
        (["--data", "blobs", "--loss", "binary_cross_entropy"], "tells 2 classes apart, .* 3"),
        (["--held-out", "1"], "held_out: expected a share .* got 1"),
        (["--held-out", "-0.5"], "held_out: expected a share .* got -0.5"),
        (["--held-out", "nan"], "held_out: expected a share .* got nan"),
        (["--settings", "beta1"], "settings: expected a number for 'beta1', got ''"),
        (["--settings", "beta1=much"], "expected a number for 'beta1', got 'much'"),
        (["--keep-best"], "keep_best: .* held_out is 0"),
        (["--batch", "0"], "batch: expected a whole number from 1 .*, got 0"),
    ],
)
def test_an_argument_that_makes_no_sense_is_an_error_that_names_it(out, capsys, arguments, naming):
    refused(capsys, out, *arguments, naming=naming)


@pytest.mark.parametrize("path", ["taken", "taken/below"])
def test_a_file_where_the_folder_should_be_is_an_error_and_stays(tmp_path, capsys, path):
    (tmp_path / "taken").write_text("mine")
    assert run(tmp_path / path, *TINY) == 1
    assert re.search(r"^error: .*taken", capsys.readouterr().err, re.MULTILINE)
    assert (tmp_path / "taken").read_text() == "mine"
    assert names(tmp_path) == {"taken"}


@pytest.mark.parametrize("loss", ["hinge", "mse", "binary_cross_entropy_with_logits"])
def test_a_training_that_diverges_is_an_error_that_writes_nothing(out, capsys, loss):
    arguments = ["--optimizer", "sgd", "--lr", "1e200", "--hidden", "3", "--loss", loss]
    refused(capsys, out, *arguments, naming=r"epoch \d+: .*(dot|\*\*2|W\d)")


def test_a_training_that_diverges_in_its_last_step_is_an_error_that_writes_nothing(out, capsys):
    arguments = ["--optimizer", "sgd", "--lr", "1e308", "--hidden", "3", "--epochs", "1"]
    refused(capsys, out, *arguments, naming="nan|inf|finite")


def test_a_process_with_a_bad_table_exits_with_1_and_one_line(tmp_path):
    table(tmp_path / "t.csv", "x,y", ["zero", 1])
    result = process("--csv", "t.csv", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == "error: t.csv, line 2, column x: 'zero' is not a number\n"
    assert names(tmp_path) == {"t.csv"}


@pytest.mark.skipif(os.name == "nt", reason="pipes close otherwise there")
def test_a_reader_that_goes_away_costs_no_file(tmp_path):
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "nn", *TINY, "--no-plots"]
    done = subprocess.run(command, cwd=tmp_path, stdout=writer, stderr=writer, check=False)
    os.close(writer)
    assert done.returncode == 0
    assert names(tmp_path / "out") == {"model.json"}


def test_help_tells_every_option():
    result = process("--help")
    assert result.returncode == 0
    for option in (
        "data",
        "csv",
        "target",
        "no-plots",
        "hidden",
        "activation",
        "loss",
        "optimizer",
        "lr",
        "epochs",
    ):
        assert f"--{option}" in result.stdout


@pytest.mark.slow
def test_handwritten_digits_are_told_apart_on_examples_held_out(out, capsys):
    pytest.importorskip("sklearn")
    assert main(["--data", "digits", "--out", str(out)]) == 0
    (right,) = re.findall(r"^held out: .*\((\d+\.\d)%\)$", capsys.readouterr().out, re.MULTILINE)
    assert float(right) >= 95
