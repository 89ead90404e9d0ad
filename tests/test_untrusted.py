"""Files from anywhere are read, or refused with the documented error, in bounded memory."""

import ast
import csv
import inspect
import json
import math
import tracemalloc
from contextlib import contextmanager, suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import nn.command.data
import nn.command.folder
import nn.command.options
import nn.saving
import nn.tables
import nn.train.recipe
from nn import ACTIVATIONS, LOSSES, DivergedError, ModelFileError, load, save
from nn.__main__ import main
from nn.model.init import INITS
from nn.optim import OPTIMIZERS
from nn.playground.protocol import Desk
from nn.playground.session import Session
from nn.playground.state import State, data_sets
from nn.tables import MOST_CLASSES, read_table
from nn.train.settings import RecipeError
from tests.rows import over


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("files")


def layers(few, many):
    """So many examples in the quick layer, and so many in the long one."""
    long = pytest.param(many, marks=pytest.mark.slow, id="many")
    return pytest.mark.parametrize("examples", [pytest.param(few, id="few"), long])


def fuzzed(examples, **strategies):
    """A decorator that runs a check on so many examples."""
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
    limits = settings(max_examples=examples, suppress_health_check=checks)
    return lambda check: limits(given(**strategies)(check))()


@contextmanager
def memory_of(size, times):
    """Memory stays within so many times the size of what is read, and half a megabyte."""
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 500_000 + times * size


def assert_readable(error, about=""):
    """A message that names the file, fits a screen and does nothing to a terminal."""
    beginning, message = str(error)[: len(str(about))], str(error)[len(str(about)) :]
    assert beginning == str(about)
    assert 0 < len(message) < 600
    assert message.isprintable()


# --- Nothing is executed ----------------------------------------------------------------------

READERS = [
    nn.saving,
    nn.train.recipe,
    nn.tables,
    nn.command.folder,
]
CALLERS = [nn.command.data, nn.command.options]  # of those
EXECUTES = {
    *("eval", "exec", "compile", "__import__", "import_module", "globals", "locals", "vars"),
    *("pickle", "marshal", "shelve", "ctypes", "subprocess", "system", "popen", "runpy", "yaml"),
}


def names(module):
    """Every name in the source of a module: variables, attributes, imports."""
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        match node:
            case ast.Name(name) | ast.Attribute(attr=name):
                yield name
            case ast.alias(name) | ast.ImportFrom(module=str(name)):
                yield from name.split(".")


@pytest.mark.parametrize("reader", [*READERS, *CALLERS], ids=lambda module: module.__name__)
def test_what_reads_files_names_nothing_that_could_execute_them(reader):
    assert reader in CALLERS or {"json", "csv"} & set(names(reader))
    assert not EXECUTES & set(names(reader))


# --- Content out of order ---------------------------------------------------------------------

