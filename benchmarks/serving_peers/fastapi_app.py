"""FastAPI with ONNX Runtime and a validated request: `fastapi_app:app` under uvicorn."""

import os
from pathlib import Path

import numpy as np
import onnxruntime
from fastapi import FastAPI
from pydantic import create_model

from benchmarks.serving_peers.model import FEATURES

app = FastAPI()
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(str(Path(os.environ["PEER_FOLDER"]) / "model.onnx"), options)
Record = create_model("Record", **dict.fromkeys(FEATURES, (float, ...)))
Records = create_model("Records", records=(list[Record], ...))


@app.get("/ping")
def ping() -> None:
    pass


@app.post("/invocations")
async def invocations(request: Records) -> dict[str, list[list[float]]]:
    feeds = {
        name: np.array([[getattr(record, name)] for record in request.records], dtype=np.float32) for name in FEATURES
    }
    return {"predictions": session.run([session.get_outputs()[-1].name], feeds)[0].tolist()}
