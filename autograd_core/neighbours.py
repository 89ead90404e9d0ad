"""Another package of the name `nn`, which would be found in place of the nets that come with us."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib.machinery import PathFinder
from pathlib import Path
from warnings import warn

OURS = Path(__file__).parents[1] / "nn"


def warn_of_another_nn() -> None:
    """A warning where `import nn` finds, or may find, what is not ours.

    The name is that of a package on PyPI, too. Installed into the same folder, the files of the
    one that comes last replace those of the other, without a word from pip.
    """
    if not OURS.is_dir():
        return
    for found in installed_under_the_name():
        warn(
            f"another package named nn is installed ({found}), and may have replaced files of "
            "autograd-core's: pip uninstall nn, then install autograd-core again",
            stacklevel=3,
        )
    other = package_named_nn()
    if other and not other.samefile(OURS):
        warn(
            f"`import nn` finds the package in {other}, not the nets of autograd-core in {OURS}",
            stacklevel=3,
        )


def installed_under_the_name() -> Iterator[Path]:
    """What installers left to say that a distribution called nn is there."""
    for folder in sys.path:
        with suppress(OSError):  # of an archive, or of a folder that is not there
            for path in Path(folder).iterdir():
                if path.name.startswith("nn-") and path.suffix in {".dist-info", ".egg-info"}:
                    yield path


def package_named_nn() -> Path | None:
    """The folder of the package that `import nn` finds; None for a module of one's own, nn.py."""
    spec = PathFinder.find_spec("nn")
    folders = list((spec and spec.submodule_search_locations) or [])
    return Path(folders[0]) if folders and Path(folders[0]).is_dir() else None
