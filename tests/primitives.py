"""The table of every primitive, read from the source of the derivative table.

`python -m tests.primitives` writes it into README.md. What a slope is in the table is what the
engine computes with: the text is the text of its lambda, with ops under the names they show.
"""

import ast
import inspect
from pathlib import Path

from autograd_core import engine, functions

README = Path(__file__).parent.parent / "README.md"
BEGIN, END = "<!-- primitives: python -m tests.primitives -->", "<!-- end of primitives -->"
INFIX = {"+", "-", "*", "/", "**"}
TABLES = (engine, functions)
SOURCE = [node for table in TABLES for node in ast.parse(inspect.getsource(table)).body]


def is_row(node):
    return isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Op"


def constants():
    """Rows `NAME = Op(...)`, by the name they are given."""
    return {
        statement.targets[0].id: statement.value
        for statement in SOURCE
        if isinstance(statement, ast.Assign) and is_row(statement.value)
    }


def factories():
    """Functions that return a row, which depends on their arguments."""
    return [
        function
        for function in SOURCE
        if isinstance(function, ast.FunctionDef)
        and function.returns is not None
        and ast.unparse(function.returns) == "Op"
        and is_row(getattr(function.body[-1], "value", None))
    ]


def name_of(row):
    """The op's name: a string, or a pattern such as **n."""
    name = row.args[0]
    if isinstance(name, ast.Constant):
        return name.value
    return "".join(
        [
            ast.unparse(part.value) if isinstance(part, ast.FormattedValue) else part.value
            for part in name.values
        ]
    )


NAMES = {name: name_of(row) for name, row in constants().items()}


class Shown(ast.NodeTransformer):
    """COS(x) is shown as cos(x)."""

    def visit_Name(self, node):
        return ast.Name(NAMES.get(node.id, node.id))


def slopes(row):
    """The slope along each operand, as in the source; for a named function, what it says."""
    rule = row.args[2]
    if isinstance(rule, ast.Name):
        return inspect.getdoc(getattr(engine, rule.id)).rstrip(".")
    body = Shown().visit(rule.body)
    each = body.elts if isinstance(body, ast.Tuple) else [body]
    return ", ".join(f"`{ast.unparse(slope)}`" for slope in each)


def written(row, parameters=()):
    """The op applied to its operands: x * y, tanh(x), total(*xs)."""
    name, rule = name_of(row), row.args[2]
    if isinstance(rule, ast.Name):
        return f"{name}(*operands)"
    operands = ast.unparse(rule.args).split(", ")[1:]  # the first is the output
    if name in INFIX:
        return f" {name} ".join(operands)
    if name.startswith("**"):
        return f"{operands[0]} ** {name[2:]}"
    return f"{name}({', '.join([*operands, *parameters])})"


def sampled(domain):
    """Where the check draws operands: an interval, or one that depends on the op's constant."""
    if isinstance(domain, ast.IfExp):
        condition = ast.unparse(domain.test)
        return f"{sampled(domain.body)} if `{condition}`, else {sampled(domain.orelse)}"
    return interval(ast.literal_eval(domain))


def interval(bounds):
    return f"{bounds[0]:g} to {bounds[1]:g}"


def domain(row, function=None):
    """As in the row, or as its factory computes it; a row without one has the default."""
    if len(row.args) < 5:
        return interval(inspect.signature(engine.Op).parameters["domain"].default)
    if isinstance(row.args[4], ast.Name):
        return sampled(next(s.value for s in function.body if isinstance(s, ast.Assign)))
    return sampled(row.args[4])


def rows():
    """Name, way of writing, slopes and domain of every primitive, in the order of the source."""
    found = [(row, None) for row in constants().values()]
    found += [(function.body[-1].value, function) for function in factories()]
    for row, function in found:
        parameters = [argument.arg for argument in function.args.args] if function else []
        yield name_of(row), written(row, parameters), slopes(row), domain(row, function)


def table():
    lines = ["| primitive | slope along each operand | sampled |", "|---|---|---|"]
    lines += [f"| `{call}` | {slope} | {where} |" for _, call, slope, where in rows()]
    return "\n".join(lines)


def with_table(text):
    """The README's text with the table as it is now."""
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"


if __name__ == "__main__":
    README.write_text(with_table(README.read_text(encoding="utf-8")), encoding="utf-8")
