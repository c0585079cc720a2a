"""What the model alone takes, without any server: prints seconds of a prediction of one row, the median."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.serving_peers.model import FEATURES, loaded, table


def timed(predict: Callable[[], object], repeats: int) -> float:
    seen = []
    for _ in range(repeats):
        began = time.perf_counter()
        predict()
        seen.append(time.perf_counter() - began)
    return statistics.median(seen)


def main() -> None:
    folder, what = Path(sys.argv[1]), sys.argv[2]
    row = table(1)[0]
    if what == "sklearn":
        model = loaded(folder)
        print(timed(lambda: model.predict_proba(row), 500))
        return
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"), options)
    output = [session.get_outputs()[-1].name]
    feeds = {name: row[:, [position]] for position, name in enumerate(FEATURES)}
    print(timed(lambda: session.run(output, feeds), 2_000))


if __name__ == "__main__":
    main()
