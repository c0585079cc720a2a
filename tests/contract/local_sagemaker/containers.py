"""What the containers in these tests run: a job that does what its first argument says, and a small model server."""

from __future__ import annotations

from typing import Final

JOB: Final = '''
import json, os, pathlib, signal, socket, subprocess, sys, threading

base = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"])

def save(*arguments):
    (base / "model" / "weights.txt").write_text("trained")
    (base / "output" / "data" / "report.txt").write_text("report")
    print("loss=0.9;\\nloss=0.25;")

def report(*arguments):
    files = (path for path in base.rglob("*") if path.is_file() and "code" not in str(path))
    seen = {
        "environment": dict(os.environ),
        "arguments": list(arguments),
        "files": {str(path.relative_to(base)): path.read_text() for path in files},
    }
    (base / "model" / "seen.json").write_text(json.dumps(seen))

def fail(reason="", times="1"):
    reason *= int(times)
    (base / "output").mkdir(exist_ok=True)
    (base / "model").mkdir(exist_ok=True)
    if reason:
        (base / "output" / "failure").write_text(reason)
    (base / "model" / "half.txt").write_text("half")
    (base / "output" / "message").write_text(reason)
    sys.exit(3)

def wait(*arguments):
    """Until told to end: then save, as a training script with checkpoints does."""
    told = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: told.set())
    subprocess.Popen([sys.executable, "-c", "import threading; threading.Event().wait()"])
    print("waiting", flush=True)
    told.wait()
    (base / "model").mkdir(exist_ok=True)
    (base / "model" / "checkpoint.txt").write_text("so far")

def stubborn(*arguments):
    signal.signal(signal.SIGTERM, lambda *_: print("ignored", flush=True))
    print("waiting", flush=True)
    while True:
        threading.Event().wait()

def meet(port, fails=""):
    """One of several hosts: all tell the first one, by its name, how many lines they were given."""
    seen = json.loads((base / "input/config/resourceconfig.json").read_text())
    host, first = seen["current_host"], seen["hosts"][0]
    lines = sum(len(path.read_text().split()) for path in (base / "input/data/rows").rglob("*.csv"))
    (base / "model" / f"{host}.txt").write_text(str(lines))
    if host == fails:
        (base / "output" / "failure").write_text(f"{host} gives up")
        sys.exit(3)
    if host == first:
        with socket.create_server(("127.0.0.1", int(port))) as server:
            told = [server.accept()[0].makefile().readline().strip() for _ in seen["hosts"][1:]]
        (base / "model" / "told.txt").write_text(" ".join(sorted(told)))
    else:
        connected(first, int(port)).sendall(f"{host}={lines}\\n".encode())
    print(f"{host} is done")

def connected(host, port):
    while True:
        try:
            return socket.create_connection((host, port))
        except ConnectionRefusedError:
            threading.Event().wait(0.05)

def copy(*arguments):
    """A processing job: what came in goes out, in capitals."""
    for path in (base / "processing" / "input").rglob("*"):
        if path.is_file():
            out = base / "processing" / "output" / path.relative_to(base / "processing" / "input")
            out.parent.mkdir(parents=True, exist_ok=True)
            out.write_text(path.read_text().upper())
    (base / "output" / "message").write_text("copied")

globals()[sys.argv[1]](*sys.argv[2:])
'''

SERVER: Final = """
import json, os, pathlib, threading

VERSION = (pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"]) / "model" / "version").read_text()
if VERSION == "broken":
    raise RuntimeError("this model cannot be loaded")

def by_line(lines, start):
    # One answer for each line, as a model does that is asked for many rows at once.
    start("200 OK", [("Content-Type", "text/plain")])
    if b'"slow"' in lines:
        threading.Event().wait(0.6)
    if VERSION == "columns":
        return [b"%d\\n" % len(line.split(b",")) for line in lines]
    return [json.dumps({"seen": json.loads(line), "together": len(lines)}).encode() + b"\\n" for line in lines]

def app(request, start):
    if request["PATH_INFO"] == "/ping":
        start("500 Sick" if VERSION == "sick" else "200 OK", [("Content-Length", "0")])
        return [b""]
    body = request["wsgi.input"].read(int(request.get("CONTENT_LENGTH") or 0))
    if VERSION in ("lines", "columns") and not body.startswith(b"status "):
        return by_line(body.splitlines(), start)
    if body.startswith(b"status "):
        start(body.split()[1].decode() + " Told", [("Content-Type", "text/plain")])
        return [b"as you wished"]
    if body == b"kept":
        record = {"captureData": {"endpointInput": {"data": "kept"}}, "eventVersion": "0"}
        print(json.dumps(record), flush=True)
    if body == b"slow":
        threading.Event().wait(0.6)
    headers = {key: value for key, value in request.items() if key.startswith(("HTTP_", "CONTENT_"))}
    answer = {"version": VERSION, "body": body.decode(), "headers": headers, "environment": dict(os.environ)}
    answer["predictions"] = [{"label": "no" if VERSION == "1" else "yes"}]
    attributes = request.get("HTTP_X_AMZN_SAGEMAKER_CUSTOM_ATTRIBUTES", "none")
    start("200 OK", [("Content-Type", "application/json"), ("X-Amzn-SageMaker-Custom-Attributes", attributes)])
    return [json.dumps(answer).encode()]
"""
