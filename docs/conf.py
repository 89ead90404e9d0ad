"""Sphinx on the pages where they lie: `python -m tools.site` builds the site from the root."""

from importlib import import_module
from pathlib import Path

from tools.site.public import linkcode

project = html_title = "autograd-core"
root_doc = "index"
include_patterns = [
    "*.md",
    "docs/*.md",
    "docs/api/*.rst",
    "notebooks/*.ipynb",
    "notebooks/*.md",
    "tests/README.md",
]
exclude_patterns = [".*", "**/__pycache__", "autograd_core", "nn", "out", "build", "dist"]
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.linkcode",
    "sphinx.ext.mathjax",
    "tools.site",
]

# Notebooks are shown as they are stored; their widgets, which need a kernel, as text.
nb_execution_mode = "off"
nb_ipywidgets_js: dict[str, dict[str, str]] = {}
nb_render_markdown_format = "myst"  # with tables and formulas
nb_mime_priority_overrides = [("*", "application/vnd.jupyter.widget-view+json", None)]
myst_enable_extensions = ["attrs_block", "attrs_inline", "dollarmath", "html_image"]
myst_heading_anchors = 3
myst_heading_slug_func = "tools.site.places.anchor"

# Docstrings are plain text, in which `names` are what the API has, or code.
default_role = "py:obj"
autodoc_preserve_defaults = True
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 76
linkcode_resolve = linkcode

# Formulas are drawn by one file of MathJax, which comes with a package: no network is needed.
mathjax_path = "tex-svg.js"
MATHJAX = Path(import_module("sphinx-mathjax-offline").__path__[0]) / "static" / "mathjax"

html_theme = "furo"
html_theme_options = {
    "dark_css_variables": {
        "graph-filter": "invert(0.925) hue-rotate(180deg)",
        "plot-filter": "brightness(0.88)",
    },
}
html_static_path = ["_static", str(MATHJAX / mathjax_path)]
html_css_files = ["site.css"]
html_logo = html_favicon = "_static/logo.svg"
html_copy_source = html_show_copyright = html_show_sphinx = False
pygments_style = "friendly"
pygments_dark_style = "github-dark"
