"""Say in Markdown what a change does to data and models, on each model's sample: base is the champion, head challenges.

    python -m scripts.verdict --base ../base [--head .]

Exit code 1 where a model of head cannot be built or refuses its own sample. What the gate says fails nothing: a retrain
asks it again.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from infra import bundles
from retide.contracts import MODELS, SAMPLE_FILE
from retide.domain.contract import Contract, Metric
from retide.domain.evaluation import Evaluation
from retide.domain.gate import Decision
from retide.domain.reader import ContractError
from retide.domain.verdict import Verdict
from scripts.contest import Contest, Side, contest, judged
from scripts.jobs import ROOT

INTRODUCTION = (
    "Each model's sample is judged by its contract. Head's code is then trained on it and, as a challenger, meets "
    "base's code on the rows that neither was trained on. A sample is small: this shows that a model builds and which "
    "way it moves, not how good it is."
)


@dataclass(frozen=True, slots=True)
class Section:
    """What is said of one model, and whether it is broken."""

    lines: tuple[str, ...]
    broken: bool = False


def sections(base: Path, head: Path, libs: Path) -> Iterator[Section]:
    for model in sorted(_models(base) | _models(head)):
        if model not in _models(head):
            yield Section(
                (f"### `{model}`: removed", "", "A deployment takes away its endpoint and what was made of it.")
            )
            continue
        with tempfile.TemporaryDirectory(prefix="retide-verdict-") as folder:
            yield _section(model, base, head, libs, Path(folder))


def _models(root: Path) -> set[str]:
    folder = root / MODELS
    return {path.name for path in folder.iterdir() if path.is_dir() and path.name[0] not in "._"}


def _section(model: str, base: Path, head: Path, libs: Path, folder: Path) -> Section:
    try:
        side = Side.read(head, model)
    except ContractError as error:
        problems = [f"* {_plain(str(problem), head)}" for problem in error.problems]
        return Section((f"### `{model}`: the contract cannot be used", "", *problems), broken=True)
    former, note = _former(base, model)
    if not side.sample.is_file():
        place = side.sample.relative_to(head)
        said = (
            f"There is no sample: put a few hundred rows into `{place}`, and the next review judges the model on them."
        )
        return Section((f"### `{model}`: not judged", "", said, *note))
    return _judged(side, former, note, libs, folder)


def _former(base: Path, model: str) -> tuple[Side | None, tuple[str, ...]]:
    if model not in _models(base):
        return None, ()
    try:
        return Side.read(base, model), ()
    except ContractError as error:
        return None, ("", f"Base's contract cannot be used: {_plain(str(error), base)}")


def _judged(side: Side, former: Side | None, note: tuple[str, ...], libs: Path, folder: Path) -> Section:
    name = side.contract.model
    ours = judged(side, side.sample, folder / "ours")
    theirs = judged(former, side.sample, folder / "theirs") if former else None
    data = tuple(_data(ours.verdict, theirs.verdict if theirs else None))
    if ours.dataset is None:
        said = "The sample is refused by the model's own contract, so the model cannot be built on it."
        return Section((f"### `{name}`: sample refused", "", said, "", *data), broken=True)
    if former is not None and former.recipe == side.recipe:
        same = f"Code `{side.code_digest[:12]}` and contract are those of base: it would be the same model."
        return Section((f"### `{name}`: unchanged", "", same, "", *data))
    met = contest(side, former, ours.dataset, theirs.dataset if theirs else None, libs, folder / "jobs")
    return Section((*_outcome(met, side.contract), "", *data, *note), broken=bool(met.broken))


def _data(ours: Verdict, theirs: Verdict | None) -> Iterator[str]:
    """What each contract says of head's sample."""
    yield f"* `{SAMPLE_FILE}` by head's contract: {_told(ours)}"
    yield from (f"  * {finding}" for finding in ours.findings)
    if theirs is not None:
        yield f"* `{SAMPLE_FILE}` by base's contract: {_told(theirs)}"
        yield from (f"  * {finding}" for finding in theirs.findings)


def _told(verdict: Verdict) -> str:
    return f"{'accepted' if verdict.accepted else 'refused'}, {verdict.rows} rows"


def _outcome(met: Contest, contract: Contract) -> Iterator[str]:
    if met.decision is None or met.evaluation is None:
        yield f"### `{contract.model}`: broken"
        yield from ("", f"The model cannot be built: {met.broken}")
        return
    yield f"### `{contract.model}`: the gate would say {met.decision.outcome}"
    if met.unopposed:
        yield from ("", f"Judged alone: {met.unopposed}.")
    yield from ("", *_scores(met.evaluation, contract.metric), "", *_rules(met.decision))


def _scores(found: Evaluation, metric: Metric) -> Iterator[str]:
    """The deciding metric first; a constant answer beside it, so that a number means something."""
    champion, baseline = (found.champion.metrics if found.champion else {}), found.baseline or {}
    yield f"| on {found.holdout_rows} held-out rows | base | head | a constant answer |"
    yield "|---|---|---|---|"
    for name in sorted(found.challenger.metrics, key=lambda name: (name != metric.name, name)):
        cells = (scores.get(name) for scores in (champion, found.challenger.metrics, baseline))
        shown = f"**{name}**" if name == metric.name else name
        yield f"| {shown} | {' | '.join('' if cell is None else f'{cell:.4f}' for cell in cells)} |"
    sizes = (found.champion.size_bytes if found.champion else None, found.challenger.size_bytes)
    yield f"| bytes of ONNX | {' | '.join('' if size is None else f'{size:,}' for size in sizes)} | |"


def _rules(decision: Decision) -> Iterator[str]:
    for finding in decision.findings:
        yield f"* {'passed' if finding.passed else '**failed**'}: {finding}"


def _plain(text: str, root: Path) -> str:
    return text.replace(f"{root}/", "")


def main(arguments: list[str] | None = None) -> int:
    options = _options(arguments)
    for root in (options.base, options.head):
        if not (root / MODELS).is_dir():
            print(f"verdict: {root} is no checkout of a Retide project: it has no {MODELS}", file=sys.stderr)
            return 2
    try:
        libs = bundles.libraries(ROOT)
    except bundles.BundleMissing as error:
        print(f"verdict: {error}", file=sys.stderr)
        return 2
    found = list(sections(options.base.resolve(), options.head.resolve(), libs))
    print(
        "\n".join(
            ["## Data and models", "", INTRODUCTION, *(line for section in found for line in ("", *section.lines))]
        )
    )
    return 1 if any(section.broken for section in found) else 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m scripts.verdict", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--base", type=Path, required=True, help="a checkout of what the change is compared with")
    parser.add_argument("--head", type=Path, default=ROOT, help="a checkout of the change; this one without it")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
