"""A small app that knows nothing of Retide lives its whole life on the local cloud, by the real CDK command line."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from retide.local.cloud import Running
from tests.loop.local_cloud.foreign import BUILT, ForeignApp
from tests.patience import eventually


@pytest.fixture(scope="module")
def app(cloud: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForeignApp]:
    app = ForeignApp.copied_to(tmp_path_factory.mktemp("foreign") / "app", cloud)
    app.cdk("bootstrap", f"aws://{cloud.account}/{cloud.region}")
    app.deploy()
    yield app
    app.destroy()


def test_a_note_on_s3_becomes_a_row_through_rule_queue_function_and_machine(app: ForeignApp) -> None:
    version = app.put("notes/a b+é.txt")
    row = eventually(lambda: app.row("notes/a b+é.txt"), "the machine keeps a row")
    assert row["version"] == {"S": version}
    assert row["text"] == {"S": "hello notes/a b+é.txt!"}


def test_a_note_that_the_rule_does_not_match_starts_nothing(app: ForeignApp) -> None:
    app.put("other/ignored.txt")
    app.put("notes/seen.txt")
    eventually(lambda: app.row("notes/seen.txt"), "the note that matches arrives")
    assert app.row("other/ignored.txt") is None


def test_a_custom_resource_answers_and_its_attributes_are_used(app: ForeignApp) -> None:
    assert app.output("Doubled") == "14"


@pytest.mark.parametrize("method", ["change-set", "direct"])
def test_deploying_again_changes_nothing(method: str, app: ForeignApp) -> None:
    assert "Parcels (no changes)" in app.deploy("--method", method, app=BUILT)


@pytest.mark.parametrize("method", ["change-set", "direct"])
def test_a_changed_layer_handler_and_machine_take_effect(method: str, app: ForeignApp) -> None:
    app.rewrite("layer/python/words.py", r'GREETING = ".*"', f'GREETING = "greetings by {method} to"')
    app.rewrite("greet/handler.py", r'TAIL = ".*"', f'TAIL = ", {method}"')
    app.rewrite("workflow.asl.json", r"'\{\}.*?'", f"'{{}}, {method}!'")
    app.deploy("--method", method)
    app.put("notes/changed.txt")
    text = f"greetings by {method} to notes/changed.txt, {method}, {method}!"
    eventually(lambda: (app.row("notes/changed.txt") or {}).get("text") == {"S": text}, f"a row says {text!r}")


def test_a_function_runs_the_deployed_bytes_and_not_the_folder_that_they_came_from(app: ForeignApp) -> None:
    handler = app.folder / "greet" / "handler.py"
    deployed = handler.read_text()
    handler.write_text("raise RuntimeError('nobody deployed this')\n")
    app.put("notes/deployed.txt")
    assert eventually(lambda: app.row("notes/deployed.txt"), "the deployed handler still answers")
    handler.write_text(deployed)


def test_an_unknown_resource_type_is_refused_by_its_name(app: ForeignApp) -> None:
    template = '{"Resources": {"Odd": {"Type": "AWS::Nowhere::Thing"}}}'
    stacks = app.client("cloudformation")
    with pytest.raises(stacks.exceptions.ClientError, match=r"AWS::Nowhere::Thing"):
        stacks.create_stack(StackName="odd", TemplateBody=template)


def test_destroy_leaves_nothing(app: ForeignApp) -> None:
    _empty(app, app.output("BucketName"))
    assert len(_leftovers(app)) > 10
    app.destroy()
    assert _leftovers(app) == []
    app.deploy(app=BUILT)


def _leftovers(app: ForeignApp) -> list[str]:
    """The names of everything that belongs to the app: CloudFormation names resources after their stack."""
    stacks = app.client("cloudformation").describe_stacks()["Stacks"]
    lists = (
        [stack["StackName"] for stack in stacks],
        [each["FunctionName"] for each in app.client("lambda").list_functions()["Functions"]],
        [each["LayerName"] for each in app.client("lambda").list_layers()["Layers"]],
        [each["name"] for each in app.client("stepfunctions").list_state_machines()["stateMachines"]],
        app.client("sqs").list_queues().get("QueueUrls", []),
        app.client("dynamodb").list_tables()["TableNames"],
        [each["Name"] for each in app.client("events").list_rules()["Rules"]],
        [each["logGroupName"] for each in app.client("logs").describe_log_groups()["logGroups"]],
        [each["RoleName"] for each in app.client("iam").list_roles()["Roles"]],
        [each["Name"] for each in app.client("s3").list_buckets()["Buckets"]],
        [each["Name"] for each in app.client("ssm").describe_parameters()["Parameters"]],
    )
    return [name for names in lists for name in names if "parcels" in name.lower()]


def _empty(app: ForeignApp, bucket: str) -> None:
    objects = app.client("s3")
    for kind in ("Versions", "DeleteMarkers"):
        for each in objects.list_object_versions(Bucket=bucket).get(kind, []):
            objects.delete_object(Bucket=bucket, Key=each["Key"], VersionId=each["VersionId"])
