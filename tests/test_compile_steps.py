"""What is found: as few arrays for a program as the textbook has lines, however it is written."""

from collections import Counter

import pytest

from autograd_core import compile, dot, logsumexp, mean, softmax, total
from autograd_core.compiler.ir import needed
from tests.arrays import products_of
from tests.compiled import Draw, assert_like_eager, kinds, shapes, steps

DRAW = Draw(3)
W, U, B = DRAW.matrix(6, 5, "W"), DRAW.matrix(6, 6, "U"), DRAW.vector(6, "b")
OUT = DRAW.vector(6, "o")


def minus(ws, xs, b):
    s = b
    for w, x in zip(ws, xs, strict=True):
        s = s - w * x
    return s


WRITINGS = {
    "dot": dot,
    "sum": lambda ws, xs, b: sum((w * x for w, x in zip(ws, xs, strict=True)), b),
    "s - w * x": minus,
    "minus each": lambda ws, xs, b: sum((-(w * x) for w, x in zip(ws, xs, strict=True)), b),
    "-w * x": lambda ws, xs, b: sum((-w * x for w, x in zip(ws, xs, strict=True)), b),
    "b - dot": lambda ws, xs, b: b - dot(ws, xs),
    "by 64": lambda ws, xs, b: sum((w * x / 64 for w, x in zip(ws, xs, strict=True)), b),
    "by 3": lambda ws, xs, b: sum((w * x / 3 for w, x in zip(ws, xs, strict=True)), b),
    "half": lambda ws, xs, b: sum((0.5 * w * x for w, x in zip(ws, xs, strict=True)), b),
    "twice": lambda ws, xs, b: sum((w * x * 2 for w, x in zip(ws, xs, strict=True)), b),
    "mixed": lambda ws, xs, b: ws[0] * xs[0] + b - dot(ws[1:], xs[1:]),
}


@pytest.mark.parametrize("way", WRITINGS.values(), ids=WRITINGS)
@pytest.mark.parametrize("batched", [False, True])
def test_a_perceptron_is_a_product_for_each_layer_in_all_writings(way, batched):
    def f(x):
        hidden = [way(row, x, b).tanh() for row, b in zip(W, B, strict=True)]
        return total([way(row, hidden, b).tanh() for row, b in zip(U, B, strict=True)])

    data = DRAW.data(4, 5) if batched else DRAW.data(5)
    program = assert_like_eager(f, data, batched=batched)
    assert shapes(program) == [(1, 6, 5), (1, 6, 6)]
    assert len(steps(program)) <= 5 + 2 * 2  # and a sign or a scale for each layer, and the bias
    (layer, rest), (slopes, others) = [
        (Counter(found)[kind], set(found) - {"product", "tanh"})
        for found, kind in ((kinds(program), "tanh"), (kinds(program, backward=True), "product"))
    ]
    assert layer == 2
    assert slopes == (3 if batched else 1)  # of one example, a gradient's products add nothing up
    assert rest | others <= {"+", "-", "*", "/", "neg"}
    assert len(kinds(program, backward=True)) <= 14


def recurrent_net(T):
    """A program with a loss at each of T steps."""

    def f(xs):
        state, losses = [0.0] * 6, []
        for x in xs:
            state = [
                (dot(row, x) + dot(u, state) + b).tanh() for row, u, b in zip(W, U, B, strict=True)
            ]
            losses.append((dot(OUT, state) - x[0]) ** 2)
        return mean(losses)

    return assert_like_eager(f, DRAW.data(3, T, 5), batched=True)


def test_of_a_recurrent_net_with_a_loss_at_each_step_only_the_recurrence_is_step_by_step():
    program, longer = recurrent_net(8), recurrent_net(12)
    assert shapes(program).count((1, 6, 6)) == 8 - 1
    assert len(shapes(program)) <= 8 + 3  # the inputs at once, the readouts at once
    assert len(steps(program)) <= 2 * 8 + 8
    more = {
        backward: Counter(kinds(longer, backward=backward))
        - Counter(kinds(program, backward=backward))
        for backward in (False, True)
    }
    assert more[False] == {"product": 4, "+": 4, "tanh": 4}  # tanh(W h + what came in)
    assert more[True] == {"product": 4, "*": 8, "-": 4}  # W' g, and (1 - h * h) * g


