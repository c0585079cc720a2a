"""The command line against a deployed stage that it reaches as it reaches AWS: through boto3's own settings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from retide.local.cloud import Running
from tests.loop.command_line import CommandLine
from tests.loop.story import rows
from tests.loop.story.stage import Stage

NEW_TREES = ((10, True), (11, False), (12, "maybe"))


@pytest.fixture(scope="module")
def retide(story_cloud: Running, tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    return CommandLine(tmp_path_factory.mktemp("nobody") / "home", story_cloud.environment())


@pytest.fixture(scope="module")
def pushed(retide: CommandLine, stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What `push --watch` printed about a sound file."""
    file = tmp_path_factory.mktemp("rows") / "by-hand.csv"
    file.write_bytes(rows.orchard(first=20_000))
    ended = retide("push", str(file), "--model", "hedge", "--watch")
    assert ended.status == 0, ended.out + ended.err
    return ended.out


@pytest.fixture(scope="module")
def served(retide: CommandLine, stage: Stage, pushed: str) -> None:
    """The model serves: its contract leaves the approval to a person, who may have given it in another test before."""
    approved = retide("approve", "hedge", "--watch")
    assert approved.status == 0 or stage.served("hedge"), approved
    assert stage.served("hedge") > 0, approved


def test_the_target_is_said_once_when_nobody_chose_it(retide: CommandLine, stage: Stage) -> None:
    told = " ".join(retide("status").err.split())
    assert told == f"target: the cloud at {stage.endpoint_url}, stage dev (no local cloud is running)"
    assert retide("status", "--target", "aws").err == ""


def test_the_status_names_the_bucket_and_every_model(retide: CommandLine, stage: Stage) -> None:
    told = json.loads(retide("status", "--json").out)
    assert told["bucket"] == stage.bucket
    assert {"hedge", "tumour"} <= told["models"].keys()


def test_a_pushed_file_is_followed_to_its_end(pushed: str, stage: Stage) -> None:
    said = [line.split() for line in pushed.splitlines()]
    states = [line[1] for line in said if line and line[0] in ("✓", "•")]
    assert f"put s3://{stage.bucket}/incoming/hedge/by-hand.csv" in pushed
    assert states[:3] == ["Claim", "Validate", "Freeze"]
    assert "ended" in states
    assert "\x1b" not in pushed
    assert pushed.rstrip().endswith("rows): accepted")


def test_a_file_is_explained_by_its_name_with_its_run(retide: CommandLine, pushed: str) -> None:
    told = retide("explain", "by-hand.csv")
    assert told.status == 0, told
    for said in ("Run hedge-", "by-hand.csv", "accepted", "Outcome"):
        assert said in told.out


def test_the_story_of_a_run_is_there_for_programs(retide: CommandLine, pushed: str) -> None:
    newest = json.loads(retide("runs", "--model", "hedge", "--json").out)[-1]
    story = json.loads(retide("explain", newest["run"], "--json").out)
    assert story["run"] == newest
    assert [file["record"]["key"] for file in story["files"]] == ["incoming/hedge/by-hand.csv"]
    assert story["judgement"]["findings"]


def test_a_row_is_answered_with_one_line_of_json(retide: CommandLine, served: None, tmp_path: Path) -> None:
    header, *lines = rows.orchard(rows=3, first=30_000).decode().splitlines()
    file = tmp_path / "three.csv"
    file.write_text("\n".join([header, *lines]) + "\n")
    told = retide("predict", "--model", "hedge", "--file", str(file))
    assert told.status == 0, told
    answers = [json.loads(line) for line in told.out.splitlines()]
    assert len(answers) == 3
    assert all("label" in answer or "value" in answer for answer in answers)


def rows_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for file in sorted(folder.iterdir()) for line in file.read_text().splitlines()]


