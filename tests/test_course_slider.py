"""The slider of the course: its pages hold all pictures, show one, and need nothing else."""

import re

import pytest

from nn.course.slider import slider
from nn.plot.figure import Plot, new_figure


def plots(*places):
    return {place: Plot(new_figure("x", "y", (2.0, 1.0))[0]) for place in places}


def test_a_slider_shows_one_of_its_pictures_and_holds_them_all():
    page = slider("a <rate>", plots(0.1, 0.25, 3), start=0.25)._repr_html_()
    assert re.findall(r"display:(\w+)", page)[1:] == ["none", "block", "none"]
    assert 'max="2" value="1"' in page
    assert "<b>0.25</b>" in page
    assert "&lt;rate&gt;" in page
    assert "http" not in page.replace("http://www.w3.org", "")


def test_it_starts_from_its_first_picture_or_one_that_there_is():
    assert "<b>7</b>" in slider("steps", plots(7, 8))._repr_html_()
    assert repr(slider("steps", plots(7, 8))) == "<a slider, steps: 7, 8>"
    with pytest.raises(ValueError, match="no picture for steps 9"):
        slider("steps", plots(7, 8), start=9)
