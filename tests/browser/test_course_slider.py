"""The course's slider, moved by its keys on a page without a kernel."""

import pytest

from nn.course.slider import slider
from tests.test_course_slider import plots

pytestmark = pytest.mark.slow


def test_it_shows_the_picture_that_it_is_moved_to(context, tmp_path):
    page = context.new_page()
    file = tmp_path / "page.html"
    file.write_text(slider("rate", plots(0.1, 0.2, 0.3), start=0.2)._repr_html_(), "utf-8")
    page.goto(file.as_uri())

    def shown():
        boxes = page.eval_on_selector_all("img", "all => all.map(x => x.offsetParent !== null)")
        return page.inner_text("output"), boxes

    assert shown() == ("0.2", [False, True, False])
    page.focus("input")
    page.keyboard.press("ArrowRight")
    assert shown() == ("0.3", [False, False, True])
    page.keyboard.press("Home")
    assert shown() == ("0.1", [True, False, False])
    page.close()
