"""The audit: clean only where every package was asked for, and never by silence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts.audit import NOT_AUDITED, VULNERABLE, Answer, Audited, Verdict, audit, main, read, status

LOCK = """\
alpha==1.0 \\
    --hash=sha256:aa
beta==2.0 ; sys_platform == 'nowhere' \\
    --hash=sha256:bb
gamma==3.0
"""


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    file = tmp_path / "jobs.txt"
    file.write_text(LOCK)
    return file


def said(*packages: dict[str, object]) -> Answer:
    return Answer(json.dumps({"dependencies": packages}), "")


def package(name: str, *vulnerabilities: str) -> dict[str, object]:
    return {"name": name, "version": "1.0", "vulns": [{"id": one} for one in vulnerabilities]}


def test_a_lock_is_clean_when_every_package_of_this_machine_was_asked_for(lock: Path) -> None:
    assert read(lock, said(package("alpha"), package("gamma"))) == Audited("jobs.txt", Verdict.CLEAN, 2, ())


def test_a_vulnerability_is_named_with_its_package(lock: Path) -> None:
    found = read(lock, said(package("alpha", "CVE-1", "CVE-2"), package("gamma")))
    assert (found.verdict, found.findings) == (Verdict.VULNERABLE, ("alpha 1.0: CVE-1, CVE-2",))


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer("", "ERROR: no route\n"), "ERROR: no route"),
        (Answer("", ""), "the auditor said nothing"),
        (Answer("[]", "odd"), "odd"),
        (said(), "0 of 2 packages were checked"),
        (said(package("alpha")), "1 of 2 packages were checked"),
        (said(package("alpha"), {"name": "gamma", "skip_reason": "not found"}), "1 of 2 packages were checked"),
    ],
    ids=["unreachable", "silent", "no report", "nothing", "too few", "skipped"],
)
def test_what_was_not_checked_is_never_clean(lock: Path, answer: Answer, reason: str) -> None:
    found = read(lock, answer)
    assert (found.verdict, found.findings) == (Verdict.NOT_AUDITED, (reason,))
    assert status([found], offline=False) == NOT_AUDITED


def test_an_empty_lock_is_not_clean_either(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("# nothing\n")
    assert read(tmp_path / "empty.txt", said()).verdict is Verdict.NOT_AUDITED
    assert status([], offline=False) == NOT_AUDITED


def test_offline_asks_nobody_and_says_that_nothing_was_audited(lock: Path) -> None:
    def asked(_: Path) -> Answer:
        raise AssertionError("somebody was asked")

    (found,) = audit([lock], asked, offline=True)
    assert (found.verdict, found.packages) == (Verdict.NOT_AUDITED, 0)
    assert status([found], offline=True) == 0


def test_a_vulnerability_weighs_more_than_a_lock_that_nobody_could_check() -> None:
    clean, unknown = Audited("a", Verdict.CLEAN, 1, ()), Audited("b", Verdict.NOT_AUDITED, 0, ("x",))
    bad = Audited("c", Verdict.VULNERABLE, 1, ("y",))
    assert status([clean, unknown, bad], offline=False) == VULNERABLE
    assert status([clean, unknown, bad], offline=True) == VULNERABLE
    assert status([clean], offline=False) == 0


def test_the_record_and_the_words_tell_not_audited_from_vulnerable(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = tmp_path / "build/audit.json"
    assert main([], lambda _: Answer("", "no route to host"), record) == NOT_AUDITED
    printed = capsys.readouterr()
    assert "NOT AUDITED" in printed.out
    assert "AUDIT=offline" in printed.err
    assert {entry["verdict"] for entry in json.loads(record.read_text())} == {"not audited"}
    assert main(["--offline"], lambda _: Answer("", ""), record) == 0
    assert "nobody was asked" in capsys.readouterr().out
