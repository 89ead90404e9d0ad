"""The course's checks: right answers, typical slips, nonsense, broken code, a student's engine."""

import importlib
import math
import re
import sys
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import nn.course.questions
from autograd_core import Op, Value, dot, mean, softmax, topological
from nn import datasets, losses
from nn.course import check, check_engine, hint, labs, layers, pieces, reveal, xor
from nn.course.check import GIVEN, TRIED, find
from nn.course.engine import ROWS, Engine
from nn.course.kinds import Choice, Code, Number, bare
from nn.course.questions.n07 import loss_of
from nn.course.questions.n11 import Step
from nn.course.reply import Reply, rich
from tests.rows import over
from tools.course import SOURCES as COURSE
from tools.course import Source

MODULES = sorted(Path(nn.course.questions.__file__).parent.glob("n*.py"))
KEYS = [
    key
    for path in MODULES
    for key in importlib.import_module(f"nn.course.questions.{path.stem}").questions
]
WITH_SLIPS = [key for key in KEYS if isinstance(find(key), (Number, Choice))]


def test_every_notebook_numbers_its_questions_from_one():
    for path in MODULES:
        own = [key for key in KEYS if key.startswith(path.stem[1:])]
        assert own == [f"{path.stem[1:]}.{i}" for i in range(1, len(own) + 1)]


@over("key", WITH_SLIPS)
def test_every_slip_gets_its_own_sentence_and_the_right_answer_is_right(key):
    question = find(key)
    assert len(question.wrong) >= 2
    for slip, idea in question.wrong:
        assert check(key, slip).text == idea
        assert check(key, slip).mood == "not yet"
    assert len({idea for _, idea in question.wrong}) == len(question.wrong)
    assert check(key, question.right) == Reply("right", question.why)


@over("key", KEYS)
def test_hints_come_one_at_a_time_and_reveal_after_a_try(key):
    GIVEN.clear()
    TRIED.clear()
    hints = find(key).hints
    assert reveal(key).mood == "waiting"
    for i, text in enumerate([*hints, hints[-1]], 1):
        said = hint(key).text
        assert said.startswith(f"Hint {min(i, len(hints))} of {len(hints)}: {text}")
    check(key, "a try")
    assert reveal(key).text == find(key).solution()


def test_a_wrong_answer_of_no_known_kind_gets_the_next_hint():
    GIVEN.clear()
    assert "Hint 1 of 2" in check("01.3", 17).text
    assert "Hint 2 of 2" in check("01.3", 17).text
    assert "The size is right" in check("01.3", -4).text


@over("key", KEYS)
def test_nonsense_gets_a_sentence(key):
    for answer in ("four", None, [1], True, math.nan, object(), check, Value(-7.25), 10**400, int):
        reply = check(key, answer)
        assert reply.mood in {"not yet", "waiting"}, answer
        assert reply.text, answer
        assert repr(reply), answer
        assert "<script" not in reply._repr_html_(), answer


@over("key", [key for key in KEYS if isinstance(find(key), Code)])
def test_a_function_that_gives_back_nonsense_gets_a_sentence(key):
    for given in ("x", [], [[1.0]], [None], {"a": 1}, 1j, object(), np.eye(2), (1, 2, 3)):
        reply = check(key, lambda *_, given=given: given)
        assert reply.mood in {"not yet", "waiting"}, given
        assert reply.text, given


@over("key", KEYS)
def test_three_dots_are_an_answer_to_come(key):
    assert check(key).mood == "waiting"


def test_there_is_no_such_question():
    with pytest.raises(LookupError, match=r"no question 01\.99: there are 01\.1, "):
        check("01.99", 1)
    for key in ("1.3", 1.3, "01.3."):
        with pytest.raises(LookupError, match=rf"no question {key}: there are 01\.1, "):
            check(key, 1)
    with pytest.raises(LookupError, match="no notebook 'xx'"):
        check("xx", 1)
    with pytest.raises(LookupError, match="no notebook '13'"):
        hint(13)


