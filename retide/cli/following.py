"""Follow a stage on the console: what `watch`, `push --watch`, the demo and the smoke test share."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime

from retide.cli.executions import Execution
from retide.cli.failures import CliError
from retide.cli.output import Progress, out
from retide.cli.stage import Stage
from retide.cli.target import Kind
from retide.cli.view import StageView
from retide.cli.watch import LOCAL, NEARBY, REMOTE, Watch


def follow(
    stage: Stage,
    models: Collection[str],
    since: datetime,
    *,
    also: Callable[[], bool] = lambda: True,
    progress: Progress | None = None,
) -> tuple[Execution, ...]:
    """Say what happens until nothing moves and `also` holds; raises CliError when something never ends."""
    pace = LOCAL if stage.target.kind is Kind.LOCAL else NEARBY if stage.target.nearby else REMOTE
    with (progress or Progress(out())).running() as shown:
        watch = Watch(StageView(stage), models, shown, pace, since)
        stuck = watch.until_quiet(also)
    if stuck:
        raise CliError(f"nothing has moved for {pace.patience:.0f} s, and still: {'; '.join(stuck)}")
    return watch.ended
