import math
from itertools import permutations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from autograd_core import Value, check_gradient, logsumexp
from nn.losses import (
    LOSSES,
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    half_squared_error,
    hinge,
    mse,
    nll,
    squared_error,
)
from tests.rows import over

outputs = st.floats(-20, 20)
shares = st.floats(0.001, 0.999)
many = st.lists(st.tuples(outputs, outputs), min_size=1, max_size=5)
EXTREME = (-1e300, -800.0, 0.0, 800.0, 1e300)


def values(numbers):
    return [Value(x) for x in numbers]


def close(expected):
    return pytest.approx(expected, rel=1e-9, abs=1e-9)


def plain_sigmoid(z):
    return 1 / (1 + math.exp(-z)) if z > 0 else math.exp(z) / (1 + math.exp(z))


def plain_softmax(zs):
    exps = [math.exp(z - max(zs)) for z in zs]
    return [e / sum(exps) for e in exps]


def slopes(loss, prediction, target):
    """The gradient of the loss along each output."""
    loss(prediction, target).backward()
    return [z.grad for z in prediction]


# --- Each against its formula ----------------------------------------------------------------


@given(many)
def test_squared_errors_are_a_sum_half_a_sum_and_a_mean(pairs):
    prediction, target = zip(*pairs, strict=True)
    squares = sum((p - t) ** 2 for p, t in pairs)
    assert squared_error(values(prediction), target).data == close(squares)
    assert half_squared_error(values(prediction), target).data == close(squares / 2)
    assert mse(values(prediction), target).data == close(squares / len(pairs))


@given(many)
def test_the_slope_of_half_the_squared_error_is_prediction_minus_target(pairs):
    prediction, target = zip(*pairs, strict=True)
    found = slopes(half_squared_error, values(prediction), target)
    assert found == close([p - t for p, t in pairs])


@given(outputs, outputs)
def test_one_output_needs_no_list(prediction, target):
    for loss in (squared_error, mse, half_squared_error):
        alone = loss(Value(prediction), target).data
        assert alone == loss([Value(prediction)], [target]).data


@given(outputs, st.sampled_from([-1, 1]))
def test_hinge_is_the_margin_that_is_missing(z, label):
    assert hinge(Value(z), label).data == max(0.0, 1 - label * z)
    (slope,) = slopes(hinge, [Value(z)], label)
    assert slope == (-label if label * z < 1 else 0)


@given(outputs)
def test_hinge_takes_label_zero_for_minus_one(z):
    assert hinge(Value(z), 0).data == hinge(Value(z), -1).data


@given(shares, st.sampled_from([0, 1]))
def test_binary_cross_entropy_is_the_surprise_at_the_label(p, label):
    expected = -math.log(p if label else 1 - p)
    assert binary_cross_entropy(Value(p), label).data == close(expected)


@given(outputs, st.sampled_from([0, 1]))
def test_binary_cross_entropy_with_logits_is_that_of_the_sigmoid(z, label):
    expected = math.log1p(math.exp(-z if label else z))
    assert binary_cross_entropy_with_logits(Value(z), label).data == close(expected)
    (slope,) = slopes(binary_cross_entropy_with_logits, [Value(z)], label)
    assert slope == close(plain_sigmoid(z) - label)


@given(st.lists(outputs, min_size=2, max_size=5), st.data())
def test_cross_entropy_is_the_surprise_of_the_softmax_with_slopes_p_minus_one_hot(logits, data):
    label = data.draw(st.integers(0, len(logits) - 1))
    p = plain_softmax(logits)
    expected = max(logits) + math.log(sum(math.exp(z - max(logits)) for z in logits))
    assert cross_entropy(values(logits), label).data == close(expected - logits[label])
    found = slopes(cross_entropy, values(logits), label)
    assert found == close([share - (k == label) for k, share in enumerate(p)])


@given(st.lists(shares, min_size=2, max_size=5), st.data())
def test_nll_is_minus_the_log_of_the_probability_of_the_label(p, data):
    label = data.draw(st.integers(0, len(p) - 1))
    assert nll(values(p), label).data == close(-math.log(p[label]))


@given(st.lists(outputs, min_size=2, max_size=5), st.data())
def test_cross_entropy_is_nll_of_a_softmax(logits, data):
    label = data.draw(st.integers(0, len(logits) - 1))
    zs = values(logits)
    p = [(z - logsumexp(zs)).exp() for z in zs]
    assert nll(p, label).data == close(cross_entropy(values(logits), label).data)


@pytest.mark.parametrize("loss", [cross_entropy, nll], ids=lambda loss: loss.name)
@pytest.mark.parametrize("label", [0, 1, 2])
def test_an_index_and_a_one_hot_list_are_the_same_target(loss, label):
    prediction = [0.2, 0.7, 0.1]
    one_hot = [float(k == label) for k in range(3)]
    assert loss(values(prediction), label).data == loss(values(prediction), one_hot).data
    first = slopes(loss, values(prediction), label)
    assert first == slopes(loss, values(prediction), one_hot)
    assert first == slopes(loss, values(prediction), np.array(one_hot))