def test_a_package_that_a_question_lacks_is_named(monkeypatch):
    monkeypatch.delitem(sys.modules, "nn.course.questions.n01")
    monkeypatch.setitem(sys.modules, "nn.course.kinds", None)
    with pytest.raises(ModuleNotFoundError, match=r"nn\.course\.kinds"):
        check("01.1", 1)


@pytest.mark.parametrize("kind", [np.float64, np.array, np.atleast_1d, Value])
def test_functions_may_give_back_numbers_of_any_kind(kind):
    def step(model, X, y, rate):
        loss = loss_of(model, X, y)
        model.zero_grad()
        loss.backward()
        for p in model.parameters():
            p.data -= rate * p.grad
        return kind(loss.data)

    assert check("07.1", step).mood == "right"
    assert check("07.1", lambda *_: "loss").mood == "not yet"
    assert check("04.5", lambda u: np.asarray(np.logaddexp(0, u))).mood == "right"
    assert check("02.1", kind(29.0)).mood == "right"


@pytest.mark.parametrize("kind", [list, tuple, iter, np.asarray])
def test_batches_may_be_of_any_kind(kind):
    def batches(n, size, rng):
        order = list(range(n))
        rng.shuffle(order)
        made = (kind(order[i : i + size]) for i in range(0, n, size))
        return made if kind is iter else list(made)

    assert check("07.6", batches).mood == "right"


@over("key", WITH_SLIPS)
def test_an_answer_may_be_written_in_many_ways(key):
    question = find(key)
    words = [right := question.right, *[wrong for wrong, _ in question.wrong]]
    if isinstance(question, Choice):
        ways = [right.title(), f" {right}.", right.replace(" ", "_"), right.replace(" ", "-")]
        assert len(set(map(bare, words))) == len(words)
    else:
        ways = [np.array(right), np.array([[right]]), Fraction(right), Decimal(right)]
    assert [question.judge(way).mood for way in ways] == ["right"] * 4


def test_a_reply_shows_text_of_a_student_as_text():
    reply = check("01.5", "<b>L</b>")
    assert "<b>L</b>" not in reply._repr_html_()
    assert rich("**bold** and `x < 1`\nmore") == "<b>bold</b> and <code>x &lt; 1</code><br>more"


# --- Code of students, and what is said of it -------------------------------------------------


def defined(source, **space):
    """What a student's cell defines."""
    exec(compile("from math import *\n" + source, "<cell>", "exec"), space)  # noqa: S102
    return space


MEASURED = """
def measured(f, x, h=1e-4):
    return (f(x + h) - f(x - h)) / (2 * h)
"""

TOPOLOGICAL = """
def topological(root):
    order, seen = [], set()
    def visit(v):
        if v not in seen:
            seen.add(v)
            for parent in v.parents:
                visit(parent)
            order.append(v)
    visit(root)
    return order
"""

BACKWARD = """
def backward(root):
    order = topological(root)
    for v in order:
        v.grad = 0.0
    root.grad = 1.0
    for v in reversed(order):
        for parent, partial in zip(v.parents, v.partials):
            parent.grad += partial * v.grad
"""

ENGINE = """
class MyValue:
    def __init__(self, data, parents=(), partials=()):
        self.data, self.grad = data, 0.0
        self.parents, self.partials = parents, partials
    def __add__(self, other):
        return MyValue(self.data + other.data, (self, other), (1.0, 1.0))
    def __mul__(self, other):
        return MyValue(self.data * other.data, (self, other), (other.data, self.data))
    def __sub__(self, other):
        return MyValue(self.data - other.data, (self, other), (1.0, -1.0))
    def tanh(self):
        t = tanh(self.data)
        return MyValue(t, (self,), (1 - t * t,))
    def exp(self):
        return MyValue(exp(self.data), (self,), (exp(self.data),))
    def log(self):
        return MyValue(log(self.data), (self,), (1 / self.data,))
    def relu(self):
        return MyValue(max(0.0, self.data), (self,), (float(self.data > 0),))
"""

LAB = """
def suspect(a):
    v = a + a
    return v + v
"""

