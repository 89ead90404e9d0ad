"""The playground on a real page: JupyterLab in Chromium, driven by mouse and keys."""

import pytest

from tests.browser.lab import open_notebook

pytestmark = pytest.mark.slow
VIEW = "document.querySelector('.pg').playground"


def set_as(name):
    """What the page was told that a setting is."""
    return f"{VIEW}.run.controls.flatMap((g) => g.settings).find((s) => s.name === '{name}').value"


def number(page, name):
    return float(page.text_content(f".pg-{name}").replace(",", ""))


def wait(page, condition):
    page.wait_for_function(condition, timeout=15_000)


def wait_for_text(page, selector, text):
    page.wait_for_function(
        "([selector, text]) => document.querySelector(selector).textContent.includes(text)",
        arg=[selector, text],
        timeout=15_000,
    )


def wait_for_steps(page, n):
    wait(page, f"{VIEW}.frame.steps >= {n}")


def pause(page):
    page.click(".pg-play")
    wait(page, f"!{VIEW}.frame.playing")


def set_to(page, name, value):
    field = page.locator(f".pg [data-name={name}]").first
    if field.evaluate("e => e.tagName") == "SELECT":
        field.select_option(value)
    else:
        field.fill(value)
        field.press("Enter")


def spot(page, x1, x2):
    """Where a point of the plane is on the page."""
    return page.evaluate(
        f"""([x1, x2]) => {{
            const view = {VIEW}, box = view.plane.getBoundingClientRect();
            const [x, y] = view.toPixel(x1, x2);
            return [box.left + view.plane.clientLeft + x, box.top + view.plane.clientTop + y];
        }}""",
        [x1, x2],
    )


def middle_of_link(page, layer, i, j):
    """Where a link is on the page, nearer to its end: links cross in the middle."""
    return page.evaluate(
        f"""([k, i, j]) => {{
            const view = {VIEW}, {{ at, size }} = view.places;
            const box = view.net.getBoundingClientRect();
            const [x0, y0] = at[k - 1][j], [x1, y1] = at[k][i], share = 0.9;
            const left = x0 + size / 2, right = x1 - size / 2;
            return [box.left + left + share * (right - left), box.top + y0 + share * (y1 - y0)];
        }}""",
        [layer, i, j],
    )


def middle_of_neuron(page, layer, i):
    return page.evaluate(
        f"""([k, i]) => {{
            const view = {VIEW}, [x, y] = view.places.at[k][i];
            const box = view.net.getBoundingClientRect();
            return [box.left + x, box.top + y];
        }}""",
        [layer, i],
    )


def pixels(page, selector):
    """A canvas as text, to see whether it changed."""
    return page.evaluate(f"document.querySelector('{selector}').toDataURL()")


def test_play_trains_and_the_loss_on_screen_falls(page, kernel):
    before, map, curves = (
        number(page, "loss"),
        pixels(page, ".pg-plane"),
        pixels(page, ".pg-curves"),
    )
    page.click(".pg-play")
    wait_for_steps(page, 60)
    assert "Pause" in page.text_content(".pg-play")
    pause(page)
    assert number(page, "loss") < 0.8 * before
    assert number(page, "epoch") == kernel.get("p.session.epoch")
    assert pixels(page, ".pg-plane") != map
    assert pixels(page, ".pg-curves") != curves


def test_pause_stops(page, kernel):
    page.click(".pg-play")
    wait_for_steps(page, 5)
    pause(page)
    steps = kernel.get("p.session.steps")
    page.wait_for_timeout(300)
    assert kernel.get("p.session.steps") == steps == number(page, "steps")


def test_the_kernel_answers_while_it_plays_and_the_model_has_its_present_numbers(page, kernel):
    page.click(".pg-play")
    wait_for_steps(page, 5)
    numbers = kernel.get(
        "[p.playing, p.model([0.5, 0.5]).data, p.session.outputs([[0.5, 0.5]]).item()]"
    )
    assert numbers[0] is True
    assert abs(numbers[1] - numbers[2]) < 1e-12
    pause(page)


def test_step_advances_by_one(page, kernel):
    for n in (1, 2, 3):
        page.click(".pg-step")
        wait(page, f"{VIEW}.frame.steps === {n}")
    assert kernel.get("p.session.steps") == 3


def test_reset_restores_the_start(page, kernel):
    start, loss = kernel.get("[q.data for q in p.session.parameters]"), number(page, "loss")
    for _ in range(3):
        page.click(".pg-step")
    wait_for_steps(page, 3)
    page.click(".pg-reset")
    wait(page, f"{VIEW}.frame.steps === 0")
    assert kernel.get("[q.data for q in p.session.parameters]") == start
    wait(page, "document.querySelector('.pg-steps').textContent === '0'")
    assert number(page, "loss") == loss


