"""The table of every primitive, read from the source of the derivative table.

`python -m tools.primitives` writes it into docs/primitives.md. What a slope is in the table is what
the engine computes with: the text is the text of its lambda, with ops under the names they show.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator, Sequence
from pathlib import Path

from autograd_core import engine, functions

PAGE = Path(__file__).parents[1] / "docs" / "primitives.md"
BEGIN, END = "<!-- primitives: python -m tools.primitives -->", "<!-- end of primitives -->"
INFIX = {"+", "-", "*", "/", "**"}
TABLES = (engine, functions)
SOURCE = [node for table in TABLES for node in ast.parse(inspect.getsource(table)).body]


def is_row(node: ast.AST | None) -> bool:
    """Whether an expression makes an Op."""
    return isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Op"


def constants() -> dict[str, ast.Call]:
    """Rows `NAME = Op(...)`, by the name they are given."""
    return {
        statement.targets[0].id: statement.value
        for statement in SOURCE
        if isinstance(statement, ast.Assign)
        and isinstance(statement.targets[0], ast.Name)
        and isinstance(statement.value, ast.Call)
        and is_row(statement.value)
    }


def factories() -> list[tuple[ast.FunctionDef, ast.Call]]:
    """Functions that return a row, which depends on their arguments, with the row."""
    found = []
    for function in SOURCE:
        if isinstance(function, ast.FunctionDef) and function.returns is not None:
            row = getattr(function.body[-1], "value", None)
            if ast.unparse(function.returns) == "Op" and isinstance(row, ast.Call) and is_row(row):
                found.append((function, row))
    return found


def name_of(row: ast.Call) -> str:
    """The op's name: a string, or a pattern such as **n."""
    name = row.args[0]
    if isinstance(name, ast.Constant):
        return str(name.value)
    assert isinstance(name, ast.JoinedStr)
    return "".join(
        [
            ast.unparse(part.value) if isinstance(part, ast.FormattedValue) else literal(part)
            for part in name.values
        ]
    )


def literal(part: ast.expr) -> str:
    """A piece of text in a pattern."""
    return str(ast.literal_eval(part))


NAMES = {name: name_of(row) for name, row in constants().items()}


class Shown(ast.NodeTransformer):
    """COS(x) is shown as cos(x)."""

    def visit_Name(self, node: ast.Name) -> ast.Name:
        """An op under the name it shows."""
        return ast.Name(NAMES.get(node.id, node.id))


def slopes(row: ast.Call) -> str:
    """The slope along each operand, as in the source; for a named function, what it says."""
    rule = row.args[2]
    if isinstance(rule, ast.Name):
        return (inspect.getdoc(getattr(engine, rule.id)) or "").rstrip(".")
    assert isinstance(rule, ast.Lambda)
    body = Shown().visit(rule.body)
    each = body.elts if isinstance(body, ast.Tuple) else [body]
    return ", ".join(f"`{ast.unparse(slope)}`" for slope in each)


def written(row: ast.Call, parameters: Sequence[str] = ()) -> str:
    """The op applied to its operands: x * y, tanh(x), total(*xs)."""
    name, rule = name_of(row), row.args[2]
    if not isinstance(rule, ast.Lambda):
        return f"{name}(*operands)"
    operands = ast.unparse(rule.args).split(", ")[1:]  # the first is the output
    if name in INFIX:
        return f" {name} ".join(operands)
    if name.startswith("**"):
        return f"{operands[0]} ** {name[2:]}"
    return f"{name}({', '.join([*operands, *parameters])})"


def sampled(domain: ast.expr) -> str:
    """Where the check draws operands: an interval, or one that depends on the op's constant."""
    if isinstance(domain, ast.IfExp):
        condition = ast.unparse(domain.test)
        return f"{sampled(domain.body)} if `{condition}`, else {sampled(domain.orelse)}"
    return interval(ast.literal_eval(domain))


def interval(bounds: tuple[float, float]) -> str:
    """From where to where."""
    return f"{bounds[0]:g} to {bounds[1]:g}"


def domain(row: ast.Call, function: ast.FunctionDef | None = None) -> str:
    """As in the row, or as its factory computes it; a row without one has the default."""
    if len(row.args) < 5:
        return interval(inspect.signature(engine.Op).parameters["domain"].default)
    if function and isinstance(row.args[4], ast.Name):
        return sampled(next(s.value for s in function.body if isinstance(s, ast.Assign)))
    return sampled(row.args[4])


def rows() -> Iterator[tuple[str, str, str, str]]:
    """Name, way of writing, slopes and domain of every primitive, in the order of the source."""
    for row in constants().values():
        yield name_of(row), written(row), slopes(row), domain(row)
    for function, row in factories():
        parameters = [argument.arg for argument in function.args.args]
        yield name_of(row), written(row, parameters), slopes(row), domain(row, function)


def table() -> str:
    """The table in Markdown."""
    lines = ["| primitive | slope along each operand | sampled |", "|---|---|---|"]
    lines += [f"| `{call}` | {slope} | {where} |" for _, call, slope, where in rows()]
    return "\n".join(lines)


def with_table(text: str) -> str:
    """The page's text with the table as it is now."""
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