BACKPROPAGATE = """
def backpropagate(W, x, g, slope_of_g):
    z, a = [], [x]
    for matrix in W:
        z.append(matrix @ a[-1])
        a.append(g(z[-1]))
    delta = [np.ones(1)]
    for k in range(len(W) - 1, 0, -1):
        delta.insert(0, slope_of_g(z[k - 1]) * (W[k].T @ delta[0]))
    return [np.outer(d, before) for d, before in zip(delta, a)]
"""


def cell(key):
    """The lines of the course up to the answer of a question, and what is handed to check.

    Only in the notebook that builds one thing do the cells before it count.
    """
    (path,) = [path for path in COURSE if path.name.startswith(key[:2])]
    asked, before = f'\ncheck("{key}", ', []
    for one in [c.text for c in Source(path).cells if c.is_code]:
        if asked in one:
            lines, handed = one.split(asked)
            before = [
                re.sub(r"^check.*", "", b, flags=re.MULTILINE) for b in before if "print(" not in b
            ]
            lines = "\n".join([*(before if key.startswith("11") else []), lines])
            return re.sub(r"\s*#\?.*$", "", lines, flags=re.MULTILINE), handed[:-1]
        before.append(one)
    raise LookupError(key)


SOURCES = {  # of an answer: its lines and what they define
    "01.4": (MEASURED, "measured"),
    "01.6": (TOPOLOGICAL, "topological"),
    "01.7": (BACKWARD, "backward"),
    "01.8": (ENGINE, "MyValue"),
    "01.9": (LAB, "suspect"),
    "02.5": (BACKPROPAGATE, "backpropagate"),
    "03.5": ("net = xor.two_units(W=[[1, -1], [-1, 1]], c=[0, 0], w=[1, 1], b=0)", "net"),
    **{
        key: cell(key)
        for key in (
            "04.5",
            "04.7",
            "05.3",
            "05.9",
            "06.6",
            "07.1",
            "07.6",
            "08.2",
            "08.7",
            "09.5",
            "11.1",
            "11.2",
            "11.3",
            "11.4",
            "11.5",
        )
    },
}

