"""The documentation site: `python -m tools.site` builds it into out/site, without a network.

Sphinx reads README.md, docs/ and notebooks/ where they lie, so that links and pictures lead to the
same in the site and in the repository.

- `places`: where a page is found in the site
- `sources`: what a link leads to that is no page, a file or a folder, is shown by a page
- `public`: the API by the `__all__` of its modules
- `links`: what a built page leads to must be there

This module is the extension that docs/conf.py names.
"""

from __future__ import annotations

from sphinx.application import Sphinx

from tools.site import places, public, sources


def setup(app: Sphinx) -> dict[str, bool]:
    """What Sphinx calls an extension by."""
    for part in (places, public, sources):
        part.setup(app)
    return {"parallel_read_safe": False, "parallel_write_safe": True}
