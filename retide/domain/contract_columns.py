"""Whether what a contract says of one column makes sense, and whether the target can be learned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from retide.domain.contract_metric import Task
from retide.domain.contract_parts import NUMERIC, Column, ColumnType
from retide.domain.patterns import PatternError, check_pattern
from retide.domain.reader import Place, shown

if TYPE_CHECKING:
    from retide.domain.contract import Contract

TEXTS: Final = frozenset({ColumnType.CATEGORY, ColumnType.STRING})
CLASSES: Final = frozenset({ColumnType.CATEGORY, ColumnType.BOOLEAN, ColumnType.INTEGER})
VAGUE: Final = frozenset({ColumnType.FLOAT, ColumnType.BOOLEAN})


def look_over_column(column: Column, at: Place) -> None:
    if not column.name.isprintable():
        at.problem("has a name with characters that cannot be seen; rename the column where the file is made")
    _range(column, at)
    _texts(column, at)
    if column.unique and column.type in VAGUE:
        at.below("unique").problem(f"needs exact values, more than two; the column is {column.type.value}")


def _range(column: Column, at: Place) -> None:
    bounds = {"min": column.minimum, "max": column.maximum}
    given = next((name for name, bound in bounds.items() if bound is not None), "")
    if given and column.type not in NUMERIC:
        at.below(given).problem(f"a range needs type integer or float, not {column.type.value}")
    if column.minimum is not None and column.maximum is not None and column.minimum > column.maximum:
        at.below("max").problem(f"{column.maximum:g} lies below min {column.minimum:g}")


def _texts(column: Column, at: Place) -> None:
    if column.values and column.type is not ColumnType.CATEGORY:
        at.below("values").problem(f"an allowed set needs type category, not {column.type.value}")
    if column.open and not column.values:
        at.below("grows").problem("needs `values`: the set that may grow")
    if column.pattern is None:
        return
    if column.type not in TEXTS:
        at.below("pattern").problem(f"needs type category or string, not {column.type.value}")
    try:
        check_pattern(column.pattern)
    except PatternError as error:
        said = f"at character {error.position + 1}: {error}"
        at.below("pattern").problem(said, offset=error.position)


def look_over_target(contract: Contract, at: Place) -> None:
    place = at.below("target")
    fits = CLASSES if contract.task is Task.CLASSIFICATION else NUMERIC
    for target in contract.known((contract.target,)):
        if target.type not in fits:
            wanted = ", ".join(sorted(kind.value for kind in fits))
            place.problem(f"{contract.task.value} needs type {wanted}; {target.name!r} is {target.type.value}")
        if len(target.values) == 1:
            place.problem(f"{target.name!r} allows only {shown(target.values[0])}; there is nothing to tell apart")
        if target.nullable:
            place.problem(f"{target.name!r} must not be nullable: a row without a label teaches nothing")
        if target.open:
            place.problem(f"{target.name!r} must not grow: the model would not know a new class; list them all")
