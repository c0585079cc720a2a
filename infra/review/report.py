"""A review as Markdown that GitHub shows, and no longer than it takes in a comment."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from infra.review.acknowledgements import PLACE, Acknowledged
from infra.review.costs import Prices
from infra.review.permissions import Broadening
from infra.review.review import StageReview

TEMPLATE: Final = "report.md.j2"
LIMIT: Final = 64_000  # GitHub takes 65,536 characters; the comment's mark and a margin are kept free
CUT: Final = "\n\n**Cut here**: a comment holds no more. The whole review is in the artefact `review` of this run.\n"


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that the Markdown tells; `verdict` is what the models' own command said, already Markdown."""

    base: str
    stages: Sequence[StageReview]
    acknowledged: Acknowledged
    verdict: str
    broken: bool
    prices: Prices
    notes: Sequence[str] = ()

    @property
    def broadenings(self) -> list[Broadening]:
        """Each once, though several stages have it."""
        return list({one.id: one for stage in self.stages for one in stage.broadenings}.values())

    @property
    def objections(self) -> list[str]:
        """Why the check fails; nothing is a pass."""
        open_ = [one.id for one in self.broadenings if one.id not in self.acknowledged.reasons]
        found = [f"IAM becomes broader and nobody says why: {', '.join(open_)}"] if open_ else []
        if self.acknowledged.in_vain:
            found.append(f"{PLACE} acknowledges what this change does not do: {', '.join(self.acknowledged.in_vain)}")
        if self.broken:
            found.append("a model is broken")
        return found

    def markdown(self) -> str:
        folder = FileSystemLoader(Path(__file__).parent)
        environment = Environment(
            loader=folder,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            autoescape=False,  # noqa: S701 - Markdown, and `code` escapes
        )
        environment.filters |= {"code": code, "usd": usd}
        told = environment.get_template(TEMPLATE).render(report=self, place=PLACE)
        return re.sub(r"\n{3,}", "\n\n", told).strip() + "\n"


def shortened(markdown: str, limit: int = LIMIT) -> str:
    """Cut at the end of a line, with every fold closed again."""
    if len(markdown) <= limit:
        return markdown
    room = limit - len(CUT) - 100
    kept = markdown[:room].rpartition("\n")[0]
    folds = kept.count("<details>") - kept.count("</details>")
    fence = "\n```" if kept.count("```") % 2 else ""
    return kept + fence + "\n\n</details>" * folds + CUT


def code(text: object) -> str:
    """As code within a table's cell: nothing in it is Markdown, HTML or the end of the cell."""
    plain = " ".join(str(text).split()).replace("|", "\\|")
    fence = "`" * (1 + max((len(run) for run in re.findall(r"`+", plain)), default=0))
    return f"{fence} {plain} {fence}" if len(fence) > 1 else f"`{plain}`"


def usd(amount: float | None) -> str:
    if amount is None:
        return "no price known"
    return f"{amount:,.2f} $" if abs(amount) >= 1 else f"{amount:.4f} $"
