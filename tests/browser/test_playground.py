"""The playground on its page, driven by mouse and keys; its numbers are those of the session."""

import re
import signal
import subprocess
import sys
from itertools import pairwise

import pytest

from autograd_core.paths.explain import explain
from nn.playground import still
from nn.playground.lessons import LESSONS
from tests.browser.benchmark import counts
from tests.browser.conftest import SETTINGS
from tests.browser.driver import APP, Driver, restart
from tests.browser.lab import Watch

pytestmark = pytest.mark.slow


def number(text):
    """What a number on the page says."""
    digits = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹−", "-0123456789-")
    base, _, power = text.replace(",", "").partition("·10")
    return float(base.translate(digits)) * 10 ** int(power.translate(digits) or 0)


def measured(desk, name="train"):
    return desk.session.measured(name)[0]


def is_shown(play):
    """Figures and arrays of the page are the session's, of now."""
    play.settle()
    loss, held = play.ask(lambda desk: (measured(desk), measured(desk, "held")))
    assert play.get("[...frame.theta]") == play.numbers()
    assert (play.get("frame.loss"), play.get("frame.held")) == (loss, held)
    assert number(play.text("loss")) == pytest.approx(loss, rel=0.06, abs=6e-4)
    gradient = play.ask(lambda desk: desk.session.measured()[2].tolist())
    assert play.get("[...frame.gradient]") == gradient
    assert play.get("app.trace.at(-1)")[1] == loss


# --- One moment, one truth ---------------------------------------------------------------------


def test_play_trains_and_what_is_on_screen_is_true(play):
    before = play.get("frame.loss")
    plane, curve = play.pixels("planeCanvas"), play.pixels("historyCanvas")
    play.click("play")
    play.wait_for("frame.steps >= 40")
    assert play.text("play").strip().endswith("Pause")
    play.click("play")
    play.wait_for("!frame.playing")
    is_shown(play)
    assert play.get("frame.loss") < 0.9 * before
    assert play.pixels("planeCanvas") != plane
    assert play.pixels("historyCanvas") != curve
    steps = play.get("frame.steps")
    play.page.wait_for_timeout(300)
    assert play.ask(lambda desk: desk.session.steps) == steps == number(play.text("steps"))


def test_a_weight_far_off_shows_in_every_figure_at_once(play):
    play.page.locator(".pg-value").fill("-50")
    play.press("Enter")
    play.wait_for("frame.theta[0] === -50")
    is_shown(play)
    assert play.get("app.range") == [-54, -46]


def test_reset_and_undo_bring_the_start_back(play):
    start = play.numbers()
    play.ask(lambda desk: desk.step(7))
    play.wait_for("frame.steps === 7")
    play.click("reset")
    play.wait_for("frame.steps === 0")
    is_shown(play)
    assert play.numbers() == start
    play.press("Control+z")
    play.wait_for("frame.steps === 7")
    play.press("Control+y")
    play.wait_for("frame.steps === 0")
    is_shown(play)


def test_an_error_names_what_is_seen_and_goes_with_the_next_act(play):
    play.page.evaluate(
        "document.querySelector('.pg').playground.send({do: 'set', settings: {lr: -1}})"
    )
    play.wait(
        "document.querySelector('.pg-said').textContent.startsWith('learning rate: expected')"
    )
    play.press("[")
    play.click("reset")
    play.wait("document.querySelector('.pg-said').textContent === ''")


# --- A gradient can be felt --------------------------------------------------------------------


def test_a_weight_is_dragged_on_the_net_and_the_loss_follows(play):
    before = play.get("frame.loss")
    x, y = play.grip()
    play.page.mouse.move(x, y)
    play.page.mouse.down()
    play.page.mouse.move(x, y - 60, steps=6)
    play.wait_for("Math.abs(frame.theta[0] - app.dragged.from - 1) < 0.05")
    play.settle()
    assert play.text("loss-name").startswith("loss ")
    moved = play.get("frame.loss")
    play.page.mouse.up()
    is_shown(play)
    assert moved != before
    assert play.get("frame.undo") == 1
    play.press("Control+z")
    play.wait_for(f"frame.loss === {before}")


def test_a_weight_is_dragged_on_its_curve_which_is_its_loss(play):
    box = play.page.locator(".pg-along").bounding_box()
    middle = box["y"] + box["height"] / 2
    play.drag((box["x"] + 0.4 * box["width"], middle), (box["x"] + 0.8 * box["width"], middle))
    is_shown(play)
    now = play.get("frame.theta[0]")
    assert 1.5 < now < 3.5
    n = play.get("frame.curve.length") // 2
    w, loss = play.get(f"[frame.curve[50], frame.curve[{n} + 50]]")
    again = play.ask(lambda desk: loss_at(desk.session, 0, w))
    assert loss == pytest.approx(again)


def loss_at(session, q, w):
    theta = session.theta()
    theta[q] = w
    with session.at(theta):
        return session.measured()[0]


def test_the_slope_is_checked_by_differences(play):
    play.click("check")
    play.settle()
    assert play.page.locator(".pg-check").get_attribute("aria-pressed") == "true"
    slope, gradient = play.get("[frame.check.slope, frame.gradient[0]]")
    assert slope == pytest.approx(gradient, rel=1e-6)


