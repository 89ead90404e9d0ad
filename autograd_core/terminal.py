"""Signs of mathematics where an encoding lacks them, as on Windows where output is redirected."""

from __future__ import annotations

import codecs
import io
import sys
import unicodedata

SPELLED = {"∂": "d", "∇": "d", "→": "->", "←": "<-", "·": "*", "×": "x", "–": "-", "…": "..."}
SPELLED |= {"√": "sqrt", "⁄": "/", "⁻": "-", "′": "'", "✓": "+", "✗": "-"}
SPELLED |= {"ᵀ": "'", "ŷ": "y^", "λ": "lambda", "⌊": "[", "⌋": "]"}
SPELLED |= {"∞": "inf", "≤": "<=", "≥": ">=", "≠": "!=", "≈": "~", "±": "+-"}


def spell_signs() -> None:
    """Let standard output spell the signs it lacks, where printing one would be an error.

    What else it lacks stays an error, as it was.
    """
    out = sys.stdout
    if isinstance(out, io.TextIOWrapper) and out.errors == "strict":
        codecs.register_error(__name__, spelled)
        out.reconfigure(errors=__name__)


def spelled(error: UnicodeError) -> tuple[str, int]:
    """The signs that could not be encoded, in letters; the error where one is no sign of ours."""
    assert isinstance(error, UnicodeEncodeError)
    text = "".join([sign(c) for c in error.object[error.start : error.end]])
    if not text.isascii():
        raise error
    return text, error.end


def sign(c: str) -> str:
    """A sign in ASCII: as spelled, by the name of a Greek letter, in plain form, or itself."""
    if c in SPELLED or c.isascii():
        return SPELLED.get(c, c)
    name, plain = unicodedata.name(c, ""), unicodedata.normalize("NFKD", c)
    if name.startswith("GREEK"):
        return name.rpartition(" ")[2].lower()
    return c if c == plain else "".join(map(sign, plain))
