"""Many runs of one recipe: every combination of some of its settings, in one table.

>>> recipe = {"data": "xor", "hidden": [4], "activation": "tanh"}
>>> found = sweep(recipe, {"lr": [0.0001, 0.1]}, progress=False)
>>> [(row["lr"], row["accuracy"]) for row in found.rows]
[(0.0001, 0.75), (0.1, 1.0)]
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import product
from queue import Queue
from typing import Any, TypeAlias

from autograd_core.extras import needing
from nn.given import plain
from nn.train.fit import progress_bar
from nn.train.recipe import Recipe
from nn.train.run import attempted
from nn.train.settings import RecipeError
from nn.train.together import check_together, groups, run_together

Result: TypeAlias = dict[str, Any]

START = b'{"recipe": {'  # of a line in a file
LOST = "lost"  # marks a run that its worker did not finish: it is made again the next time


@dataclass
class Sweep:
    """What came of the runs: `rows` has a dict for each that is finished, in the grid's order.

    A row has the settings that the grid gives, then `epochs`, `loss` and `accuracy` after
    training, those on what was held out, or `error` for a run that failed; `lost` where the pool
    lost it. `of` is how many runs there are in all: more than rows where Ctrl-C ended the sweep.
    """

    grid: dict[str, list[Any]]
    rows: list[dict[str, Any]]
    of: int

    def to_pandas(self) -> Any:
        """The rows as a pandas.DataFrame."""
        with needing("pandas", "to_pandas"):
            import pandas as pd

        return pd.DataFrame(self.rows)


def sweep(
    recipe: Any,
    grid: Mapping[str, Iterable[Any]],
    *,
    pool: Any = None,
    vectorize: bool | None = None,
    path: str | os.PathLike[str] | None = None,
    progress: bool = True,
) -> Sweep:
    """Run a recipe with every combination of the settings in a grid, each a list of values.

    `pool` is where runs go: anything with `submit`, such as a pool of `concurrent.futures` or the
    client of a Dask cluster; None is here, one after the other. All give the same bits. Results
    are added as they come to the file `path`, a line of JSON for each run, and a run that is in it
    is not made again. Ctrl-C ends the sweep, and leaves what is finished. A run that fails is a row
    that says why.

    Runs that differ in seed, initial weights and rate alone are made at once, as one program, and
    many times faster, where there is no pool and they are many: to the same numbers but for
    rounding. `vectorize=False` forbids it, True demands it. Raises RecipeError for settings that
    make no run.
    """
    if not (vectorize is None or isinstance(vectorize, bool)):
        raise ValueError(f"vectorize must be True, False or None, got {vectorize!r}")
    if not isinstance(grid, Mapping):
        raise RecipeError(f"a grid has a list of values for each setting, got {grid!r}")
    recipe, columns = Recipe.of(recipe), {name: tried(name, x) for name, x in grid.items()}
    settings = [dict(zip(columns, values)) for values in product(*columns.values())]
    runs = [recipe.replace(**some) for some in settings]
    found = {} if path is None else read(path)
    missing = [run for run in dict.fromkeys(runs) if run not in found]
    bar = progress_bar(len(missing), "run", enabled=progress)
    with bar as show, suppress(KeyboardInterrupt):
        for done, result in results(missing, pool, vectorize=vectorize):
            found[done] = result
            if path is not None and LOST not in result:
                append(path, done, result)
            show()
    rows = [{**some, **found[run]} for some, run in zip(settings, runs) if run in found]
    return Sweep(columns, rows, len(runs))


def tried(name: str, values: Any) -> list[Any]:
    """The values that a grid has of a setting; RecipeError for a single one."""
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise RecipeError(f"{name}: expected a list of values to try, got {values!r}")
    return [plain(name, value) for value in plain(name, values)]


# --- Where runs are made ---------------------------------------------------------------------


def results(
    recipes: Sequence[Recipe], pool: Any, *, vectorize: bool | None
) -> Iterator[tuple[Recipe, Result]]:
    """What each run finds, as it comes."""
    if pool is not None:
        if vectorize:
            raise ValueError("vectorize makes runs here, and a pool elsewhere: take one of them")
        yield from from_pool(recipes, pool)
        return
    if vectorize:
        check_together(recipes)
    at_once = groups(recipes, demanded=bool(vectorize)) if vectorize is not False else []
    together = set[Recipe]()
    for group in at_once:
        together.update(group)
        yield from zip(group, run_together(group), strict=True)
    for recipe in recipes:
        if recipe not in together:
            yield recipe, attempted(recipe.to_dict())


def from_pool(recipes: Sequence[Recipe], pool: Any) -> Iterator[tuple[Recipe, Result]]:
    """The same, by whatever has `submit`; what is not done when nobody asks any more is undone."""
    done: Queue[tuple[Recipe, Any]] = Queue()
    futures: dict[Recipe, Any] = {}
    try:
        for recipe in recipes:
            futures[recipe] = future = pool.submit(attempted, recipe.to_dict())
            future.add_done_callback(lambda made, recipe=recipe: done.put((recipe, made)))
        while futures:
            recipe, future = done.get()
            del futures[recipe]
            yield recipe, outcome(future)
    finally:
        for future in futures.values():
            future.cancel()


def outcome(future: Any) -> Result:
    """What a run found; of one that its worker did not survive, why."""
    try:
        found: Result = future.result()
    except Exception as error:  # noqa: BLE001  # of any kind of pool
        return {"error": f"{type(error).__name__}: {error}", LOST: True}
    return found


# --- The file --------------------------------------------------------------------------------


def append(path: str | os.PathLike[str], recipe: Recipe, result: Result) -> None:
    """Add a run to a file, on a line of its own also after one that was cut off."""
    from pathlib import Path

    line = json.dumps({"recipe": recipe.to_dict(), **result}) + "\n"
    with Path(path).open("ab+") as file:
        if file.tell() and file.seek(-1, os.SEEK_END) >= 0 and file.read(1) != b"\n":
            line = f"\n{line}"
        file.write(line.encode())


def read(path: str | os.PathLike[str]) -> dict[Recipe, Result]:
    """The runs in a file, by their recipes; without a line that was cut off."""
    from pathlib import Path

    found: dict[Recipe, Result] = {}
    with Path(path).open("ab+") as file:  # which is made now, or cannot be made
        file.seek(0)
        lines = file.read().splitlines()
    for number, line in enumerate(lines, 1):
        try:
            result = json.loads(line)
            found[Recipe.of(result["recipe"])] = {k: x for k, x in result.items() if k != "recipe"}
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            if isinstance(error, json.JSONDecodeError) and START.startswith(line[: len(START)]):
                continue  # it was cut off
            raise ValueError(f"{path}, line {number}: this is no run of a sweep") from None
    return found
