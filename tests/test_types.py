"""Annotations say what a value is: `Any` is left to what nobody can know."""

import ast
from collections import Counter
from pathlib import Path

import fpf_notebook

PACKAGE = Path(fpf_notebook.__file__).parent
MOST = 0.04


def annotations(source):
    """Yield every annotation of some code: of parameters, results, variables and fields."""
    for node in ast.walk(ast.parse(source)):
        found = None
        if isinstance(node, ast.arg | ast.AnnAssign):
            found = node.annotation
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found = node.returns
        if found is not None:
            yield found


def says_any(annotation):
    """Tell whether `Any` stands somewhere in an annotation, also in one that is quoted."""
    parts = list(ast.walk(annotation))
    for part in list(parts):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            try:
                parts += ast.walk(ast.parse(part.value, mode="eval"))
            except SyntaxError:  # jaxtyping's shapes, "n_points n_states"
                continue
    names = {part.id for part in parts if isinstance(part, ast.Name)}
    return "Any" in names or any(isinstance(p, ast.Attribute) and p.attr == "Any" for p in parts)


def test_any_stands_in_few_annotations():
    total, vague = 0, Counter()
    for path in sorted(PACKAGE.rglob("*.py")):
        for annotation in annotations(path.read_text(encoding="utf-8")):
            total += 1
            vague[str(path.relative_to(PACKAGE))] += says_any(annotation)
    share = vague.total() / total
    assert total > 8000
    assert share < MOST, f"{vague.total()} of {total}, most of them in {vague.most_common(5)}"


def test_the_count_sees_every_kind_of_annotation():
    source = (
        "from typing import Any\n"
        "import typing\n"
        "def f(a, b: int, /, c: Any, *d: Any, e: list[Any], **g: 'dict[str, Any]') -> Any:\n"
        "    x: Any = 1\n"
        "    async def inner(y: typing.Any) -> None: ...\n"
        "class C:\n"
        "    field: Any\n"
        "    shape: Float[Array, 'n_points n_states']\n"
    )
    found = [says_any(annotation) for annotation in annotations(source)]
    assert len(found) == 11
    assert sum(found) == 8
