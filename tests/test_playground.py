"""The playground without a browser: its state, its session, and the widget's messages."""

import ast
import asyncio
import base64
import gc
import json
import math
import re
import subprocess
import sys
import zlib
from contextlib import suppress
from itertools import cycle, pairwise
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nn import LOSSES, MLP, DivergedError, datasets, evaluate, fit
from nn.datasets import DATASETS
from nn.model.init import INITS
from nn.optim import OPTIMIZERS
from nn.playground import page as bundle
from nn.playground.controls import described
from nn.playground.frames import Frames
from nn.playground.launch import launch
from nn.playground.lessons import LESSONS
from nn.playground.past import Past
from nn.playground.picture import svg
from nn.playground.points import grid
from nn.playground.protocol import Desk, notice
from nn.playground.readout import SIDE, TILE, Look, curve, differences, example, pictures, slopes
from nn.playground.session import Session, data_of, new_model, new_optimizer
from nn.playground.state import FEATURES, MOST_POINTS, State, data_sets, rows_of
from nn.train.settings import RecipeError
from tests.rows import over

SMALL = {"hidden": [4], "n": 20, "batch": 5}
PAIRS = [(loss, output) for loss in LOSSES for output in LOSSES[loss].outputs]


def drawn(session, **look):
    """All that is shown of a moment, as bytes."""
    look = Look(**look)
    found = [pictures(session, look), example(session, look.point), slopes(session)]
    return [array.tobytes() for part in found for array in part.values()]


def numbers(session):
    return [p.data for p in session.parameters]


def session(**settings):
    return Session(State.of({**SMALL, **settings}))


def trained(steps, **settings):
    s = session(**settings)
    for _ in range(steps):
        s.step()
    return s


# --- State -----------------------------------------------------------------------------------

losses = st.sampled_from(PAIRS)


def loss_for(data, loss, output):
    """A loss that takes what the data set has; the data set itself brings one."""
    fits = LOSSES[loss].takes_numbers or not DATASETS[data].numbers
    return {"loss": loss, "output": output} if fits else {}


