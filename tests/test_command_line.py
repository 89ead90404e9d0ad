import csv
import re
import subprocess
import sys
from contextlib import redirect_stdout
from io import StringIO

import pytest

from nn import MLP, Adam, datasets, evaluate, fit, load, plot
from nn.__main__ import main
from nn.losses import binary_cross_entropy_with_logits, mse

PICTURES = {"boundary.png": b"\x89PNG", "loss.png": b"\x89PNG", "graph.svg": b"<?xml"}
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


def test_the_graph_is_that_of_one_prediction_readable_with_its_gradients(tiny):
    _, out = tiny
    graph = (out / "graph.svg").read_text()
    for text in ("x0", "x1", "W1[0,0]", "b2[0]", "a1[1]", "z2[0]", "loss", "dot", "softplus"):
        assert text in graph
    assert "grad " in graph
    assert "grad –" not in graph
    assert graph.count('class="node"') < 50


def test_what_did_not_fit_is_said(tiny):
    printed, out = tiny
    model = load(out / "model.json")
    right = sum((model(x).data > 0) == label for x, label in zip(*datasets.xor(), strict=True))
    assert right < 4
    assert f"only {right} of 4 examples are classified right ({right / 4:.1%})" in printed
    assert "not fit" in printed
    assert "all 4" not in printed
    assert names(out) == {*PICTURES, "model.json"}


def test_a_loss_that_did_not_fall_is_said(tmp_path, out, capsys):
    path = table(tmp_path / "t.csv", "x,y", [1, 0.5], [2, 7.5], [3, 1.5])
    arguments = ["--csv", path, "--hidden", "2", "--epochs", "1", "--optimizer", "sgd", "--lr", "9"]
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
    assert names(out) == {"loss.png", "graph.svg", "model.json", "notes.txt"}
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
    path = table(tmp_path / "t.csv", "x,y", [0, 0], [1, 1], [2, 2])
    assert run(out, "--csv", path, "--hidden", "2", "--epochs", "1") == 0
    assert "loss (cross_entropy)" in capsys.readouterr().out
    assert load(out / "model.json").sizes == [2, 3]
    assert names(out) == {"loss.png", "graph.svg", "model.json"}


def test_a_table_of_numbers_is_regression_with_no_word_about_classes(tmp_path, out, capsys):
    path = table(tmp_path / "t.csv", "x,y", *[[x, 2.5 * x] for x in range(5)])
    assert run(out, "--csv", path, "--hidden", "3", "--epochs", "20") == 0
    shown = capsys.readouterr().out
    assert "loss (mse)" in shown
    assert re.search(r"the loss fell by \d+\.\d%", shown)
    assert "classified" not in shown


def test_a_table_of_three_inputs_has_no_boundary_and_says_so(out, quick, capsys):
    assert run(out, *quick) == 0
    shown = capsys.readouterr().out
    assert "no boundary.png: it needs 2 inputs, and there are 3" in shown
    assert names(out) == {*PICTURES, "model.json"} - {"boundary.png"}
    assert "boundary.png" not in shown.split("wrote")[1].splitlines()[0]


def test_a_wide_table_has_a_readable_graph_too(tmp_path, out):
    header = ",".join([*[f"x{i}" for i in range(150)], "y"])
    path = table(tmp_path / "t.csv", header, [1] * 150 + [0], [2] * 150 + [1])
    assert run(out, "--csv", path, "--epochs", "1", "--hidden", "1") == 0
    assert (out / "graph.svg").read_text().count('class="node"') < 50


def test_what_is_held_out_is_not_trained_on_and_is_reported(tmp_path, out, capsys):
    path = table(tmp_path / "t.csv", "x,y", *[[x, int(x > 4)] for x in range(10)])
    arguments = ["--hidden", "2", "--epochs", "1", "--batch", "3", "--held-out", "0.3"]
    assert run(out, "--csv", path, *arguments) == 0
    shown = capsys.readouterr().out
    assert "on 7 examples" in shown
    assert re.search(r"^held out: .* 3 examples are classified right", shown, re.MULTILINE)


def test_a_table_with_nothing_left_to_train_on_is_an_error(tmp_path, out, capsys):
    path = table(tmp_path / "t.csv", "x,y", [1, 0])
    refused(capsys, out, "--csv", path, "--held-out", "0.9", naming="held|train on")


def test_the_column_y_may_stand_anywhere_and_spreadsheets_may_have_written_it(tmp_path, out):
    path = tmp_path / "t.csv"
    path.write_bytes(b"\xef\xbb\xbf y , x1\r\n0, 1.5\r\n\r\n1,-2e0\r\n")
    assert run(out, "--csv", path, "--hidden", "2", "--epochs", "1") == 0
    assert load(out / "model.json").n_in == 1


