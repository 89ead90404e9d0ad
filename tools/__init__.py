"""What looks after the repository; none of it is installed."""

from __future__ import annotations

import sys
from types import TracebackType

EXTRAS = {"course": "test", "lite": "lite", "page": "page", "readme": "test", "site": "docs"}


def complain(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Say in one line what a tool lacks and how to get it; of any other error, what Python says."""
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        sys.__excepthook__(kind, error, trace)
        return
    tool = next((x.rpartition("tools.")[2] for x in sys.orig_argv if "tools." in x), "")
    what = f'".[{EXTRAS[tool]}]"' if tool in EXTRAS else "."
    lacks = error.name.partition(".")[0]
    print(f"error: tools.{tool} needs the package {lacks}: pip install -e {what}", file=sys.stderr)


if sys.argv[:1] == ["-m"]:  # while `python -m tools.site`, say, is being found
    sys.excepthook = complain