def test_every_row_of_a_batch_is_predicted_or_told_with_its_key(
    retide: CommandLine, served: None, tmp_path: Path
) -> None:
    trees, out = tmp_path / "trees", tmp_path / "predicted"
    trees.mkdir()
    (trees / "old.csv").write_text(
        "tree,weight,colour,ripe,slope\n7,182.5,red,true,north\n8,heavy,green,false,south\n9,,blue,true,north\n"
    )
    lines = [{"tree": tree, "weight": 41.0, "colour": None, "ripe": ripe, "slope": "south"} for tree, ripe in NEW_TREES]
    (trees / "new.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    ended = retide("batch", str(trees), "--model", "hedge", "--out", str(out))
    assert ended.status == 0, ended.out + ended.err
    print(ended.out)
    assert "predicted 4 of 6 rows of 2 files; 2 bad rows" in ended.out
    assert "old.csv: row 2 (tree 8): weight = 'heavy': must be a number" in ended.out
    assert "new.jsonl: row 3 (tree 12): ripe = 'maybe': must be true or false" in ended.out
    predicted, bad = rows_of(out / "predictions"), rows_of(out / "bad_rows")
    assert [(line["row"], line["key"]["tree"]) for line in predicted] == [(1, 10), (2, 11), (1, "7"), (3, "9")]
    assert {line["prediction"]["label"] for line in predicted} <= {"apple", "pear", "plum"}
    assert [(line["row"], line["key"]["tree"], line["field"]) for line in bad] == [(3, 12, "ripe"), (2, "8", "weight")]
    assert json.loads((out / "report.json").read_text())["outcome"] == "predicted in part"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["predict", "--model", "hedge", "--json", '{"weight": "heavy"}'], "weight = 'heavy'"),
        (
            ["predict", "--model", "hedge", "--json", '{"flavour": 1}'],
            "refuses: flavour = 1: is not a column of model 'hedge'",
        ),
        (["predict", "--model", "nobody", "--json", "{}"], "there is no model 'nobody'"),
        (["retrain", "--model", "nobody"], "known models: "),
        (["batch", "rows.csv", "--model", "nobody", "--out", "x"], "there is no model 'nobody'"),
        (["batch", "nowhere.csv", "--model", "hedge", "--out", "x"], "there is no file nowhere.csv"),
        (["explain", "nothing"], "'nothing' is no run, no object and no model"),
        (["approve", "hedge@99"], "hedge has no version 99; versions: "),
        (["runs", "--stage", "prod"], "stack retide-prod-data is not deployed"),
    ],
)
def test_what_is_not_there_is_said_in_one_line(retide: CommandLine, served: None, words: list[str], said: str) -> None:
    ended = retide(*words, "--target", "aws")
    assert ended.status == 1
    assert ended.err.startswith("error: ")
    assert said in ended.err
    assert len(ended.err.splitlines()) == 1


def test_a_refused_file_that_was_followed_is_a_failure_with_its_reasons(
    retide: CommandLine, stage: Stage, tmp_path: Path
) -> None:
    file = tmp_path / "spoilt.csv"
    header, first, *lines = rows.orchard(first=50_000).decode().splitlines()
    file.write_text("\n".join([header, f"{first},one more", *lines]) + "\n")
    ended = retide("push", str(file), "--model", "hedge", "--watch")
    assert ended.status == 1
    assert "row 1 has too many fields" in ended.out
    assert "error: incoming/hedge/spoilt.csv was refused" in ended.err


@pytest.mark.parametrize(
    "words", [["list"], ["show", "HEAD"], ["watch"], ["approve", "HEAD"]], ids=lambda words: words[0]
)
def test_without_a_pipeline_the_commands_about_pushes_say_what_makes_one(
    retide: CommandLine, stage: Stage, words: list[str]
) -> None:
    ended = retide("delivery", *words, "--target", "aws")
    assert ended.status == 1
    assert ended.err.startswith("error: there is no pipeline retide-delivery in ")
    assert "`retide remote` makes one" in ended.err
    assert len(ended.err.splitlines()) == 1


def test_who_approved_and_how_is_told(retide: CommandLine, served: None) -> None:
    told = " ".join(retide("explain", "hedge@1").out.split())
    assert "(command line)" in told
    listed = retide("runs", "--model", "hedge").out.split()
    assert {"approved", "since", "(command", "line)"} <= set(listed)


def test_a_trial_is_scored_beside_the_champion_and_registers_nothing(
    retide: CommandLine, served: None, stage: Stage
) -> None:
    ended = retide("train", "--model", "hedge", "--param", "boosting__max_iter=3", "--json")
    assert ended.status == 0, ended.out + ended.err
    trial = json.loads(ended.out)
    assert (trial["state"], trial["params"]["boosting__max_iter"]) == ("completed", 3)
    assert trial["metrics"].keys() == trial["champion"].keys()
    packages = stage.client("sagemaker").list_model_packages(ModelPackageGroupName="retide-dev-hedge")
    assert len(packages["ModelPackageSummaryList"]) == 1
    assert stage.served("hedge") == 1
    listed = json.loads(retide("experiments", "--model", "hedge", "--json").out)
    assert [found["name"] for found in listed] == [trial["name"]]


@pytest.mark.nightly
def test_a_version_is_rebuilt_byte_for_byte_by_a_job_of_the_stage(retide: CommandLine, served: None) -> None:
    ended = retide("reproduce", "hedge@1", "--job")
    assert ended.status == 0, ended.out + ended.err
    assert "as the job retide-dev-hedge-x-" in ended.err
    assert ended.out.startswith("hedge@1 is reproduced, byte for byte: ")