# --- Gradients against measured slopes --------------------------------------------------------


@given(many)
def test_the_gradients_of_squared_errors_are_measured(pairs):
    prediction, target = zip(*pairs, strict=True)
    for loss in (squared_error, half_squared_error, mse):
        check_gradient(lambda *zs, loss=loss: loss(zs, target), *prediction)


@given(st.floats(-5, 5), shares, st.sampled_from([0, 1]))
def test_the_gradients_for_two_classes_are_measured(z, p, label):
    assume(abs(abs(z) - 1) > 1e-3)  # the kink of hinge
    check_gradient(lambda z: hinge(z, label), z)
    check_gradient(lambda z: binary_cross_entropy_with_logits(z, label), z)
    assume(0.01 < p < 0.99)
    check_gradient(lambda p: binary_cross_entropy(p, label), p)


@given(st.lists(st.floats(0.05, 5), min_size=3, max_size=3), st.integers(0, 2))
def test_the_gradients_for_many_classes_are_measured(prediction, label):
    check_gradient(lambda *zs: cross_entropy(zs, label), *prediction)
    check_gradient(lambda *ps: nll(ps, label), *prediction)


def test_the_kink_of_hinge_is_reported():
    (kink,) = check_gradient(lambda z: hinge(z, 1), 1.0).kinks
    assert kink.left == pytest.approx(-1)
    assert kink.right == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("loss", "target"), [(mse, [1.0, 2.0]), (cross_entropy, [0.25, 0.75])], ids=["mse", "shares"]
)
def test_targets_that_are_no_labels_have_gradients_of_their_own(loss, target):
    check_gradient(lambda *xs: loss(xs[:2], xs[2:]), 0.3, -0.2, *target)


# --- Far from zero ---------------------------------------------------------------------------


@over("z", EXTREME)
@over("label", [0, 1])
def test_logits_of_any_size_have_a_finite_binary_cross_entropy(z, label):
    wrongness = -z if label else z
    loss = binary_cross_entropy_with_logits(Value(z), label).data
    assert loss == (math.log(2) if z == 0 else max(0.0, wrongness))
    (slope,) = slopes(binary_cross_entropy_with_logits, [Value(z)], label)
    assert slope == (0.5 if z == 0 else float(z > 0)) - label


@over(("a", "b"), list(permutations(EXTREME, 2)))
def test_logits_of_any_size_have_a_finite_cross_entropy(a, b):
    assert cross_entropy(values([a, b]), 0).data == pytest.approx(max(0.0, b - a))
    found = slopes(cross_entropy, values([a, b]), 0)
    assert found == pytest.approx([(a > b) - 1, 1 - (a > b)], abs=1e-12)


@pytest.mark.parametrize("z", EXTREME)
def test_equal_logits_of_any_size_are_a_tie(z):
    assert slopes(cross_entropy, values([z, z]), 0) == pytest.approx([-0.5, 0.5], abs=1e-12)


@pytest.mark.parametrize("label", [0, 1])
def test_a_perfectly_confident_right_answer_costs_nothing(label):
    assert binary_cross_entropy(Value(label), label).data == 0
    assert nll([Value(1 - label), Value(label)], label).data == 0


@pytest.mark.parametrize("label", [0, 1])
def test_a_perfectly_confident_wrong_answer_has_no_loss_and_says_so(label):
    with pytest.raises(ValueError, match="cannot compute log of"):
        binary_cross_entropy(Value(1 - label), label)
    with pytest.raises(ValueError, match="cannot compute log of"):
        nll([Value(label), Value(1 - label)], label)


# --- Labels ----------------------------------------------------------------------------------

ONE, THREE = [0.5], [0.2, 0.5, 0.3]


@over(
    ("loss", "prediction", "target", "named"),
    [
        (hinge, ONE, 2, "got 2"),
        (hinge, ONE, 0.5, "got 0.5"),
        (hinge, ONE, [1, 1], "got 2"),
        (hinge, THREE, 1, "expected 3 targets"),
        (binary_cross_entropy, ONE, -1, "got -1"),
        (binary_cross_entropy, ONE, 1.5, "got 1.5"),
        (binary_cross_entropy_with_logits, ONE, -1, "got -1"),
        (binary_cross_entropy_with_logits, ONE, 2, "got 2"),
        (binary_cross_entropy_with_logits, THREE, 1, "expected 3 targets"),
        (cross_entropy, THREE, 3, "0 to 2, got 3"),
        (cross_entropy, THREE, -1, "0 to 2, got -1"),
        (cross_entropy, THREE, 1.5, "0 to 2, got 1.5"),
        (cross_entropy, THREE, [0, 1], "expected 3 targets"),
        (cross_entropy, THREE, [0, 1, 1], "add up to 1, got 0 in one that adds up to 2"),
        (cross_entropy, THREE, [-0.5, 1, 0.5], "shares.* got -0.5 in"),
        (cross_entropy, ONE, 0, "one output"),
        (nll, THREE, 3, "0 to 2, got 3"),
        (nll, THREE, [1, 0, 1], "add up to 1, got 1 in one that adds up to 2"),
        (nll, THREE, [0, 0.5, 0.25], "add up to 1, got 0 in one that adds up to 0.75"),
        (nll, ONE, 0, "one output"),
        (squared_error, THREE, 1.0, "expected 3 targets, .* got 1"),
        (half_squared_error, ONE, [1.0, 2.0], "expected 1 targets, .* got 2"),
        (mse, THREE, [1.0, 2.0], "expected 3 targets, .* got 2"),
    ],
)
def test_a_target_the_loss_has_no_use_for_is_an_error_that_names_both(
    loss, prediction, target, named
):
    with pytest.raises(ValueError, match=f"{loss.name}: .*{named}"):
        loss(values(prediction), target)