states = st.builds(
    lambda pair, data, **others: State.of({**loss_for(data, *pair), "data": data, **others}),
    losses,
    data=st.sampled_from(data_sets()[:-1]),
    n=st.integers(4, 40),
    noise=st.floats(0, 0.5),
    held_out=st.floats(0, 0.5),
    features=st.lists(st.sampled_from([*FEATURES]), min_size=1, max_size=3, unique=True),
    hidden=st.lists(st.integers(1, 5), max_size=3),
    activation=st.sampled_from(["relu", "tanh", "softplus", "leaky_relu", "sigmoid", "linear"]),
    init=st.sampled_from([*INITS]),
    optimizer=st.sampled_from([*OPTIMIZERS]),
    lr=st.floats(1e-4, 0.1),
    l1=st.floats(0, 0.1),
    l2=st.floats(0, 0.1),
    batch=st.none() | st.integers(1, 50),
    seed=st.integers(0, 99),
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@given(states)
def test_a_state_comes_back_from_its_json(state):
    assert State.of(state.to_json()) == state
    assert State.of(json.loads(json.dumps(state.to_dict()))) == state


@given(st.sampled_from([*State().to_dict(), "points", "weights", "changes"]), anything)
def test_any_value_of_a_setting_is_taken_or_refused_by_name(name, value):
    try:
        state = State.of({name: value})
    except RecipeError as refused:
        message = str(refused)
    else:
        assert State.of(state.to_json()) == state
        return
    assert message
    assert len(message) < 400


@over(
    ("given", "message"),
    [
        ("", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("1" * 5000, "not JSON"),
        ("x" * 3_000_000, "at most 2,000,000 characters"),
        ([], "an object of settings"),
        ({"learning_rate": 1}, "unknown setting 'learning_rate'; known are data"),
        ({"hidden": [10**9]}, "1 to 64 neurons"),
        ({"hidden": [8] * 7}, "at most 6 hidden layers"),
        ({"hidden": [64, 64, 64]}, "8,577 parameters"),
        ({"hidden": [True]}, "1 to 64 neurons"),
        ({"n": 10**400}, "more than 18 digits"),
        ({"n": 10_001}, "from 4 to 10,000"),
        ({"lr": float("nan")}, "lr: expected a number"),
        ({"lr": 0}, "lr: expected a number"),
        ({"lr": "0.1"}, "lr: expected a number"),
        ({"loss": "hinge", "output": "softmax"}, "takes the output linear or tanh"),
        ({"points": [[0, 0, 0]] * 10_001}, "at most 10,000 points"),
        ({"points": [[0, math.inf, 0]]}, "points: expected a number"),
        ({"points": [[0, 0]]}, "a point is"),
        ({"data": "own", "points": [[0, 0, 2]]}, "take cross_entropy"),
        ({"weights": [1.0]}, "the model has 44 parameters"),
        ({"changes": [[5, "lr", 1], [4, "lr", 1]]}, "must not fall"),
        ({"changes": [[5, "__class__", 1]]}, "expected one of lr"),
        ({"n": 10_000, "hidden": [50, 50]}, "make the batch smaller"),
        ({"features": ["x1", "x1"]}, "each once"),
        ({"features": ["x3"]}, "expected one of x1, x2"),
        (
            {"n": 10_000, "batch": 9, "hidden": [50, 50], "changes": [[1, "batch", 10_000]]},
            "batch smaller",
        ),
    ],
)
def test_an_odd_state_is_refused_with_a_reason(given, message):
    with pytest.raises(RecipeError, match=message):
        State.of(given)


# --- Session ---------------------------------------------------------------------------------


def steps_or_failure(session, steps):
    """None, or why the run ended early: many a state diverges."""
    try:
        for _ in range(steps):
            session.step()
    except DivergedError as error:
        return str(error)
    return None


@given(states, st.integers(1, 12))
def test_a_state_gives_the_same_run_bit_for_bit(state, steps):
    first, second = Session(state), Session(State.of(state.to_json()))
    assert steps_or_failure(first, steps) == steps_or_failure(second, steps)
    assert numbers(first) == numbers(second)
    assert first.losses == second.losses
    assert drawn(first) == drawn(second)


@pytest.mark.parametrize(
    ("pair", "optimizer", "batch"), list(zip(PAIRS, cycle(OPTIMIZERS), cycle([16, 1, 1000, None])))
)
def test_the_playground_takes_the_steps_of_fit_to_the_same_bits(pair, optimizer, batch):
    loss, output = pair
    data = "blobs" if LOSSES[loss].of_classes else "moons"
    chosen = {"data": data, "loss": loss, "output": output, "batch": batch, "optimizer": optimizer}
    chosen["features"] = ["x1", "x1 x2"]
    state = State.of({**SMALL, **chosen, "n": 25, "hidden": [3], "lr": 0.02, "seed": 3})
    live = Session(state)
    while live.epoch < 2:
        live.step()
    model = new_model(state)
    X, y, _, _ = data_of(state)
    history = fit(
        model,
        rows_of(state.features, X).tolist(),
        y,
        loss=loss,
        optimizer=new_optimizer(state, 25),
        epochs=2,
        batch_size=batch,
        seed=state.seed,
        progress=False,
    )
    assert [p.data.hex() for p in model.parameters()] == [x.hex() for x in numbers(live)]
    assert [p.grad for p in model.parameters()] == live.gradients.tolist()
    assert list(live.losses) == history.loss
    assert live.accuracy == history.accuracy[-1]


def test_changes_made_on_the_way_are_part_of_the_run():
    s = trained(3)
    s.set(lr=0.2)
    s.step()
    s.change("weight", (0, 1.5))
    s.change("add", (0.25, 0.5, 1))
    s.step()
    s.set(l2=0.01, optimizer="momentum")
    s.change("remove", 2)
    s.set(batch=3)
    for _ in range(9):
        s.step()
    again = Session(State.of(s.state.to_json()))
    for _ in range(s.steps):
        again.step()
    assert numbers(again) == numbers(s)
    assert again.points() == s.points()
    assert again.state == s.state


def test_a_change_forgets_what_was_planned_after_it():
    s = trained(2, changes=[[1, "lr", 0.5], [5, "lr", 0.25]])
    assert s.now.lr == 0.5
    s.set(lr=0.125)
    for _ in range(6):
        s.step()
    assert s.now.lr == 0.125
    assert s.state.changes == ((1, "lr", 0.5), (2, "lr", 0.125))


def test_learning_rate_and_l2_apply_at_once_without_recording_again():
    s = trained(3)
    programs, before = list(s.loop.slopes.programs.values()), numbers(s)
    assert not s.set(lr=1e-9, l2=0.5)
    assert (s.steps, numbers(s)) == (3, before)
    s.step()
    assert list(s.loop.slopes.programs.values()) == programs
    assert max(abs(a - b) for a, b in zip(numbers(s), before, strict=True)) < 1e-7


def test_l2_adds_twice_the_weight_to_its_gradient():
    plain, decayed = session(batch=20), session(batch=20, l2=0.25)
    theta = numbers(plain)
    for s in (plain, decayed):
        s.step()
    added = decayed.gradients - plain.gradients
    biases = [p.label.startswith("b") for p in plain.parameters]
    expected = [0.0 if b else 0.5 * w for b, w in zip(biases, theta, strict=True)]
    assert np.allclose(added, expected, rtol=0, atol=1e-12)
    assert decayed.losses[-1] == pytest.approx(plain.losses[-1], rel=1e-12)


@pytest.mark.parametrize("settings", [{"hidden": [3]}, {"data": "xor"}, {"seed": 5}, {"n": 30}])
def test_architecture_and_data_build_anew(settings):
    s = trained(3)
    assert s.set(**settings)
    fresh = session(**settings)
    assert (s.steps, numbers(s), s.points()) == (0, numbers(fresh), fresh.points())


def test_reset_starts_over_with_settings_and_points_as_they_are():
    s = trained(4)
    s.set(lr=0.2)
    s.change("weight", (0, 9.0))
    s.change("add", (0.1, 0.2, 0))
    s.step()
    points = s.points()
    s.reset()
    assert (s.steps, s.epoch, s.now.lr, s.points()) == (0, 0, 0.2, points)
    assert numbers(s) == numbers(session())


def test_a_step_is_the_gradient_of_the_model_s_own_loss():
    s = session(batch=100, optimizer="sgd", lr=0.5, held_out=0.0)
    model = MLP(2, [4, 1], activation="tanh", seed=0)
    X, y = datasets.moons(20, noise=0.15)
    loss, _ = evaluate(model, X, y, loss=s.loss)
    ahead = s.ahead()
    total = sum([s.loss(model(x), label) for x, label in zip(X, y, strict=True)]) / 20
    total.backward()
    s.step()
    assert s.losses[-1] == pytest.approx(loss, rel=1e-12)
    assert s.gradients == pytest.approx([p.grad for p in model.parameters()], rel=1e-9)
    assert ahead.delta == pytest.approx([-0.5 * p.grad for p in model.parameters()], rel=1e-9)


def test_the_model_may_be_changed_between_two_steps():
    s = trained(2)
    s.model.layers[0].neurons[0].w[0].data = 3.0
    s.set(lr=1e-9)
    s.step()
    assert s.model.layers[0].neurons[0].w[0].data == pytest.approx(3.0, abs=1e-7)


def test_held_out_points_are_not_trained_on():
    s = session(held_out=0.5)
    assert (len(s.X), len(s.test_X), [p[3] for p in s.points()]) == (
        10,
        10,
        [False] * 10 + [True] * 10,
    )
    other = session(held_out=0.5)
    other.change("remove", 15)
    for each in (s, other):
        for _ in range(3):
            each.step()
    assert len(other.points()) == 19
    s.change("add", (0.0, 0.0, 0))
    assert len(s.X) == 11


@pytest.mark.parametrize("lr", [1e6, 1e300])
def test_an_absurd_learning_rate_is_an_error_with_finite_parameters_left(lr):
    s = session(lr=lr, optimizer="sgd", activation="relu", loss="mse")
    with pytest.raises(DivergedError):
        all(s.step() is None for _ in range(1000))
    assert all(map(math.isfinite, numbers(s)))
    assert all(np.isfinite(array).all() for array in pictures(s, Look()).values())


def test_no_points_are_no_data_until_one_is_added():
    s = session(data="own")
    with pytest.raises(ValueError, match="no points to train on"):
        s.step()
    assert (s.ahead(), s.measured()[0], len(example(s, 0)["probe"])) == (None, None, 0)
    assert pictures(s, Look())["field"].any()
    s.change("add", (0.5, 0.5, 1))
    s.step()
    assert s.steps == 1
    s.change("remove", 0)
    with pytest.raises(RecipeError, match="none has the index 0"):
        s.change("remove", 0)


def test_many_changes_at_once_are_one_change_of_the_data():
    s = session(changes=[[0, "add", [0.1, 0.1, 1]]] * 1999 + [[0, "remove", 0]])
    assert len(s.points()) == 20 + 1999 - 1
    s.step()


def test_ten_thousand_points_are_fine_and_one_more_is_not():
    s = session(n=MOST_POINTS, batch=100, held_out=0.0)
    s.step()
    with pytest.raises(RecipeError, match="that is the most"):
        s.change("add", (0.0, 0.0, 0))


def test_a_move_of_a_point_is_part_of_the_run():
    s = trained(2, held_out=0.25)
    s.change("move", (3, 0.5, -0.25))
    s.change("move", (16, 1.0, 1.0))
    s.step()
    assert s.X[3] == [0.5, -0.25]
    assert s.test_X[1] == [1.0, 1.0]
    again = Session(State.of(s.state.to_json()))
    for _ in range(3):
        again.step()
    assert (again.points(), numbers(again)) == (s.points(), numbers(s))


def test_what_is_dragged_is_one_change():
    s = trained(1)
    for value in (0.1, 0.2, 0.3):
        s.change("weight", (2, value), again=True)
    assert s.state.changes == ((1, "weight", (2, 0.3)),)
    s.change("weight", (1, 1.0), again=True)
    assert len(s.state.changes) == 2


def test_points_that_were_painted_outlast_another_model():
    s = trained(2)
    s.change("add", (0.3, 0.4, 1))
    s.change("move", (0, 9.0, 9.0))
    points = s.points()
    s.set(hidden=[3, 3], activation="relu")
    assert (s.points(), s.steps) == (points, 0)
    s.set(seed=2, features=["x1 x2"])
    assert (0.3, 0.4, 1, False) in s.points()
    s.set(data="circles")
    assert (0.3, 0.4, 1, False) not in s.points()


@pytest.mark.parametrize("ask", [lambda s: s.change("weight", (999, 0.0)),
                                 lambda s: s.change("weight", (0, float("nan"))),
                                 lambda s: s.change("move", (0, 0.0)),
                                 lambda s: s.change("move", (99, 0.0, 0.0)),
                                 lambda s: s.change("add", (0.0, 0.0, 2)),
                                 lambda s: s.set(hidden=[99])])  # fmt: skip
def test_what_is_not_there_is_refused_and_nothing_has_changed(ask):
    s = session()
    state, before = s.state, numbers(s)
    with pytest.raises(RecipeError):
        ask(s)
    assert (s.state, numbers(s)) == (state, before)


# --- What is true of a moment ----------------------------------------------------------------


@given(states, st.integers(0, 3))
def test_a_look_ahead_is_the_next_step_and_changes_nothing(state, steps):
    s = Session(state)
    steps_or_failure(s, steps)
    before, told, ahead = numbers(s), drawn(s), s.ahead()
    assert (numbers(s), drawn(s)) == (before, told)
    if ahead is None:
        with pytest.raises(DivergedError):
            s.step()
    else:
        s.step()
        assert numbers(s) == ahead.theta.tolist()
        assert len(ahead.batch) <= (state.batch or len(s.X))


@given(states)
def test_every_input_and_neuron_has_its_map(state):
    s = Session(state)
    drawn = pictures(s, Look(neuron=0))
    n = len(state.features) + sum(s.model.sizes)
    assert drawn["field"].shape == drawn["near"].shape == (SIDE * SIDE,)
    assert drawn["tiles"].shape == (n, TILE * TILE)
    assert np.abs(drawn["tiles"]).max() <= 127
    several = s.model.sizes[-1] > 1
    assert drawn["field"].min() >= (0 if several else -32767)
    if several:
        assert (drawn["field"] >> 12).max() < s.model.sizes[-1]


def test_the_boundary_is_what_the_model_says():
    s = trained(5, features=["x1", "x2", "x1 x2"])
    field, points = pictures(s, Look())["field"], grid(s.bounds, SIDE)
    for i in (0, 1234, 9999):
        x1, x2 = points[i]
        said = math.tanh(s.model([x1, x2, x1 * x2]).data / 2)
        assert field[i] / 32767 == pytest.approx(said, abs=1e-4)
    assert points[0][1] > points[-1][1]  # the first row is the top


@pytest.mark.parametrize(("loss", "output"), PAIRS)
def test_an_example_is_what_the_graph_says(loss, output):
    data = "blobs" if LOSSES[loss].of_classes else "moons"
    s = trained(3, data=data, loss=loss, output=output, hidden=[3], held_out=0.2)
    n = sum(s.model.sizes)
    for point in (2, 17):  # one of each set
        x1, x2, label, _ = s.points()[point]
        said = example(s, point)
        s.model.zero_grad()
        cost = s.loss(s.model([x1, x2]), label)
        cost.backward()
        zs = [z for layer in s.model.layers for z in layer.pre_activations]
        outs = [a for layer in s.model.layers for a in layer.activations]
        assert said["probe"][0] == pytest.approx(cost.data)
        assert said["probe"][1 : 1 + n] == pytest.approx([z.data for z in zs])
        assert said["probe"][1 + n : 1 + 2 * n] == pytest.approx([a.data for a in outs])
        assert said["probe"][1 + 2 * n : 1 + 3 * n] == pytest.approx([z.grad for z in zs])
        assert said["probe"][1 + 3 * n : 1 + 4 * n] == pytest.approx([a.grad for a in outs])
        assert said["own"] == pytest.approx([p.grad for p in s.parameters])


def test_slopes_of_all_points_are_those_of_each():
    s = trained(3)
    n = sum(s.model.sizes)
    rows = [example(s, i)["probe"][1 + 3 * n : 1 + 4 * n] for i in range(len(s.X))]
    assert slopes(s)["dots"] == pytest.approx(np.array(rows), rel=1e-5)
    assert slopes(s)["rms"] == pytest.approx(np.sqrt((np.array(rows) ** 2).mean(axis=0)))


@pytest.mark.parametrize("weight", [0, 2, 9, 16])  # biases among them
def test_the_curve_is_the_loss_of_the_model_with_another_weight(weight):
    s = trained(2, n=400)
    ws, losses = curve(s, Look(weight=weight, low=-2.0, high=2.0))
    before = numbers(s)
    for k in (0, 30, 60):
        s.parameters[weight].data = float(ws[k])
        assert losses[k] == pytest.approx(s.measured()[0])
    s.put(np.array(before))
    found = differences(s, weight)
    assert found["slope"] == pytest.approx(s.measured()[2][weight], rel=1e-6, abs=1e-9)


def test_what_is_measured_is_of_the_numbers_of_now():
    s = trained(4)
    s.change("weight", (0, -50.0))
    X, y = s.X, s.y
    loss, accuracy = evaluate(s.model, X, y, loss=s.loss)
    assert s.measured()[:2] == (pytest.approx(loss), accuracy)
    held = evaluate(s.model, s.test_X, s.test_y, loss=s.loss)
    assert s.measured("held")[:2] == (pytest.approx(held[0]), held[1])


# --- There and back --------------------------------------------------------------------------


ACTS = {
    "step": lambda s: s.step(),
    "steps": lambda s: [s.step() for _ in range(7)],
    "weight": lambda s: s.change("weight", (1, 2.5)),
    "add": lambda s: s.change("add", (0.1, 0.9, 0)),
    "remove": lambda s: s.change("remove", 0),
    "move": lambda s: s.change("move", (1, 0.0, 0.0)),
    "lr": lambda s: s.set(lr=0.9),
    "optimizer": lambda s: s.set(optimizer="adam"),
    "batch": lambda s: s.set(batch=3),
    "model": lambda s: s.set(hidden=[2], activation="relu"),
    "data": lambda s: s.set(data="circles", noise=0.3),
    "reset": lambda s: s.reset(),
}


@given(st.lists(st.sampled_from([*ACTS]), min_size=1, max_size=5))
def test_every_act_is_undone_by_one_undo_and_what_follows_is_the_same(acts):
    s = trained(3, optimizer="momentum")
    past, seen = Past(s), []
    for act in acts:
        seen.append((numbers(s), s.points(), s.state, s.now, s.steps))
        past.mark()
        ACTS[act](s)
    after = numbers(s), s.state
    for kept in reversed(seen):
        assert past.undo()
        assert (numbers(s), s.points(), s.state, s.now, s.steps) == kept
    assert not past.undo()
    straight = trained(3, optimizer="momentum")
    for each in (straight, s):
        past.mark()
        for _ in range(4):
            each.step()
    assert numbers(s) == numbers(straight)
    assert past.undo()
    for act in acts:
        ACTS[act](s)
    assert (numbers(s), s.state) == after


def test_undone_acts_are_done_again_until_something_else_is_done():
    s = session()
    past = Past(s)
    for value in (1.0, 2.0):
        past.mark()
        s.change("weight", (0, value))
    past.undo()
    past.undo()
    assert past.redo()
    assert numbers(s)[0] == 1.0
    past.mark()
    s.step()
    assert not past.redo()


# --- Controls --------------------------------------------------------------------------------


def controls(state):
    told = described(Session(state))
    return {control["name"]: control for control in told["controls"]}, told["settings"]


def test_every_setting_that_a_user_may_change_has_a_control_with_its_value():
    state = State.of({"hidden": [3, 2], "lr": 0.25})
    found, values = controls(state)
    by_other_means = {"file", "target", "settings", "points", "weights", "changes"}
    by_other_means |= {"patience", "keep_best"}  # which a playground has not
    by_buttons = {"hidden", "seed"}
    assert set(values) == set(State.checks) - by_other_means
    assert set(found) == set(values) - by_buttons
    assert all(value == getattr(state, name) for name, value in values.items())


@given(states)
def test_every_option_of_a_control_is_one_that_the_state_takes(state):
    found, now = controls(state)
    for name, control in found.items():
        values = [choice["value"] for choice in control["choices"]]
        assert bool(values) == (control["kind"] in {"choice", "several", "thumbs"})
        if control["kind"] == "several":
            assert set(now[name]) <= set(values)
            continue
        assert not values or now[name] in values
        for value in values:
            assert State.check(name, value) == value


def test_every_row_has_a_text_of_its_own_on_the_page():
    for control in controls(State())[0].values():
        texts = [choice["text"] for choice in control["choices"]]
        assert len(set(texts)) == len(texts)
        assert all(texts)


@over("loss", [*LOSSES])
def test_a_loss_alone_brings_an_output_that_suits_it(loss):
    made = State().replace(loss=loss)
    assert made.output in LOSSES[loss].outputs
    for output in LOSSES[loss].outputs:
        assert made.replace(output=output).replace(loss=loss).output == output


# --- Numbers to predict ----------------------------------------------------------------------

HEIGHTS = [name for name, row in DATASETS.items() if row.numbers]


@pytest.mark.parametrize("name", HEIGHTS)
def test_numbers_are_predicted_on_a_scale_of_colours(name):
    s = trained(3, data=name, n=40, held_out=0.25)
    assert (s.now.loss, s.measured()[1]) == ("mse", None)
    assert s.scale == max(map(abs, [*s.y, *s.test_y]))
    assert (len(s.X), len(s.test_X)) == (30, 10)
    field, points = pictures(s, Look())["field"], grid(s.bounds, SIDE)
    for i in (0, 5050):
        said = min(1.0, max(-1.0, s.model(points[i].tolist()).data / s.scale))
        assert field[i] / 32767 == pytest.approx(said, abs=1e-4)
    s.change("add", (0.5, 0.5, -0.75))
    s.change("add", (0.5, 0.5, 1))
    assert s.y[-2:] == [-0.75, 1.0]
    again = Session(State.of(s.state.to_json()))
    for _ in range(3):
        again.step()
    assert (again.points(), numbers(again)) == (s.points(), numbers(s))


def test_a_loss_of_labels_takes_no_numbers_and_labels_are_no_numbers():
    with pytest.raises(RecipeError, match="takes labels, and these are numbers"):
        State.of({"data": HEIGHTS[0], "loss": "hinge"})
    assert State().replace(data=HEIGHTS[0]).loss == "mse"
    assert State().replace(loss="squared_error").replace(data=HEIGHTS[0]).loss == "squared_error"
    with pytest.raises(RecipeError, match=r"label 0\.5 is not one"):
        session().change("add", (0.0, 0.0, 0.5))


def test_a_setting_that_the_loss_refuses_leaves_the_run_as_it_was():
    s = trained(2, data=HEIGHTS[0], n=20)
    before = s.state, s.now, numbers(s)
    with pytest.raises(ValueError, match="label_smoothing"):
        s.set(label_smoothing=0.1)
    assert (s.state, s.now, numbers(s)) == before
    s.set(schedule="cosine")


def test_numbers_of_ones_own_are_predicted(new_playground):
    X = [[0.1 * i, -0.1 * i] for i in range(12)]
    p = new_playground(MLP(2, [3, 1], activation="tanh", seed=0), X, [3 * x for x, _ in X])
    assert (p.session.now.loss, p.session.scale) == ("mse", pytest.approx(3.3))
    page = Page(p.state)
    page.tell("change", what="add", values=[[0.1, 0.2, -1]])  # a page writes -1.0 so
    assert page.session.y[-1] == -1.0
    assert page.last("run")["numbers"]


# --- Messages --------------------------------------------------------------------------------


class Page:
    """What a page does: sends messages, keeps what comes, and acknowledges every frame."""

    def __init__(self, state=None, name="page", *, slow=False):
        self.kept, self.slow, self.name = [], slow, name
        self.desk = Desk(Session(State.of(SMALL if state is None else state)), self.take)
        self.tell("hello", page=name)

    def take(self, content, buffers=()):
        json.dumps(content, allow_nan=False)
        self.kept.append((content, buffers))

    def tell(self, do, **content):
        self.desk.receive({"do": do, **content})
        if not self.slow:
            self.paint()

    def paint(self):
        while self.desk.player.painted < self.desk.player.sent:
            self.desk.receive({"do": "painted", "number": self.desk.player.sent})

    def last(self, kind="frame"):
        return next(content for content, _ in reversed(self.kept) if content["kind"] == kind)

    def arrays(self):
        content, buffers = next(kept for kept in reversed(self.kept) if kept[0]["kind"] == "frame")
        pairs = zip(content["arrays"], buffers, strict=True)
        return {name: np.frombuffer(data, dtype) for (name, dtype), data in pairs}

    @property
    def session(self):
        return self.desk.session

    async def watch(self, seconds):
        """Paint for a while."""
        end = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < end:
            self.paint()
            await asyncio.sleep(0.002)


DEEDS = {  # everything that a page can do to a run
    "step": {"do": "step"},
    "steps": {"do": "step", "n": 5},
    "weight": {"do": "change", "what": "weight", "values": [[2, -50.0]]},
    "paint": {"do": "change", "what": "add", "values": [[0.1, 0.2, 1], [0.3, 0.2, 0]]},
    "erase": {"do": "change", "what": "remove", "values": [3]},
    "move": {"do": "change", "what": "move", "values": [[2, 0.0, 0.5]]},
    "third class": {"do": "change", "what": "add", "values": [[0.1, 0.2, 2]]},
    "rate": {"do": "set", "settings": {"lr": 0.7}},
    "model": {"do": "set", "settings": {"hidden": [3, 2]}},
    "inputs": {"do": "set", "settings": {"features": ["x1", "x1 x2"]}},
    "loss": {"do": "set", "settings": {"loss": "mse"}},
    "data": {"do": "set", "settings": {"data": "circles"}},
    "numbers": {"do": "set", "settings": {"data": "hills"}},
    "penalty": {"do": "set", "settings": {"l1": 0.01, "l2": 0.01}},
    "seldom": {"do": "set", "settings": {"init_scale": 2.0, "schedule": "cosine", "dropout": 0.2}},
    "reset": {"do": "reset"},
    "lesson": {"do": "lesson", "name": "xor"},
    "load": {"do": "load", "text": '{"hidden": [2], "n": 30}'},
}


def told(page):
    """What a run is, to the last bit."""
    s = page.session
    return numbers(s), s.points(), s.state, s.now, s.steps, s.lesson


@given(st.lists(st.sampled_from([*DEEDS]), min_size=1, max_size=4))
def test_after_every_deed_all_figures_are_of_the_present_weights_and_one_undo_takes_it_back(deeds):
    page, seen = Page({**SMALL, "held_out": 0.2}), []
    for deed in deeds:
        seen.append(told(page))
        page.desk.receive(DEEDS[deed])
        page.paint()
        s, frame, arrays = page.session, page.last(), page.arrays()
        if frame["notice"]["tone"] == "bad":  # there are three classes, and the loss takes two
            assert told(page) == seen.pop()
            continue
        examples = rows_of(s.now.features, s.X).tolist()
        loss, accuracy = evaluate(s.model, examples, s.y, loss=s.loss)
        assert (frame["loss"], frame["accuracy"]) == (pytest.approx(loss), accuracy)
        assert arrays["theta"].tolist() == numbers(s)
        assert arrays["gradient"].tolist() == s.measured()[2].tolist()
        assert frame["trace"][-1][:2] == [s.steps, frame["loss"]]
        assert (frame["undo"], page.last("run")["sizes"][1:]) == (len(seen), s.model.sizes)
    for kept in reversed(seen):
        page.tell("undo")
        assert told(page) == kept
    for _ in deeds:
        page.tell("redo")
    assert page.last()["redo"] == 0


def test_a_data_set_is_drawn_once_for_the_same_facts(monkeypatch):
    made = []
    known = "nn.playground.controls.data_of"
    monkeypatch.setattr(known, lambda state: made.append(state.data) or data_of(state))
    page = Page({**SMALL, "seed": 77})
    first = page.last("run")["thumbs"]
    assert len(set(made)) == len(made) == len(data_sets()) - 1
    page.tell("reset")
    assert page.last("run")["thumbs"] == first
    page.tell("set", settings={"noise": 0.4})
    assert made[len(first) - 1 :] == ["moons"]
    assert page.last("run")["thumbs"]["moons"] != first["moons"]


def test_a_gesture_is_one_undo_and_one_change():
    page = Page()
    for value in (0.1, 0.2, 0.3):
        page.tell("change", what="weight", values=[[0, value]], gesture="a")
    for x in (0.1, 0.2):
        page.tell("change", what="add", values=[[x, 0.0, 1]], gesture="b")
    assert (page.last()["undo"], len(page.session.state.changes)) == (2, 3)
    page.tell("undo")
    page.tell("undo")
    assert (page.session.state.changes, page.last()["undo"]) == ((), 0)


def test_a_share_of_the_next_step_is_shown_and_not_made():
    page = Page()
    start, delta = numbers(page.session), page.arrays()["delta"]
    page.tell("preview", share=0.5)
    assert page.arrays()["theta"] == pytest.approx(start + 0.5 * delta)
    assert page.last()["steps"] == 0
    assert numbers(page.session) == start
    page.tell("preview", share=None)
    assert page.arrays()["theta"].tolist() == start
    page.tell("preview", share=1.0)
    shown = page.arrays()["theta"]
    page.tell("step")
    assert page.arrays()["theta"] == pytest.approx(shown, rel=1e-12)
    assert page.session.steps == 1


def test_many_steps_are_few_frames():
    page = Page(slow=True)
    for _ in range(300):
        page.tell("step")
    assert page.session.steps == 300
    assert page.desk.player.sent <= 3
    page.paint()
    assert page.last()["steps"] == 300


def test_only_what_is_new_of_the_curve_is_sent():
    page = Page()
    for _ in range(4):
        page.tell("step")
    first = page.last()
    assert len(first["trace"]) <= 2
    assert first["from"] + len(first["trace"]) == 5
    page.tell("hello", page="other")
    assert [entry[0] for entry in page.last()["trace"]] == [0, 1, 2, 3, 4]
    page.tell("undo")
    assert page.last()["from"] + len(page.last()["trace"]) == 4


def test_what_is_painted_in_a_third_colour_makes_a_third_class():
    page = Page()
    n = len(page.session.points())
    page.tell("change", what="add", values=[[0.5, 0.5, 2]])
    run = page.last("run")
    assert (run["classes"], page.session.now.loss, run["sizes"][-1]) == (3, "cross_entropy", 3)
    assert len(run["points"]) == n + 1
    page.tell("step")
    assert page.last()["loss"] is not None


@pytest.fixture(scope="module")
def page_in_use():
    return Page()


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"do": "nothing"},
        {"do": "set", "settings": {"hidden": [10**6]}},
        {"do": "set", "settings": {"lr": None}},
        {"do": "set", "settings": 3},
        {"do": "change", "what": "weight", "values": [[0, "x"]]},
        {"do": "change", "what": "nothing", "values": [3]},
        {"do": "change", "what": "move", "values": [[999, 0.0, 0.0]]},
        {"do": "load", "text": "{"},
        {"do": "load", "text": 7},
        {"do": "load", "text": '{"changes": [[0, "remove", 5000]]}'},
        {"do": "look", "weight": -1},
        {"do": "look", "low": "x"},
        {"do": "look", "high": 1e300},
        {"do": "preview", "share": "x"},
        {"do": "lesson", "name": "nothing"},
        {"do": "guess", "choice": 0},
        {"do": "play"},
        "play",
    ],
)
def test_a_message_that_makes_no_sense_is_said_and_changes_nothing(page_in_use, message):
    page = page_in_use
    before, acts = told(page), page.last()["undo"]
    page.desk.receive(message)
    page.paint()
    assert page.last()["notice"]["tone"] == "bad"
    assert told(page) == before
    assert page.last()["undo"] == acts
    page.tell("step")
    assert page.last()["notice"]["text"] == ""  # an error goes with the next act


