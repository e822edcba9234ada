"""The core with one thing wrong: a goal missing, a condition negated, a branch of the guard cut or turned."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import ModuleType

from orchestrator.case import Case, Goal

Condition = Callable[[Case], bool]


def goal_mutants(goals: tuple[Goal, ...]) -> Iterator[tuple[str, tuple[Goal, ...]]]:
    """Each row deleted, and each row with `holds` or `applies` negated."""
    for at, goal in enumerate(goals):
        name = f"{at + 1} {goal.name}"
        before, after = goals[:at], goals[at + 1 :]
        yield f"{name}: deleted", (*before, *after)
        yield f"{name}: holds negated", (*before, replace(goal, holds=_not(goal.holds)), *after)
        yield f"{name}: applies negated", (*before, replace(goal, applies=_not(goal.applies)), *after)


def _not(condition: Condition) -> Condition:
    return lambda case: not condition(case)


def branch_mutants(module: ModuleType, *functions: str) -> Iterator[tuple[str, ModuleType]]:
    """Each `if` of these functions never taken, and taken exactly when it should not be."""
    source = inspect.getsource(module)
    count = sum(1 for _ in _branches(ast.parse(source), functions))
    for at in range(count):
        for how in ("cut", "turned"):
            tree = ast.parse(source)
            function, branch = list(_branches(tree, functions))[at]
            said = ast.unparse(branch.test)
            branch.test = ast.Constant(False) if how == "cut" else ast.UnaryOp(ast.Not(), branch.test)
            mutant = ModuleType(module.__name__)
            exec(compile(ast.fix_missing_locations(tree), module.__name__, "exec"), mutant.__dict__)  # noqa: S102
            yield f"{function}, {how}: if {said}", mutant


def _branches(tree: ast.Module, functions: tuple[str, ...]) -> Iterator[tuple[str, ast.If]]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name in functions:
            yield from ((node.name, inner) for inner in ast.walk(node) if isinstance(inner, ast.If))
