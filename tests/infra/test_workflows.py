"""The state machines as text: complete, careful with errors, and within what every interpreter understands."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from infra.functions import ROWS
from infra.names import Names
from infra.settings import STAGES
from infra.workflows import PLACEHOLDER, UnknownTask, Workflow
from retide.aws.transient import TransientError
from retide.domain.sizes import MOST_OBJECTS
from retide.steps.validate import CRASHES, ValidationCrashed
from tests.infra.conftest import Json, Templates

NAMES = ("retrain", "rollout", "batch")
INTRINSICS = {"Array", "Format", "JsonMerge", "JsonToString", "MathAdd", "StringToJson"}
# A second try can only help where the same call may end otherwise. SageMaker has no class for being throttled: there
# Step Functions names the base class, AmazonSageMakerException (SageMakerException for calls through the AWS SDK).
TRANSIENT = re.compile(
    r"Lambda\.(ServiceException|AWSLambdaException|SdkClientException|TooManyRequestsException"
    rf"|ClientExecutionTimeoutException)|Sandbox\.Timedout|Runtime\.(ExitError|OutOfMemory)|{TransientError.__name__}|SageMaker\.ThrottlingException"
    r"|SageMaker\.ResourceLimitExceeded(Exception)?|SageMaker\.SdkClientException|SageMaker\.(Amazon)?SageMakerException"
)
# The function itself ends such a series, by putting the file into quarantine.
CRASH = re.compile(rf"{ValidationCrashed.__name__}|Lambda\.Unknown")
VALIDATING = ("Validate object", "Validate listed object")
TRANSFORM_FILTERS = ("InputFilter", "OutputFilter")  # paths into a job's own lines, not into a state's input
BURST = 10  # invocations at once that a new account allows, all functions together


@pytest.fixture(params=NAMES)
def machine(request: pytest.FixtureRequest) -> Json:
    return _definition(request.param)


def _definition(name: str) -> Json:
    definition: Json = json.loads(Workflow.load(name).definition)
    return definition


def _machines(machine: Json) -> Iterator[Json]:
    """The machine itself and every machine inside its Map states."""
    yield machine
    for state in machine["States"].values():
        if "ItemProcessor" in state:
            yield from _machines(state["ItemProcessor"])


def _states(machine: Json) -> dict[str, Json]:
    return {name: state for part in _machines(machine) for name, state in part["States"].items()}


def _next(state: Json) -> Iterator[str]:
    yield from (state[key] for key in ("Next", "Default") if key in state)
    yield from (choice["Next"] for choice in (*state.get("Choices", ()), *state.get("Catch", ())))


def test_jobs_run_the_code_of_the_plan_and_not_of_the_definition_that_an_execution_was_started_with() -> None:
    states = _states(_definition("retrain"))
    jobs = (
        ("Train", "InputDataConfig"),
        ("Shard", "ProcessingInputs"),
        ("Assemble", "InputDataConfig"),
        ("Evaluate", "ProcessingInputs"),
    )
    for job, inputs in jobs:
        text = json.dumps(states[job]["Parameters"][inputs])
        assert '"S3Uri.$": "$.plan.code_uri"' in text
        assert '"S3Uri.$": "$.plan.libs_uri"' in text


def test_the_model_of_several_instances_is_assembled_as_train_trains_and_from_their_booster_alone() -> None:
    states = _definition("retrain")["States"]
    train, assemble = (states[name]["Parameters"] for name in ("Train", "Assemble"))
    (booster,) = [one for one in assemble["InputDataConfig"] if one not in train["InputDataConfig"]]
    assert booster["ChannelName"] == "booster"
    assert {**assemble, "InputDataConfig": train["InputDataConfig"]} == train


def test_instances_that_learn_together_are_given_shards_and_never_the_dataset() -> None:
    boost = _definition("retrain")["States"]["Boost"]["Parameters"]
    given = {one["ChannelName"]: one["DataSource"]["S3DataSource"] for one in boost["InputDataConfig"]}
    assert {name: one["S3DataDistributionType"] for name, one in given.items()} == {
        "code": "FullyReplicated",
        "brief": "FullyReplicated",
        "shards": "ShardedByS3Key",
    }
    assert "/boosting/{}/{}/shards/" in given["shards"]["S3Uri.$"]
    assert boost["RoleArn"] == "${BoostingRoleArn}"
    assert boost["AlgorithmSpecification"]["TrainingImage"] == "${BoostingImageUri}"
    assert boost["EnableNetworkIsolation"] is True


def test_every_state_leads_to_states_that_are_there_and_is_led_to(machine: Json) -> None:
    for part in _machines(machine):
        led_to = {part["StartAt"], *(name for state in part["States"].values() for name in _next(state))}
        assert led_to == set(part["States"])


def test_every_state_ends_or_goes_on(machine: Json) -> None:
    for name, state in _states(machine).items():
        ends = state["Type"] in ("Succeed", "Fail") or state.get("End") is True
        assert ends is not bool(list(_next({**state, "Catch": []}))), name


def test_every_task_has_a_limit_a_retry_with_full_jitter_and_a_failure_path(machine: Json) -> None:
    for part in _machines(machine):
        for name, state in part["States"].items():
            if state["Type"] == "Task":
                assert "TimeoutSeconds" in state or "TimeoutSecondsPath" in state, name
                assert state["Retry"], name
                assert all(retry["JitterStrategy"] == "FULL" for retry in state["Retry"]), name
                assert part is not machine or state["Catch"], name


def test_every_map_has_a_failure_path_for_what_fails_inside(machine: Json) -> None:
    for name, state in machine["States"].items():
        if state["Type"] == "Map":
            assert state["Catch"], name


def test_catches_take_every_error_and_keep_the_input(machine: Json) -> None:
    for name, state in _states(machine).items():
        for catch in state.get("Catch", ()):
            assert catch is not state["Catch"][-1] or catch["ErrorEquals"] == ["States.ALL"], name
            assert catch["ResultPath"].startswith("$."), name


def test_only_transient_errors_are_tried_again(machine: Json) -> None:
    for name, state in _states(machine).items():
        for retry in state.get("Retry", ()):
            for error in retry["ErrorEquals"]:
                judging = name in VALIDATING and CRASH.fullmatch(error)
                assert judging or TRANSIENT.fullmatch(error), f"{name} retries {error}"


@pytest.mark.parametrize("state", VALIDATING)
def test_a_file_whose_judging_crashes_is_tried_often_enough_to_end_in_quarantine(state: str) -> None:
    retries = _states(_definition("retrain"))[state]["Retry"]
    attempts = {error: retry["MaxAttempts"] for retry in retries for error in retry["ErrorEquals"]}
    killed = ("ValidationCrashed", "Runtime.ExitError", "Runtime.OutOfMemory", "Lambda.Unknown", "Sandbox.Timedout")
    assert {error for error in killed if attempts[error] < CRASHES} == set()


def test_functions_are_tried_again_after_each_kind_of_error_that_passes(machine: Json) -> None:
    for name, state in _states(machine).items():
        if state.get("Resource", "").endswith("lambda:invoke"):
            attempts = {error: retry["MaxAttempts"] for retry in state["Retry"] for error in retry["ErrorEquals"]}
            passing = (TransientError.__name__, "Sandbox.Timedout", "Runtime.ExitError", "Runtime.OutOfMemory")
            assert min(attempts[error] for error in passing) >= 3, name
            assert attempts["Lambda.TooManyRequestsException"] > BURST, f"{name} gives up while its neighbours run"


def test_calls_of_sagemaker_are_tried_again_when_they_are_throttled(machine: Json) -> None:
    for name, state in _states(machine).items():
        resource = state.get("Resource", "")
        if "sagemaker:" in resource and name != "Is it gone?":  # there the error is the answer
            base = "SageMaker.SageMakerException" if "aws-sdk:" in resource else "SageMaker.AmazonSageMakerException"
            assert any(base in retry["ErrorEquals"] for retry in state["Retry"]), name


def test_the_few_and_the_many_are_validated_by_the_same_call() -> None:
    few, many = (_states(_definition("retrain"))[name]["Parameters"] for name in VALIDATING)
    assert few["FunctionName"] == many["FunctionName"]
    assert {**few["Payload"], "large.$": "$.large"} == many["Payload"]


def test_what_the_items_of_a_long_list_return_together_fits_into_a_payload() -> None:
    items = _definition("retrain")["States"]["Validate many"]["ItemProcessor"]["States"]
    (end,) = [state for state in items.values() if state.get("End")]
    assert end["OutputPath"] is None
    assert MOST_OBJECTS * len("{},") < 262_144


def test_an_item_of_a_map_is_told_of_the_lease_and_the_execution_that_holds_it() -> None:
    """Inside a distributed Map the context object is that of the item's own execution, which holds no lease."""
    states = _definition("retrain")["States"]
    for name in ("Validate", "Validate many"):
        selector = states[name]["ItemSelector"]
        assert selector["execution.$"] == "$$.Execution.Id"
        assert selector["fence.$"] == "$.claim.fence"
        assert '"$$.Execution.Id"' not in json.dumps(states[name]["ItemProcessor"])