BROKEN = [  # question, lines, what stands there in place of them, what is said
    ("01.4", "f(x - h)) / (2 * h)", "f(x)) / h", "one side only"),
    ("01.4", "(2 * h)", "h", "the run is 2h"),
    ("01.4", "f(x + h) - f(x - h)", "f(x - h) - f(x + h)", "which end minus which"),
    ("01.4", "h=1e-4", "h=0.5", "small enough"),
    ("01.4", "/ (2 * h)", "/ 2 * h", "put the run in brackets"),
    ("01.4", "(f(x + h) - f(x - h))", "f(x + h) - f(x - h)", "the rise first"),
    ("01.6", "        if v not in seen:\n", "        if True:\n", "in your list twice"),
    ("01.6", "visit(parent)", "pass", "is missing"),
    ("01.6", "            order.append(v)", "            order.insert(0, v)", "before its parent"),
    ("01.6", "    visit(root)\n", "", "who goes into it first"),
    ("01.6", "    return order", "    return set(order)", "a list is wanted"),
    (
        "01.7",
        "for parent, partial in zip(v.parents, v.partials)",
        "for parent, partial in [(p, v.partials) for p in v.parents]",
        "go over both",
    ),
    ("01.7", "parent.grad += partial", "parent.grad = partial", "one of 2"),
    ("01.7", "reversed(order)", "order", "walked forwards"),
    ("01.7", "    root.grad = 1.0\n", "", "who starts"),
    ("01.7", "        v.grad = 0.0\n", "        pass\n", "set every gradient to 0"),
    ("01.7", "partial * v.grad", "partial", "slopes multiply"),
    ("01.7", "partial * v.grad", "v.grad", "hands each factor"),
    ("01.7", "partial * v.grad", "partial + v.grad", "sum hands"),
    ("01.7", "zip(v.parents, v.partials)", "set(zip(v.parents, v.partials))", "both operands"),
    ("01.7", "zip(v.parents, v.partials)", "zip(v.parents, v.partial)", "attributeerror"),
    ("01.7", "v in reversed(order)", "v in iter(lambda: root, None)", "does not come to an end"),
    ("01.7", "topological(root)", "breadth_first(root)[::-1]", "first reached"),
    ("01.7", "topological(root)", "every_path(root)[::-1]", "each time it is reached"),
    ("01.7", "order = topological(root)", "order = backward(root)", "calls itself without end"),
    ("01.8", "(other.data, self.data)", "(self.data, other.data)", "a product hands"),
    ("01.8", "1 - t * t", "1 - t", "tanh hands on"),
    ("01.8", "(1 - t * t,)", "(1 - t * t)", "has a comma"),
    ("01.8", "1 - t * t", "1 - self.data ** 2", "tanh hands on"),
    ("01.8", "(1.0, 1.0)", "(1.0,)", "a sum hands"),
    ("01.8", "self.data * other.data, (self", "self.data + other.data, (self", "has data 5"),
    ("01.8", "return MyValue(t", "MyValue(t", "gives none"),
    ("01.8", "t = tanh(self.data)", "t = tahn(self.data)", "nameerror"),
    ("01.8", "(1.0, -1.0)", "(1.0, 1.0)", "`-` has the slopes"),
    ("01.8", "(1 / self.data,)", "(self.data,)", "`log` has the slopes"),
    ("01.8", "max(0.0, self.data)", "abs(self.data)", "`relu` has the slopes"),
    ("01.9", "v + v", "v * a", "hasty is right"),
    ("01.9", "v + v", "v + v + v", "drop what is not needed"),
    ("01.9", "return v + v", "return 4", "should compute something"),
    ("02.5", "slope_of_g(z[k - 1]) * ", "", "as if nothing bent it"),
    ("02.5", "W[k].T @", "(W[k].T if len(W[k]) == 1 else W[k]) @", "a column"),
    ("02.5", "slope_of_g(z[k - 1])", "slope_of_g(a[k])", "wants the sum z"),
    ("02.5", "slope_of_g(z[k - 1]) *", "slope_of_g(z[k - 1]) +", "you add it"),
    ("02.5", "np.outer(d, before)", "np.outer(before, d)", "turned over"),
    ("02.5", "W[k].T @", "W[k] @", "turn it over"),
    ("02.5", "zip(delta, a)", "zip(delta, a[1:])", "your table for it"),
    ("02.5", "    return [np.outer", "    [np.outer", "nothing so far"),
    ("03.5", "[[1, -1], [-1, 1]]", "[[1, 1], [1, 1]]", "the units say 1 and 1, and the net says 2"),
    ("03.5", "[1, 1]", "[1, 0]", "at (0, 1) the units say 0 and 1, and the net says 0"),
    ("03.5", "b=0", "b=1", "at (0, 0)"),
    (
        "03.5",
        "W=[[1, -1], [-1, 1]], c=[0, 0], w=[1, 1]",
        "W=[[1, 1], [1, 1]], c=[0, -1], w=[1, -2]",
        "one point alone",
    ),
    ("03.5", "w=[1, 1]", "w=[0, 0]", "at (0, 1)"),
    ("04.5", "max(u, 0.0) + log1p(exp(-abs(u)))", "log(1 + exp(u))", "take out u"),
    ("04.5", "log1p(exp(-abs(u)))", "log(1 + exp(-abs(u)))", "does not add the 1"),
    ("04.5", "max(u, 0.0) + log1p(exp(-abs(u)))", "u + log1p(exp(-u))", "where it is negative"),
    ("04.5", "max(u, 0.0) + ", "", "log(1 + e)"),
    ("04.7", "v - top", "v", "taken out of the exponents"),
    ("04.7", "max(z)", "0.0", "take out the largest"),
    ("04.7", "+ top - z", "- z", "added at the end"),
    ("04.7", "log(sum(e)) + top - z[label]", "-log(e[label] / sum(e))", "which has no logarithm"),
    ("05.3", "lambda x: x if x > 0 else 0.1 * x,", "lambda x: max(x, 0.0),", "yours is 0"),
    ("05.3", "1.0 if x > 0 else 0.1,", "1.0 if x >= 0 else 0.1,", "the left side"),
    ("05.3", "(1.0 if x > 0 else 0.1,)", "1.0 if x > 0 else 0.1", "with a comma"),
    ("05.3", "1.0 if x > 0 else 0.1,", "1.0,", "yours is 1"),
    ("05.9", "(1 - b1**t)", "1", "m wants its correction"),
    ("05.9", "(1 - b2**t)", "1", "v wants its correction"),
    ("05.9", "sqrt(v / (1 - b2**t))", "(v / (1 - b2**t))", "the root of v"),
    ("05.9", "step = -rate", "step = rate", "against the slope"),
    ("05.9", "(1 - b2) * g * g", "(1 - b2) * g", "g squared"),
    ("05.9", "(1 - b1) * g", "g", "takes 0.1 of g"),
    ("05.9", "return step, m, v", "return step", "three things"),
    ("06.6", " / X.shape[1]", "", "the loss is their mean"),
    ("06.6", "(a[-1] - Y)", "(Y - a[-1])", "prediction minus target"),
    ("06.6", "(1 - a[k - 1] ** 2) * (W[k - 1].T @ dz)", "W[k - 1].T @ dz", "slope of tanh"),
    ("06.6", "a[k - 1] ** 2)", "np.tanh(a[k - 1]) ** 2)", "tanh(z) already"),
    ("06.6", "W[k - 1].T @", "(W[k - 1] if k > 1 else W[0].T) @", "along its column"),
    ("06.6", "dz.sum(axis=1, keepdims=True)", "dz", "a bias serves all"),
    ("06.6", "dz.sum(axis=1, keepdims=True)", "dz.sum(axis=1)", "keep it a column"),
    ("06.6", "a[k - 1].T)", "a[k].T)", "is 3 x 2; yours is 3 x 3. it is ∇z times what came in"),
    ("06.6", "W[k - 1].T @", "W[k - 1] @", "the matrix is turned over"),
    ("06.6", "1 - a[k - 1] ** 2", "1 - a[k] ** 2", "that of the layer below"),
    ("06.6", "dW.insert(0, ", "dW.append(", "the other way round"),
    ("06.6", "return dW, db", "return dW", "return both lists"),
    ("07.1", "    model.zero_grad()\n", "", "set it to 0 first"),
    ("07.1", "p.data -= rate", "p.data += rate", "against the slope"),
    ("07.1", "rate * p.grad", "p.grad", "the rate is missing"),
    ("07.1", "    loss.backward()\n", "", "all gradients are 0"),
    (
        "07.1",
        "model.zero_grad()\n    loss.backward()",
        "loss.backward()\n    model.zero_grad()",
        "no",
    ),
    ("07.1", "in model.parameters()", "in model.layers[1].parameters()", "of every layer"),
    ("07.1", "return loss.data", "return 2 * loss.data", "the one from before the step"),
    ("07.1", "return loss.data", "pass", "gives back nothing"),
    ("07.1", "rate * p.grad", "p.data + rate * p.grad", "the move alone"),
    ("07.1", "p.data -= rate * p.grad", "model.parameters().data", "one parameter after the other"),
    ("07.6", "    rng.shuffle(order)\n", "", "shuffle them before cutting"),
    ("07.6", "rng.shuffle(order)", "order = rng.shuffle(order)", "gives back none"),
    ("07.6", "list(range(n))", "range(n)", "a range cannot be shuffled"),
    ("07.6", "order[i : i + size]", "order[i]", "a list of lists is wanted"),
    ("07.6", "rng.shuffle(order)", "__import__('random').Random(0).shuffle(order)", "use `rng`"),
    ("07.6", "range(0, n, size)]", "range(0, n - size + 1, size)]", "shorter batch get lost"),
    ("07.6", "range(0, n, size)]", "range(0, n + size, size)]", "no empty one"),
    ("07.6", "order[i : i + size]", "rng.choices(order, k=size)", "is in no batch"),
    ("07.6", "order[i : i + size]", "order[i : i + size + 1]", "more than once"),
    ("07.6", "range(0, n, size)]", "range(0, n)]", "more than once"),
    ("08.2", "np.diff(slopes, prepend=0.0)", "slopes", "take their changes"),
    ("08.2", "np.diff(f(joints)) / np.diff(joints)", "np.diff(f(joints))", "rise over run"),
    ("08.2", "np.diff(slopes, prepend=0.0)", "-np.diff(slopes, prepend=0.0)", "the sign"),
    ("08.2", "prepend=0.0", "append=0.0", "put the 0 in front"),
    (
        "08.2",
        "np.diff(slopes, prepend=0.0)",
        "np.append(0, np.diff(slopes))",
        "before it, the slope",
    ),
    ("08.2", "np.diff(slopes, prepend=0.0)", "np.diff(slopes)", "valueerror"),
    (
        "08.7",
        "[1] + [2 * (-1) ** i for i in range(1, n)]",
        "[(-1) ** i for i in range(n)]",
        "slope",
    ),
    ("08.7", "2 * (-1) ** i", "-1", "makes the slope 0"),
    ("08.7", "range(1, n)", "range(n)", "a list of 1 weights"),
    ("08.7", "(-1) ** i", "(-1) ** (i + 1)", "should say 0"),
    ("11.1", "seen.add(unseen[0])", "seen.add(root)", "does not come to an end"),
    ("11.1", "stack.append(unseen[0])", "topological(unseen[0])", "is missing"),
    ("11.2", "(number(y), number(x))", "(number(x), number(y))", "hands each factor"),
    ("11.2", "n * x.data ** (n - 1)", "x.data ** (n - 1)", "the slope of x³ is 3x²"),
    ("11.2", "MyValue.__rmul__ = ", "", "typeerror"),
    ("11.2", "parent.grad += partial", "parent.grad = partial", "one of 2"),
    ("11.2", "in reversed(order)", "in order", "walked forwards"),
    ("11.2", "root.grad = 1.0", "pass", "does it start with 1"),
    ("11.3", "1 - t * t", "t", "tanh hands on"),
    ("11.3", "(exp(x.data),))", "(x.data,))", "`exp` has the slopes"),
    ("11.3", "(1 / x.data,)", "(x.data,)", "`log` has the slopes"),
    ("11.3", "1.0 if x.data > 0 else 0.0", "1.0", "`relu` has the slopes"),
    ("11.4", ", bias)", ")", "the biases are missing"),
    ("11.4", ", bias)", ") + b", "go over both"),
    (
        "11.4",
        "return [bend(z) for z in sums] if bend else sums",
        "return sums",
        "bend` has not been applied",
    ),
    ("11.4", "zip(row, x)", "zip(x, x)", "it should say"),
    ("11.5", "p.data -= rate", "p.data += rate", "not along it"),
    ("11.5", " * (1 / len(losses))", "", "that is the sum"),
    ("11.5", "p.data -= rate * p.grad", "pass", "no parameter has moved"),
    ("11.5", "    loss.backward()\n", "", "no parameter has moved"),
    ("04.7", "- (i == label)", "", "those are the probabilities"),
    ("04.7", "v / sum(e) - (i == label)", "(i == label) - v / sum(e)", "the sign"),
    ("04.7", "- (i == label)", "- 1", "only the true class"),
    ("04.7", "log(sum(e)) + top - z[label]", "z[label] - log(sum(e)) - top", "minus the logarithm"),
    ("04.7", "    return loss, slopes", "    return loss", "return the loss and the list"),
    ("08.2", ", prepend=0.0", "", "before it, the slope is 0"),
    ("08.2", "np.diff(f(joints)) / np.diff(joints)", "f(joints)", "rise over run"),
    ("09.5", "dot(query, key)", "query * key", "query and key are lists"),
    ("09.5", "for column in zip(*values)", "for column in [values]", "the columns"),
    ("09.5", " / len(query) ** 0.5", "", "by the root of the width"),
    ("09.5", "len(query) ** 0.5", "len(query)", "not by the width"),
    ("09.5", "softmax(", "list(", "softmax makes them shares"),
    ("09.5", "dot(query, key)", "0.0 * dot(query, key)", "the mean of the values"),
    ("09.5", "zip(*values)", "values", "two lists of one length"),
    ("09.5", "return [", "[", "nothing so far"),
]


