"""Calls straight into machine code: what they return, and what they leave to the long way."""

import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from weakref import ref

import numpy as np
import pytest

if find_spec("llvmlite") is None:
    pytest.skip("llvmlite is not installed", allow_module_level=True)

from autograd_core import Value, compile
from autograd_core.compiler.executors.native import SIZES

X, Y, THETA = (
    np.array([[1.0, 2.0], [3.0, 4.0], [0.5, 0.25]]),
    np.array([1.0, 0.0, 2.0]),
    [0.5, -1.5],
)
MASKED = np.ma.MaskedArray(Y, [False, True, False])
READ_ONLY, SWAPPED = Y.copy(), Y.astype(">f8")
READ_ONLY.flags.writeable = False

ARGUMENTS = {
    "the same": (X, Y),
    "other numbers": (X + 1.0, Y * 2.0),
    "by columns": (np.asfortranarray(X), Y),
    "strided": (np.repeat(X, 2, axis=1)[:, ::2], Y[::-1]),
    "read only": (X, READ_ONLY),
    "other bytes": (X, SWAPPED),
    "float32": (X.astype(np.float32), Y),
    "whole numbers": (X, np.array([1, 0, 2])),
    "truths": (X, Y > 0.5),
    "complex": (X, Y + 1j),
    "objects": (X, Y.astype(object)),
    "texts": (X, np.array(["1.0", "0.0", "2.0"])),
    "lists": (X.tolist(), Y.tolist()),
    "masked": (X, MASKED),
    "other shapes": (X[:2], Y[:2]),
    "a number for all": (X, np.array([1.0])),
    "a column": (X, Y[:, None]),
    "too few": (X,),
    "too many": (X, Y, Y),
    "not finite": (X, np.array([np.inf, 0.0, 1.0])),
    "not a number": (X * np.nan, Y),
    "undefined": (-X, Y),
}


def made():
    """A program of two parameters and two arguments, and those parameters."""
    w = [Value(0.5, "w0"), Value(-1.5, "w1")]
    options = {"batched": True, "wrt": w, "executor": "native"}
    return compile(lambda x, y: (w[0] * x[0].log() + w[1] * x[1] - y) ** 2, **options), w


@pytest.fixture(scope="module")
def programs():
    """One to be called on the short way, and one on the long way."""
    return made()[0], made()[0]


@pytest.fixture
def program(programs):
    """One that was called before, and so goes the short way."""
    programs[0].value_and_gradient(X, Y)
    assert programs[0].direct
    return programs[0]


@pytest.fixture
def long_way(programs):
    """What comes of arguments when a program is called with them first."""

    def call(*args, **keywords):
        programs[1].direct = None
        return outcome(programs[1], *args, **keywords)

    return call


def outcome(program, *args, **keywords):
    """What a call returns, as bytes; or its error."""
    with np.errstate(all="ignore"):
        try:
            value, slopes = program.value_and_gradient(*args, **keywords)
        except (ArithmeticError, TypeError, ValueError) as error:
            return type(error), str(error)
    return np.float64(value).tobytes(), slopes.tobytes()


@pytest.mark.parametrize("args", ARGUMENTS.values(), ids=ARGUMENTS)
def test_any_arguments_after_others_are_as_if_they_were_the_first(program, long_way, args):
    assert outcome(program, *args) == long_way(*args)
    assert outcome(program, *args) == long_way(*args)
    assert outcome(program, X, Y) == long_way(X, Y)


@pytest.mark.parametrize(
    "at",
    [
        THETA,
        np.array(THETA),
        np.array([9.0, *THETA] * 2)[1::3],
        [1, 2],
        np.array([1, 2]),
        [1.0],
        "no",
    ],
    ids=str,
)
def test_any_parameters_after_others_are_as_if_they_were_the_first(program, long_way, at):
    assert outcome(program, X, Y, at=at) == long_way(X, Y, at=at)


def test_parameters_that_change_and_slopes_that_add_up_are_seen_on_the_short_way(long_way):
    program, w = made()
    added = np.zeros(2)
    for k in range(3):
        w[0].data = 0.5 + k
        value, slopes = program.value_and_gradient(X, Y, accumulate=True)
        assert (np.float64(value).tobytes(), slopes.tobytes()) == long_way(X, Y, at=[0.5 + k, -1.5])
        added += slopes
    assert program.direct
    assert [x.grad for x in w] == added.tolist()


def test_what_was_returned_stays_as_it_is(program):
    _, kept = program.value_and_gradient(X, Y)
    before = kept.copy()
    program.value_and_gradient(X + 1.0, Y)
    assert (kept == before).all()
    kept[...] = 0.0
    assert (program.value_and_gradient(X, Y)[1] == before).all()


def test_the_program_that_was_called_last_is_the_latest(program):
    program.value_and_gradient(X, Y)
    latest = program.current()
    program(X[:, :1].repeat(3, axis=1), Y)
    assert program.current() is not latest
    program.value_and_gradient(X, Y)
    assert program.current() is latest


def test_two_threads_that_call_one_program_have_their_own_numbers(program):
    expected = [outcome(program, X + k, Y) for k in range(4)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            found = pool.map(lambda k: {outcome(program, X + k, Y) for _ in range(200)}, range(4))
            assert [numbers == {one} for numbers, one in zip(found, expected, strict=True)] == [
                True
            ] * 4
    finally:
        sys.setswitchinterval(interval)


def test_what_interrupts_a_call_of_the_program_cannot_call_it(program, monkeypatch):
    monkeypatch.setattr(program.current(), "is_occupied", True)
    with pytest.raises(RuntimeError, match="called by one of its own ops"):
        program.value_and_gradient(X, Y)


def test_large_arrays_and_many_results_go_the_long_way(program):
    program.value_and_gradient(X.repeat(1000, axis=0), Y.repeat(1000))
    assert program.direct is None
    w = Value(2.0)
    several = compile(lambda x: (w * x, [x]), executor="native")
    (value, others), slopes = several.value_and_gradient(3.0)
    assert (value, others.tolist(), slopes.tolist(), several.direct) == (6.0, [3.0], [3.0], None)


def test_what_the_way_leads_to_lives_as_long_as_it_does():
    program, _ = made()
    program.value_and_gradient(X, Y)
    way = program.direct
    (calls,) = [ready.executor.calls for ready in way.compiled.ready.values()]
    row = ref(calls[len(X)].row)
    for n in range(len(X) + 1, len(X) + SIZES + 2):  # whose calls fail, so that the way stays
        with pytest.raises(ValueError, match="log"):
            program.value_and_gradient(-np.ones((n, 2)), np.ones(n))
    assert len(X) not in calls
    assert program.direct is way
    assert row().ctypes.data == way.pointer


def test_there_is_no_way_into_what_other_threads_had_forgotten(program):
    compiled = program.direct.compiled
    compiled.ready[compiled.vector].executor.calls.clear()
    assert compiled.direct((X, Y)) is None
    program.direct = None
    assert outcome(program, X, Y) == outcome(program, X, Y)