def test_an_error_names_what_the_user_sees():
    page = Page()
    page.tell("set", settings={"lr": -1})
    assert page.last()["notice"]["text"].startswith("learning rate: expected a number")


def test_what_is_looked_at_stays_within_what_there_is():
    page = Page({**SMALL, "hidden": [6, 6]})
    page.tell("look", weight=60, point=19, neuron=12, low=-1.0, high=1.0, backward=True)
    assert page.last()["look"] == [60, -1.0, 1.0, 19, 12]
    assert page.arrays()["dots"].size
    page.tell("set", settings={"hidden": [1], "n": 8})
    assert page.last()["look"] == [4, -1.0, 1.0, 7, 1]


def test_a_ghost_goes_on_with_the_settings_that_it_had():
    page = Page()
    page.tell("step", n=4)
    page.tell("ghost")
    assert page.session.steps == 0
    page.tell("set", settings={"lr": 0.001})
    page.tell("step", n=6)
    ghost = trained(6, lr=State().lr)
    assert page.last()["trace"][-1][3] == ghost.measured()[0]
    assert page.last()["trace"][-1][1] == trained(6, lr=0.001).measured()[0]
    page.tell("ghost")
    assert not page.last()["ghost"]


def test_the_doctor_speaks_when_asked_and_of_these_weights_only():
    page = Page({**SMALL, "activation": "relu"})
    page.tell("change", what="weight", values=[[8, -100.0]])
    page.tell("examine")
    assert [1, 2] in page.last()["notice"]["units"]
    page.tell("step")
    assert page.last()["notice"] == notice("")


