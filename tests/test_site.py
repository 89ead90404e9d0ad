"""The tools of the site: what they find broken, and how they read docstrings."""

import doctest

import pytest

pytest.importorskip("sphinx", reason="the site needs Sphinx: pip install '.[docs]'")

from tools.site import links, places, public, sources
from tools.site.links import broken
from tools.site.places import place
from tools.site.public import escaped

pytestmark = pytest.mark.slow  # the environment of the quick layer has no Sphinx
RIGHT = '<p id="here"><a href="#here">1</a> <a href="sub/b.html#there">2</a>'


@pytest.fixture
def site(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.html").write_text(RIGHT)
    (tmp_path / "sub" / "b.html").write_text('<p id="there"><a href="../a.html">1</a>')
    return tmp_path


def test_links_that_lead_somewhere_are_no_faults(site):
    assert broken(site) == []


@pytest.mark.parametrize(
    "link",
    [
        '<a href="#nowhere">',
        '<a href="gone.html">',
        '<a href="sub/b.html#here">',
        '<img alt="" src="gone.png">',
        '<script async src="https://example.org/x.js">',
        '<link rel="stylesheet" href="//example.org/x.css">',
    ],
)
def test_a_link_that_leads_nowhere_or_loads_from_elsewhere_is_named(site, link):
    (site / "a.html").write_text(RIGHT + link)
    (fault,) = set(broken(site))
    assert fault.startswith("a.html: ")


@pytest.mark.parametrize(
    ("path", "where"),
    [
        ("README", "tour"),
        ("docs/index", "index"),
        ("docs/training", "guide/training"),
        ("docs/api/nn", "api/nn"),
        ("notebooks/NOTATION", "course/notation"),
        ("notebooks/student/01_values_and_gradients", None),
        ("CHANGELOG", "project/changelog"),
    ],
)
def test_pages_have_their_places_and_keep_them(path, where):
    assert place(path) == where
    assert where is None or place(where) == where


@pytest.mark.parametrize(
    ("docstring", "written"),
    [
        ("|product| of *f and x_", r"\|product\| of \*f and x\_"),
        ("`f(*xs)` is `a|b_`", "`f(*xs)` is `a|b_`"),
        ("n * m:\n\n>>> a * b\n|c|\n\n*d", "n \\* m:\n\n>>> a * b\n|c|\n\n\\*d"),
    ],
)
def test_a_docstring_means_its_marks(docstring, written):
    assert escaped(docstring) == written


@pytest.mark.parametrize("module", [links, places, public, sources])
def test_what_is_said_of_the_tools_is_true(module):
    assert doctest.testmod(module).failed == 0
