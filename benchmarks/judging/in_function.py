"""What the function Validate would do with one file, on nothing but its zip, its layer and what Lambda brings.

    python -I -S in_function.py TASK LAYER RUNTIME MODEL FILE

It is run by `benchmarks.judging.package`, isolated: no site-packages, no environment, no current folder.
"""

import importlib
import json
import sys
import time
from pathlib import Path
from types import ModuleType


def main() -> None:
    task, layer, runtime, model, file = sys.argv[1:]
    sys.path[:0] = [task, layer]
    sys.path.append(runtime)
    before = {*sys.modules, "__mp_main__"}  # this program, as multiprocessing calls it
    began = time.perf_counter()
    importlib.import_module("functions.validate.handler")
    imported = time.perf_counter()
    # Those of the zip, which the handler has imported by now.
    from retide.data import judge
    from retide.domain.catalogue import Catalogue

    contract = Catalogue(json.loads((Path(task) / "catalogue.json").read_text()))[model].contract
    verdict = judge(Path(file), contract)
    judged = time.perf_counter()
    answer = {
        "imports": imported - began,
        "work": judged - imported,
        "verdict": verdict.to_dict(),
        "modules": {name: _file(module) for name, module in sys.modules.items() if name not in before},
    }
    print(json.dumps(answer))


def _file(module: ModuleType) -> str:
    """Where a module lies; empty for one that is built in."""
    return str(getattr(module, "__file__", None) or "")


if __name__ == "__main__":
    main()
