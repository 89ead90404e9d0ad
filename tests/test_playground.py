"""The playground without a browser: its state, its session, and the widget's messages."""

import asyncio
import json
import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nn import LOSSES, MLP, DivergedError, datasets, evaluate, fit
from nn.model.init import INITS
from nn.optim import OPTIMIZERS
from nn.playground.controls import controls
from nn.playground.launch import launch, notebook, write_notebook
from nn.playground.session import SIDE, TILE, Session, data_of, new_model, new_optimizer
from nn.playground.state import (
    MOST_POINTS,
    State,
    data_sets,
)
from nn.train.settings import RecipeError

SMALL = {"hidden": [4], "n": 20, "batch": 5}
PAIRS = [(loss, output) for loss in LOSSES for output in LOSSES[loss].outputs]


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
states = st.builds(
    lambda pair, **others: State.of({"loss": pair[0], "output": pair[1], **others}),
    losses,
    data=st.sampled_from(data_sets()[:-1]),
    n=st.integers(4, 40),
    noise=st.floats(0, 0.5),
    held_out=st.floats(0, 0.5),
    hidden=st.lists(st.integers(1, 5), max_size=3),
    activation=st.sampled_from(["relu", "tanh", "softplus", "leaky_relu", "sigmoid", "linear"]),
    init=st.sampled_from([*INITS]),
    optimizer=st.sampled_from([*OPTIMIZERS]),
    lr=st.floats(1e-4, 0.1),
    l2=st.floats(0, 0.1),
    batch=st.integers(1, 50),
    seed=st.integers(0, 99),
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@given(states)
@settings(deadline=None, max_examples=30)
def test_a_state_comes_back_from_its_json(state):
    assert State.of(state.to_json()) == state
    assert State.of(json.loads(json.dumps(state.to_dict()))) == state


@given(st.sampled_from([*State().to_dict(), "points", "weights", "changes"]), anything)
@settings(deadline=None, max_examples=100)
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


@pytest.mark.parametrize(
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
        ({"weights": [1.0]}, "the model has 105 parameters"),
        ({"changes": [[5, "lr", 1], [4, "lr", 1]]}, "must not fall"),
        ({"changes": [[5, "__class__", 1]]}, "expected one of lr"),
        ({"n": 10_000, "batch": 10_000, "hidden": [50, 50]}, "make the batch smaller"),
        ({"n": 10_000, "hidden": [50, 50], "changes": [[1, "batch", 10_000]]}, "batch smaller"),
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
@settings(deadline=None, max_examples=15)
def test_a_state_gives_the_same_run_bit_for_bit(state, steps):
    first, second = Session(state), Session(State.of(state.to_json()))
    assert steps_or_failure(first, steps) == steps_or_failure(second, steps)
    assert numbers(first) == numbers(second)
    assert first.losses == second.losses
    assert first.frame().buffers() == second.frame().buffers()


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("batch", [1, 16, 1000])
@pytest.mark.parametrize(("loss", "output"), PAIRS)
def test_the_playground_takes_the_steps_of_fit_to_the_same_bits(loss, output, batch, optimizer):
    data = "blobs" if LOSSES[loss].of_classes else "moons"
    chosen = {"data": data, "loss": loss, "output": output, "batch": batch, "optimizer": optimizer}
    state = State.of({**SMALL, **chosen, "n": 25, "hidden": [3], "lr": 0.02, "seed": 3})
    live = Session(state)
    while live.epoch < 2:
        live.step()
    model = new_model(state)
    history = fit(
        model,
        *data_of(state)[:2],
        loss=loss,
        optimizer=new_optimizer(state, 25),
        epochs=2,
        batch_size=batch,
        seed=state.seed,
        progress=False,
    )
    assert [p.data.hex() for p in model.parameters()] == [x.hex() for x in numbers(live)]
    assert [p.grad for p in model.parameters()] == live.gradients.tolist()
    assert live.losses[1:] == history.loss
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
    total = sum([s.loss(model(x), label) for x, label in zip(X, y, strict=True)]) / 20
    total.backward()
    s.step()
    assert s.losses[-1] == pytest.approx(loss, rel=1e-12)
    assert s.gradients == pytest.approx([p.grad for p in model.parameters()], rel=1e-9)
    assert s.updates == pytest.approx([-0.5 * p.grad for p in model.parameters()], rel=1e-9)


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
    assert all(map(math.isfinite, np.frombuffer(b"".join(s.frame().buffers()), np.float32)))


def test_no_points_are_no_data_until_one_is_added():
    s = session(data="own")
    with pytest.raises(ValueError, match="no points to train on"):
        s.step()
    s.frame()
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


@given(states)
@settings(deadline=None, max_examples=15)
def test_a_frame_has_the_outputs_and_every_neuron(state):
    s = Session(state)
    for backward in (False, True):
        frame = s.frame(backward=backward)
        assert frame.boundary.shape == (SIDE * SIDE,)
        assert frame.tiles.shape == (sum(s.model.sizes), TILE * TILE)
        assert np.abs(frame.tiles).max() <= 1
    top = [0.0, float(s.model.sizes[-1])] if s.loss.of_classes else [-1.0, 1.0]
    assert top[0] <= frame.boundary.min() <= frame.boundary.max() <= top[1]


def test_the_boundary_is_what_the_model_says():
    s = trained(5)
    map, grid = s.frame().boundary, s.grid(SIDE)
    for i in (0, 1234, 9999):
        assert map[i] == pytest.approx(math.tanh(s.model(list(grid[i])).data / 2), rel=1e-9)
    assert grid[0][1] > grid[-1][1]  # the first row is the top


def test_backward_tiles_are_the_slopes_of_the_output():
    s = trained(5)
    tiles, x = s.frame(backward=True).tiles, list(s.grid(TILE)[77])
    s.model(x).backward()
    slopes = [a.grad for layer in s.model.layers for a in layer.activations]
    for tile, slope in zip(tiles, slopes, strict=True):
        assert math.copysign(1, tile[77]) == math.copysign(1, slope)


def test_pictures_of_one_example_leave_model_and_gradients_alone():
    s = trained(4)
    before = [(p.data, p.grad) for p in s.parameters]
    dot, paths = s.graph(3, 0, 2), s.paths(3, 0)
    assert [(p.data, p.grad) for p in s.parameters] == before
    assert "W1[2,0]" in dot
    assert "∂loss/∂W1[0,0]: 1 path" in paths


def test_the_graph_of_a_neuron_is_small_and_has_the_gradient_of_the_loss():
    s = trained(2, hidden=[20, 20])
    x1, x2, label, _ = s.points()[3]
    loss = s.loss(s.model([x1, x2]), label)
    s.model.zero_grad()
    loss.backward()
    dot = s.graph(3, 1, 4)
    assert "16 others" in dot
    assert dot.count("shape=plain") < 25
    assert f"grad {s.model.layers[1].neurons[4].b.grad:.4g}" in dot


@pytest.mark.parametrize("ask", [lambda s: s.graph(99, 0, 0), lambda s: s.graph(0, 7, 0),
                                 lambda s: s.paths(0, 999), lambda s: s.paths(-1, 0),
                                 lambda s: s.change("weight", (999, 0.0)),
                                 lambda s: s.change("weight", (0, float("nan"))),
                                 lambda s: s.change("add", (0.0, 0.0, 2))])  # fmt: skip
def test_what_is_not_there_is_refused_and_nothing_has_changed(ask):
    s = session()
    state, before = s.state, numbers(s)
    with pytest.raises(RecipeError):
        ask(s)
    assert (s.state, numbers(s)) == (state, before)


# --- Controls --------------------------------------------------------------------------------


def by_name(groups):
    return {setting["name"]: setting for group in groups for setting in group["settings"]}


def test_every_setting_that_a_user_may_change_has_a_control_with_its_value():
    state = State.of({"hidden": [3, 2], "lr": 0.25})
    found = by_name(controls(state))
    by_other_means = {"file", "target", "settings", "epochs", "points", "weights", "changes"}
    by_other_means |= {"patience", "keep_best"}  # which a playground has not
    by_other_means |= {"dropout", "schedule", "warmup", "clip_norm", "label_smoothing", "shuffle"}
    assert set(found) == set(State.checks) - by_other_means
    assert all(setting["value"] == getattr(state, name) for name, setting in found.items())


@given(states)
@settings(deadline=None, max_examples=20)
def test_every_option_of_a_control_is_one_that_the_state_takes(state):
    for name, setting in by_name(controls(state)).items():
        values = [value for value, _ in setting["options"] or []]
        assert setting["options"] is None or setting["value"] in values
        for value in values:
            assert State.check(name, value) == value


def test_every_row_has_a_text_of_its_own_on_the_page():
    for setting in by_name(controls(State())).values():
        texts = [text for _, text in setting["options"] or []]
        assert len(set(texts)) == len(texts)
        assert all(texts)


@pytest.mark.parametrize("loss", LOSSES)
def test_a_loss_alone_brings_an_output_that_suits_it(loss):
    made = State().replace(loss=loss)
    assert made.output in LOSSES[loss].outputs
    for output in LOSSES[loss].outputs:
        assert made.replace(output=output).replace(loss=loss).output == output


# --- Widget ----------------------------------------------------------------------------------


@pytest.fixture
def new_playground(monkeypatch):
    """Playgrounds that keep what they send in `sent_messages`."""
    pytest.importorskip("anywidget")
    from nn.playground import Playground

    def make(*args, **settings):
        p = Playground(*args, **settings)
        p.sent_messages = []
        p.send = lambda content, buffers=None: p.sent_messages.append(content)
        return p

    return make


def tell(p, do, **content):
    p.receive(p, {"do": do, **content}, [])


def last(p, kind):
    return next(m for m in reversed(p.sent_messages) if m["kind"] == kind)


async def watch(p, seconds):
    """Acknowledge every frame for a while, as a page does."""
    end = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < end:
        tell(p, "painted", number=p.sent)
        await asyncio.sleep(0.002)


def test_play_trains_until_pause(new_playground):
    p = new_playground(state=SMALL)

    async def scene():
        tell(p, "hello", view="a")
        tell(p, "play")
        await watch(p, 0.1)
        tell(p, "pause")
        await asyncio.sleep(0.02)
        steps = p.session.steps
        await watch(p, 0.05)
        assert 0 < steps == p.session.steps

    asyncio.run(scene())
    assert last(p, "frame")["playing"] is False
    assert p.task.done()


def test_at_most_two_frames_are_on_their_way(new_playground):
    p = new_playground(state=SMALL)

    async def scene():
        tell(p, "hello", view="a")
        before = p.sent
        tell(p, "play")
        await asyncio.sleep(0.1)
        assert p.sent == before + 2
        tell(p, "painted", number=before + 1)
        await asyncio.sleep(0.05)
        assert p.sent == before + 3
        tell(p, "pause")
        await asyncio.sleep(0.02)

    asyncio.run(scene())


def test_training_pauses_when_nobody_watches(new_playground, monkeypatch):
    monkeypatch.setattr("nn.playground.widget.PATIENCE", 0.05)
    p = new_playground(state=SMALL)

    async def scene():
        tell(p, "play")
        await asyncio.sleep(0.2)

    asyncio.run(scene())
    assert not p.playing
    assert "nobody was watching" in last(p, "frame")["message"]["text"]


def test_closing_the_last_view_ends_the_training(new_playground):
    p = new_playground(state=SMALL)

    async def scene():
        tell(p, "hello", view="a")
        tell(p, "hello", view="b")
        tell(p, "play")
        tell(p, "bye", view="a")
        await watch(p, 0.03)
        assert p.playing
        tell(p, "bye", view="b")
        await asyncio.sleep(0.03)
        assert p.task.done()

    asyncio.run(scene())


def test_two_playgrounds_train_side_by_side_as_they_do_alone(new_playground):
    first, second = new_playground(state=SMALL), new_playground(state={**SMALL, "seed": 4})

    async def scene():
        for p in (first, second):
            tell(p, "hello", view="a")
            tell(p, "play")
        await asyncio.gather(watch(first, 0.1), watch(second, 0.1))
        for p in (first, second):
            tell(p, "pause")
        await asyncio.sleep(0.03)

    asyncio.run(scene())
    for p in (first, second):
        assert numbers(trained(p.session.steps, seed=p.session.now.seed)) == numbers(p.session)


def test_a_message_from_another_thread_is_answered_in_the_thread_of_the_cells(new_playground):
    async def scene():
        p = new_playground(state=SMALL)
        await asyncio.to_thread(tell, p, "play")
        await asyncio.sleep(0.05)
        assert p.session.steps > 0
        await asyncio.to_thread(tell, p, "pause")
        await asyncio.sleep(0.05)
        assert p.task.done()

    asyncio.run(scene())


def test_a_number_that_is_not_finite_is_said_and_ends_the_training(new_playground):
    p = new_playground(state={**SMALL, "lr": 1e300, "optimizer": "sgd", "loss": "mse"})

    async def scene():
        tell(p, "play")
        await watch(p, 0.2)

    asyncio.run(scene())
    message = last(p, "frame")["message"]
    assert not p.playing
    assert message["text"].startswith("Stopped: ")
    assert "smaller learning rate" in message["advice"]
    json.dumps(p.sent_messages, allow_nan=False)


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"do": "nothing"},
        {"do": "set", "settings": {"hidden": [10**6]}},
        {"do": "set", "settings": {"lr": None}},
        {"do": "set", "settings": 3},
        {"do": "change", "what": "weight", "value": [0, "x"]},
        {"do": "load", "text": "{"},
        {"do": "load", "text": 7},
        {"do": "graph", "point": 10**6, "layer": 0, "neuron": 0},
        {"do": "graph", "point": "0", "layer": 0, "neuron": 0},
        "play",
    ],
)
def test_a_message_that_makes_no_sense_is_answered_on_the_page(new_playground, message):
    p = new_playground(state=SMALL)
    p.receive(p, message, [])
    assert last(p, "frame")["message"]["tone"] == "bad"
    assert p.session.steps == 0


