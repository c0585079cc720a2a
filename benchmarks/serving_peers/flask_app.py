"""scikit-learn behind Flask, as in the official image: `flask_app:app` under gunicorn's gevent workers."""

import os
from pathlib import Path
from typing import Any

import numpy as np
from flask import Flask, Response, jsonify, request

from benchmarks.serving_peers.model import FEATURES, loaded

app = Flask(__name__)
model = loaded(Path(os.environ["PEER_FOLDER"]))


@app.get("/ping")
def ping() -> str:
    return ""


@app.post("/invocations")
def invocations() -> Response:
    records: list[dict[str, Any]] = request.get_json()["records"]
    rows = np.array([[record[name] for name in FEATURES] for record in records], dtype=np.float32)
    return jsonify(predictions=model.predict_proba(rows).tolist())