def test_keys_play_step_and_reset(page):
    page.locator(".pg").first.focus()
    page.keyboard.press("s")
    wait_for_steps(page, 1)
    page.keyboard.press("Space")
    wait(page, f"{VIEW}.frame.playing")
    page.keyboard.press("Space")
    wait(page, f"!{VIEW}.frame.playing")
    page.keyboard.press("b")
    wait(page, f"{VIEW}.frame.backward")
    page.keyboard.press("b")
    wait(page, f"!{VIEW}.frame.backward")
    page.keyboard.press("r")
    wait(page, f"{VIEW}.frame.steps === 0")
    assert page.locator(".jp-Notebook .jp-Cell").count() == 2  # b adds no cell here


def test_a_changed_learning_rate_takes_effect_at_once(page, kernel):
    page.click(".pg-play")
    wait_for_steps(page, 4)
    set_to(page, "lr", "1e-9")
    wait_for_text(page, ".pg-message", "lr is 1e-09 now")
    steps, before = kernel.get("[p.session.steps, [q.data for q in p.session.parameters]]")
    wait_for_steps(page, steps + 5)
    pause(page)
    after = kernel.get("[q.data for q in p.session.parameters]")
    assert 0 < max(abs(a - b) for a, b in zip(after, before, strict=True)) < 1e-5
    assert kernel.get("p.session.steps") > steps


def test_changed_layers_build_anew_and_the_net_on_screen_too(page, kernel):
    page.click(".pg-step")
    wait_for_steps(page, 1)
    set_to(page, "hidden", "5")
    wait(page, f"String({VIEW}.run.sizes) === '2,5,1' && {VIEW}.frame.steps === 0")
    assert kernel.get("[p.model.sizes, p.session.steps]") == [[5, 1], 0]
    set_to(page, "data", "circles")
    wait(page, f"{set_as('data')} === 'circles'")
    assert kernel.get("p.state['data']") == "circles"


def test_the_page_offers_what_python_tells_it_and_names_no_setting_itself(page, kernel):
    told = kernel.get("__import__('nn.playground.widget', fromlist=[0]).controls(p.session.now)")
    for setting in [setting for group in told for setting in group["settings"]]:
        field = page.locator(f".pg [data-name={setting['name']}]").first
        shown = field.evaluate("e => [...(e.options ?? [])].map((o) => [o.value, o.text])")
        assert shown == (setting["options"] or [])


def test_a_loss_of_classes_comes_with_an_output_that_suits_it(page, kernel):
    set_to(page, "data", "blobs")
    wait(page, f"{set_as('data')} === 'blobs'")
    set_to(page, "loss", "nll")
    wait(page, f"{set_as('output')} === 'softmax'")
    page.click(".pg-step")
    wait_for_steps(page, 1)
    assert kernel.get("p.model.sizes") == [4, 3, 3]


def test_points_are_added_and_removed_by_clicks(page, kernel):
    n = kernel.get("len(p.session.X)")
    page.mouse.click(*spot(page, -0.9, -0.8))
    wait(page, f"{VIEW}.run.points.some(([a, b, label]) => label === 1 && b < -0.75)")
    page.keyboard.down("Shift")
    page.mouse.click(*spot(page, 1.9, 1.2))
    page.keyboard.up("Shift")
    wait(page, f"{VIEW}.run.points.some(([a, b, label]) => label === 0 && b > 1.15)")
    X, y = kernel.get("[p.session.X[-2:], p.session.y[-2:]]")
    assert y == [1, 0]
    assert abs(X[0][0] + 0.9) < 0.02
    assert abs(X[1][1] - 1.2) < 0.02
    page.keyboard.down("Control")
    page.mouse.click(*spot(page, *X[0]))
    page.keyboard.up("Control")
    wait(page, f"!{VIEW}.run.points.some(([a, b, label]) => label === 1 && b < -0.75)")
    assert kernel.get("len(p.session.X)") == n + 1


def test_hovering_shows_and_clicking_edits_a_weight(page, kernel):
    page.click(".pg-step")
    wait_for_steps(page, 1)
    page.mouse.move(*middle_of_link(page, 1, 2, 1))
    tip = page.text_content(".pg-tip")
    weight, gradient = kernel.get("[p.session.parameters[7].data, p.session.parameters[7].grad]")
    assert "weight W1[2,1]" in tip
    assert f"{weight:.4g}"[:5] in tip
    assert f"{gradient:.2g}"[:4] in tip
    page.mouse.click(*middle_of_link(page, 1, 2, 1))
    field = page.locator(".pg-edit input").first
    field.fill("1.25")
    field.press("Enter")
    wait(page, f"{VIEW}.frame.data[7] === 1.25")
    assert kernel.get("[p.session.parameters[7].label, p.session.parameters[7].data]") == [
        "W1[2,1]",
        1.25,
    ]


def test_a_clicked_weight_shows_its_paths(page):
    page.mouse.click(*middle_of_link(page, 1, 0, 0))
    wait_for_text(page, ".pg-details pre", "∂loss/∂W1[0,0]: 3 paths")
    page.locator(".pg-close").first.click()