def test_no_failure_of_an_item_is_tolerated_and_the_longest_plain_map_fits_into_one_history() -> None:
    states = _states(_definition("retrain"))
    assert not [key for name in ("Validate", "Validate many") for key in states[name] if key.startswith("Tolerated")]
    tries = sum(retry["MaxAttempts"] for retry in states["Validate object"]["Retry"]) + 1
    events = 4 + 3 * tries  # an iteration's begin and end, the state's, and three a try
    assert all(settings.inline_objects * events < 25_000 for settings in STAGES.values())


def test_an_endpoint_is_made_or_given_up_only_when_the_one_before_is_gone() -> None:
    states = _definition("rollout")["States"]
    ways = {name: set(_next(state)) for name, state in states.items()}
    assert ways["Delete endpoint"] == {"Wait for deletion"}
    assert ways["Is it gone?"] == {"Still deleting?", "After deletion"}
    assert ways["After deletion"] == {"Scaled?", "Create endpoint"}
    instances, alive, dead = states["Endpoint exists?"]["Choices"]
    assert {"Variable": "$.rollout.alive", "BooleanEquals": True} in instances["And"]
    assert alive == {"Variable": "$.rollout.alive", "BooleanEquals": True, "Next": "Update endpoint"}
    assert dead == {"Variable": "$.rollout.exists", "BooleanEquals": True, "Next": "Delete endpoint"}


