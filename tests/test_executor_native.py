"""Machine code: its parts alone, and what it promises beside the numbers."""

import json
import math
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from random import Random
from time import process_time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

if find_spec("llvmlite") is None:
    pytest.skip("llvmlite is not installed", allow_module_level=True)

import llvmlite.binding as llvm

from autograd_core import Op, Value, compile, dot, total
from autograd_core.check import arities
from autograd_core.compiler.executors.native import (
    MANY,
    SIZES,
    NativeExecutor,
    cache,
    machine,
    wasm,
    written,
)
from autograd_core.compiler.ir import Compute, Leaf
from autograd_core.engine import DIV, MUL, SUB
from autograd_core.functions import OPS, erfc
from nn import MLP, Adam, datasets, losses
from tests.arrays import by_definition
from tests.fuzz import RandomProgram
from tests.report import machine_code
from tests.report.accuracy import any_float
from tests.rows import over
from tests.test_compiler_executors import STRUCTURES, prepared
from tests.test_compiler_record import SUMS, kept

# --- The numbers -----------------------------------------------------------------------------


@pytest.fixture(scope="module", params=[STRUCTURES[0], STRUCTURES[6]], ids=lambda f: f.__name__)
def structure(request):
    """A structure's arrays and results, its parameters, and one executor for all sizes."""
    order, results, parameters = prepared(request.param, batched=True)
    return order, results, parameters, NativeExecutor(order, results)


