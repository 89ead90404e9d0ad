"""The course as slides, in a real browser: nothing is lost, nothing scrolls, answers come last."""

import os
from importlib import import_module
from pathlib import Path

import pytest

pytest.importorskip("nbconvert", reason="slides are made by nbconvert, which JupyterLab brings")
pytest.importorskip("sphinx-mathjax-offline", reason="formulas need pip install '.[docs]'")

from tools.course import SOURCES
from tools.notebooks import FOLDER, read
from tools.npm import MissingError, package

pytestmark = pytest.mark.slow
SIZE = {"width": 1280, "height": 720}
SMALLEST = 0.6  # as large as the largest table is shown
PAGES = """() => [...document.querySelectorAll('.slides > section > section')].map(page => {
  page.style.display = page.parentElement.style.display = 'block';
  const parts = [...page.children], answers = parts.map(x => x.classList.contains('celltag_yours'));
  return {
    over: [page.scrollWidth - page.clientWidth, page.scrollHeight - page.clientHeight],
    zoom: Math.min(...parts.map(x => Number(x.style.zoom || 1))),
    cells: parts.map(x => x.dataset.cell.replace('cell-id=', '')),
    afterAnswers: answers.slice(answers.indexOf(true)).includes(false) && answers.includes(true),
    shown: parts.map((x, i) => i > 0 && answers[i] && !x.classList.contains('fragment')),
  };
})"""


@pytest.fixture(scope="module")
def exporter():
    """What nbconvert makes slides with by the course's configuration, here without network."""
    from nbconvert import SlidesExporter
    from traitlets.config import PyFileConfigLoader

    try:
        reveal = package("reveal.js@5.2.1")
    except MissingError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))
    config = PyFileConfigLoader("config.py", str(FOLDER / "slides")).load_config()
    mathjax = Path(*import_module("sphinx-mathjax-offline").__path__, "static/mathjax/tex-svg.js")
    config.SlidesExporter.reveal_url_prefix = reveal.as_uri()
    config.HTMLExporter.mathjax_url = mathjax.as_uri()
    return SlidesExporter(config=config)


@pytest.mark.parametrize("name", [f"{path.stem}.ipynb" for path in SOURCES])
def test_every_slide_fits_its_screen_and_asks_before_it_answers(exporter, context, tmp_path, name):
    file = tmp_path / "slides.html"
    file.write_text(exporter.from_filename(FOLDER / name)[0], "utf-8")
    page = context.new_page()
    page.set_viewport_size(SIZE)
    page.goto(file.as_uri())
    page.wait_for_function("window.Reveal && Reveal.isReady()")
    pages = page.evaluate(PAGES)
    page.close()
    assert [at for at, p in enumerate(pages, 1) if max(p["over"]) > 1 or p["zoom"] < SMALLEST] == []
    assert [at for at, p in enumerate(pages, 1) if p["afterAnswers"] or any(p["shown"])] == []
    cells = [c for c in read(FOLDER / name).cells if "slips" not in c.metadata.get("tags", ())]
    assert list(dict.fromkeys(c for p in pages for c in p["cells"])) == [c.id for c in cells]
