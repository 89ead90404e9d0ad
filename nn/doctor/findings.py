"""What the doctor says: findings, each with one change to try, and how well the model fits."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change to a training, as data: new arguments of the MLP and `fit`; None stays as it is.

    `width` (of hidden layers), `lr` and `epochs` are factors, `standardise` "inputs" or "targets".

    >>> str(Change(activation="tanh", lr=0.1))
    'activation="tanh" and a tenth of the learning rate'
    """

    standardise: str | None = None
    sizes: list[int] | None = None
    width: float | None = None
    activation: str | None = None
    init: str | None = None
    loss: str | None = None
    output: str | None = None
    lr: float | None = None
    epochs: int | None = None

    def __str__(self) -> str:
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        return listed([in_words(name, new) for name, new in given.items() if new is not None])


def in_words(name: str, new: Any) -> str:
    """One part of a change."""
    if name == "standardise":
        return f"{new} standardised (each column less its mean, over its standard deviation)"
    if name == "lr":
        return f"{'a tenth of' if new < 1 else f'{new:g} times'} the learning rate"
    if name == "width":
        return f"{new:g} times as many hidden units"
    if name == "epochs":
        return f"{new} times as many epochs"
    return f"{name}={json.dumps(new)}"


class Place(NamedTuple):
    """A layer, counted from 1, and the indices of its neurons; none where it is not about units."""

    layer: int
    neurons: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One cause: one sentence about it, one change to try and why, where it is, and its `kind`.

    `is_fault` says that it is wrong whatever the model fits.
    """

    message: str
    change: Change
    why: str = ""
    where: Place | None = None
    kind: str = ""
    is_fault: bool = False

    @property
    def suggestion(self) -> str:
        """The change in words, and why."""
        return f"{self.change}{f', {self.why}' if self.why else ''}"

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}\n   try: {self.suggestion}"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """How well a model fits, in one sentence, and the findings, the most important first.

    `fitted` is None where a loss of one's own does not tell. A model that fits is ok, also with
    dead units: its findings are notes, unless one of them is a fault.
    """

    fitted: bool | None
    summary: str
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether the model fits as it should, or nothing was found that would keep it from it."""
        return not self.findings or (
            bool(self.fitted) and not any(f.is_fault for f in self.findings)
        )

    @property
    def title(self) -> str:
        """The first line: ok or not, and in numbers."""
        verdict = "ok" if self.ok else "fits, but not soundly" if self.fitted else "not fitted"
        return f"{verdict}: {self.summary}"

    def __str__(self) -> str:
        return "\n".join(
            [self.title, *[f"{i}. {finding}" for i, finding in enumerate(self.findings, 1)]]
        )

    def _repr_html_(self) -> str:
        from html import escape

        items = [
            f"<li><b>{escape(f.kind)}</b>: {escape(f.message)}"
            f"<br>Try: <em>{escape(f.suggestion)}</em></li>"
            for f in self.findings
        ]
        return f"<p><b>{escape(self.title)}</b></p>" + (f"<ol>{''.join(items)}</ol>" * bool(items))


def first(most: int, items: Sequence[Any]) -> str:
    """The first few items, and how many more there are."""
    return listed([*items[:most], *[f"{len(items) - most} more"] * (len(items) > most)])


def listed(items: Sequence[Any]) -> str:
    """A, b and c."""
    *most, last = map(str, items)
    return f"{', '.join(most)} and {last}" if most else last
