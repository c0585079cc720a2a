"""BentoML: a service with one worker, `bentoml serve`."""

import os
from pathlib import Path

import bentoml
import numpy as np

from benchmarks.serving_peers.model import FEATURES, loaded


@bentoml.service(workers=1)
class Classifier:
    def __init__(self) -> None:
        self.model = loaded(Path(os.environ["PEER_FOLDER"]))

    @bentoml.api(route="/invocations")
    def invocations(self, records: list[dict[str, float]]) -> list[list[float]]:
        rows = np.array([[record[name] for name in FEATURES] for record in records], dtype=np.float32)
        return self.model.predict_proba(rows).tolist()
