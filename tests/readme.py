"""What is fenced in README.md, and running it.

`python -m tests.readme Test` prints the command of the section "Test".
`python -m tests.readme pictures` runs the snippets, which draw the README's pictures anew.
"""

import contextlib
import doctest
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PICTURES = ROOT / "notebooks" / "images"
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def sections():
    """The text below each heading of the second level, in order."""
    _, *parts = re.split(r"^## (.+)\n", README.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2]))


def command(title):
    """The one-line command that is all there is fenced in a section."""
    ((language, text),) = FENCED.findall(sections()[title])
    if language != "sh" or text.count("\n") != 1:
        raise ValueError(f"the section {title!r} must hold one line of sh, not {text!r}")
    return text.strip()


def snippets():
    """The Python snippets, in order."""
    text = README.read_text(encoding="utf-8")
    return [code for language, code in FENCED.findall(text) if language == "python"]


def run_snippets():
    """Run the snippets in one namespace, the current directory being where they write to.

    What follows >>> must print what is written below it. Returns the namespace.
    """
    namespace = {"__name__": "readme"}
    for number, code in enumerate(snippets(), 1):
        name = f"README.md, snippet {number}"
        if ">>>" not in code:
            exec(compile(code, name, "exec"), namespace)  # noqa: S102 (the README's own code)
            continue
        test = doctest.DocTestParser().get_doctest(code, namespace, name, str(README), 0)
        report = []
        runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
        if runner.run(test, out=report.append, clear_globs=False).failed:
            raise AssertionError("".join(report))
        namespace = test.globs
    return namespace


def draw_pictures():
    """Run the snippets where the pictures are kept."""
    with contextlib.chdir(PICTURES):
        run_snippets()


if __name__ == "__main__":
    if sys.argv[1:] == ["pictures"]:
        draw_pictures()
    else:
        print(command(*sys.argv[1:]))