def test_a_run_is_a_line_of_python():
    page = Page()
    page.tell("step", n=3)
    page.tell("change", what="weight", values=[[0, 1.5]])
    page.tell("step", n=2)
    page.tell("code")
    line = page.last("code")["code"]
    state = ast.literal_eval(line.removeprefix("Playground(state=").removesuffix(")"))
    again = Session(State.of(state))
    for _ in range(5):
        again.step()
    assert numbers(again) == numbers(page.session)
    assert State.of(page.last("code")["json"]) == page.session.state


@pytest.mark.parametrize(
    "name", ["xor", *[pytest.param(n, marks=pytest.mark.slow) for n in LESSONS if n != "xor"]]
)
def test_a_lesson_is_true_whatever_was_predicted(name):
    lesson = LESSONS[name]
    page = Page()
    page.tell("lesson", name=name)
    run = page.last("run")
    assert run["lesson"]["choices"] == lesson.choices
    assert set(lesson.shows) | {lesson.change} <= {c["name"] for c in run["controls"]}
    before = told(page)
    page.tell("guess", choice=1)
    answer = page.last("answer")
    assert 0 <= answer["right"] < len(lesson.choices)
    assert len(answer["why"]) < 200
    assert told(page) == before
    page.tell("lesson", name=None)
    assert page.last("run")["lesson"] is None
    page.tell("undo")
    assert page.last("run")["lesson"]["name"] == name