def attend(xs, *, causal):
    keys = [[dot(row, x) for row in W] for x in xs]
    out = []
    for i, q in enumerate(keys):
        seen = keys[: i + 1] if causal else keys
        share = softmax([dot(q, k) / 6**0.5 for k in seen])
        out += [dot(share, [k[j] for k in seen]) for j in range(6)]
    return mean([o * o for o in out])


@pytest.mark.parametrize("causal", [False, True])
def test_attention_takes_no_more_steps_for_more_positions(causal):
    few, many = [
        assert_like_eager(lambda xs: attend(xs, causal=causal), DRAW.data(T, 5)) for T in (6, 12)
    ]
    assert len(steps(many)) == len(steps(few)) <= 14
    for backward, most in ((False, 18), (True, 22)):
        found = kinds(many, backward=backward)
        assert found == kinds(few, backward=backward)
        assert len(found) <= most
        assert found.count("product") <= (4, 6)[backward]


def test_a_convolution_is_one_product():
    K = DRAW.matrix(3, 4, "K")
    program = assert_like_eager(
        lambda x: mean([dot(k, x[i : i + 4]).relu() for k in K for i in range(9)]),
        DRAW.data(2, 12),
        batched=True,
    )
    assert shapes(program) == [(3, 9, 4)]
    assert kinds(program) == ["product", "relu", "+", "/"]
    assert kinds(program, backward=True) == ["step", "*", "product"]


def test_a_layer_that_positions_share_is_one_product():
    program = assert_like_eager(
        lambda xs: total([dot(row, x, b).tanh() for x in xs for row, b in zip(W, B, strict=True)]),
        DRAW.data(2, 7, 5),
        batched=True,
    )
    assert shapes(program) == [(6, 7, 5)]
    assert kinds(program) == ["product", "+", "tanh", "+"]
    assert kinds(program, backward=True) == ["*", "-", "*", "+", "product"]


def test_an_embedding_is_a_gather_and_a_product():
    E, R = DRAW.matrix(9, 4, "E"), DRAW.matrix(9, 4, "R")
    sentences = [[0, 3, 3], [1, 8, 2], [5, 0, 7], [4, 4, 6]]

    def f():
        hidden = [[mean([E[t][k] for t in s]) for k in range(4)] for s in sentences]
        scores = [[dot(row, h) for row in R] for h in hidden]
        return mean([logsumexp(z) - z[s[0]] for z, s in zip(scores, sentences, strict=True)])

    program = assert_like_eager(f)
    assert shapes(program) == [(4, 9, 4)]
    logsumexps = ["max", "-", "exp", "+", "log", "+"]
    assert kinds(program) == ["+", "/", "product", *logsumexps, "product", "/"]
    assert kinds(program, backward=True) == ["/", "*", "*", "product", "product", "*"]


def test_backward_has_one_product_for_the_weights_and_one_for_the_inputs():
    program = compile(lambda x: total([dot(row, x).tanh() for row in W]), batched=True)
    program.value_and_gradient(DRAW.data(3, 5))
    program.gradient_wrt_inputs(DRAW.data(3, 5))
    compiled = program.current()
    assert len(products_of(needed(compiled.emit.order, compiled.results))) == 1
    for leaf in (compiled.vector, compiled.inputs):
        assert len(products_of(compiled.ready[leaf].order)) == 2


LABELS = {
    "signs": [1.0, -1.0, -1.0, 1.0],
    "weights": [0.5, 1.0, 2.0, 1.0],
    "all alike": [-1.0, -1.0, -1.0, -1.0],
}


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
def test_numbers_that_scale_outputs_leave_their_layer_one_product(labels):
    draw = Draw()
    (*ws, b), vs, rows = draw.vector(4, "w"), draw.vector(3, "v"), draw.data(4, 3).tolist()

    def f():
        scores = [dot(ws, [(v * x).tanh() for v, x in zip(vs, row, strict=True)]) for row in rows]
        return total([(1 - y * (s + b)).relu() for y, s in zip(labels, scores, strict=True)])

    program = assert_like_eager(f)
    assert shapes(program) == [(1, 4, 3)]