def test_a_state_waits_longer_than_its_function_may_run(machine: Json) -> None:
    limits = {_placeholder(row.name): row.timeout_seconds for row in ROWS}
    for name, state in _states(machine).items():
        if state.get("Resource", "").endswith("lambda:invoke"):
            (function,) = PLACEHOLDER.findall(state["Parameters"]["FunctionName"])
            assert state["TimeoutSeconds"] > limits[function], name


def _placeholder(row: str) -> str:
    return "".join(word.capitalize() for word in row.split("_")) + "Function"


def test_paths_and_intrinsics_are_written_as_every_interpreter_reads_them(machine: Json) -> None:
    for key, value in _pairs(machine):
        if key == "LocalPath":
            assert value.startswith("/opt/ml/")
        elif (key.endswith((".$", "Path")) and value is not None) or key == "Variable":
            assert isinstance(value, str), f"{key}: {value}"
            assert value.startswith("$") or _intrinsic(value), f"{key}: {value}"
            assert not re.search(r"^\s|\s$|\.\.", value), f"{key}: {value}"
        elif isinstance(value, str) and key not in TRANSFORM_FILTERS:
            assert not value.startswith(("$.", "$$.", "States.Format")), f"{key}: {value} is taken as it stands"


def _intrinsic(value: str) -> bool:
    found = re.match(r"States\.(\w+)\(.*\)$", value)
    return bool(found) and found is not None and found[1] in INTRINSICS