def test_the_lessons_teach_what_they_are_called():
    answers = {name: lesson.answer(lesson.session())[0] for name, lesson in LESSONS.items()}
    assert answers == {
        "vanishing": 0,  # the first layer's
        "dead relu": 2,  # several
        "zeros": 0,  # all alike
        "too fast": 2,  # grows
        "linear": 0,  # about half
        "xor": 0,
    }


# --- Playing ---------------------------------------------------------------------------------


def test_play_trains_until_pause_and_is_one_undo():
    page = Page()
    start = told(page)

    async def scene():
        page.tell("play", speed=1)
        await page.watch(0.1)
        page.tell("pause")
        await asyncio.sleep(0.02)
        steps = page.session.steps
        await page.watch(0.05)
        assert 0 < steps == page.session.steps

    asyncio.run(scene())
    assert page.last()["playing"] is False
    assert page.last()["steps"] == page.session.steps
    assert page.desk.player.task.done()
    page.tell("undo")
    assert told(page) == start


def test_at_most_two_frames_are_on_their_way():
    page = Page(slow=True)

    async def scene():
        page.paint()
        before = page.desk.player.sent
        page.desk.receive({"do": "play", "speed": 1})
        await asyncio.sleep(0.1)
        assert page.desk.player.sent == before + 2
        page.desk.receive({"do": "painted", "number": before + 1})
        await asyncio.sleep(0.05)
        assert page.desk.player.sent == before + 3
        page.desk.receive({"do": "pause"})
        await asyncio.sleep(0.02)

    asyncio.run(scene())


