"""Files that must not be learnt from: each ends in quarantine, byte for byte, with words that a person can act on."""

from __future__ import annotations

from pathlib import Path

import pytest

from retide.local.cloud import Running
from tests.loop.command_line import CommandLine
from tests.loop.story import rows
from tests.loop.story.stage import Stage

GOOD = rows.orchard(rows=40, first=5000)
HEADER, *LINES = GOOD.decode().splitlines()

BAD = {
    "empty.csv": (b"", "empty"),
    "header-only.csv": (f"{HEADER}\n".encode(), "row"),
    "other-columns.csv": (b"a,b\n1,2\n3,4\n", "column"),
    "renamed-column.csv": (GOOD.replace(b"weight", b"gewicht", 1), "weight"),
    "words-for-numbers.csv": ("\n".join([HEADER, *LINES[:5], "9001,heavy,red,true,north,apple"]).encode(), "heavy"),
    "impossible.csv": ("\n".join([HEADER, *LINES[:5], "9002,-4,red,true,north,apple"]).encode(), "-4"),
    "unknown-fruit.csv": ("\n".join([HEADER, *LINES[:5], "9003,90,red,true,north,brick"]).encode(), "brick"),
    "picture.csv": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20, ""),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_quarantined_byte_for_byte_with_the_reason(stage: Stage, name: str) -> None:
    data, word = BAD[name]

    sent = stage.put(f"incoming/garden/{name}", data)
    record = stage.outcome("garden", sent)

    assert record["state"] == "quarantined"
    kept = stage.client("s3").get_object(Bucket=stage.bucket, Key=f"quarantine/garden/{sent.id}/data")["Body"].read()
    report = stage.read(f"quarantine/garden/{sent.id}/report.json")
    assert kept == data
    assert report["findings"]
    assert word in str(report["findings"])
    assert all(finding["advice"] for finding in report["findings"])
    assert stage.run("garden", str(record["run"]))["outcome"] == "quarantined"


@pytest.mark.nightly
def test_the_same_file_twice_is_recorded_twice_and_trained_on_once(stage: Stage) -> None:
    first = stage.outcome("garden", stage.put("incoming/garden/again.csv", rows.orchard(first=7000)))
    jobs = stage.jobs("garden")

    second = stage.outcome("garden", stage.put("incoming/garden/again.csv", rows.orchard(first=7000)))

    assert (first["state"], second["state"]) == ("accepted", "duplicate")
    assert stage.run("garden", str(second["run"]))["outcome"] == "unchanged"
    assert stage.jobs("garden") == jobs


def test_a_corrected_file_under_the_same_name_is_accepted(stage: Stage) -> None:
    refused = stage.outcome("garden", stage.put("incoming/garden/mended.csv", b"tree,weight\n1,2\n"))

    accepted = stage.outcome("garden", stage.put("incoming/garden/mended.csv", rows.orchard(first=9000)))

    assert (refused["state"], accepted["state"]) == ("quarantined", "accepted")


def test_a_file_with_a_few_bad_rows_is_accepted_without_them_and_says_where_they_are(
    stage: Stage, story_cloud: Running, tmp_path: Path
) -> None:
    bad = "9001,-4,red,true,north,apple\n9002,90,red,true,north,brick\n"
    sent = stage.put("incoming/meadow/mixed.csv", rows.orchard(rows=60, first=30_000) + bad.encode())

    record = stage.outcome("meadow", sent)
    again = stage.outcome("meadow", stage.put("incoming/meadow/more.csv", rows.orchard(rows=30, first=30_050)))

    assert (record["state"], record["rows"], record["rejected"]) == ("accepted", 60, 2)
    assert again["state"] == "quarantined", "ten trees of thirty came before"
    kept = f"quarantine/meadow/{sent.id}/rows.csv"
    lines = stage.client("s3").get_object(Bucket=stage.bucket, Key=kept)["Body"].read().decode().splitlines()
    assert [line.split(",")[0] for line in lines] == ["row", "61", "62"]
    explained = CommandLine(tmp_path, story_cloud.environment())("explain", "mixed.csv")
    assert explained.status == 0, explained
    told = " ".join(explained.out.split())
    assert "accepted in part: 2 of 62 rows quarantined" in told
    assert kept in told
    assert "row 61: '-4'" in told
    assert "row 62: 'brick'" in told


@pytest.mark.nightly
def test_data_unlike_the_champions_is_told_by_its_column_and_as_a_whole(stage: Stage) -> None:
    stage.outcome("heath", stage.put("incoming/heath/before.csv", rows.orchard(rows=150, first=40_000)))
    stage.rollout("heath", 1)
    grey = (
        rows.orchard(rows=150, first=50_000)
        .replace(b"red", b"grey")
        .replace(b"green", b"grey")
        .replace(b"blue", b"grey")
    )

    record = stage.outcome("heath", stage.put("incoming/heath/grey.csv", grey))

    assert record["state"] == "accepted"
    warned = stage.read(str(record["verdict"]))["findings"]
    assert {(found["rule"], found["column"], found["severity"]) for found in warned} == {("drift", "colour", "warn")}
    assert any("'grey' 9" in found["seen"] for found in warned)
    judged = stage.read(f"runs/heath/{record['run']}/decision.json")["findings"]
    (whole,) = [found for found in judged if found["rule"] == "drift"]
    assert (whole["passed"], whole["warns"]) == (False, True)
    assert "(150 rows against 150, most by colour" in whole["seen"]