@given(n=st.one_of(st.integers(1, 20), st.sampled_from([63, 64, 65, 127, 128, 129, 1000, 3000])))
def test_one_code_serves_any_number_of_examples(structure, n):
    order, results, parameters, executor = structure
    rows = np.random.default_rng(n).normal(size=(n, 6))
    leaves = {"parameters": [parameters], "inputs": [rows[:, :4].copy(), rows[:, 4:].copy()]}
    found, suspicious, _, mean = executor.run(leaves, n)
    assert not suspicious
    if results[0].cells == ():
        assert mean.item() == pytest.approx(found[0].mean(), rel=1e-13)
    given = {"parameters": parameters, "others": np.zeros(0), "inputs": rows.T}
    defined = by_definition(order, given, n)
    for x, array in zip(results, found, strict=True):
        np.testing.assert_allclose(array, defined[x], rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("width", [3, 4, 21])
@pytest.mark.parametrize("batched", [False, True])
def test_rows_that_are_looked_up_are_those_of_numpy(width, batched):
    rng = Random(width)
    table = [[Value(rng.uniform(-1, 1)) for _ in range(width)] for _ in range(5)]
    words = [rng.randrange(5) for _ in range(9)]

    def score(x):
        return total([dot([a.tanh() * x for a in table[i]], table[j]) for i, j in pairwise(words)])

    x = np.array([0.5, -1.0, 2.0]) if batched else 0.5
    runs = [
        compile(score, batched=batched, executor=name).value_and_gradient(x)
        for name in ("native", "numpy")
    ]
    for ours, others in zip(*runs, strict=True):
        np.testing.assert_allclose(ours, others, rtol=1e-12, atol=1e-12)


def assert_like_numpy(program):
    runs = []
    for name in ("numpy", "native"):
        compiled = compile(program, batched=program.batched, executor=name)
        arguments = program.arguments(5 if program.batched else None)
        program.numbers = np.random.default_rng(0)
        arguments = program.arguments(5 if program.batched else None)
        value, slopes = compiled.value_and_gradient(*arguments)
        along = compiled.gradient_wrt_inputs(*arguments)
        runs.append(
            [*value, slopes, *along] if isinstance(value, tuple) else [value, slopes, *along]
        )
        assert compiled.executor == name
    for x, y in zip(*runs, strict=True):
        atol = 1e-12 * max(1.0, np.abs(x).max(initial=0))
        np.testing.assert_allclose(x, y, rtol=1e-12, atol=atol)


@given(st.randoms(use_true_random=False))
@settings(max_examples=3)
def test_a_random_program_has_the_numbers_of_numpy(source):
    assert_like_numpy(RandomProgram(source))


@pytest.mark.slow
@given(st.randoms(use_true_random=False))
@settings(max_examples=300)
def test_many_random_programs_have_the_numbers_of_numpy(source):
    assert_like_numpy(RandomProgram(source))


def test_every_op_of_the_table_becomes_machine_code():
    w, counts = Value(1.0, "w"), {op: arities(op)[-1] for op in OPS}

    def row(share):
        return [
            [low + share * (high - low)] * counts[op] for op in OPS for low, high in [op.domain]
        ]

    def all_ops(rows):
        return [op(*[w * x for x in xs]) for op, xs in zip(OPS, rows, strict=True)]

    found, expected = [
        compile(all_ops, batched=True, executor=name)([row(0.3), row(0.8)])
        for name in ("native", "numpy")
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-14, atol=1e-15)


def test_an_op_of_ones_own_becomes_machine_code_by_its_form_on_arrays():
    huber = Op(
        "huber",
        lambda x: x * x / 2 if abs(x) < 1 else abs(x) - 0.5,
        lambda z, x: (x if abs(x) < 1 else math.copysign(1, x),),
        lambda np, x: np.where(np.abs(x) < 1, x * x / 2, np.abs(x) - 0.5),
    )
    program = compile(lambda x: [huber(x)], batched=True, executor="native")
    assert program([0.5, -3.0]).tolist() == [[0.125], [2.5]]
    assert program.executor == "native"


TRUTHS = {  # forms that compute with what holds, or choose by it
    "x > 0": lambda np, x: x > 0,
    "a multiple": lambda np, x: 2 * (x > 0) - x * (x < 1),
    "a sign": lambda np, x: (x > 0) * 1.0 - (x < 0) * 1.0,
    "negative": lambda np, x: -((x > 0) * 1),
    "divided": lambda np, x: (x > 0) / 2,
    "a power": lambda np, x: 2.0 ** (x > 0) + (x > 0) ** 2,
    "an absolute value": lambda np, x: abs(x > 0),
    "and, or, not": lambda np, x: ((x > 0) & (x < 1)) | ~(x > -1) | ((x > -2) ^ (x > 2)),
    "equal": lambda np, x: ((x > 0) == (x < 1)) + ((x > 0) != (x < 2)) * 1,
    "as a condition": lambda np, x: np.where(x, 2.0, x),
    "chosen": lambda np, x: np.where(x > 0, x < 1, x < -1),
    "chosen beside a number": lambda np, x: np.where(x > 0, x < 1, 3) + np.where(x < 1, x, x > 2),
    "the larger": lambda np, x: np.maximum(x > 0, x > 1) + np.minimum(x, x > 0),
    "logical": lambda np, x: np.logical_and(x, x > 1) + 1 * np.logical_not(np.logical_or(x, 0)),
    "no number": lambda np, x: np.isnan(x > 0) + np.square(x > 1),
}


@pytest.mark.parametrize("batched", [False, True])
def test_truths_in_the_form_of_an_op_are_what_they_are_in_numpys(batched):
    ops = [Op(name, lambda x: 0.0, lambda z, x: (0.0,), form) for name, form in TRUTHS.items()]
    program = compile(lambda x: [op(x) for op in ops], batched=batched, executor="native")
    points = np.array([-2.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.5, 3.0])
    found = program(points) if batched else np.array([program(x) for x in points])
    expected = [np.broadcast_to(form(np, points), points.shape) for form in TRUTHS.values()]
    assert program.executor == "native"
    assert dict(zip(TRUTHS, found.T.tolist())) == dict(
        zip(TRUTHS, np.array(expected, dtype=float).tolist())
    )


def test_division_to_a_whole_number_is_not_taken_for_another():
    odd = Op("odd", lambda x: 0.0, lambda z, x: (0.0,), lambda np, x: x // 0.3)
    with pytest.warns(UserWarning, match="odd does not become machine code"):
        assert compile(lambda x: [odd(x)], executor="native")(2.0) == [6.0]


def test_what_cannot_be_traced_is_named_and_run_by_numpy():
    odd = Op("odd", lambda x: x, lambda z, x: (1.0,), lambda np, x: np.sort(x))
    program = compile(lambda x: [odd(x) + 1.0], batched=True, executor="native")
    with pytest.warns(UserWarning, match="odd does not become machine code"):
        assert program([1.0, 2.0]).tolist() == [[2.0], [3.0]]
    assert program.executor == "numpy"
    program([3.0])  # and is said once


@pytest.mark.parametrize("batched", [False, True])
def test_arrays_without_numbers_are_no_trouble(batched):
    w = [Value(2.0)]
    program = compile(
        lambda xs, x: (w[0] * x + sum(xs), [x * y for y in xs]), batched=batched, executor="native"
    )
    if batched:
        (value, none), slopes = program.value_and_gradient(np.zeros((3, 0)), [1.0, 2.0, 3.0])
        assert (value, none.shape, slopes.tolist()) == (4.0, (3, 0), [2.0])
    else:
        (value, none), slopes = program.value_and_gradient([], 3.0)
        assert (value, none.tolist(), slopes.tolist()) == (6.0, [], [3.0])


@pytest.mark.parametrize("n", [1, 9, 70])
def test_what_reads_a_sum_over_the_examples_is_in_a_later_part(n):
    x = Leaf((2, None), "inputs")
    total, top = (Compute((2,), None, ((x, "ab"),), fold) for fold in ("+", "max"))
    share = Compute((2, None), DIV, ((x, "ab"), (total, "a")))
    shifted = Compute((2, None), SUB, ((share, "ab"), (top, "a")))
    square = Compute((2,), MUL, ((shifted, "ab"), (share, "ab")))
    order, results = [x, total, top, share, shifted, square], [shifted, square, share]
    rows = np.random.default_rng(n).normal(size=(n, 2))
    found, *_ = NativeExecutor(order, results).run({"inputs": [rows]}, n)
    defined = by_definition(order, {"inputs": rows.T}, n)
    for array, numbers_found in zip(results, found, strict=True):
        np.testing.assert_allclose(numbers_found, defined[array], rtol=1e-11, atol=1e-13)


def test_what_is_prepared_for_sizes_of_batches_stays_small():
    order, results, parameters = prepared(STRUCTURES[0], batched=True)
    executor = NativeExecutor(order, results)
    for n in (*range(1, SIZES + 5), MANY // 6, 3, MANY // 6 + 1):
        executor.run({"parameters": [parameters], "inputs": [np.ones((n, 6))]}, n)
        assert len(executor.calls) <= SIZES
    assert list(executor.calls) == [MANY // 6 + 1]


@pytest.mark.parametrize("f", ["dot", pytest.param("layer", marks=pytest.mark.slow)])
@pytest.mark.parametrize("of", ["inputs", "parameters"])
def test_of_a_product_little_is_kept_beside_its_machine_code(f, of):
    _, few, many = [kept(SUMS[f], n, of, "native")[0] for n in (16, 100, 300)]
    assert many - few < 200 * 100


@pytest.mark.slow
def test_ten_thousand_single_numbers_are_code_in_seconds():
    rng, w = Random(0), [Value(0.1 * i) for i in range(5)]
    picks = [(rng.randrange(5), rng.randrange(1, 9)) for _ in range(10_000)]

    def long_way(x):
        values = [x] * 9
        for i, back in picks:
            values.append((values[-1] + w[i] * values[-back]).sin())
        return values[-1]

    compiled = compile(long_way, executor="native")
    start = process_time()
    value, _ = compiled.value_and_gradient(0.5)
    assert process_time() - start < 30
    assert value == pytest.approx(long_way(Value(0.5)).data, rel=1e-12)


# --- Elementary functions --------------------------------------------------------------------


@pytest.mark.parametrize("op", machine_code.ROWS, ids=lambda op: op.name)
def test_elementary_functions_are_within_their_bounds(op):
    composed = {"sigmoid": 3.0, "softplus": 3.0}  # of two or three of the others
    assert machine_code.measure(op, 100).error <= composed.get(op.name, 2.0)


@over("op", machine_code.ROWS)
def test_a_number_alone_and_one_in_lanes_have_the_same_bits(op):
    rng = Random(1)
    xs = np.array([*[any_float(rng) for _ in range(64)], 0.0, -0.0, math.inf, -math.inf, math.nan])
    np.testing.assert_array_equal(machine_code.computed(op, xs, 1), machine_code.computed(op, xs))
    with np.errstate(all="ignore"):
        at_the_ends = op.on(np)(xs[-5:])
    np.testing.assert_array_equal(machine_code.computed(op, xs[-5:]), at_the_ends)


# --- Errors ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def every_op():
    """A program of each op alone, on machine code."""
    w = Value(1.0, "w")
    return {
        op: compile(lambda *xs, op=op: op(*[w * x for x in xs]), batched=True, executor="native")
        for op in OPS
    }


@pytest.mark.slow
@pytest.mark.parametrize("op", OPS, ids=lambda op: op.name)
def test_flags_miss_nothing_that_eager_refuses_and_name_the_example(every_op, op):
    rng, program = Random(2), every_op[op]
    for _ in range(100):
        xs = [
            any_float(rng) if rng.random() < 0.5 else rng.uniform(-3, 3)
            for _ in range(arities(op)[-1])
        ]
        rows = [[x, x] for x in xs]
        try:
            expected = float(op.record([Value(x) for x in xs]).data)
        except (ArithmeticError, ValueError) as error:
            with pytest.raises(type(error), match=r"example 0"):
                program(*rows)
        else:
            found = program(*rows)
            assert found == pytest.approx(expected, rel=1e-12, nan_ok=True) or math.isinf(found)


def test_padding_raises_no_flag_and_takes_no_part():
    program = compile(lambda x: (1.0 / x).log(), batched=True, executor="native")
    for n in (1, 3, 7, 9, 65):
        assert program(np.full(n, 4.0)) == pytest.approx(-math.log(4.0), rel=1e-15)
    with pytest.raises(ValueError, match=r"cannot compute log of \(-0.5\).*example 64"):
        program([*[4.0] * 64, -2.0])


# --- Object code on disk ---------------------------------------------------------------------


def square(x):
    return x * x


def made_anew(monkeypatch, run):
    """How often LLVM was asked while something ran."""
    asked = []
    real = machine.compiled_now
    monkeypatch.setattr(machine, "compiled_now", lambda *what: asked.append(what) or real(*what))
    run()
    return len(asked)


@pytest.fixture
def kept_in(tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOGRAD_CORE_CACHE", str(tmp_path / "code"))
    return tmp_path / "code"


def call():
    assert compile(square, batched=True, executor="native")([3.0]) == 9.0


def test_code_is_made_once_and_a_broken_file_is_made_again(kept_in, monkeypatch):
    assert made_anew(monkeypatch, call) == 1
    assert made_anew(monkeypatch, call) == 0
    (path,) = kept_in.iterdir()
    whole = path.read_bytes()
    for broken in (b"", whole[:40], whole[:-1], whole[:-1] + bytes([whole[-1] ^ 1])):
        path.write_bytes(broken)
        assert made_anew(monkeypatch, call) == 1
        assert path.read_bytes() == whole


def test_code_is_not_kept_where_it_cannot_be_or_shall_not(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    for place in ("", str(tmp_path / "file")):
        monkeypatch.setenv("AUTOGRAD_CORE_CACHE", place)
        assert made_anew(monkeypatch, call) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_who_has_no_home_keeps_none(monkeypatch):
    def home():
        raise RuntimeError("Could not determine home directory.")

    for name in ("AUTOGRAD_CORE_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(cache.Path, "home", home)
    assert made_anew(monkeypatch, call) == 1


def test_code_that_is_anothers_is_read(kept_in, monkeypatch):
    def denied(path):
        raise PermissionError(path)

    call()
    monkeypatch.setattr(cache.os, "utime", denied)
    assert made_anew(monkeypatch, call) == 0


def test_what_was_read_longest_ago_is_forgotten(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "BYTES", 1000)
    (tmp_path / "mine.o").write_bytes(bytes(3000))
    for i, kind in enumerate(["tmp.part", *["o"] * 5]):  # the first by a process that was killed
        path = tmp_path / f"{i:064x}.{kind}"
        path.write_bytes(bytes(300))
        os.utime(path, (i, i))
    cache.forget(tmp_path)
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == [*[f"{i:064x}.o" for i in (3, 4, 5)], "mine.o"]


def test_a_file_that_is_half_there_has_the_name_of_the_whole(tmp_path, monkeypatch):
    names = []
    monkeypatch.setattr(cache.Path, "replace", lambda path, target: names.append(path.name))
    cache.write(tmp_path / "whole.o", b"code")
    assert names[0].startswith("whole")
    assert names[0].endswith(".part")


BITS = """
from nn import MLP, Adam, datasets, fit
model = MLP(2, [4, 1], seed=0)
fit(model, *datasets.moons(23), loss="hinge", optimizer=Adam(0.1), epochs=3, batch_size=5,
    executor="native", progress=False)
print([p.data.hex() for p in model.parameters()])
"""


@pytest.mark.slow
def test_processes_that_share_a_cache_find_the_same_bits_at_once_and_later(kept_in):
    def start():
        return subprocess.Popen([sys.executable, "-c", BITS], stdout=subprocess.PIPE, text=True)

    at_once = [start() for _ in range(3)]
    found = {process.communicate()[0] for process in at_once}
    files = {path.name: path.read_bytes() for path in kept_in.iterdir()}
    found.add(start().communicate()[0])
    assert len(found) == 1
    assert files == {path.name: path.read_bytes() for path in kept_in.iterdir()}
    assert len(files) == 2  # the program and the loop: their text is the same in every process


# --- Other processors ------------------------------------------------------------------------

PLAIN = machine.Processor(machine.host().triple, "x86-64", "")
ARM = machine.Processor("aarch64-unknown-linux-gnu", "generic", "")


@pytest.mark.skipif(not machine.host().triple.startswith("x86_64"), reason="for x86 alone")
@pytest.mark.parametrize("f", [STRUCTURES[0], STRUCTURES[5]], ids=lambda f: f.__name__)
def test_a_processor_without_long_vectors_has_the_same_numbers(f):
    order, results, parameters = prepared(f, batched=True)
    rows = np.random.default_rng(0).normal(size=(70, 6))
    leaves = {"parameters": [parameters], "inputs": [rows]}
    runs = [NativeExecutor(order, results, p).run(leaves, 70) for p in (None, PLAIN)]
    assert not runs[1].suspicious
    for x, y in zip(runs[0].results, runs[1].results, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-12, atol=1e-13)


def test_code_is_made_for_arm_too():
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    order, results, _ = prepared(STRUCTURES[0], batched=True)
    module = ARM.module()
    written(order, results, module)
    target = ARM.target()
    code = target.emit_assembly(machine.parsed(str(module), target))
    assert "fmla" in code
    assert "ldmxcsr" not in code


LOADER = Path(wasm.__file__).parent / "program.mjs"
RUN = """
const [loader, file, given] = process.argv.slice(2);
const { load } = await import(loader);
const { readFileSync } = await import("node:fs");
const { n, inputs, train } = JSON.parse(given);
const program = await load(readFileSync(file));
const { results } = program.run(program.parameters, inputs, n);
const said = { results: results.map((x) => Array.from(x)) };
if (train) {
  const { theta, losses } = program.train({ inputs, n, ...train });
  Object.assign(said, { theta: Array.from(theta), losses: Array.from(losses) });
}
console.log(JSON.stringify(said));
"""


def in_node(tmp_path, program, *inputs, n=1, train=None, optimizer=None):
    """What a program says in node."""
    if not shutil.which("node"):
        pytest.skip("node is not installed")
    program.to_wasm(tmp_path / "program.wasm", optimizer=optimizer)
    (tmp_path / "run.mjs").write_text(RUN)
    given = {"n": n, "inputs": [np.ravel(x).tolist() for x in inputs], "train": train}
    command = ["node", tmp_path / "run.mjs", LOADER, tmp_path / "program.wasm", json.dumps(given)]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not said.returncode, said.stderr
    return json.loads(said.stdout)


def test_a_program_in_webassembly_has_the_same_numbers(tmp_path):
    w = [Value(0.5), Value(-1.5)]
    program = compile(
        lambda x: (w[0] * x[0]).tanh() * x[1].sin() + (w[1] * x[1]).exp() * erfc(x[0]),
        batched=True,
    )
    X = np.random.default_rng(0).normal(size=(70, 2))
    value, slopes = program.value_and_gradient(X)
    each, found = in_node(tmp_path, program, X, n=70)["results"]
    np.testing.assert_allclose(found, slopes, rtol=1e-12)
    assert np.mean(each) == pytest.approx(value, rel=1e-12)


def test_a_program_of_single_numbers_in_webassembly_has_the_same_numbers(tmp_path):
    w = Value(0.5)
    program = compile(lambda x, y: (w * x).log() * y - y**w)
    value, slopes = program.value_and_gradient(3.0, 2.0)
    found = in_node(tmp_path, program, [3.0], [2.0])["results"]
    np.testing.assert_allclose(found, [[value], slopes], rtol=1e-14)


def test_a_training_in_webassembly_has_the_same_numbers(tmp_path):
    X, y = map(np.array, datasets.moons(23))
    model = MLP(2, [4, 1], activation="tanh", seed=0)
    program = compile(
        lambda x, t: losses.binary_cross_entropy_with_logits(model(x), t),
        batched=True,
        wrt=model.parameters(),
    )
    program.prepare(X, y)
    train = {"rates": [0.1] * 12, "size": 5}
    found = in_node(tmp_path, program, X, y, n=23, train=train, optimizer=Adam(0.1))
    theta, state, start = np.array([p.data for p in model.parameters()]), (0.0, 0.0), 0
    for step in range(12):
        rows = slice(start, min(start + 5, 23))
        start = 0 if rows.stop == 23 else rows.stop
        loss, g = program.value_and_gradient(X[rows], y[rows], at=theta)
        assert found["losses"][step] == pytest.approx(loss, rel=1e-11)
        theta, state = Adam().update(theta, g, state, 0.1, step + 1)
    np.testing.assert_allclose(found["theta"], theta, rtol=1e-10)