def test_training_pauses_when_nobody_watches(monkeypatch):
    monkeypatch.setattr("nn.playground.player.PATIENCE", 0.05)
    page = Page(slow=True)

    async def scene():
        page.tell("play")
        await asyncio.sleep(0.2)

    asyncio.run(scene())
    page.paint()
    assert not page.desk.player.playing
    assert "nobody was watching" in page.last()["notice"]["text"]


def test_training_rests_while_no_page_is_seen(monkeypatch):
    monkeypatch.setattr("nn.playground.player.PATIENCE", 0.05)
    page = Page()

    async def scene():
        page.tell("play", speed=1)
        await page.watch(0.05)
        page.tell("seen", page="page", seen=False)
        await page.watch(0.05)
        steps = page.session.steps
        await page.watch(0.15)
        assert page.session.steps == steps
        page.tell("seen", page="page", seen=True)
        await page.watch(0.05)
        assert page.session.steps > steps
        page.tell("pause")
        await asyncio.sleep(0.02)

    asyncio.run(scene())


def test_closing_the_last_page_ends_the_training():
    page = Page()

    async def scene():
        page.tell("hello", page="other")
        page.tell("play")
        page.tell("bye", page="page")
        await page.watch(0.03)
        assert page.desk.player.playing
        page.tell("bye", page="other")
        await asyncio.sleep(0.03)
        assert page.desk.player.task.done()

    asyncio.run(scene())