def test_arrow_keys_move_the_weight_and_brackets_choose_another(play):
    play.page.locator(".pg-net").focus()
    before = play.get("frame.theta[0]")
    play.press("ArrowUp")
    play.wait_for(f"Math.abs(frame.theta[0] - {before} - 0.05) < 1e-5")
    play.press("]")
    play.settle()
    assert play.text("weight-name") == "W₁[0,1]"
    assert play.get("frame.look[0]") == 1


def test_a_step_has_four_phases_and_is_the_step(play):
    ahead = play.ask(lambda desk: desk.session.ahead().theta.tolist())
    start, loss = play.numbers(), play.get("frame.loss")
    play.page.locator(".pg-net").focus()
    seen = []
    for _ in range(7):  # forward through 3 layers, the loss, back through 3
        play.press("ArrowRight")
        play.wait_for("app.goal === null && app.time > 0")
        seen.append(play.get("app.phase().name"))
    assert seen == ["forward"] * 3 + ["loss"] + ["backward"] * 3
    play.page.locator(".pg-time").evaluate(
        "(e) => { e.value = Number(e.max) - 0.75;"
        " e.dispatchEvent(new Event('input', { bubbles: true })); }"
    )
    play.settle()
    assert play.get("app.phase().name") == "update"
    between = play.get("[...frame.theta]")
    assert play.get("frame.share") == pytest.approx(0.5)
    assert between == pytest.approx([(a + b) / 2 for a, b in zip(start, ahead, strict=True)])
    assert play.get("frame.loss") != loss  # of the weights between
    assert play.numbers() == start
    play.press("ArrowRight")
    play.wait_for("frame.steps === 1 && !app.trip")
    assert play.numbers() == ahead
    is_shown(play)
    play.press("ArrowLeft")
    play.wait_for("frame.steps === 0")
    assert play.numbers() == start


def test_a_step_plays_by_itself_and_a_second_click_makes_it_at_once(play):
    play.click("step")
    play.wait_for("app.phase().name === 'backward'")
    play.click("step")
    play.wait_for("frame.steps === 1 && !app.trip")
    is_shown(play)


def test_a_step_is_played_while_the_doctor_has_something_to_say(play):
    play.ask(lambda desk: desk.step(3))
    play.click("examine")
    play.wait_for("frame.notice.tone !== ''")
    play.click("step")
    play.wait_for("app.phase().name === 'backward'")
    play.click("step")
    play.wait_for("frame.steps === 4 && !app.trip && frame.notice.text === ''")


def test_an_edit_in_the_middle_of_a_step_takes_it_back(play):
    start = play.numbers()
    play.click("step")
    play.wait_for("app.phase().name === 'forward'")
    play.page.locator(".pg-net").focus()
    play.press("ArrowUp")
    play.wait_for("!app.trip && frame.share === null")
    is_shown(play)
    assert play.get("frame.steps") == 0
    assert play.numbers()[1:] == start[1:]


def test_slow_motion_steps_on_and_on(play):
    play.page.locator(".pg-speed input").fill("1")
    play.click("play")
    play.wait_for("app.isLooping")
    play.page.evaluate("document.querySelector('.pg').playground.moveTo(99)")
    play.wait_for("frame.steps === 1 && app.time > 0")
    play.click("play")
    play.press("Escape")
    play.wait_for("!app.isPlaying && !app.trip")
    assert play.get("frame.steps") == 1


def test_backward_shows_slopes_of_the_loss_on_one_scale(play):
    net = play.pixels("netCanvas")
    play.option("face", "backward")
    play.wait_for("frame.dots.length")
    assert play.pixels("netCanvas") != net
    rows = play.ask(lambda desk: len(desk.session.X))
    assert play.get("frame.dots.length / run.units") == rows
    play.option("scope", "all")
    play.option("face", "update")
    assert play.pixels("netCanvas") != net


def test_paths_of_a_weight_light_up_and_add_up_to_its_gradient(play):
    play.page.mouse.click(*play.link(3))
    play.settle()
    assert play.get("[app.weight, app.lit]") == [3, True]
    products = play.get("app.paths().list.map((path) => path.product)")
    told = play.ask(lambda desk: explained(desk.session, 0, 3))
    assert sorted(products) == pytest.approx(sorted(told))
    assert play.get("app.paths().sum") == pytest.approx(play.get("frame.own[3]"))
    rows = play.page.locator(".pg-paths tr[data-k]")
    assert rows.count() == 3
    rows.nth(1).hover()
    play.wait_for("app.onePath === 1")


def explained(session, point, q):
    """The products of all paths from a parameter to the loss, as the engine finds them."""
    x1, x2, label, _ = session.points()[point]
    loss = session.loss(session.model([x1, x2]), label)
    loss.backward()
    return [path.product for path in explain(loss, session.parameters[q]).paths]


