"""Python in a browser: what answers a page that has no server behind it.

`desks` takes the page's messages, `explorer` draws what is typed, `cells` runs the cells of a
notebook; the playground's own desk is the one of everywhere. `worker.js` holds them, with the
Python that `python.js` starts; `client.js` is the page's end. Only the standard library and
`autograd_core` are needed before a desk is asked that needs more. `saved` has a page play on.
"""

from nn.playground.browser.saved import playing_on

__all__ = ["playing_on"]
