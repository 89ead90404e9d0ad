import math
import sys
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nn.datasets import (
    DATASETS,
    blobs,
    circles,
    digits,
    moons,
    most_held_out,
    spirals,
    split,
    xor,
)

SCATTERED = [moons, circles, spirals, blobs]
each = pytest.mark.parametrize("dataset", SCATTERED, ids=lambda dataset: dataset.__name__)


def of_class(label, data):
    return [x for x, y in zip(*data, strict=True) if y == label]


def test_xor_is_one_where_exactly_one_coordinate_is():
    X, y = xor()
    assert sorted(X) == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert y == [int(a != b) for a, b in X]


@each
def test_points_are_lists_of_two_floats_and_labels_are_whole_numbers(dataset):
    X, y = dataset(30)
    assert len(X) == len(y) == 30
    assert all(type(x) is list and [type(v) for v in x] == [float, float] for x in X)
    assert {type(label) for label in y} == {int}


@each
def test_there_are_a_hundred_points_unless_asked_otherwise(dataset):
    X, y = dataset()
    assert len(X) == len(y) == 100


@each
@given(n=st.integers(3, 60), seed=st.integers())
def test_classes_are_balanced_and_numbered_from_zero(dataset, n, seed):
    _, y = dataset(n, seed=seed)
    counts = Counter(y)
    assert set(counts) == set(range(3 if dataset is blobs else 2))
    assert max(counts.values()) - min(counts.values()) <= 1
    assert len(y) == n


@each
def test_the_same_seed_gives_the_same_points(dataset):
    assert dataset(20, seed=3) == dataset(20, seed=3)
    assert dataset(20, seed=3)[0] != dataset(20, seed=4)[0]
    assert dataset(20) == dataset(20, seed=0)


@each
def test_noise_moves_points_by_about_its_size(dataset):
    still, _ = dataset(1000, noise=0.0)
    moved, _ = dataset(1000, noise=0.2)
    offsets = [a - b for p, q in zip(moved, still, strict=True) for a, b in zip(p, q, strict=True)]
    deviation = math.sqrt(sum(d * d for d in offsets) / len(offsets))
    assert deviation == pytest.approx(0.2, rel=0.1)
    assert abs(sum(offsets) / len(offsets)) < 0.03


def test_moons_without_noise_are_two_half_circles():
    data = moons(40, noise=0.0)
    for x1, x2 in of_class(0, data):
        assert math.hypot(x1, x2) == pytest.approx(1)
        assert x2 >= 0
    for x1, x2 in of_class(1, data):
        assert math.hypot(x1 - 1, x2 - 0.5) == pytest.approx(1)
        assert x2 <= 0.5
    assert of_class(0, data)[0] == pytest.approx([1, 0])
    assert of_class(0, data)[-1] == pytest.approx([-1, 0])
    assert of_class(1, data)[0] == pytest.approx([0, 0.5])
    assert of_class(1, data)[-1] == pytest.approx([2, 0.5])


def test_circles_without_noise_have_radius_one_and_a_half():
    data = circles(40, noise=0.0)
    assert [math.hypot(*x) for x in of_class(0, data)] == pytest.approx([1.0] * 20)
    assert [math.hypot(*x) for x in of_class(1, data)] == pytest.approx([0.5] * 20)


def test_spirals_without_noise_are_one_arm_and_the_same_turned_half_way():
    data = spirals(40, noise=0.0)
    arm = of_class(0, data)
    assert [math.hypot(*x) for x in arm] == pytest.approx([i / 19 for i in range(20)])
    for (a, b), (c, d) in zip(arm, of_class(1, data), strict=True):
        assert (a + c, b + d) == pytest.approx((0, 0), abs=1e-12)
    turns = [math.atan2(x2, x1) for x1, x2 in arm[1:]]
    steps = [(after - before) % (2 * math.pi) for before, after in pairwise(turns)]
    assert sum(steps) + steps[0] == pytest.approx(3 * math.pi)  # one and a half times round


@pytest.mark.parametrize(
    "row", [row for row in DATASETS.values() if row.numbers], ids=lambda row: row.name
)
def test_numbers_are_heights_over_the_plane_which_noise_moves(row):
    X, still = row(1000, noise=0.0)
    same, moved = row(1000, noise=0.2)
    assert same == X
    assert all(abs(v) <= 1 for x in X for v in x)
    assert -1 <= min(still) < -0.5 < 0.5 < max(still) <= 1
    off = [a - b for a, b in zip(moved, still, strict=True)]
    assert math.sqrt(sum(d * d for d in off) / 1000) == pytest.approx(0.2, rel=0.1)
    assert row(20, seed=3) == row(20, seed=3) != row(20, seed=4)


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_blobs_without_noise_are_centres_evenly_spaced_on_a_circle(classes):
    data = blobs(20, noise=0.0, classes=classes)
    for label in range(classes):
        angle = 2 * math.pi * label / classes
        centre = pytest.approx([math.cos(angle), math.sin(angle)])
        assert all(x == centre for x in of_class(label, data))