def test_from_the_net_into_a_neuron_into_its_scalar_graph_and_back(play):
    play.page.mouse.click(*play.neuron(1, 2))
    play.settle()
    play.page.mouse.click(*play.neuron(1, 2))
    play.wait_for("app.zoom === 1 && !app.zoomAt")
    first = play.pixels("netCanvas")
    assert "neuron a₁[2]" in play.text("crumbs")
    play.ask(lambda desk: desk.step())
    play.wait_for("frame.steps === 1")
    play.settle()
    assert play.pixels("netCanvas") != first  # it is of now
    play.press("Enter")
    play.wait_for("app.zoom === 2 && !app.zoomAt")
    play.press("Escape", "Escape")
    play.wait_for("app.zoom === 0 && !app.zoomAt")
    assert play.page.evaluate("document.activeElement.className") == "pg-net"


# --- Immediate ---------------------------------------------------------------------------------


def test_a_neuron_under_the_mouse_is_large_on_the_plane(play):
    play.page.mouse.move(*play.neuron(2, 1))
    play.wait_for("frame.look[4] === run.unit(2, 1) && frame.near.length === 10000")
    play.settle()
    assert play.text("plane-name").startswith("neuron a₂[1]")


def test_a_weight_under_the_mouse_has_its_numbers_and_the_optimiser_s(play):
    play.page.locator("[data-name=optimizer]").select_option(label="Adam")
    play.wait_for("run.settings.optimizer === 'adam'")
    play.ask(lambda desk: desk.step(2))
    play.wait_for("frame.steps === 2")
    play.settle()
    play.page.mouse.move(*play.link(4))
    tip = play.page.locator(".pg-tip")
    tip.wait_for()
    assert tip.text_content().startswith("W₁[1,1]")
    assert tip.locator("span").count() == 5


def test_layers_and_neurons_are_added_and_taken_away(play):
    play.page.get_by_label("one neuron more in layer 1").click()
    play.wait_for("String(run.sizes) === '2,5,3,1'")
    play.page.get_by_label("one layer more").click()
    play.wait_for("String(run.sizes) === '2,5,3,3,1'")
    play.page.get_by_label("one neuron less in layer 3").click()
    play.wait_for("String(run.sizes) === '2,5,3,2,1'")
    is_shown(play)
    for _ in range(3):
        play.press("Control+z")
    play.wait_for("String(run.sizes) === '2,4,3,1' && frame.undo === 0")


def test_points_are_painted_moved_and_erased(play):
    n = play.get("run.points.length")
    play.option("tools", "0")
    play.drag(play.point(1.5, 0.9), play.point(2.1, 0.9))
    play.settle()
    painted = play.get("run.points.length")
    assert painted > n + 1
    assert play.get("frame.undo") == 1
    play.option("tools", "2")
    play.page.mouse.click(*play.point(-0.5, -0.4))
    play.wait_for("run.classes === 3 && run.sizes.at(-1) === 3")
    play.settle()
    play.option("tools", "move")
    x1, x2 = play.get("run.points[4].slice(0, 2)")
    play.drag(play.point(x1, x2), play.point(0.5, -0.3))
    assert play.ask(lambda desk: desk.session.X[4]) == pytest.approx([0.5, -0.3], abs=0.02)
    assert play.get("frame.look[3]") == 4
    play.option("tools", "erase")
    play.page.mouse.click(*play.point(0.5, -0.3))
    play.wait_for(f"run.points.length === {painted}")
    is_shown(play)
    for _ in range(4):
        play.press("Control+z")
    play.wait_for(f"run.points.length === {n} && run.classes === 2")


def test_an_empty_plane_says_how_to_paint(play):
    play.page.locator("[data-thumb=own]").click()
    play.wait_for("run.points.length === 0")
    play.settle()
    assert play.text("paths") == "No points yet. Choose a colour above the plane, then paint some."
    assert play.text("mean") == ""


def test_painted_points_outlast_another_model(play):
    play.option("tools", "1")
    play.page.mouse.click(*play.point(-0.9, -0.5))
    play.wait_for("frame.undo === 1")
    play.page.locator("[data-name=activation]").select_option(label="relu")
    play.wait_for("run.settings.activation === 'relu'")
    assert play.get(
        "run.points.some(([a, b]) => Math.abs(a + 0.9) < 0.02 && Math.abs(b + 0.5) < 0.02)"
    )


def test_a_slider_is_one_act_and_rebuilds_as_it_goes(play):
    field = play.page.locator("[data-name=noise]")
    box = field.bounding_box()
    y = box["y"] + box["height"] / 2
    play.drag((box["x"] + 0.3 * box["width"], y), (box["x"] + 0.7 * box["width"], y))
    play.wait_for("run.settings.noise > 0.3")
    is_shown(play)
    assert play.get("frame.undo") == 1
    rate = play.page.locator("[data-name=lr]")
    rate.focus()
    before = play.get("run.settings.lr")
    play.press("ArrowRight")
    play.wait_for(f"run.settings.lr > {before}")
    assert play.ask(lambda desk: desk.session.now.lr) == play.get("run.settings.lr")


