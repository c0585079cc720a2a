"""Lambda: a function sees what its asset and layers hold, boto3 and nothing else, and fails under its error's name."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Callable
from contextvars import ContextVar
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from retide.local.interfaces import Json

RUNTIME: Final = f"python{sys.version_info.major}.{sys.version_info.minor}"
PROVIDED: Final = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six")
HIDDEN: Final = (
    "GATEWAY_PORT STATE_DIR S3_DATA_DIR BIND_HOST MINISTACK_HOST MINISTACK_ACCOUNT_ID MINISTACK_REGION SFN_WAIT_SCALE "
    "IOT_MTLS_ENABLED SFTP_ENABLED DOCKER_HOST"
)
NOT_IMPORTED: Final = "Worker init failed: "
DIED_EARLY: Final = "Worker process exited immediately"
LONGEST_ANSWER: Final = 6_291_556
_last: ContextVar[Json] = ContextVar("retide_last_answer")

TELLS_NO_TYPE: Final = '{"status": "error", "error": str(e), "trace": traceback.format_exc()}'
TELLS_THE_TYPE: Final = (
    '{"status": "error", "error": str(e), "trace": traceback.format_exc(), "type": type(e).__name__, '
    '"stack": traceback.format_list(traceback.extract_tb(e.__traceback__)[1:])}'
)


def install(home: Path) -> None:
    launcher = _write_launcher(home / "tmp")
    worker = lambda_runtime._PYTHON_WORKER_SCRIPT.replace(TELLS_NO_TYPE, TELLS_THE_TYPE)
    lambda_runtime._detect_runtime_binary = _isolated(lambda_runtime._detect_runtime_binary, launcher, worker)
    lambda_runtime.Worker.invoke = _remembering(lambda_runtime.Worker.invoke)
    lambda_svc._execute_function_warm = _naming_errors(lambda_svc._execute_function_warm)


def _write_launcher(folder: Path) -> Path:
    """An interpreter without this environment's packages: what Lambda provides is linked into a folder of its own."""
    packages = folder / "lambda-runtime"
    packages.mkdir(parents=True)
    for name in PROVIDED:
        origin = _origin(name)
        (packages / origin.name).symlink_to(origin)
    launcher = folder / "lambda-python"
    launcher.write_text(
        "#!/bin/sh\n"
        f"unset {HIDDEN}\n"
        f'export PYTHONPATH="${{PYTHONPATH:+$PYTHONPATH:}}{packages}"\n'
        f'exec "{sys.executable}" -S -B "$@"\n'
    )
    launcher.chmod(launcher.stat().st_mode | stat.S_IXUSR)
    return launcher


def _origin(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"{name} is missing from this environment: run `make setup`")
    path = Path(spec.origin)
    return path.parent if path.name == "__init__.py" else path


def _isolated(
    detect: Callable[[str], tuple[str, str]], launcher: Path, worker: str
) -> Callable[[str], tuple[str, str]]:
    def detect_runtime(runtime: str) -> tuple[str, str]:
        if not runtime.startswith("python"):
            return detect(runtime)
        if runtime != RUNTIME:
            raise RuntimeError(f"the local cloud runs {RUNTIME}, not {runtime}: its interpreter is this environment's")
        return os.fspath(launcher), worker

    return detect_runtime


def _remembering(invoke: Callable[..., Json]) -> Callable[..., Json]:
    def invoke_worker(*arguments: Any, **named: Any) -> Json:
        answer = invoke(*arguments, **named)
        _last.set(answer)
        return answer

    return invoke_worker


def _naming_errors(execute: Callable[..., Json]) -> Callable[..., Json]:
    """Retry and Catch go by the error's name: on AWS that is the exception's class."""

    def execute_function(function: Json, event: Any, request_id: str) -> Json:
        _last.set({})
        result = execute(function, event, request_id)
        answer = _last.get()
        message = str(result["body"].get("errorMessage", "")) if result.get("error") else ""
        if message.startswith(NOT_IMPORTED):
            result["body"] = _import_error(function, message.removeprefix(NOT_IMPORTED))
        elif message.startswith(DIED_EARLY) or (message and result["body"].get("errorType") == "Runtime.HandlerError"):
            result["body"] = _error(answer, message, request_id)
        elif not result.get("error") and _size(result.get("body")) > LONGEST_ANSWER:
            result = {"error": True, "log": result.get("log", ""), "body": _too_large()}
        return result

    return execute_function


def _error(answer: Json, message: str, request_id: str) -> Json:
    if "type" not in answer:
        return {"errorMessage": f"RequestId: {request_id} Error: {message}", "errorType": "Runtime.ExitError"}
    return {
        "errorMessage": message,
        "errorType": answer["type"],
        "requestId": request_id,
        "stackTrace": answer["stack"],
    }


def _import_error(function: Json, message: str) -> Json:
    module = (function.get("config") or function)["Handler"].rpartition(".")[0]
    return {
        "errorMessage": f"Unable to import module '{module}': {message}",
        "errorType": "Runtime.ImportModuleError",
    }


def _too_large() -> Json:
    return {
        "errorMessage": f"Response payload size exceeded maximum allowed payload size ({LONGEST_ANSWER} bytes).",
        "errorType": "Function.ResponseSizeTooLarge",
    }


def _size(body: Any) -> int:
    return len(body) if isinstance(body, (str, bytes)) else len(json.dumps(body))