tokens = st.sampled_from(  # as they stand in a JSON text
    [
        *("1" * 5000, "-" + "9" * 4000, "1" * 5000 + ".5", "1e999", "-1e999", "NaN", "-Infinity"),
        *("1e9", "1000000000", "1000000000000000000", "-1", "0", "-0.0", "1.0", "1e-400", "1e308"),
        *("[" * 5000, "[" * 300 + "]" * 300, '{"":' * 300 + "1" + "}" * 300, "01", ".5", "+1"),
        *('"\\ud800"', '"\\u0000"', '"\\u001b[2J"', '"' + "a" * 9999 + '"', '"\x00"', "'x'"),
        *("true", "null", '""', "{}", "[]", "[" + "[]," * 3000 + "[]]", "__import__('os')"),
        *("\"__import__('os')\"", '{"__class__": "os.system"}', "cos\nsystem\n(S'ls'\ntR."),
    ]
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
encodings = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp037"])
pieces = st.sampled_from([b"", b"\x00", b"\xff", b"]", b'"', b",", b"\n", b"\r", b"9" * 5000])


def places(content):
    """Every list and object in a content, with every index or key in it."""
    found, todo = [], [content]
    for part in todo:
        items = list(part.items() if isinstance(part, dict) else enumerate(part))
        found += [(part, key) for key, _ in items]
        todo += [item for _, item in items if isinstance(item, (dict, list))]
    return found


@st.composite
def disturbed(draw, content):
    """The JSON text of a content in which one thing, or two, are not as they were."""
    content, marks = json.loads(json.dumps(content)), {}
    for _ in range(draw(st.integers(0, 2))):
        part, key = draw(st.sampled_from(places(content) or [([0], 0)]))
        how = draw(
            st.sampled_from(["token", "token", "anything", "drop", "rename", "repeat", "nest"])
        )
        if how == "token":
            mark = f"token {len(marks)}"
            part[key], marks[json.dumps(mark)] = mark, draw(tokens)
        elif how == "anything":
            part[key] = draw(anything)
        elif how == "drop":
            del part[key]
        elif how == "nest":
            part[key] = [part[key]]
        elif isinstance(part, list):
            part.insert(key, part[key])
        elif how == "rename":
            part[draw(st.text(max_size=3))] = part.pop(key)
        else:
            part[f"{key} again"] = part[key]
    text = json.dumps(content).replace(' again":', '":')  # a key that stands there twice
    for mark, token in marks.items():
        text = text.replace(mark, token)
    return text


@st.composite
def damaged(draw, texts):
    """A text as bytes, some of them not as they were."""
    raw = draw(texts).encode(draw(encodings), "replace")
    for _ in range(draw(st.integers(0, 2))):
        i = draw(st.integers(0, len(raw)))
        raw = raw[:i] + draw(pieces) + raw[i + draw(st.integers(0, 3)) :]
    return raw[: draw(st.integers(0, len(raw)))] if draw(st.booleans()) else raw


def as_files(texts):
    """As bytes, mostly whole."""
    return texts.map(lambda text: text.encode("utf-8", "replace")) | damaged(texts) | st.binary()


# --- Models -----------------------------------------------------------------------------------

MODEL = {
    "format": "autograd-core model 2",
    "model": "MLP",
    "arguments": {"n_in": 2, "sizes": [2, 1], "activation": "tanh", "output": "linear"},
    "parameters": {
        "layers": [
            {"W": [[0.5, -1.5], [2.0, 3]], "b": [0.0, 1.0]},
            {"W": [[1.0, 2.0]], "b": [3.0]},
        ]
    },
}
MODEL_TIMES = 300  # a weight takes two characters in a file, and as a Value with a label 200 bytes


@layers(150, 6000)
def test_a_model_file_is_read_and_comes_back_or_is_refused(folder, examples):
    @fuzzed(examples, raw=as_files(disturbed(MODEL)))
    def check(raw):
        path, again = folder / "model.json", folder / "again.json"
        path.write_bytes(raw)
        with memory_of(len(raw), MODEL_TIMES):
            try:
                model = load(path)
            except ModelFileError as error:
                assert_readable(error, about=path)
                return
        save(model, again)
        same = load(again)
        assert repr(same) == repr(model)
        for p, q in zip(model.parameters(), same.parameters(), strict=True):
            assert (p.label, p.data.hex()) == (q.label, q.data.hex())
            assert math.isfinite(p.data)


def test_the_model_that_is_disturbed_is_one(folder):
    (folder / "m.json").write_text(json.dumps(MODEL))
    assert load(folder / "m.json").sizes == [2, 1]


MANY = 2000
DENSE = {  # much in few bytes: inputs, sizes, layers
    "weights": (MANY, [1], [{"W": [[0] * MANY], "b": [0]}]),
    "neurons": (1, [MANY], [{"W": [[0]] * MANY, "b": [0] * MANY}]),
    "layers": (1, [1] * MANY, [{"W": [[0]], "b": [0]}] * MANY),
    "text for weights": (MANY, [1], [{"W": ["0" * MANY], "b": [0]}]),
    "text for neurons": (1, [MANY], [{"W": "0" * MANY, "b": "0" * MANY}]),
    "text for sizes": (1, "\ud800" * MANY, []),
    "a list for a weight": (1, [1], [{"W": [[[0] * MANY]], "b": [0]}]),
    "a list for the inputs": ([0] * MANY, [1], [{"W": [[0]], "b": [0]}]),
}


@pytest.mark.parametrize(("n_in", "sizes", "layers"), DENSE.values(), ids=DENSE)
def test_a_model_takes_memory_in_proportion_to_its_file(folder, n_in, sizes, layers):
    arguments = MODEL["arguments"] | {"n_in": n_in, "sizes": sizes}
    content = MODEL | {"arguments": arguments, "parameters": {"layers": layers}}
    raw = json.dumps(content, separators=(",", ":")).encode()
    (folder / "dense.json").write_bytes(raw)
    with memory_of(len(raw), MODEL_TIMES):
        try:
            load(folder / "dense.json")
        except ModelFileError as error:
            assert_readable(error)


# --- Tables -----------------------------------------------------------------------------------

TABLE_TIMES = 120  # an empty row is one character in a file, and as a list 56 bytes and more
cells = (
    st.floats().map(repr)
    | st.integers(-2, 3).map(str)
    | st.sampled_from(
        [
            *("", " 1 ", "1e999", "1" * 5000, "0x10", "1,5", "1;5", "=1+1", "__import__('os')"),
            *(
                '"',
                '""',
                '"1"',
                '"1',
                '1"1',
                '"1\n1"',
                "\x00",
                "\x1b[2J",
                "\u2028",
                "\x85",
                "\ufeff",
            ),
            "a" * 1000,
            "a" * 140_000,  # more than the csv module takes in a cell
        ]
    )
)
headers = st.sampled_from(
    ["x,y", "y,x", "x1,x2,y", "x,x", "x", "y", "", "\x1b[2J,y", "a" * 9999, "1,2", ",x,y", "id,x,y"]
)


@st.composite
def tables(draw):
    """The text of a table, good or bad."""
    header, wild = draw(headers), draw(st.booleans())
    numbers = st.floats(allow_nan=False, allow_infinity=False).map(repr)
    row = st.lists(cells, max_size=4)
    if not wild:
        width = header.count(",") + 1
        row = st.lists(numbers, min_size=width, max_size=width)
        label = draw(st.sampled_from([numbers, st.sampled_from(["setosa", "b c", "é"])]))
        row = st.builds(lambda line, last: [*line[:-1], last], row, label)
    end, separator = draw(st.sampled_from(["\n", "\r\n", "\r"])), draw(st.sampled_from(",;\t "))
    lines = [",".join(line) for line in draw(st.lists(row, max_size=4))]
    return end.join([header, *lines]).replace(",", separator)


@layers(150, 6000)
def test_a_table_is_read_and_comes_back_or_is_refused(folder, examples):
    @fuzzed(examples, raw=as_files(tables()))
    def check(raw):
        path, again = folder / "table.csv", folder / "again.csv"
        path.write_bytes(raw)
        with memory_of(len(raw), TABLE_TIMES):
            try:
                found = read_table(path)
            except ValueError as error:
                assert_readable(error, about=path)
                return
        assert all(math.isfinite(number) for x in found.X for number in x)
        assert all(type(t) is type(found.y[0]) for t in found.y)
        with again.open("w", newline="", encoding="utf-8") as file:
            rows = [[*map(repr, x), t] for x, t in zip(found.X, found.y, strict=True)]
            names = [f"input {j}" for j in range(len(found.inputs))]
            csv.writer(file).writerows([[*names, "y"], *rows])
        same = read_table(again)
        assert (same.X, same.y) == (found.X, found.y)


def test_the_separator_makes_rows_of_one_length(tmp_path):
    """Though there are more numbers in a class's name than between commas."""
    path = tmp_path / "table.csv"
    path.write_text("input 0,y\n0.5,1 0.0 0.0\n", "utf-8")
    table = read_table(path)
    assert (table.X, table.y) == ([[0.5]], ["1 0.0 0.0"])


WIDE = 30_000


@pytest.mark.parametrize(
    "text",
    [
        "x,y\n" + "0,0\n" * (WIDE // 4),
        "x,y\n" + "\n" * WIDE,
        "x,y\n" + ",\n" * (WIDE // 2),
        "," * WIDE,
        "\U0001f600" + "\n" * WIDE,
        "x,y\n" + "a" * 140_000,
        "a" * WIDE + ",y\n1,\n",
        "y" + ",".join(map(str, range(WIDE // 6))) + "\n",
        'x,y\n"' + "1,1\n" * (WIDE // 4),
    ],
    ids=lambda text: repr(text[:8]),
)
def test_a_table_takes_memory_in_proportion_to_its_file(folder, text):
    (folder / "dense.csv").write_text(text)
    with memory_of(len(text.encode()), TABLE_TIMES):
        try:
            read_table(folder / "dense.csv")
        except ValueError as error:
            assert_readable(error)


@pytest.mark.parametrize("label", [MOST_CLASSES, 10**9, 1e300])
@pytest.mark.parametrize("loss", ["cross_entropy", "nll"])
def test_a_label_that_is_only_claimed_makes_no_outputs(folder, loss, label):
    (folder / "labels.csv").write_text(f"x,y\n0,0\n1,{label}\n")
    arguments = ["--csv", str(folder / "labels.csv"), "--loss", loss, "--hidden", "2", "--epochs"]
    assert main([*arguments, "1", "--no-plots", "--out", str(folder / "out")]) == 0
    assert load(folder / "out" / "model.json").sizes == [2, 2]


numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-2, 4)
options = st.sampled_from(
    [
        *([], ["--optimizer", "sgd"], ["--held-out", "0.5"], ["--activation", "tanh"]),
        *[["--loss", name] for name in LOSSES],
    ]
)


# A loss near the largest number overflows on matplotlib's logarithmic axis, which warns.
@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")
@layers(3, 100)
def test_any_table_of_numbers_is_trained_on_or_refused(tmp_path, capsys, examples):
    rows = st.integers(2, 4).flatmap(
        lambda n: st.lists(st.lists(numbers, min_size=n, max_size=n), min_size=1, max_size=5)
    )

    @fuzzed(examples, rows=rows, given=options)
    def check(rows, given):
        out = tmp_path / f"out{len(list(tmp_path.iterdir()))}"
        with (tmp_path / "t.csv").open("w", newline="") as file:
            csv.writer(file).writerows([[*map(str, range(len(rows[0]) - 1)), "y"], *rows])
        arguments = ["--csv", str(tmp_path / "t.csv"), "--out", str(out), "--hidden", "2"]
        code = main([*arguments, "--epochs", "1", *given])
        printed = capsys.readouterr().err
        assert (code == 1) == ("error: " in printed)
        assert out.exists() == (code == 0 or "error: no " in printed)
        assert not out.exists() or load(out / "model.json").n_in == len(rows[0]) - 1


# --- The playground's state -------------------------------------------------------------------

STATE = {
    "data": "own",
    "points": [[0.5, 1.0, 0], [-0.5, 2, 1], [3.0, -3.0, 1]],
    "hidden": [1],
    "activation": "relu",
    "loss": "hinge",
    "batch": 2,
    "seed": 7,
    "l2": 0.001,
    "weights": [0.5, -0.5, 0.0, 1, 2],
    "changes": [[0, "lr", 0.5], [1, "weight", [3, 0.25]], [1, "add", [0, 0, 1]], [2, "remove", 0]],
}
STATE_TIMES = 60  # an empty list is three characters in a text, and 56 bytes and more in memory


@layers(200, 8000)
def test_a_state_is_read_and_comes_back_or_is_refused(examples):
    @fuzzed(examples, text=disturbed(STATE) | damaged(disturbed(STATE)) | st.text() | anything)
    def check(text):
        if isinstance(text, bytes):
            text = text.decode("latin-1")
        with memory_of(len(text) if isinstance(text, str) else 0, STATE_TIMES):
            try:
                state = State.of(text)
            except RecipeError as error:
                assert_readable(error)
                return
        assert State.of(state.to_json()) == state
        assert State.of(json.loads(state.to_json())).to_json() == state.to_json()


@over("item", ["[]", "{}", '{"":1}', "[1]", "1.5", '""', '"\U0001f600"', "9" * 99])
@pytest.mark.parametrize("name", ["points", "weights", "changes", "hidden", "seed"])
def test_a_state_takes_memory_in_proportion_to_its_text(name, item):
    text = f'{{"{name}": [' + ",".join([item] * (20_000 // len(item))) + "]}"
    with memory_of(len(text), STATE_TIMES), pytest.raises(RecipeError, match=name) as error:
        State.of(text)
    assert_readable(error.value)


def between(low, high):
    return st.floats(low, high) | st.sampled_from([low, high])


points = st.tuples(between(-1e3, 1e3), between(-1e3, 1e3), st.integers(0, 5))
changes = st.tuples(
    st.integers(0, 4),
    st.one_of(
        st.tuples(st.just("lr"), between(1e-9, 1e300)),
        st.tuples(st.just("l2"), between(0.0, 1e3)),
        st.tuples(st.just("batch"), st.integers(1, 10_000)),
        st.tuples(st.just("optimizer"), st.sampled_from([*OPTIMIZERS])),
        st.tuples(st.just("weight"), st.tuples(st.integers(0, 40), between(-1e6, 1e6))),
        st.tuples(st.just("add"), points),
        st.tuples(st.just("remove"), st.integers(0, 30)),
    ),
).map(lambda change: (change[0], *change[1]))
extremes = st.fixed_dictionaries(
    {"n": st.integers(4, 30), "hidden": st.lists(st.integers(1, 4), max_size=3)},
    optional={
        "data": st.sampled_from(data_sets()),
        "noise": between(0.0, 2.0),
        "held_out": between(0.0, 0.9),
        "points": st.lists(points, max_size=6),
        "activation": st.sampled_from(sorted(ACTIVATIONS)),
        "init": st.sampled_from([*INITS]),
        "optimizer": st.sampled_from([*OPTIMIZERS]),
        "lr": between(1e-9, 1e300),
        "l2": between(0.0, 1e3),
        "batch": st.integers(1, 40),
        "seed": st.integers(0, 2**53),
        "changes": st.lists(changes, max_size=5).map(lambda made: sorted(made, key=lambda c: c[0])),
    },
)


@st.composite
def states(draw):
    """Settings at the ends of their ranges, most of which fit together."""
    loss = draw(st.sampled_from(sorted(LOSSES)))
    given = draw(extremes) | {"loss": loss, "output": draw(st.sampled_from(LOSSES[loss].outputs))}
    try:
        n = State.of(given).n_parameters
    except RecipeError:
        return given
    weights = draw(st.none() | st.lists(between(-1e6, 1e6), min_size=n, max_size=n))
    return given | {"weights": weights}


@layers(10, 400)
def test_any_state_runs_or_is_refused_and_can_be_looked_at(examples):
    @fuzzed(examples, settings=states())
    def check(settings):
        try:
            session = Session(State.of(settings))
        except RecipeError as error:
            assert_readable(error)
            return
        with suppress(RecipeError, DivergedError):
            for _ in range(5):
                if session.X:
                    session.step()
        told = []
        desk = Desk(session, lambda content, buffers=(): told.append(content))
        desk.receive({"do": "hello", "page": "a"})
        desk.receive({"do": "look", "weight": 3, "neuron": 1, "backward": True})
        assert {content["kind"] for content in told} == {"run", "frame"}
        json.dumps(told, allow_nan=False)
        assert State.of(session.state.to_json()) == session.state