def test_data_sets_inputs_and_a_seed_are_chosen(play):
    play.page.locator("[data-thumb=circles]").click()
    play.wait_for("run.settings.data === 'circles'")
    play.page.locator("[data-value='x1^2']").click()
    play.wait_for("run.sizes[0] === 3")
    is_shown(play)
    seed = play.get("run.settings.seed")
    play.click("seed")
    play.wait_for(f"run.settings.seed === {seed + 1}")
    play.page.locator("[data-name=loss]").select_option(
        label=play.get("app.controls.controls.loss.choices.find((c) => c.value === 'mse').text")
    )
    play.wait_for("run.settings.loss === 'mse'")
    is_shown(play)


def test_numbers_are_painted_in_the_colours_of_the_plane(play):
    play.page.locator("[data-thumb=hills]").click()
    play.wait_for("run.numbers && run.settings.loss === 'mse'")
    play.settle()
    is_shown(play)
    assert not play.page.locator(".pg-right-share").is_visible()
    n = play.get("run.points.length")
    play.option("tools", str(play.get("-run.scale")))
    play.page.mouse.click(*play.point(0.2, 0.3))
    play.wait_for(f"run.points.length === {n + 1}")
    assert play.ask(lambda desk: desk.session.y[-1]) == -play.get("run.scale")
    play.option("tools", "move")
    play.page.mouse.click(*play.point(0.2, 0.3))
    play.wait_for("run.points[frame.look[3]][2] === -run.scale")
    is_shown(play)
    play.press("Control+z", "Control+z")
    play.wait_for("!run.numbers && frame.undo === 0")


def test_settings_that_are_seldom_used_are_folded_and_act(play):
    fold = play.page.locator(".pg-more")
    assert not fold.locator("[data-name=dropout]").is_visible()
    fold.locator("summary").click()
    fold.locator("[data-name=dropout]").fill("0.3")
    play.wait_for("run.settings.dropout === 0.3")
    for name, text, value in (
        ("clip_norm", "0,5", 0.5),
        ("init_scale", "2", 2),
        ("epochs", "7", 7),
    ):
        fold.locator(f"[data-name={name}]").fill(text)
        play.press("Enter")
        play.wait_for(f"run.settings.{name} === {value}")
    fold.locator("[data-name=schedule]").select_option(label="cosine")
    play.wait_for("run.settings.schedule === 'cosine'")
    fold.locator("[data-name=shuffle]").uncheck()
    play.wait_for("run.settings.shuffle === false && frame.undo === 6")
    assert play.text("more summary").endswith(", 6 changed")
    now = play.ask(lambda desk: desk.session.now)
    assert (now.dropout, now.clip_norm, now.schedule, now.shuffle) == (0.3, 0.5, "cosine", False)
    fold.locator("[data-name=epochs]").fill("many")
    play.press("Enter")
    play.wait("document.querySelector('.pg-said').textContent.startsWith('epochs: expected')")
    assert fold.locator("[data-name=epochs]").input_value() == "7"
    fold.locator("[data-name=clip_norm]").fill("")
    play.press("Enter")
    play.wait_for("run.settings.clip_norm === null")


def test_l1_and_l2_are_set_side_by_side(play):
    for name in ("l1", "l2"):
        play.page.locator(f"[data-name={name}]").fill("-2")
        play.wait_for(f"run.settings.{name} === 0.01")
    assert play.ask(lambda desk: (desk.session.loop.l1, desk.session.loop.l2)) == (0.01, 0.01)
    assert play.get("frame.steps") == 0
    play.page.locator("[data-name=l1]").fill("-5")
    play.wait_for("run.settings.l1 === 0")