def test_two_playgrounds_train_side_by_side_as_they_do_alone():
    pages = Page(), Page({**SMALL, "seed": 4})

    async def scene():
        for page in pages:
            page.tell("play", speed=3)
        await asyncio.gather(*[page.watch(0.1) for page in pages])
        for page in pages:
            page.tell("pause")
        await asyncio.sleep(0.03)

    asyncio.run(scene())
    for page in pages:
        s = page.session
        assert numbers(trained(s.steps, seed=s.now.seed)) == numbers(s)


def test_a_number_that_is_not_finite_is_said_and_ends_the_training():
    page = Page({**SMALL, "lr": 1e300, "optimizer": "sgd", "loss": "mse"})

    async def scene():
        page.tell("play")
        await page.watch(0.3)

    asyncio.run(scene())
    assert not page.desk.player.playing
    assert page.last()["notice"]["text"].startswith("Stopped: ")
    assert "undo" in page.last()["notice"]["advice"]


def test_pictures_of_training_leave_nothing_behind(monkeypatch):
    monkeypatch.setattr("nn.playground.frames.MOST_TRACED", 8)
    page = Page()

    def train():
        for _ in range(10):
            page.desk.step_once()
            page.desk.show()
            page.paint()
        page.kept.clear()
        gc.collect()
        return len(gc.get_objects())

    train()
    assert abs(train() - train()) < 8


def test_the_curve_does_not_grow_without_end(monkeypatch):
    monkeypatch.setattr("nn.playground.frames.MOST_TRACED", 8)
    page = Page()
    for _ in range(40):
        page.tell("step")
    assert len(page.desk.frames.trace) <= 9
    assert page.desk.frames.trace[0][0] == 0
    assert page.desk.frames.trace[-1][0] == 40


# --- In a notebook ---------------------------------------------------------------------------


@pytest.fixture
def new_playground(monkeypatch):
    """Playgrounds that keep what they send."""
    pytest.importorskip("anywidget")
    from nn.playground import Playground

    def make(*args, **settings):
        p = Playground(*args, **settings)
        p.kept = []
        p.send = lambda content, buffers=None: p.kept.append(content)
        return p

    return make


def test_a_message_from_another_thread_is_answered_in_the_thread_of_the_cells(new_playground):
    async def scene():
        p = new_playground(state=SMALL)
        for do in ({"do": "hello", "page": "a"}, {"do": "play"}):
            await asyncio.to_thread(p.receive, p, do, [])
        await asyncio.sleep(0.05)
        assert p.session.steps > 0
        await asyncio.to_thread(p.receive, p, {"do": "pause"}, [])
        await asyncio.sleep(0.05)
        assert p.desk.player.task.done()
        assert {content["kind"] for content in p.kept} == {"run", "frame"}

    asyncio.run(scene())


def test_what_the_buttons_do_is_done_from_python_too(new_playground):
    p = new_playground(state=SMALL)
    p.step(3)
    p.set(lr=0.5)
    assert (p.session.steps, p.state["changes"]) == (3, ((3, "lr", 0.5),))
    assert p.undo()
    assert p.redo()
    p.reset()
    assert p.session.steps == 0
    assert p.code.startswith("Playground(state={'n': 20")
    assert repr(p) == p.code
    with pytest.raises(RuntimeError, match="call step"):
        p.play()
    with pytest.raises(RecipeError, match="lr: expected"):
        p.set(lr=-1)


def test_a_lesson_is_asked_for_by_its_name(new_playground):
    assert new_playground(lesson="zeros").session.now.init == "zeros"
    with pytest.raises(ValueError, match="known are vanishing"):
        new_playground(lesson="nothing")


def test_a_model_of_ones_own_is_trained_itself(new_playground):
    X, y = datasets.circles(30)
    model = MLP(2, [5, 1], activation="tanh", output="sigmoid", seed=3)
    start = [p.data for p in model.parameters()]
    p = new_playground(model, X, y)
    assert p.model is model
    assert p.session.now.loss == "binary_cross_entropy"
    p.step(3)
    assert [q.data for q in model.parameters()] != start
    again = new_playground(state=p.state)
    again.step(3)
    assert numbers(again.session) == [q.data for q in model.parameters()]
    p.reset()
    assert p.model is model
    assert [q.data for q in model.parameters()] == start


def test_points_and_labels_may_be_arrays(new_playground):
    X, y = datasets.moons(30)
    models = [MLP(2, [5, 1], seed=3) for _ in range(2)]
    played = [new_playground(models[0], X, y), new_playground(models[1], np.array(X), np.array(y))]
    for p in played:
        p.step(2)
    assert numbers(played[0].session) == numbers(played[1].session)


def test_a_model_of_ones_own_makes_room_for_another_architecture(new_playground):
    X, y = datasets.moons(30)
    model = MLP(2, [5, 1], seed=3)
    p = new_playground(model, X, y)
    p.set(held_out=0.5)
    assert p.model is model
    p.set(hidden=[2])
    assert (p.model.sizes, len(p.session.points())) == ([2, 1], 30)
    p.step()


def recorded_in(html):
    found = re.search(r'<script type="application/json" id="recorded">(.*?)</script>', html)
    return json.loads(found[1])


def test_a_saved_page_holds_the_last_moment_and_the_live_one_does_not_notice(
    new_playground, tmp_path
):
    p = new_playground(state={**SMALL, "hidden": [3]})
    p.desk.receive({"do": "hello", "page": "a"})
    p.step(5)
    told = p.desk.frames.told
    p.save(tmp_path / "page.html")
    assert p.desk.frames.told is told
    html = (tmp_path / "page.html").read_text("utf-8")
    assert re.findall(r"(?:src|href)=\"(?!data:)", html) == []  # nothing is fetched
    kept = recorded_in(html)
    frame = kept["frame"]
    pairs = zip(frame["arrays"], kept["buffers"], strict=True)
    arrays = {name: np.frombuffer(base64.b64decode(x), kind) for (name, kind), x in pairs}
    assert arrays["theta"].tolist() == numbers(p.session)
    assert (frame["steps"], frame["loss"]) == (5, p.session.measured()[0])
    assert [entry[0] for entry in frame["trace"]] == [0, *range(1, 6)]
    assert State.of(kept["code"]["json"]) == p.session.state