@each
def test_too_few_points_for_the_classes_is_an_error(dataset):
    classes = 3 if dataset is blobs else 2
    X, _ = dataset(classes)
    assert len(X) == classes
    with pytest.raises(ValueError, match=f"{classes} classes need .* got n = {classes - 1}"):
        dataset(classes - 1)


@pytest.mark.parametrize(
    "row", [row for row in DATASETS.values() if row.is_plane], ids=lambda row: row.name
)
def test_points_and_noise_that_are_none_are_an_error_that_names_them(row):
    for n in (0, -5, 2.5, "5", None):
        with pytest.raises(ValueError, match=f"^n must be a whole number .* got {n!r}"):
            row(n)
    shown = {noise: repr(noise) for noise in (-1, math.nan, math.inf, "much", None)}
    for noise, words in {**shown, 10**400: "a number of more than 18 digits"}.items():
        with pytest.raises(ValueError, match=f"^noise must be a number .* got {words}"):
            row(10, noise=noise)
    with pytest.raises(TypeError, match=r"^seed must be .* got \[1\]"):
        row(10, seed=[1])


labels = st.lists(st.integers(0, 4), min_size=1, max_size=60)
shares = st.floats(0, 1, exclude_max=True)


@given(labels, shares, st.integers(0, 9))
def test_no_class_is_held_out_whole_and_each_about_alike(y, share, seed):
    X, count, free = list(range(len(y))), round(share * len(y)), len(y) - len(set(y))
    if count > free:
        with pytest.raises(ValueError, match="does not leave an example of each class"):
            split(X, y, share, seed)
        assert share > most_held_out(y)
        return
    kept_X, kept_y, held_X, held_y = split(X, y, share, seed)
    assert len(held_X) == count
    assert set(kept_y) == set(y)
    assert sorted([*zip(kept_X, kept_y), *zip(held_X, held_y)]) == list(enumerate(y))
    for label in set(y):
        n = y.count(label) - 1  # one of them stays
        assert abs(held_y.count(label) - count * n / max(1, free)) <= 1


@given(labels)
def test_the_largest_share_leaves_one_of_each_class(y):
    kept = split(y, y, most_held_out(y))[1]
    assert sorted(kept) == sorted(set(y))


def test_a_split_takes_arrays_and_refuses_what_it_cannot_share_out():
    X, y = moons(6)
    assert split(np.array(X), np.array(y), 0.5) == split(X, y, 0.5)
    for share in (-0.1, math.nan, "half", None):
        with pytest.raises(ValueError, match=r"^share must be a number of at least 0, got"):
            split(X, y, share)
    with pytest.raises(ValueError, match="6 examples and 3 targets"):
        split(X, y[:3], 0.5)


def test_a_split_is_random_and_the_same_for_the_same_seed():
    data = list(range(50)), [i % 2 for i in range(50)]
    assert split(*data, 0.5, seed=1) == split(*data, 0.5, seed=1)
    assert split(*data, 0.5, seed=1) != split(*data, 0.5, seed=2)
    assert split(*data, 0.5)[2] not in (data[0][:25], data[0][25:])


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=30), st.integers(0, 9))
def test_targets_that_are_no_labels_are_split_as_one_class(y, seed):
    _, kept, _, held_out = split(list(range(len(y))), y, 0.5, seed, by_class=False)
    assert sorted(kept + held_out) == sorted(y)
    assert len(held_out) == round(len(y) / 2)


@pytest.mark.slow
def test_digits_are_images_of_numbers_from_0_to_9():
    pytest.importorskip("sklearn")
    X, y = digits()
    assert len(X) == len(y) == 1797
    assert {len(x) for x in X} == {64}
    assert (min(map(min, X)), max(map(max, X))) == (0, 1)
    assert set(y) == set(range(10))
    assert {type(X[0][0]), type(y[0])} == {float, int}


def test_without_scikit_learn_digits_are_an_error_that_says_how_to_get_them(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(ImportError, match="pip install"):
        digits()