def test_the_buttons_do_what_they_say(new_playground):
    p = new_playground(state=SMALL)
    tell(p, "step")
    assert last(p, "frame")["steps"] == 1
    tell(p, "set", settings={"lr": 0.5})
    assert p.state["lr"] == 0.03  # the change is remembered with its step
    assert p.state["changes"] == ((1, "lr", 0.5),)
    tell(p, "change", what="add", value=[0.5, 0.25, 1])
    assert (0.5, 0.25, 1, False) in last(p, "all")["points"]
    tell(p, "change", what="weight", value=[0, 0.75])
    assert p.model.layers[0].neurons[0].w[0].data == 0.75
    tell(p, "state")
    text = last(p, "state")["text"]
    tell(p, "reset")
    assert last(p, "frame")["steps"] == 0
    tell(p, "load", text=text)
    assert p.state == State.of(text).to_dict()
    tell(p, "view", backward=True, speed="fast")
    assert last(p, "frame")["backward"] is True
    tell(p, "graph", point=0, layer=0, neuron=1)
    assert last(p, "graph")["dot"].startswith("digraph")
    tell(p, "paths", point=0, parameter=0)
    assert "∂loss" in last(p, "paths")["text"]


def test_dead_units_are_named_for_the_page(new_playground):
    p = new_playground(state={**SMALL, "activation": "relu"})
    p.model.layers[0].neurons[2].b.data = -100.0
    tell(p, "step")
    assert [1, 2] in last(p, "frame")["message"]["units"]


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


