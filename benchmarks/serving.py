"""Race servers of one model, each with one worker on one core, asked from the other: ours and the usual ones.

    python -m benchmarks.serving [--only ours,scikit] [--rounds 3] [--seconds 2] [--clients 8] [--cache DIR] [--json F]

Ours and scikit-learn run as the image's `serve` starts them (gunicorn, gevent), ours with validation and, unless it
says otherwise, with capture of every request into a pipe. All are up at once and measured in turns; medians are told.
The peers' environments lie in the cache, made by uv. The CPU that a server takes is counted, for machines are shared.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.judging.environments import NotInstallable, home
from benchmarks.judging.field import Contestant
from benchmarks.serving_peers.field import FIELD, OURS, ROOT, SKLEARN, Server
from benchmarks.serving_peers.load import Refused, latencies, post, throughput
from benchmarks.serving_peers.model import table
from benchmarks.serving_peers.ours import SERVED
from benchmarks.serving_peers.starting import ARCHIVE, registered, started_in, weight

JOBS: Final = ROOT / ".venv-jobs/bin/python"
FIRST_PORT: Final = 21_000
START_SECONDS: Final = 120.0
ERRORS: Final = Console(stderr=True, highlight=False)
ONE_THREAD: Final = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


@dataclass(slots=True)
class Figures:
    """Of one server: milliseconds of one answer, answers per second, and the milliseconds of CPU that one took."""

    name: str
    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)
    rate: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def median(self, figure: str) -> float:
        seen: list[float] = getattr(self, figure)
        return statistics.median(seen)


@dataclass(frozen=True, slots=True)
class Running:
    server: Server
    port: int
    process: subprocess.Popen[bytes]
    requests: tuple[bytes, ...]

    def cpu_seconds(self) -> float:
        """Of the whole tree, as it stands."""
        root = psutil.Process(self.process.pid)
        times = [process.cpu_times() for process in (root, *root.children(recursive=True))]
        return sum(taken.user + taken.system for taken in times)


def main() -> None:
    options = _options()
    words = [word.strip().lower() for word in options.only.split(",") if word.strip()]
    chosen = [server for server in FIELD if not words or any(server.name.lower().startswith(word) for word in words)]
    with tempfile.TemporaryDirectory(prefix="retide-serving-") as scratch, ExitStack() as running:
        folder = Path(scratch)
        _run(sys.executable, "-m", "benchmarks.serving_peers.ours", str(folder))
        up = list(_started(chosen, folder, options, running))
        figures = {one.server.name: Figures(one.server.name) for one in up}
        for _ in range(options.rounds):
            for one in up:
                _measure(one, figures[one.server.name], options)
        limits = {what: _limit(folder, what) for what in ("onnx", "sklearn")}
        starts = [started_in(JOBS, folder / SERVED) for _ in range(options.rounds)]
    _show(list(figures.values()), limits, options.clients)
    _show_start(starts)
    if options.json:
        told = {"servers": [asdict(one) for one in figures.values()], "limits": limits, "starts": starts}
        options.json.write_text(json.dumps(told, indent=2))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="whom to measure, by the beginnings of their names")
    parser.add_argument("--rounds", type=int, default=3, help="how often to measure; medians are told")
    parser.add_argument("--seconds", type=float, default=2.0, help="of each measurement")
    parser.add_argument("--clients", type=int, default=8, help="at once, where answers per second are counted")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "retide-serving")
    parser.add_argument("--uv", default=shutil.which("uv") or "uv", help="makes the environments")
    parser.add_argument("--json", type=Path, help="where to write every figure")
    return parser.parse_args()


def _started(
    servers: Sequence[Server], folder: Path, options: argparse.Namespace, running: ExitStack
) -> Iterator[Running]:
    """Those that can be installed and started; of the others it is said why not."""
    for number, server in enumerate(servers):
        try:
            python = JOBS
            if server.requirements:
                contestant = Contestant(server.name, "", server.requirements)
                python = home(contestant, options.cache, options.uv).python
            yield running.enter_context(_up(server, python, folder, FIRST_PORT + 10 * number))
        except (NotInstallable, Refused) as reason:
            ERRORS.print(f"{server.name}: {reason}", markup=False)


@contextmanager
def _up(server: Server, python: Path, folder: Path, port: int) -> Iterator[Running]:
    own = folder / f"{port}"
    own.mkdir()
    if server.name in SKLEARN:
        script = (
            f"from pathlib import Path; from benchmarks.serving_peers import model; model.dumped(Path({str(own)!r}))"
        )
        _run(str(python), "-c", script)
    server.lay(own, port)
    with _process(server, python, folder, own, port) as process:
        _await(process, server, port)
        rows = table(64)[0].astype(float).round(6).tolist()
        yield Running(server, port, process, tuple(post(server.path, _encoded(server, row)) for row in rows))


def _encoded(server: Server, row: Sequence[float]) -> bytes:
    return json.dumps(server.document(row)).encode()


@contextmanager
def _process(server: Server, python: Path, folder: Path, own: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """On the last core; its log is read as an agent would read it, through a pipe by a process on the first core."""
    words = [word.format(port=port, folder=own) for word in server.words]
    environment = {
        "PATH": f"{python.parent}:{os.environ['PATH']}",
        "HOME": str(own),
        "PYTHONPATH": str(ROOT if server.here else folder / SERVED / "code"),
        **({} if server.here else registered(folder / SERVED)),
        "PEER_FOLDER": str(own if server.name in SKLEARN else folder),
        **ONE_THREAD,
        **server.environment,
    }
    log = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=(own / "log").open("wb"))
    command = [*_core(last=True), str(python), *words]
    process = subprocess.Popen(command, env=environment, cwd=own, stdout=log.stdin, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        _end(process)
        log.kill()
        log.wait()


def _end(process: subprocess.Popen[bytes]) -> None:
    children = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    process.terminate()
    for child in children:
        child.kill()
    process.kill()
    process.wait()


def _core(*, last: bool) -> list[str]:
    cores = sorted(os.sched_getaffinity(0))
    return ["taskset", "--cpu-list", str(cores[-1] if last else cores[0])] if shutil.which("taskset") else []


def _await(process: subprocess.Popen[bytes], server: Server, port: int) -> None:
    """Raises Refused where it does not come up."""
    import urllib.error
    import urllib.request

    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{server.ready}", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise Refused("it did not start")


def _measure(one: Running, figures: Figures, options: argparse.Namespace) -> None:
    latencies(one.port, one.requests, options.seconds / 4)  # warm
    seen = sorted(latencies(one.port, one.requests, options.seconds))
    before, began = one.cpu_seconds(), time.perf_counter()
    rate = throughput(one.port, one.requests, options.clients, options.seconds)
    answered = rate * (time.perf_counter() - began)
    figures.p50.append(1000 * seen[len(seen) // 2])
    figures.p99.append(1000 * seen[int(0.99 * len(seen))])
    figures.rate.append(rate)
    figures.cpu.append(1000 * (one.cpu_seconds() - before) / answered)
    ERRORS.print(f"  {one.server.name}: p50 {figures.p50[-1]:.3f} ms, {rate:.0f} req/s", style="dim")


def _limit(folder: Path, what: str) -> float:
    """Milliseconds of one prediction in the process itself."""
    fitted = sorted(folder.glob("*/model.joblib"))  # the first is of the jobs' own scikit-learn
    own = folder if what == "onnx" or not fitted else fitted[0].parent
    if what == "sklearn" and own == folder:
        return float("nan")
    python = str(JOBS if what == "sklearn" else sys.executable)
    return 1000 * float(_run(*_core(last=True), python, "-m", "benchmarks.serving_peers.limits", str(own), what))


def _run(*command: str) -> str:
    environment = {**os.environ, **ONE_THREAD, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, env=environment, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def _show(figures: Sequence[Figures], limits: dict[str, float], clients: int) -> None:
    ours = next((one for one in figures if one.name == OURS.name), None)
    shown = Table("server", "p50, ms", "p99, ms", f"req/s, {clients} clients", "CPU, ms a request", "ours / its req/s")
    for one in figures:
        ratio = f"{ours.median('rate') / one.median('rate'):.1f}" if ours else ""
        shown.add_row(
            one.name,
            *(f"{one.median(figure):.2f}" for figure in ("p50", "p99")),
            f"{one.median('rate'):.0f}",
            f"{one.median('cpu'):.3f}",
            ratio,
        )
    for what, taken in limits.items():
        shown.add_row(f"limit: {what}, no server", f"{taken:.3f}", "", f"({1000 / taken:.0f} serial)", "", "")
    Console(highlight=False).print(shown)


def _show_start(starts: Sequence[dict[str, float]]) -> None:
    told = {what: statistics.median(start[what] for start in starts) for what in starts[0]}
    print("\n".join(f"{what}: {taken:.2f} s" for what, taken in told.items()))
    packed, unpacked = weight(ARCHIVE)
    print(f"ONNX Runtime in every archive: {packed / 1e6:.1f} MB packed, {unpacked / 1e6:.1f} MB unpacked")


if __name__ == "__main__":
    main()