def test_a_finger_paints_and_drags(play):
    client = play.page.context.new_cdp_session(play.page)
    client.send("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 1})

    def touch(*places):
        for k, (x, y) in enumerate(places):
            what = "touchMove" if k else "touchStart"
            client.send(
                "Input.dispatchTouchEvent", {"type": what, "touchPoints": [{"x": x, "y": y}]}
            )
        client.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        play.settle()

    n = play.get("run.points.length")
    play.option("tools", "1")
    touch(*[play.point(x, 0.9) for x in (1.2, 1.4, 1.6, 1.8, 2.0)])
    play.wait_for(f"run.points.length > {n} + 2")
    assert play.get("frame.undo") == 1
    before, (x, y) = play.get("frame.theta[0]"), play.grip()
    touch((x, y), (x, y - 30), (x, y - 60))
    play.wait_for(f"Math.abs(frame.theta[0] - {before} - 1) < 0.05")
    client.send("Emulation.setTouchEmulationEnabled", {"enabled": False})
    client.detach()
    is_shown(play)


def test_the_page_offers_what_python_tells_it(play):
    told = play.ask(lambda desk: described_by(desk))
    for name, texts in told.items():
        field = play.page.locator(f"[data-name={name}]")
        assert field.locator("option").all_text_contents() == texts


def described_by(desk):
    from nn.playground.controls import described

    kinds = [c for c in described(desk.session)["controls"] if c["kind"] == "choice"]
    return {c["name"]: [choice["text"] for choice in c["choices"]] for c in kinds}


def test_a_ghost_runs_beside(play):
    play.press("g")
    play.wait_for("frame.ghost")
    play.page.locator("[data-name=lr]").fill("-2")
    play.wait_for("run.settings.lr === 0.01")
    play.ask(lambda desk: desk.step(10))
    play.wait_for("frame.steps === 10")
    assert play.get("app.trace.at(-1)[3]") < play.get("app.trace.at(-1)[1]")


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_asks_before_it_tells(play, name):
    play.page.locator(".pg-lessons").select_option(name)
    play.wait_for(f"run.lesson?.name === '{name}'")
    play.settle()
    assert play.text("question") == LESSONS[name].ask
    covers = LESSONS[name].covers
    assert (play.text("norm") == "?") == covers
    shown = play.page.locator("[data-control]:visible").evaluate_all(
        "(all) => all.map((e) => e.dataset.control)"
    )
    assert set(shown) == set(LESSONS[name].shows)
    play.page.locator(".pg-choices button").first.click()
    play.wait_for("app.answer")
    play.settle()
    assert re.match("Right. |Not so. ", play.text("said"))
    assert play.text("norm") != "?"
    assert play.page.locator(f"[data-control={LESSONS[name].change}].pg-wanted").count() == 1


def test_the_run_is_copied_out_and_loaded(play):
    play.ask(lambda desk: desk.step(3))
    play.click("code")
    play.wait("document.querySelector('.pg-line').value.startsWith('Playground(state=')")
    area = play.page.locator(".pg-json")
    text = area.input_value()
    assert play.ask(lambda desk: desk.session.state.to_json()) == text
    area.fill(text.replace('"seed": 1', '"seed": 5'))
    play.click("load")
    play.wait_for("run.settings.seed === 5")
    play.click("code")
    play.wait("document.querySelector('.pg-run').open")
    area.fill('{"hidden": [1e99]}')
    play.click("load")
    play.wait("document.querySelector('.pg-said').textContent.includes('1 to 64 neurons')")
    assert play.ask(lambda desk: desk.session.now.seed) == 5


def test_an_address_holds_a_run_and_opens_it_again(play):
    play.ask(lambda desk: desk.step(3))
    play.page.evaluate("document.querySelector('.pg-line').value = ''")  # what another test asked
    play.click("code")
    play.wait("document.querySelector('.pg-line').value.startsWith('Playground(state=')")
    link = play.get("app.link").replace("%22seed%22%3A%201", "%22seed%22%3A%209")
    play.press("Escape")
    page = play.page.context.new_page()
    page.goto(link)
    page.wait_for_function(f"{APP}?.run?.settings.seed === 9")
    assert "#" not in page.evaluate("location.href")
    page.close()
    play.wait_for("run.settings.seed === 9")
    play.press("Control+z")
    play.wait_for("run.settings.seed === 1 && frame.steps === 3")


def test_a_saved_page_is_looked_into_without_python(play, tmp_path):
    play.ask(lambda desk: desk.step(4))
    play.wait_for("frame.steps === 4")
    play.settle()
    (tmp_path / "page.html").write_text(play.ask(still.page), "utf-8")
    page = play.page.context.new_page()
    watch = Watch(page)
    page.goto((tmp_path / "page.html").as_uri())
    page.wait_for_function(f"{APP}?.seen")
    saved = Driver(page, play.alone)
    assert saved.get("[...frame.theta]") == play.numbers()
    assert (saved.text("loss"), saved.text("steps")) == (play.text("loss"), "4")
    assert saved.text("said").startswith("Saved at step 4")
    page.mouse.click(*saved.link(3))
    saved.wait_for("app.weight === 3 && app.lit && app.paths().list.length === 3")
    page.locator(".pg-net").focus()
    for name in ("forward", "forward", "forward", "loss", "backward"):
        page.keyboard.press("ArrowRight")
        saved.wait_for(f"app.goal === null && app.phase().name === '{name}'")
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    saved.wait_for("app.zoom === 1 && !app.zoomAt")
    page.wait_for_timeout(7000)  # longer than an answer may take
    assert not page.locator(".pg-lost").is_visible()
    assert not page.locator(".pg-play").is_visible()
    assert watch.errors == [error for error in watch.errors if "favicon" in error]
    page.close()


# --- On any screen -----------------------------------------------------------------------------

SIZES = {"projector": (1280, 720), "large": (1920, 1080)}


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_everything_is_above_the_fold(play, size):
    play.page.set_viewport_size({"width": size[0], "height": size[1]})
    play.page.wait_for_timeout(300)
    inside = play.page.evaluate(
        """() => [...document.querySelectorAll('.pg button, .pg input, .pg select, .pg canvas')]
        .filter((e) => e.checkVisibility() && !e.closest('dialog')).every((e) => {
            const b = e.getBoundingClientRect();
            return Math.min(b.left, b.top) >= 0
                && b.right <= innerWidth + 1 && b.bottom <= innerHeight + 1;
        })"""
    )
    assert inside
    box = play.page.locator(".pg-square").bounding_box()
    assert box["width"] * box["height"] > 0.09 * size[0] * size[1]


def test_a_narrow_page_is_stacked_and_not_cut(play):
    play.page.set_viewport_size({"width": 700, "height": 900})
    play.page.wait_for_timeout(300)
    assert play.page.evaluate("document.documentElement.scrollWidth") <= 700
    net, plane = (play.page.locator(f".pg-{name}").bounding_box() for name in ("net", "plane"))
    assert net["width"] > 600
    assert plane["y"] > net["y"] + net["height"]


def test_on_a_phone_each_thing_has_the_width_and_a_page_can_be_moved_beside_the_plane(play):
    play.page.set_viewport_size({"width": 390, "height": 800})
    play.page.wait_for_timeout(300)
    names = ("net", "plane", "along", "paths", "lessons")
    boxes = [play.page.locator(f".pg-{name}").bounding_box() for name in names]
    for above, below in pairwise(boxes):
        assert below["y"] >= above["y"] + above["height"]
    assert boxes[1]["x"] > 30
    assert play.get("app.geometry.gap - app.geometry.tile > 3 * app.geometry.e")  # links are seen
    cut = play.page.evaluate(
        """() => [...document.querySelectorAll('.pg :is(button, input, select, .pg-paths)')]
        .filter((e) => e.checkVisibility() && !e.closest('dialog')).filter((e) =>
            e.getBoundingClientRect().right > innerWidth || e.scrollWidth > e.clientWidth + 2
                && e.matches('.pg-paths')).map((e) => e.className)"""
    )
    assert cut == []


WIDTHS = (1920, 1280, 1040, 1000, 860, 700, 520, 390)
CUT = """() => [...document.querySelectorAll('.pg select')].filter((e) => e.checkVisibility())
.flatMap((e) => {
    const look = getComputedStyle(e), c = new OffscreenCanvas(1, 1).getContext('2d');
    c.font = `${look.fontWeight} ${look.fontSize} ${look.fontFamily}`;
    const room = e.clientWidth - parseFloat(look.paddingLeft) - parseFloat(look.paddingRight);
    return [...e.options].map(({ text }) => text).filter((t) => c.measureText(t).width > room);
})"""
# What is written on a picture and is cut, or crosses other text or the edge of a box.
CROSSED = """(name) => {
    const app = document.querySelector('.pg').playground, canvas = app[name], all = [];
    const c = canvas.getContext('2d'), { fillText, roundRect } = c;
    const add = (text, left, right, top, bottom) => {
        const { a, d, e, f } = c.getTransform();
        all.push({ text, l: a * left + e, r: a * right + e, t: d * top + f, b: d * bottom + f });
    };
    c.fillText = (text, x, y) => {
        const box = c.measureText(text);
        if (text) add(text, x - box.actualBoundingBoxLeft - 1, x + box.actualBoundingBoxRight + 1,
            y - box.actualBoundingBoxAscent, y + box.actualBoundingBoxDescent);
        fillText.call(c, text, x, y);
    };
    c.roundRect = (x, y, w, h, r) => {
        add('', x, x + w, y, y + h);
        roundRect.call(c, x, y, w, h, r);
    };
    app.paint(performance.now());
    delete c.fillText; delete c.roundRect;
    const holds = (x, y) => !x.text && x.l <= y.l && x.r >= y.r && x.t <= y.t && x.b >= y.b;
    const found = all.filter(({ l, r, t, b }) => Math.min(l, t) < -2 || r > canvas.width + 2
        || b > canvas.height + 2).map(({ text }) => `${text} is cut`);
    all.forEach((x, k) => all.slice(k + 1).forEach((y) => {
        if (x.l < y.r && y.l < x.r && x.t < y.b && y.t < x.b && !holds(x, y) && !holds(y, x))
            found.push(`${x.text || 'a box'} and ${y.text || 'a box'}`);
    }));
    return found;
}"""


@pytest.mark.parametrize("width", WIDTHS)
def test_no_choice_is_cut(play, width):
    play.page.set_viewport_size({"width": width, "height": 800})
    play.page.locator(".pg-more summary").click()
    play.page.wait_for_timeout(200)
    assert play.page.evaluate(CUT) == []


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_moves_when_numbers_are_longer(play, width):
    play.page.set_viewport_size({"width": width, "height": 800})
    play.page.wait_for_timeout(200)
    places = """() => [...document.querySelectorAll('.pg-head *, .pg-lens-head > *, .pg-square')]
        .filter((e) => !e.matches('.pg-numbers *, .pg-note') || e.matches('div'))
        .map((e) => { const box = e.getBoundingClientRect(); return [box.x, box.y]; })"""
    longer = """() => { const long = { steps: '12,345', loss: '1.2·10⁻⁴', held: '1.2·10⁻⁴',
            accuracy: '99.9 %', norm: '1.2·10⁻⁴', 'loss-name': 'loss −7.2·10⁻⁴' };
        for (const [name, text] of Object.entries(long))
            document.querySelector(`.pg-${name}`).textContent = text; }"""
    assert play.page.locator(".pg-head").bounding_box()["height"] < (60 if width >= 1040 else 110)
    before = play.page.evaluate(places)
    play.page.evaluate(longer)
    assert play.page.evaluate(places) == before
    cut = """[...document.querySelectorAll('.pg-numbers div')]
        .filter((e) => e.scrollWidth > e.clientWidth).map((e) => e.textContent)"""
    assert play.page.evaluate(cut) == []
    play.page.evaluate(f"{APP}.repaint()")


def the_bias_of_the_output(play):
    play.page.evaluate(f"{APP}.choose({play.get('run.where.length - 1')}, false)")


def under_the_mouse(play, layer):
    play.page.evaluate(f"{APP}.hoverOver({{ kind: 'node', l: {layer}, i: {3 - layer} }})")


def three_classes(play):
    play.ask(lambda desk: restart(desk, SETTINGS | {"data": "blobs", "loss": "cross_entropy"}))


def all_backward(play):
    play.option("face", "backward")
    play.option("scope", "all")


def inside(play, layer=1, depth=1):
    play.page.evaluate(f"() => {{ {APP}.node = [{layer}, 0]; {APP}.zoomTo({depth}); }}")
    play.wait_for(f"app.zoom === {depth} && !app.zoomAt")


SIGHTS = {
    "at rest": lambda play: None,
    "the output's bias": the_bias_of_the_output,
    "a neuron under the mouse": lambda play: under_the_mouse(play, 2),
    "the output under the mouse": lambda play: under_the_mouse(play, 3),
    "three classes": three_classes,
    "backward": all_backward,
    "a neuron": inside,
    "the output": lambda play: inside(play, 3),
    "a neuron's graph": lambda play: inside(play, 1, 2),
    "the output's graph": lambda play: inside(play, 3, 2),
}


@pytest.mark.parametrize("sight", SIGHTS)
def test_no_text_of_a_picture_is_cut_or_lies_on_another(play, sight):
    play.ask(lambda desk: desk.step(60))
    SIGHTS[sight](play)
    for width in (1920, 1280, 900, 700, 390):
        play.page.set_viewport_size({"width": width, "height": 720})
        play.page.wait_for_timeout(200)
        play.settle()
        for name in ("netCanvas", "planeCanvas", "historyCanvas", "curveCanvas"):
            assert play.page.evaluate(CROSSED, name) == [], (width, name)


def test_what_is_chosen_can_be_read_under_the_mouse(play):
    play.option("scope", "all")
    play.page.locator(".pg-scope [data-v='all']").hover()
    look = play.page.locator(".pg-scope [data-v='all']").evaluate(
        "(e) => [getComputedStyle(e).color, getComputedStyle(e).backgroundColor]"
    )
    ink, ground = [
        "#" + "".join([f"{int(x):02x}" for x in re.findall(r"\d+", colour)[:3]]) for colour in look
    ]
    assert contrast(ink, ground) > 4.5


def test_a_button_gives_it_the_whole_screen_and_takes_it_back(play):
    play.page.bring_to_front()
    play.click("full")
    play.wait_for("document.fullscreenElement === app.host")
    play.settle()
    assert play.get("[app.root.clientHeight, innerHeight]") == [play.get("innerHeight")] * 2
    play.click("full")
    play.wait("!document.fullscreenElement")


def test_pictures_are_as_sharp_as_the_screen(play):
    for name in ("netCanvas", "planeCanvas", "historyCanvas", "curveCanvas"):
        width, shown, ratio = play.get(
            f"[app.{name}.width, app.{name}.clientWidth, devicePixelRatio]"
        )
        assert width == pytest.approx(shown * ratio, abs=1)


def test_wide_layers_are_folded(play):
    play.page.evaluate("document.querySelector('.pg').playground.resize([64, 32, 16])")
    play.wait_for("String(run.sizes) === '2,64,32,16,1'")
    play.settle()
    tile, rows = play.get("[app.geometry.tile, app.geometry.rows.map((row) => row.length)]")
    assert tile >= 14
    assert rows[1] < 64
    first = play.get("app.geometry.rows[1].at(-1)")
    play.page.mouse.click(
        *play.at(
            "netCanvas",
            "(({ X, Y, tile, e }) => [X[1], Math.max(...Object.values(Y[1])) + tile / 2 + 0.9 * e])"
            "(app.geometry)",
        )
    )
    play.settle()
    assert play.get("app.geometry.rows[1].at(-1)") > first


SPOKEN = ("button", "slider", "textbox", "combobox", "radio", "image", "DisclosureTriangle")


def test_every_control_has_a_name_and_a_place_among_the_tab_stops(play):
    client = play.page.context.new_cdp_session(play.page)
    tree = client.send("Accessibility.getFullAXTree")["nodes"]
    client.detach()
    seen = [node for node in tree if not node["ignored"] and node["role"]["value"] in SPOKEN]
    named = [(node["role"]["value"], node["name"]["value"]) for node in seen]
    assert [role for role, name in named if not name.strip()] == []
    assert {role for role, _ in named} == set(SPOKEN)
    shown = play.page.locator(".pg :is(button, input, select, canvas[role], summary):visible")
    assert len(named) >= shown.count()
    play.page.locator(".pg-play").focus()
    stops = set()
    for _ in range(60):
        play.press("Tab")
        stops.add(
            play.page.evaluate(
                "document.activeElement.className || document.activeElement.dataset.name || ''"
            )
        )
    assert {"pg-net", "pg-plane", "pg-weight", "pg-time", "lr", "activation"} <= stops


@pytest.mark.parametrize("dark", [False, True])
def test_text_stands_out_from_its_ground(play, dark):
    colours = play.page.evaluate(
        f"""() => {{ const app = document.querySelector('.pg').playground;
        app.setTheme({str(dark).lower()}, true);
        const style = getComputedStyle(app.root);
        const names = ['paper', 'panel', 'ink', 'soft', 'pos', 'neg'];
        return Object.fromEntries([...names, 'pos-text', 'neg-text']
        .map((name) => [name, style.getPropertyValue('--pg-' + name).trim()])); }}"""
    )
    for name in ("ink", "soft", "pos-text", "neg-text"):
        for ground in ("paper", "panel"):
            assert contrast(colours[name], colours[ground]) > 4.5, (name, ground)
    for name in ("pos", "neg"):  # of links, which are no text
        assert contrast(colours[name], colours["paper"]) > 3
    play.page.evaluate("document.querySelector('.pg').playground.setTheme(false, true)")


def contrast(one, other):
    light = sorted([luminance(one), luminance(other)])
    return (light[1] + 0.05) / (light[0] + 0.05)


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(share * part for share, part in zip((0.2126, 0.7152, 0.0722), linear))


def test_the_keys_are_listed_behind_a_question_mark(play):
    play.page.locator(".pg-net").focus()
    play.press("?")
    assert play.page.locator(".pg-keys kbd").count() >= 15
    play.press("Escape")
    play.wait("!document.querySelector('.pg-keys').open")


# --- Robust ------------------------------------------------------------------------------------


def test_a_server_that_is_gone_is_said_and_training_goes_on_when_it_is_back(play):
    play.page.evaluate("document.querySelector('.pg').playground.connection.lose()")
    play.wait("!document.querySelector('.pg-lost').hidden")
    play.wait("document.querySelector('.pg-lost').hidden")  # it asks until it is answered
    play.ask(lambda desk: desk.step())
    play.wait_for("frame.steps === 1")


def test_training_rests_while_the_page_is_out_of_sight(play):
    play.click("play")
    play.wait_for("frame.steps > 5")
    play.page.evaluate("document.querySelector('.pg').style.display = 'none'")
    play.page.wait_for_timeout(400)
    steps = play.ask(lambda desk: desk.session.steps)
    play.page.wait_for_timeout(400)
    assert play.ask(lambda desk: desk.session.steps) == steps
    play.page.evaluate("document.querySelector('.pg').style.display = ''")
    play.wait_for(f"frame.steps > {steps + 3}")
    play.click("play")


def test_three_hundred_steps_are_made_at_once(play):
    play.page.evaluate(
        "() => { const { connection } = document.querySelector('.pg').playground;"
        " for (let k = 0; k < 300; k++) connection.send({ do: 'step' }); }"
    )
    frames = play.get("frame.number")
    play.wait_for("frame.steps === 300")
    assert play.get("frame.number") - frames < 150
    is_shown(play)


def test_a_number_that_is_not_finite_is_reported_and_the_page_lives_on(play):
    play.page.evaluate(
        "document.querySelector('.pg').playground.send({do: 'set',"
        " settings: {loss: 'mse', activation: 'relu', lr: 1e300}})"
    )
    play.wait_for("run.settings.lr === 1e300")
    play.click("play")
    play.wait("document.querySelector('.pg-said').textContent.startsWith('Stopped: ')")
    play.wait_for("!frame.playing")
    play.press("Control+z")
    play.wait("document.querySelector('.pg-said').textContent === ''")
    is_shown(play)


def test_playing_on_and_on_keeps_the_page_s_memory_flat(play):
    play.page.locator(".pg-speed input").fill("5")
    play.click("play")
    play.page.wait_for_timeout(20_000)  # until the curve of the loss is as long as it gets
    before = counts(play)
    play.page.wait_for_timeout(60_000)
    frames, steps, heap, _ = [b - a for a, b in zip(before, counts(play), strict=True)]
    play.click("play")
    play.wait_for("!frame.playing")
    assert min(frames, steps) > 100
    assert heap < 2e6


def test_the_doctor_speaks_at_rest_and_not_while_training(play):
    play.click("play")
    play.wait_for("frame.steps > 20")
    assert play.get("frame.notice.text") == ""
    play.click("play")
    play.wait_for("!frame.playing && frame.notice.text.length > 10")


def test_the_doctor_is_asked(play):
    play.click("examine")
    play.wait("document.querySelector('.pg-said').textContent.length > 10")


def test_the_command_opens_the_page_with_a_lesson(context):
    command = [sys.executable, "-m", "nn", "playground", "--no-browser", "--port", "0"]
    process = subprocess.Popen([*command, "--lesson", "zeros"], stdout=subprocess.PIPE, text=True)
    page = context.new_page()
    try:
        page.goto(re.search(r"http://\S+", process.stdout.readline())[0])
        page.wait_for_function(f"{APP}?.frame && {APP}.run.lesson.name === 'zeros'")
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        process.stdout.close()
        page.close()