def test_a_state_that_fails_on_the_way_leaves_the_run_as_it_is(new_playground):
    p = new_playground(state=SMALL)
    p.step(2)
    before, state = numbers(p.session), p.state
    tell(p, "load", text=json.dumps({"changes": [[0, "remove", 5000]]}))
    assert "none has the index 5000" in last(p, "frame")["message"]["text"]
    assert (numbers(p.session), p.state) == (before, state)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((MLP(2, [1]),), "needs all three"),
        ((MLP(3, [1]), [[0, 0, 0]], [0]), "the model has 3"),
        ((MLP(2, [1]), [[0, 0]], [0, 1]), "1 points and 2 labels"),
        ((MLP(2, [1]), [[0]], [0]), "2 coordinates"),
        ((MLP(2, [1]), [[0, 0]], [0.5]), "labels are whole numbers"),
        ((MLP(2, [1], output="relu"), [[0, 0]], [0]), "no loss here suits"),
        ((MLP(2, [100, 1]), [[0, 0]], [0]), "1 to 64 neurons"),
        ((MLP(2, [2, 1], activation=["tanh"]), [[0, 0]], [0]), "one for all hidden layers"),
    ],
)
def test_a_model_that_cannot_be_shown_is_refused(new_playground, arguments, message):
    with pytest.raises(ValueError, match=message):
        new_playground(*arguments)


def test_without_a_notebook_it_steps_but_does_not_play(new_playground):
    p = new_playground(state=SMALL)
    with pytest.raises(RuntimeError, match="call step"):
        p.play()
    p.step(2)
    assert p.session.steps == 2


# --- Launching -------------------------------------------------------------------------------


def test_the_notebook_runs(tmp_path):
    write_notebook(tmp_path / "new")
    cells = json.loads((tmp_path / "new/playground.ipynb").read_text())["cells"]
    assert [cell["cell_type"] for cell in cells] == ["markdown", "code", "markdown", "code"]
    write_notebook(tmp_path / "new")
    assert notebook([])["cells"] == []


def test_what_is_missing_is_named(monkeypatch, capsys):
    monkeypatch.setattr("nn.playground.launch.find_spec", lambda name: None)
    assert launch([]) == 1
    assert 'pip install "jupyterlab>=4.2"' in capsys.readouterr().err


def test_importing_the_package_loads_neither_numpy_nor_anywidget():
    program = (
        "import sys, nn.playground, nn.playground.launch\n"
        "print({'numpy', 'anywidget'} & set(sys.modules))"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert result.stdout == "set()\n"
