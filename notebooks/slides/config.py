"""Slides of a notebook, as `jupyter nbconvert --to slides --config ...` makes them.

A slide begins at each heading; the page itself cuts what is longer than the screen (slides.js). It
loads reveal.js and MathJax, from elsewhere where there is no network: `SlidesExporter.reveal_url_prefix`,
`HTMLExporter.mathjax_url`.
"""

from pathlib import Path

c = get_config()  # type: ignore[name-defined]  # noqa: F821  # what nbconvert calls this file with
c.SlidesExporter.template_name = "slides"
c.SlidesExporter.extra_template_basedirs = [str(Path(__file__).parents[1])]
c.SlidesExporter.reveal_theme = "white"
c.SlidesExporter.reveal_url_prefix = "https://unpkg.com/reveal.js@5.2.1"
c.HTMLExporter.mathjax_url = "https://unpkg.com/mathjax@3.2.2/es5/tex-svg.js"