def breadth_first(root):
    order = [root]
    for v in order:
        order += [p for p in v.parents if p not in order]
    return order


def every_path(root):
    return [root, *[v for p in root.parents for v in every_path(p)]]


def answer(key, lines):
    _, name = SOURCES[key]
    own = {"breadth_first": breadth_first, "every_path": every_path, "topological": topological}
    own |= {"np": np, "xor": xor, "Op": Op, "mean": mean, "losses": losses, "pieces": pieces}
    own |= {"softmax": softmax, "dot": dot, "column_softmax": layers.column_softmax}
    space = defined(lines, **own)
    if key == "01.8":
        space["MyValue"].backward = defined(BACKWARD, topological=topological)["backward"]
    return eval(name, space)  # noqa: S307


def test_every_question_that_asks_for_code_has_wrong_answers_here():
    asked = {key for key in KEYS if isinstance(find(key), (Code, Engine, Step))} - {"11.6"}
    assert asked == set(SOURCES)
    assert {key for key in asked if sum(row[0] == key for row in BROKEN) < 2} == set()


@pytest.mark.parametrize("key", SOURCES)
def test_the_right_code_is_right(key):
    reply = check(key, answer(key, SOURCES[key][0]))
    assert reply.mood == "right", reply
    assert all(holds for holds, _ in reply.rows)