@over("loss", LOSSES)
@over("target", [math.nan, math.inf, -math.inf])
def test_a_target_that_is_not_finite_is_an_error_that_names_it(loss, target):
    with pytest.raises(ValueError, match=f"{loss.name}: .*{target}"):
        loss(values(THREE if loss in (cross_entropy, nll) else ONE), target)


@over("loss", LOSSES)
@over("target", [None, "1", [None], 1j])
def test_a_target_that_is_no_number_is_an_error_that_names_the_loss(loss, target):
    with pytest.raises(ValueError, match=f"{loss.name}: "):
        loss(values(ONE), target)


@pytest.mark.parametrize("label", [1, 1.0, True, np.int64(1), np.float32(1), [1], np.array([1])])
def test_a_label_may_be_any_kind_of_number(label):
    assert hinge(Value(0.25), label).data == 0.75
    assert binary_cross_entropy(Value(0.25), label).data == close(math.log(4))
    assert cross_entropy([Value(3.0), Value(3.0)], label).data == close(math.log(2))


def test_every_loss_is_known_by_its_name():
    standard = {
        "squared_error",
        "half_squared_error",
        "mse",
        "binary_cross_entropy",
        "binary_cross_entropy_with_logits",
        "cross_entropy",
        "nll",
        "hinge",
    }
    assert set(LOSSES) == standard
    assert all(loss.name == name for name, loss in LOSSES.items())


# --- Shares for labels -------------------------------------------------------------------------


@given(st.lists(st.tuples(outputs, shares), min_size=2, max_size=5))
def test_soft_labels_cost_their_cross_entropy(pairs):
    """-Σ t log p, of shares t of the classes and probabilities p, however it is written."""
    zs, raw = zip(*pairs, strict=True)
    t, p = [share / sum(raw) for share in raw], plain_softmax(zs)
    expected = close(-sum(share * math.log(chance) for share, chance in zip(t, p, strict=True)))
    assert cross_entropy(values(zs), t).data == expected
    assert nll(values(p), t).data == expected
    slope = [chance - share for share, chance in zip(t, p, strict=True)]
    assert slopes(cross_entropy, values(zs), t) == close(slope)


@given(outputs, shares)
def test_a_share_between_two_labels_costs_their_cross_entropy(z, t):
    p = plain_sigmoid(z)
    expected = -t * math.log(p) - (1 - t) * math.log(plain_sigmoid(-z))
    assert binary_cross_entropy_with_logits(Value(z), t).data == close(expected)
    assert binary_cross_entropy(Value(p), t).data == pytest.approx(expected, rel=1e-6)
    assert slopes(binary_cross_entropy_with_logits, [Value(z)], t) == close([p - t])


@pytest.mark.parametrize("loss", [row for row in LOSSES.values() if row.hard], ids=lambda x: x.name)
@given(p=shares, label=st.integers(0, 1))
def test_the_short_formula_of_labels_is_the_formula(loss, p, label):
    prediction = [Value(p)] if not loss.of_classes else [Value(1 - p), Value(p)]
    encoded = loss.encode(label, len(prediction))
    assert loss.formula_for([encoded]) is loss.hard
    assert loss.formula_for([[0.5]]) is loss.formula
    short, whole = loss.hard(prediction, encoded), loss.formula(prediction, encoded)
    assert short.data == pytest.approx(whole.data, rel=1e-14)


@pytest.mark.parametrize("loss", [nll, binary_cross_entropy], ids=lambda loss: loss.name)
def test_an_impossible_class_costs_nothing_where_its_share_is_0(loss):
    prediction = [Value(0.0), Value(1.0)] if loss is nll else [Value(1.0)]
    assert loss.formula(prediction, loss.encode(1, len(prediction))).data == 0.0


def test_smoothing_takes_from_the_label_what_it_gives_to_all():
    assert cross_entropy.smoothed([0.0, 0.0, 1.0, 0.0], 0.2) == close([0.05, 0.05, 0.85, 0.05])
    assert binary_cross_entropy.smoothed([1.0], 0.2) == close([0.9])
    assert binary_cross_entropy_with_logits.smoothed([0.0], 0.2) == close([0.1])
    for loss in (hinge, mse, squared_error):
        with pytest.raises(ValueError, match=f"label_smoothing: {loss.name} takes labels"):
            loss.smoothed([1.0], 0.1)