@pytest.mark.parametrize(
    ("content", "naming"),
    [
        ("x1,x2\n1,2\n", r"t\.csv .*inputs and one named y; it has \['x1', 'x2'\]"),
        ("y\n1\n", r"t\.csv .*inputs and one named y; it has \['y'\]"),
        ("", r"t\.csv .*it has \[\]"),
        ("x,y\n", r"t\.csv has no rows"),
        ("x,y\n\n\n", r"t\.csv has no rows"),
        ("x,y\n1,0\n2,one\n", r"t\.csv, row 3, column y: 'one' is not a number"),
        ("x,y\nx,0\n", r"t\.csv, row 2, column x: 'x' is not a number"),
        ("x,y\n1,0\n,1\n", r"t\.csv, row 3, column x: '' is not a number"),
        ("x,y\n1,0\nnan,1\n", r"t\.csv, row 3, column x: 'nan' is not finite"),
        ("x,y\n1,0\n1,inf\n", r"t\.csv, row 3, column y: 'inf' is not finite"),
        ("x,y\n1,0\n1\n", r"t\.csv, row 3: 1 cells where the header names 2"),
        ("x,y\n1,0,5\n", r"t\.csv, row 2: 3 cells where the header names 2"),
    ],
)
def test_a_table_that_is_wrong_is_an_error_that_names_the_row(
    tmp_path, out, capsys, content, naming
):
    (tmp_path / "t.csv").write_text(content)
    refused(capsys, out, "--csv", tmp_path / "t.csv", naming=naming)


def test_a_plane_too_large_to_draw_is_an_error_that_writes_nothing(tmp_path, out, capsys):
    path = table(tmp_path / "t.csv", "x1,x2,y", [1e308, 0, 0], [-1e308, 1, 1])
    refused(capsys, out, "--csv", path, "--epochs", "1", "--hidden", naming="finite")


def test_a_table_that_is_no_text_is_an_error(tmp_path, out, capsys):
    (tmp_path / "t.csv").write_bytes(b"\x89PNG\xff\xfe\x00")
    refused(capsys, out, "--csv", tmp_path / "t.csv", naming="t.csv is not a text")


def test_a_table_that_is_not_there_is_an_error_that_names_it(tmp_path, out, capsys):
    refused(capsys, out, "--csv", tmp_path / "no.csv", naming=r"no\.csv")
    refused(capsys, out, "--csv", tmp_path, naming=tmp_path.name)


# --- Bad input -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "naming"),
    [
        (["--data", "iris"], "iris.*moons"),
        (["--activation", "tahn"], "tahn.*tanh"),
        (["--loss", "mae"], "mae.*mse"),
        (["--optimizer", "sdg"], "sdg.*sgd"),
        (["--epochs", "0"], "--epochs must be at least 1, got 0"),
        (["--epochs", "-5"], "--epochs must be at least 1, got -5"),
        (["--epochs", "many"], "many"),
        (["--epochs", "1.5"], "1.5"),
        (["--lr", "0"], "learning rate must be a positive number, got 0"),
        (["--lr", "-0.1"], "learning rate must be a positive number, got -0.1"),
        (["--lr", "nan"], "learning rate must be a positive number, got nan"),
        (["--lr", "fast"], "fast"),
        (["--hidden", "0"], "at least 1, got 0"),
        (["--hidden", "4", "-1"], "at least 1, got -1"),
        (["--hidden", "four"], "four"),
        (["--seed", "x"], "'x'"),
        (["--colour", "red"], "--colour"),
        (["--data", "xor", "--csv", "t.csv"], "--csv"),
        (["--data", "blobs", "--loss", "hinge"], r"y\[2\]: hinge: .* got 2"),
        (["--data", "blobs", "--loss", "binary_cross_entropy"], r"y\[2\]: .* got 2"),
        (["--held-out", "1"], "--held-out must be .* got 1"),
        (["--held-out", "-0.5"], "--held-out must be .* got -0.5"),
        (["--held-out", "nan"], "--held-out must be .* got nan"),
        (["--batch", "0"], "must be a whole number of at least 1, got 0"),
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


@pytest.mark.parametrize(
    ("module", "naming"),
    [("matplotlib", "matplotlib: pip install"), ("pygraphviz", "Graphviz")],
)
def test_a_missing_library_is_said_before_any_training(out, capsys, monkeypatch, module, naming):
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setenv("PATH", "")  # no `dot` either
    refused(capsys, out, *TINY, naming=naming)
    assert capsys.readouterr().out == ""


def test_an_interrupt_says_that_nothing_was_written(out, capsys, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(datasets, "xor", interrupt)
    assert run(out, *TINY) == 130
    assert "interrupted: nothing was written" in capsys.readouterr().err
    assert names(out) == set()


def test_a_process_with_a_bad_table_exits_with_1_and_one_line(tmp_path):
    table(tmp_path / "t.csv", "x,y", [1, "zero"])
    result = process("--csv", "t.csv", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == "error: t.csv, row 2, column y: 'zero' is not a number\n"
    assert names(tmp_path) == {"t.csv"}


def test_help_tells_every_option():
    result = process("--help")
    assert result.returncode == 0
    for option in ("data", "csv", "hidden", "activation", "loss", "optimizer", "lr", "epochs"):
        assert f"--{option}" in result.stdout


@pytest.mark.slow
def test_handwritten_digits_are_told_apart_on_examples_held_out(out, capsys):
    pytest.importorskip("sklearn")
    assert main(["--data", "digits", "--out", str(out)]) == 0
    (right,) = re.findall(r"^held out: .*\((\d+\.\d)%\)$", capsys.readouterr().out, re.MULTILINE)
    assert float(right) >= 95
