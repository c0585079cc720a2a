"""MiniStack's names that our cloud stands on, as the pinned version has them: when one moves, this says which."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Final

import pytest

FUNCTIONS: Final = {
    "services.cloudwatch_logs._filter_log_events": "data",
    "services.cloudwatch_logs._resolve_log_group_name": "data",
    "services.eventbridge._dispatch_event": "event view",
    "services.eventbridge._dispatch_to_lambda": "arn payload",
    "services.eventbridge._invoke_target": "target event rule view",
    "services.eventbridge._pattern_event_view": "event",
    "services.eventbridge._put_events": "data allow_aws_source",
    "services.lambda_svc._execute_function_warm": "func event request_id",
    "services.lambda_svc._execution_record_for_config": "func config",
    "services.lambda_svc._get_func_record_for_ref": "function_ref",
    "services.lambda_svc._route_async_failure": "target_arn func_name event result",
    "services.lambda_svc.invoke_async_with_retry": "func event",
    "services.s3._get_object": "bucket_name key headers query_params",
    "services.s3._parse_range": "range_header total",
    "services.s3._range_error_xml": "bucket_name key",
    "services.s3._xml_body": "root",
    "services.s3._fire_s3_event": (
        "bucket_name key event_name size etag deletion_type restore_event_data version_id sequencer object_extra "
        "record_extra"
    ),
    "services.sqs._act_send_message": "data qurl",
    "services.sqs._queue_by_arn": "arn",
    "services.stepfunctions._add_event": "execution event_type details",
    "services.stepfunctions._apply_input_path": "state_def data ctx",
    "services.stepfunctions._emit_execution_status_event": "execution",
    "services.stepfunctions._error_matches": "error_equals error",
    "services.stepfunctions._evaluate_rule": "rule data ctx",
    "services.stepfunctions._execute_task": "state_def raw_input execution ctx",
    "services.stepfunctions._fail_execution": "execution error cause",
    "services.stepfunctions._find_matching_retrier": "retriers error retry_counts",
    "services.stepfunctions._invoke_resource": "resource input_data",
    "services.stepfunctions._invoke_resource_with_timeout": "resource input_data timeout",
    "services.stepfunctions._parse_jsonpath_tokens": "path",
    "services.stepfunctions._resolve_params_obj": "template data ctx",
    "services.stepfunctions._resolve_path": "path data",
    "services.stepfunctions._resolve_path_or_ctx": "path data ctx",
    "services.stepfunctions._resolve_state_machine_arn": "arn",
    "services.stepfunctions._run_execution": "exec_arn",
    "services.stepfunctions._run_map_items": "state_def raw_input execution ctx",
    "services.stepfunctions._start_execution": "data",
    "core.iam_evaluator.evaluate_resource_policy": "doc ctx service named_only direct_only",
    "core.lambda_runtime._detect_runtime_binary": "runtime",
    "core.lambda_runtime.Worker.invoke": "self event request_id trace_id depth durable invoked_function_arn",
    "core.responses.request_scope": "account_id region",
}
TABLES: Final = (
    "app.SERVICE_HANDLERS",
    "core.router.SERVICE_PATTERNS",
    "services.cloudformation.provisioners._RESOURCE_HANDLERS",
    "services.cloudwatch_logs._log_groups",
    "services.lambda_svc._functions",
    "services.stepfunctions._AWS_SDK_ERROR_CODE_OVERRIDES",
    "services.stepfunctions._AWS_SDK_ERROR_PREFIX",
    "services.stepfunctions._AWS_SDK_SERVICE_MAP",
    "services.stepfunctions._SERVICE_DISPATCH",
    "services.stepfunctions._SFN_WAIT_SCALE",
    "services.stepfunctions._executions",
    "services.stepfunctions._state_machines",
)
LOOK: Final = """
import importlib, inspect, json, sys
def find(name):
    parts = ("ministack." + name).split(".")
    for length in range(len(parts) - 1, 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            found = getattr(found, part, None)
        return found
def tell(found):
    if found is None: return "gone"
    return " ".join(inspect.signature(found).parameters) if callable(found) else "there"
print(json.dumps({name: tell(find(name)) for name in json.loads(sys.argv[1])}))
"""


@pytest.fixture(scope="module")
def seen() -> dict[str, str]:
    """What a fresh interpreter, where nothing is mended, says about each name."""
    names = json.dumps([*FUNCTIONS, *TABLES])
    done = subprocess.run([sys.executable, "-c", LOOK, names], capture_output=True, text=True, check=True)
    told: dict[str, str] = json.loads(done.stdout)
    return told


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_that_we_wrap_is_where_it_was_and_takes_what_it_took(name: str, seen: dict[str, str]) -> None:
    assert seen[name] == FUNCTIONS[name], f"ministack.{name} has moved or changed: adapt retide/local where it is used"


@pytest.mark.parametrize("name", TABLES)
def test_a_table_that_we_fill_is_where_it_was(name: str, seen: dict[str, str]) -> None:
    assert seen[name] == "there", f"ministack.{name} has moved: adapt retide/local where it is used"


def test_the_worker_script_still_has_the_line_that_we_replace() -> None:
    from ministack.core import lambda_runtime

    from retide.local.mends.functions import TELLS_NO_TYPE

    assert TELLS_NO_TYPE in lambda_runtime._PYTHON_WORKER_SCRIPT, "MiniStack's Lambda worker reports errors otherwise"
