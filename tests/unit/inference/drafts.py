"""Files of a few hundred made rows, and what is drafted of them: what the tests of inference share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from retide.domain.contract import Column, Contract
from retide.inference.draft import Wishes
from retide.inference.scaffold import Proposal, propose


def lines(count: int, *cells: Callable[[int], object], header: str, sign: str = ",") -> str:
    """A CSV text: the header, then `count` rows of what each of `cells` says of the row's number."""
    rows = (sign.join(str(cell(i)) for cell in cells) for i in range(count))
    return "\n".join([header, *rows]) + "\n" if header else "\n".join(rows) + "\n"


def spread(row: int) -> float:
    """A number in 0 to 9.99 that neither rises nor repeats soon."""
    return (row * 617 % 1000) / 100


def proposed(folder: Path, content: str | bytes, target: str, **wishes: Any) -> Proposal:
    file = folder / "data.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return propose(file, Wishes(target, "draft", **wishes))


def contract(proposal: Proposal) -> Contract:
    return proposal.draft.contract


def column(proposal: Proposal, name: str) -> Column:
    return proposal.draft.contract.column(name)


def told(proposal: Proposal) -> str:
    """What the file could not tell."""
    return "\n".join((*proposal.draft.asks, *proposal.draft.left_out))