def test_a_bias_is_edited_at_its_neuron(page, kernel):
    page.mouse.click(*middle_of_neuron(page, 3, 0))
    field = page.locator(".pg-edit input").first
    field.fill("-0.5")
    field.press("Enter")
    wait(page, f"{VIEW}.frame.data.at(-1) === -0.5")
    assert kernel.get("p.model.layers[2].neurons[0].b.data") == -0.5


def test_a_clicked_point_shows_its_graph_at_the_chosen_neuron(page, kernel):
    x1, x2 = kernel.get("p.session.X[5]")
    page.mouse.click(*middle_of_neuron(page, 1, 3))
    page.keyboard.press("Escape")
    page.mouse.click(*spot(page, x1, x2))
    page.wait_for_selector(".pg-graph svg", timeout=15_000)
    wait_for_text(page, ".pg-graph svg", "W1[3,0]")
    wait_for_text(page, ".pg-details header b", "Neuron 3 of layer 1")
    page.locator(".pg-close").first.click()


def test_backward_shows_gradients(page):
    page.click(".pg-step")
    wait_for_steps(page, 1)
    net = pixels(page, ".pg-net")
    page.click(".pg-backward")
    wait(page, f"{VIEW}.frame.backward")
    wait_for_text(page, ".pg-net-caption", "gradient of the loss")
    assert pixels(page, ".pg-net") != net
    page.click(".pg-forward")
    wait_for_text(page, ".pg-net-caption", "weights")


def test_a_number_that_is_not_finite_is_reported_and_the_page_lives_on(page, kernel):
    set_to(page, "loss", "mse")
    set_to(page, "optimizer", "sgd")
    set_to(page, "activation", "relu")
    set_to(page, "lr", "1e300")
    wait(page, f"{set_as('lr')} === 1e300")
    page.click(".pg-play")
    wait_for_text(page, ".pg-message", "Stopped: ")
    wait_for_text(page, ".pg-advice", "smaller learning rate")
    wait(page, f"!{VIEW}.frame.playing")
    set_to(page, "lr", "0.01")
    page.click(".pg-reset")
    page.click(".pg-step")
    wait(page, f"{VIEW}.frame.steps === 1")
    assert kernel.get("p.session.now.lr") == 0.01


def test_what_cannot_be_is_refused_on_the_page_and_the_control_goes_back(page, kernel):
    set_to(page, "hidden", "4, 100000")
    wait_for_text(page, ".pg-message", "1 to 64 neurons")
    assert page.locator("[data-name=hidden]").first.input_value() == "4, 3"
    assert kernel.get("p.model.sizes") == [4, 3, 1]


def test_the_state_is_copied_out_and_loaded(page, kernel):
    page.click(".pg-state")
    wait(page, "document.querySelector('.pg-details textarea').value.includes('\"lr\"')")
    area = page.locator(".pg-details textarea").first
    text = area.input_value()
    assert kernel.get("p.session.state.to_json()") == text
    area.fill(text.replace('"seed": 1', '"seed": 5'))
    page.locator(".pg-load").first.click()
    wait(page, f"{set_as('seed')} === 5")
    area.fill('{"hidden": [1e99]}')
    page.locator(".pg-load").first.click()
    wait_for_text(page, ".pg-message", "1 to 64 neurons")
    page.locator(".pg-close").first.click()
    assert kernel.get("p.state['seed']") == 5


def test_two_playgrounds_and_a_closed_view(lab, context):
    page = context.new_page()
    lab.write(
        "two.ipynb",
        "from nn.playground import Playground\nSMALL = {'hidden': [3], 'n': 20}\n"
        "p = Playground(state=SMALL); p",
        "q = Playground(state=SMALL); q",
        "",
    )
    kernel = open_notebook(page, lab, "two.ipynb", cells=2)
    page.wait_for_function("document.querySelectorAll('.pg .pg-controls label').length === 28")
    for i in (0, 1):
        page.locator(".pg-play").nth(i).click()
    page.wait_for_function(
        "[...document.querySelectorAll('.pg')].every((root) => root.playground.frame.steps > 5)"
    )
    page.locator(".pg-play").nth(1).click()
    page.wait_for_function("!document.querySelectorAll('.pg')[1].playground.frame.playing")
    assert kernel.get("[p.playing, q.playing]") == [True, False]
    same = "p.session.model is not q.session.model and p.session.steps != q.session.steps"
    assert kernel.get(same)
    page.locator(".jp-Cell").first.locator(".jp-OutputPrompt").first.wait_for()
    page.evaluate(
        "document.querySelector('.pg').closest('.jp-Cell').querySelector('.cm-content').focus()"
    )
    page.keyboard.press("Escape")
    page.keyboard.press("d")
    page.keyboard.press("d")  # the cell is deleted, its view is closed
    page.wait_for_function("document.querySelectorAll('.pg').length === 1")
    page.wait_for_timeout(300)
    assert kernel.get("p.playing") is False
    kernel.close()
    page.close()