@pytest.mark.parametrize(("key", "old", "new", "said"), BROKEN)
def test_broken_code_is_told_what_is_broken(key, old, new, said):
    source = SOURCES[key][0]
    assert old in source
    reply = check(key, answer(key, source.replace(old, new)))
    assert reply.mood != "right"
    assert said in repr(reply).lower()


def test_a_stub_is_waited_for():
    for key in ("01.4", "01.6", "01.7", "01.9"):
        assert check(key, lambda *args: ...).mood == "waiting"


@pytest.mark.parametrize(
    ("order", "said"),
    [
        ("L e d c t", "Everybody speaks once"),
        ("L t e d c", "Everybody speaks once"),
        ("L d c t e", "d speaks before e"),
        ("L e d c", "And t?"),
        ("L e e d c t", "e speaks twice"),
        ("L f", "no Value f"),
    ],
)
def test_who_speaks_when(order, said):
    assert said in check("01.5", order).text
    assert said in check("01.5", order.split()).text


@over(
    ("numbers", "said"),
    [
        ((2, 1), "just in time"),
        ("2 1", "just in time"),
        ((1, 2), "other order"),
        ((2, 0), "is awake"),
        ((2, -2), "weight onwards"),
        (2, "Text is wanted"),
        ((5, 5), "cut off below 0"),
        ((2,), "Two numbers"),
    ],
)
def test_what_the_hidden_units_say(numbers, said):
    assert said in check("03.3", numbers).text


