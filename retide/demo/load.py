"""Put a load on every endpoint of a stage: many requests at once, none may fail, and most must be fast enough."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from retide.cli.commands.data import invoke
from retide.cli.failures import CliError
from retide.cli.output import counted, listed, out, table
from retide.cli.stage import Stage
from retide.contracts import CONTRACT_FILE, load
from retide.demo.checks import recorded, request
from retide.domain.contract import Serving

SHARE: Final = 0.95
SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class Loaded:
    """What an endpoint answered to a load: the seconds of every answer, and the words of every failure."""

    model: str
    seconds: tuple[float, ...]
    failures: tuple[str, ...]
    limit_ms: int | None

    @property
    def most_ms(self) -> float:
        """Milliseconds within which 95 of 100 answers came."""
        return percentile(self.seconds, SHARE) * 1000

    @property
    def problems(self) -> tuple[str, ...]:
        total = counted(len(self.seconds) + len(self.failures), "request")
        reasons = listed(list(dict.fromkeys(self.failures))[:SHOWN])
        wrong = [f"{len(self.failures)} of {total} failed, as: {reasons}"]
        slow = [f"95 of 100 answers took up to {self.most_ms:.0f} ms, the contract allows {self.limit_ms}"]
        late = self.limit_ms is not None and bool(self.seconds) and self.most_ms > self.limit_ms
        return (*(wrong if self.failures else ()), *(slow if late else ()))


def percentile(seconds: Sequence[float], share: float) -> float:
    """The smallest of the values that a share of them do not exceed; 0 of no values."""
    ordered = sorted(seconds)
    return ordered[math.ceil(share * len(ordered)) - 1] if ordered else 0.0


def put(ask: Callable[[], object], *, requests: int, at_once: int) -> tuple[tuple[float, ...], tuple[str, ...]]:
    """Ask so many times, so many at once; the seconds of what was answered, and the reasons of what was not."""

    def timed(_: int) -> float | str:
        began = time.perf_counter()
        try:
            ask()
        except Exception as error:  # noqa: BLE001 - whatever a client may see counts as a failure
            return " ".join(str(error).split())[:200]
        return time.perf_counter() - began

    with ThreadPoolExecutor(at_once) as pool:
        answers = list(pool.map(timed, range(requests)))
    return tuple(one for one in answers if isinstance(one, float)), tuple(
        one for one in answers if isinstance(one, str)
    )


def load_endpoints(stage: Stage, models_folder: Path, *, requests: int, at_once: int) -> None:
    """Load one endpoint after the other with its own golden records; raises CliError naming every problem."""
    served = [model for model in stage.models if stage.ledger.endpoint(model).version]
    loaded = [_load(stage, models_folder, model, requests, at_once) for model in served]
    _report(loaded, stage)
    problems = [f"{one.model}: {problem}" for one in loaded for problem in one.problems]
    if problems:
        raise CliError(f"the load is too much: {'; '.join(problems)}")


def _load(stage: Stage, models_folder: Path, model: str, requests: int, at_once: int) -> Loaded:
    body = request(recorded(stage, model))
    serving = _serving(models_folder / model)
    allowed = min(at_once, serving.max_concurrency)
    answered, failed = put(lambda: invoke(stage, model, body), requests=requests, at_once=allowed)
    return Loaded(model, answered, failed, serving.latency_ms)


def _serving(folder: Path) -> Serving:
    """As the contract has it: an endpoint refuses more at once. A model that this checkout lacks has the defaults."""
    return load(folder).serving if (folder / CONTRACT_FILE).is_file() else Serving()


def _report(loaded: Sequence[Loaded], stage: Stage) -> None:
    if not loaded:
        out().print(f"no model of stage {stage.name} serves yet: there is nothing to load")
        return
    rows = table("model", ">answers", ">failures", ">median", ">95 of 100 within", ">allowed")
    for one in loaded:
        median = percentile(one.seconds, 0.5) * 1000
        allowed = f"{one.limit_ms} ms" if one.limit_ms is not None else "-"
        figures = (str(len(one.seconds)), str(len(one.failures)), f"{median:.0f} ms", f"{one.most_ms:.0f} ms", allowed)
        rows.add_row(one.model, *figures)
    out().print(rows)