def _pairs(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield from value.items()
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _pairs(inner)


def test_what_a_state_reads_was_written_on_every_way_to_it(machine: Json) -> None:
    """Walk every path once with the set of top-level fields known; a field that may be missing ends an execution."""
    given = {"retrain": "model generation attempt run settle_seconds", "rollout": "model version package_arn attempt"}
    given["batch"] = "model batch plan end"
    start = {"Settle": "retrain", "Prepare rollout": "rollout", "Prepare batch": "batch"}[machine["StartAt"]]
    known: dict[str, frozenset[str]] = {}
    waiting = [(machine["StartAt"], frozenset(given[start].split()))]
    while waiting:
        name, fields = waiting.pop()
        fields = known[name] & fields if name in known else fields
        if known.get(name) != fields:
            known[name] = fields
            waiting.extend(_after(machine["States"][name], fields))
    for name, fields in known.items():
        assert _read(machine["States"][name]) <= fields, name


def _after(state: Json, fields: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
    yield from ((catch["Next"], fields | _written(catch)) for catch in state.get("Catch", ()))
    present = [choice for choice in state.get("Choices", ()) if choice.get("IsPresent")]
    yield from ((choice["Next"], fields | {choice["Variable"].removeprefix("$.")}) for choice in present)
    others = [choice for choice in state.get("Choices", ()) if choice not in present]
    for name in _next({**state, "Catch": [], "Choices": others}):
        yield name, fields | _written(state)


def _written(state: Json) -> frozenset[str]:
    path = state.get("ResultPath") or ""
    return frozenset({path.removeprefix("$.").split(".")[0]} if path else ())


def _read(state: Json) -> set[str]:
    """Top-level fields that a state takes from its input; a test for presence takes none."""
    outside = {
        key: value
        for key, value in state.items()
        if key not in ("ItemProcessor", "ResultSelector", "ResultPath", "Catch")
    }
    outside["Choices"] = [choice for choice in state.get("Choices", ()) if "IsPresent" not in choice]
    texts = [
        value
        for key, value in _pairs(outside)
        if isinstance(value, str) and (key.endswith((".$", "Path")) or key == "Variable")
    ]
    return {name for text in texts for name in re.findall(r"(?<![\w$])\$\.(\w+)", text)}


def test_every_state_has_a_title_and_every_machine_says_what_it_is_for(machine: Json) -> None:
    assert machine["Comment"]
    assert machine["TimeoutSeconds"] > 0
    for name in _states(machine):
        assert re.fullmatch(r"[A-Z].{0,79}", name), name


def test_placeholders_are_all_filled_and_nothing_is_filled_in_vain(templates: Templates) -> None:
    for machine in templates.resources("AWS::StepFunctions::StateMachine").values():
        properties = machine["Properties"]
        used = set(PLACEHOLDER.findall(properties["DefinitionString"]))
        assert used == set(properties["DefinitionSubstitutions"])


def test_jobs_and_models_carry_the_stage_in_their_names_where_their_role_demands_it() -> None:
    """Jobs are named by the step Decide, models by Prepare rollout: here only that nothing else names them."""
    states = {**_states(_definition("retrain")), **_states(_definition("rollout")), **_states(_definition("batch"))}
    named = {
        value
        for state in states.values()
        for key, value in state.get("Parameters", {}).items()
        if key.endswith("Name.$")
    }
    assert named == {
        "$.plan.job",
        "$.plan.evaluation",
        "$.plan.tuning.name",
        "$.plan.boosting.job",
        "$.judging.job",
        "$.plan.name",
        "$.rollout.name",
        "$.rollout.challenger.name",
        "$.rollout.endpoint",
        "$.rollout.previous_config",
    }


def test_a_task_whose_permissions_nobody_wrote_down_is_refused() -> None:
    task = {"Type": "Task", "Resource": "arn:aws:states:::sns:publish", "Parameters": {}, "End": True}
    workflow = Workflow("odd", json.dumps({"StartAt": "Send", "States": {"Send": task}}))
    with pytest.raises(UnknownTask, match=r"sns:publish.*infra/workflows.py"):
        workflow.needs(Names("dev"), {})