def test_a_net_is_judged_on_moons_that_it_has_not_seen():
    X, y = datasets.moons(n=200, noise=0.1, seed=7)
    right = dict(zip(map(tuple, X), y))
    assert check("11.6", lambda x: right.get(tuple(x), 0)).mood == "right"
    assert "the wrong way round" in check("11.6", lambda x: 1 - right.get(tuple(x), 0)).text
    assert "180 are asked for" in check("11.6", lambda x: 1).text
    assert "1 or 0 is wanted" in check("11.6", lambda x: 0.5).text
    assert check("11.6", lambda x: ...).mood == "waiting"


# --- A student's engine -----------------------------------------------------------------------


def test_an_engine_is_tried_against_the_derivative_table():
    reply = check_engine(answer("01.8", ENGINE))
    laws = [law for _, law in reply.rows]
    assert [row.law for row in ROWS] == laws[: len(ROWS)]
    assert {"`exp` has the slopes of the project's table"} < set(laws)
    assert "`+`, `-`, `*`, `exp`, `log`, `tanh`, `relu`" in reply.text


def test_the_projects_own_engine_obeys_every_law():
    reply = check_engine(Value)
    assert reply.mood == "right"
    assert "not too deep" in reply.text


def test_an_engine_that_calls_itself_is_told_of_depth():
    mine = answer("01.8", ENGINE)
    mine.backward = defined(TOPOLOGICAL + BACKWARD)["backward"]
    assert "calls itself" in check_engine(mine).text