@pytest.mark.parametrize(
    "state", [{}, {"data": "blobs", "loss": "cross_entropy", "hidden": [20]}, {"data": "hills"}]
)
def test_the_picture_is_an_image_of_the_present_numbers(state):
    s = trained(2, **state)
    frames = Frames(s)
    root = ET.fromstring(svg(frames))  # noqa: S314  # our own
    name = "{http://www.w3.org/2000/svg}"
    shown = [min(7, n) for n in (2, *s.model.sizes)]
    images = root.findall(f"{name}image")
    assert len(images) == sum(shown) + 1
    assert len(root.findall(f"{name}path")) == sum(a * b for a, b in pairwise(shown))
    png = base64.b64decode(images[-1].get("href").removeprefix("data:image/png;base64,"))
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    start = png.index(b"IDAT")
    rows = zlib.decompress(png[start + 4 :])
    assert len(rows) == SIDE * (3 * SIDE + 1)
    texts = " ".join(part.text for part in root.iter(f"{name}text"))
    assert f"loss {s.measured()[0]:.3g}" in texts
    before = svg(frames)
    s.step()
    assert svg(frames) != before


def test_a_notebook_keeps_a_picture_of_when_it_came_to_rest(new_playground, monkeypatch):
    monkeypatch.setattr("nn.playground.jupyter.RESTED", 0.02)
    told, showing = [], []

    class Handle:
        def display(self, data, raw, metadata=None):
            told.append([*data])
            showing.append(self)

        def update(self, data, raw):
            told.append(data["text/plain"])

    monkeypatch.setattr("IPython.display.DisplayHandle", Handle)

    async def scene():
        p = new_playground(state=SMALL)
        p._ipython_display_()
        p._ipython_display_()  # in another cell: a picture there is of the same moments
        p.desk.receive({"do": "hello", "page": "a"})
        for _ in range(3):
            p.step()
            p.desk.receive({"do": "painted", "number": p.desk.player.sent})
        await asyncio.sleep(0.1)
        p.play()
        p.desk.receive({"do": "painted", "number": p.desk.player.sent})
        await asyncio.sleep(0.1)
        assert p.desk.player.playing
        p.pause()

    asyncio.run(scene())
    first, picture, *kept = told
    assert "application/vnd.jupyter.widget-view+json" in first
    assert picture == ["image/svg+xml", "text/plain"]
    assert kept == [first, picture, "Playground at step 3"]
    assert showing[1] is showing[3]


@over(
    ("arguments", "message"),
    [
        ((MLP(2, [1]),), "needs all three"),
        ((MLP(3, [1]), [[0, 0, 0]], [0]), "the model has 3"),
        ((MLP(2, [1]), [[0, 0]], [0, 1]), "1 points and 2 labels"),
        ((MLP(2, [1]), [[0]], [0]), "2 coordinates"),
        ((MLP(2, [1]), [[0, 0]], ["0.5"]), "or else numbers"),
        ((MLP(2, [2]), [[0, 0]], [0.5]), "no loss here suits"),
        ((MLP(2, [1], output="relu"), [[0, 0]], [0]), "no loss here suits"),
        ((MLP(2, [100, 1]), [[0, 0]], [0]), "1 to 64 neurons"),
        ((MLP(2, [2, 1], activation=["tanh"]), [[0, 0]], [0]), "one for all hidden layers"),
    ],
)
def test_a_model_that_cannot_be_shown_is_refused(new_playground, arguments, message):
    with pytest.raises(ValueError, match=message):
        new_playground(*arguments)


# --- The page --------------------------------------------------------------------------------


def test_modules_of_the_page_are_short_and_import_what_is_exported():
    sources = {path.name: path.read_text("utf-8") for path in bundle.FOLDER.glob("*.js")}
    for name, source in sources.items():
        assert source.count("\n") <= 300, name
        for names, module in bundle.IMPORT.findall(source):
            exported = set(bundle.EXPORT.findall(sources[f"{module}.js"]))
            assert set(names.strip("{} ").split(", ")) <= exported, (name, module)
    assert set(bundle.in_order(bundle.FIRST)) == set(sources) - {"alone.js", "still.js"}


def test_a_notebook_gets_one_module():
    made = bundle.module()
    assert re.findall(r"^(?:import|export).*", made, re.MULTILINE) == ["export default { render };"]
    assert "http" not in made.replace("http://www.w3.org", "").replace("/^http/", "")


def test_the_page_of_its_own_is_for_who_has_the_token_and_speaks_with_a_session():
    pytest.importorskip("tornado")
    from tornado.httpclient import AsyncHTTPClient, HTTPClientError
    from tornado.websocket import websocket_connect

    from nn.playground.web import serve

    async def scene():
        said = asyncio.get_running_loop().create_future()
        state = Session(State.of(SMALL))
        server = asyncio.create_task(
            serve(
                lambda send: Desk(state, send),
                0,
                browser=False,
                said=lambda text, **_: said.set_result(text),
            )
        )
        address = re.search(r"http://\S+", await said)[0]
        html = (await AsyncHTTPClient().fetch(address)).body.decode()
        assert html.count("<script") == 1
        with pytest.raises(HTTPClientError, match="403"):
            await AsyncHTTPClient().fetch(address[:-1] + "x")
        socket = address.replace("http", "ws").replace("/?", "/socket?")
        wire = await websocket_connect(socket)
        await wire.write_message(json.dumps({"do": "hello", "page": "a"}))
        kinds = []
        for _ in range(2):
            packed = await wire.read_message()
            length = int.from_bytes(packed[:4], "little")
            header = json.loads(packed[4 : 4 + length])
            kinds.append(header["content"]["kind"])
            assert len(packed) == 4 + length + sum(header["sizes"])
        assert kinds == ["run", "frame"]
        stranger = await websocket_connect(socket[:-1] + "x")
        assert await stranger.read_message() is None
        for client in (stranger, wire):
            client.close()
        while await wire.read_message() is not None:  # until the server has said goodbye, too
            pass
        server.cancel()
        with suppress(asyncio.CancelledError):
            await server

    asyncio.run(scene())


def test_what_is_missing_is_named(monkeypatch, capsys):
    monkeypatch.setattr("nn.playground.launch.find_spec", lambda name: None)
    assert launch([]) == 1
    assert 'pip install "tornado' in capsys.readouterr().err


@pytest.mark.parametrize("options", [["--state", "{"], ["--lesson", "nothing"]])
def test_what_cannot_be_shown_is_an_error_of_the_command(options, capsys):
    assert launch(options) == 1
    assert capsys.readouterr().err.startswith("error: ")


@pytest.mark.parametrize("port", ["-1", "65536", "x"])
def test_what_is_no_port_is_an_error_of_the_command(port, capsys):
    with pytest.raises(SystemExit, match="2"):
        launch(["--port", port])
    assert "argument --port: " in capsys.readouterr().err


def test_importing_the_package_loads_neither_numpy_nor_anywidget():
    program = (
        "import sys, nn.playground\nprint({'numpy', 'anywidget', 'tornado'} & set(sys.modules))"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert result.stdout == "set()\n"
