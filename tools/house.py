"""What the house looks like: lines of each module, import cycles, the longest functions.

    python -m tools.house

Lines are lines of code: docstrings, comments and blank lines are not counted.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("autograd_core", "nn")
LONGEST = 10  # functions shown
UNCOUNTED = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}


def modules(root: Path = ROOT) -> dict[str, Path]:
    """Every module of the packages, by its dotted name."""
    found = {}
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


tree_of = cache(ast.parse)


@cache
def code_lines(text: str) -> frozenset[int]:
    """The numbers of the lines that hold code."""
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in UNCOUNTED:
            lines.update(range(token.start[0], token.end[0] + 1))
    return frozenset(lines - docstring_lines(tree_of(text)))


def docstring_lines(tree: ast.Module) -> set[int]:
    """The numbers of the lines of docstrings."""
    lines: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                lines.update(range(first.lineno, (first.end_lineno or first.lineno) + 1))
    return lines


def functions(name: str, text: str) -> Iterator[tuple[int, str]]:
    """The lines of code of each function, methods and inner functions too, with its name."""
    lines = code_lines(text)
    path: list[tuple[str, ast.AST]] = [(name, child) for child in tree_of(text).body]
    while path:
        owner, node = path.pop()
        inside = owner
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            inside = f"{owner}.{node.name}"
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            last = node.end_lineno or node.lineno
            yield len(lines.intersection(range(node.lineno, last + 1))), inside
        path += [(inside, child) for child in ast.iter_child_nodes(node)]


def imports(text: str, known: Iterable[str]) -> tuple[set[str], set[str]]:
    """The modules imported when the module is, and those imported later, inside functions.

    What only a type checker imports is left out.
    """
    known = set(known)
    early: set[str] = set()
    later: set[str] = set()
    path: list[tuple[ast.AST, set[str]]] = [(tree_of(text), early)]
    while path:
        node, found = path.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        found.update(named(node, known))
        inside = later if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) else found
        below = ast.iter_child_nodes(node)
        path += [(child, inside) for child in below if not isinstance(child, ast.expr)]
    return early, later


def named(node: ast.AST, known: set[str]) -> Iterator[str]:
    """The known modules that an import statement names."""
    if isinstance(node, ast.Import):
        yield from [alias.name for alias in node.names if alias.name in known]
    elif isinstance(node, ast.ImportFrom) and node.module:
        for alias in node.names:
            module = f"{node.module}.{alias.name}"
            if module in known:
                yield module
            elif node.module in known:
                yield node.module


def cycles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Modules that import each other, directly or by way of others."""
    reach = {name: reachable(graph, name) for name in graph}
    found: list[list[str]] = []
    for name in graph:
        together = sorted(other for other in reach[name] if name in reach[other])
        if together and together not in found:
            found.append(together)
    return found


def reachable(graph: dict[str, set[str]], start: str) -> set[str]:
    """Every module that a module imports, directly or by way of others."""
    seen: set[str] = set()
    path = list(graph[start])
    while path:
        name = path.pop()
        if name not in seen:
            seen.add(name)
            path += graph[name]
    return seen


def import_graph(texts: dict[str, str], *, late: bool) -> dict[str, set[str]]:
    """Which modules each module imports, itself left out."""
    graph = {}
    for name, text in texts.items():
        early, later = imports(text, texts)
        graph[name] = (early | later if late else early) - {name}
    return graph


def main() -> None:
    """Print the three tables."""
    texts = {name: path.read_text("utf-8") for name, path in modules().items()}
    print("lines of code")
    for name, text in texts.items():
        print(f"{len(code_lines(text)):6}  {name}")
    for package in PACKAGES:
        whole = sum(len(code_lines(text)) for name, text in texts.items() if in_(name, package))
        print(f"{whole:6}  {package} in all")
    print("\nimport cycles, late imports counted")
    for together in cycles(import_graph(texts, late=True)) or [["none"]]:
        print("        " + ", ".join(together))
    print("\nlongest functions, lines of code")
    measured = sorted((f for name, text in texts.items() for f in functions(name, text)))
    for length, name in measured[: -LONGEST - 1 : -1]:
        print(f"{length:6}  {name}")


def in_(name: str, package: str) -> bool:
    """Whether a module is of a package."""
    return name == package or name.startswith(package + ".")


if __name__ == "__main__":
    main()