class Bare:
    def __init__(self, data, parents=(), partials=()):
        self.data, self.parents, self.partials = data, parents, partials

    def __add__(self, other):
        return type(self)(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other):
        return type(self)(self.data * other.data, (self, other), (other.data, self.data))

    def tanh(self):
        t = np.tanh(self.data)
        return type(self)(t, (self,), (1 - t * t,))

    def backward(self):
        order = topological(self)
        for v in order:
            v.grad = None
        self.grad = np.ones(())
        for v in reversed(order):
            for parent, partial in zip(v.parents, v.partials, strict=True):
                parent.grad = partial * v.grad + (parent.grad or 0.0)


class Once(Bare):
    def backward(self):
        if not self.parents:
            raise RuntimeError("there is no graph any more")
        super().backward()
        self.parents = self.partials = ()


class Nothing(Bare):
    def backward(self):
        pass


class Deaf(Bare):
    grad = None

    def backward(self):
        self.grad = 1.0


class Wrapped(Bare):
    def __add__(self, other):
        return Wrapped(Wrapped(self.data + other.data))


@pytest.mark.parametrize(
    ("engine", "said"),
    [
        (Bare, "obeys every law"),
        (Once, "backward called twice: Python stopped with `RuntimeError: there is no graph"),
        (Nothing, "has no attribute 'grad'"),
        (Deaf, "Nothing has arrived there"),
        (Wrapped, "must be real number"),
    ],
)
def test_an_engine_of_any_shape_has_a_reply(engine, said):
    assert said in check_engine(engine).text


def test_what_a_first_call_left_between_may_not_be_passed_on_again():
    mine = answer("01.8", ENGINE)
    keeping = BACKWARD.replace("    for v in order:\n        v.grad = 0.0\n", "")
    mine.backward = defined(keeping, topological=topological)["backward"]
    reply = check_engine(mine)
    assert "3 times its gradient" in reply.text
    assert reply.rows[-1] == (False, "a second call of backward starts afresh, or adds once more")


def test_the_lab_of_the_order_has_a_right_gradient_that_is_not_handed_on():
    x = Value(1.0)
    v = x * 2
    root = v * (v + 3)
    labs.hurried(root)
    assert (v.grad, x.grad) == (7.0, 10.0)
    x.grad = 0.0
    root.backward()
    assert (v.grad, x.grad) == (7.0, 14.0)


def test_an_engine_that_goes_along_every_path_is_told_how_many_there_are():
    def backward(v, gradient=1.0):
        v.grad += gradient
        for parent, partial in zip(v.parents, v.partials):
            backward(parent, partial * gradient)

    mine = answer("01.8", ENGINE)
    mine.backward = backward
    reply = check_engine(mine)
    assert "a thousand million paths" in reply.text
    assert reply.rows[-1] == (False, "and it ends soon, however many paths there are")


def test_a_wrong_order_is_told_the_order_and_nothing_else():
    mine = answer("01.8", ENGINE)
    forwards = BACKWARD.replace("in reversed(order)", "in order")
    mine.backward = defined(forwards, topological=topological)["backward"]
    text = check_engine(mine).text
    assert "walked forwards, from the leaves. Each Value once, after all of its uses" in text
    assert "local derivative" not in text


def test_the_picture_shows_the_students_number():
    swapped = ENGINE.replace("(other.data, self.data)", "(self.data, other.data)")
    reply = check_engine(answer("01.8", swapped))
    assert re.search(r"a, yours 2", str(reply.picture))
    assert "yours 2" in reply._repr_html_()
