"""What a buildspec may say, and how a mistake in it is told."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from retide.local.codebuild.buildspec import PHASES, ArtifactSpec, EnvSpec, OnFailure, PhaseSpec
from retide.local.codebuild.document import BuildspecError
from retide.local.codebuild.reading import read_buildspec
from retide.local.codebuild.workspace import is_inline
from tests.contract.local_codebuild.bench import written

EVERYTHING = written("""
    version: 0.2
    env:
      shell: bash
      variables: {MODE: fast}
      parameter-store: {TOKEN: /app/token}
      secrets-manager: {PASSWORD: app:password}
      exported-variables: [VERSION]
    phases:
      install:
        runtime-versions: {python: 3.10, nodejs: 20}
      pre_build:
        on-failure: CONTINUE
        commands: [make setup]
      build:
        on-failure: RETRY-2-timed out
        commands:
          - make check
          - |
            make test
            make synth
        finally: [make clean]
      post_build:
        on-failure: ABORT
        commands: [make report]
    artifacts:
      files: ["**/*"]
      base-directory: dist
      exclude-paths: ["**/*.map"]
      discard-paths: yes
      name: app
      secondary-artifacts:
        docs: {files: [docs/index.html]}
    cache:
      paths: [node_modules/**/*]
    """)


def problem(text: str) -> str:
    with pytest.raises(BuildspecError) as refused:
        read_buildspec(text)
    return str(refused.value)


def test_everything_that_a_buildspec_says_is_read() -> None:
    spec = read_buildspec(EVERYTHING)

    assert spec.env == EnvSpec(
        "bash", {"MODE": "fast"}, {"TOKEN": "/app/token"}, {"PASSWORD": "app:password"}, ("VERSION",)
    )
    assert spec.phase("install") == PhaseSpec(runtimes={"python": "3.10", "nodejs": "20"})
    assert spec.phase("pre_build") == PhaseSpec(("make setup",), on_failure=OnFailure("CONTINUE"))
    assert spec.phase("build").commands == ("make check", "make test\nmake synth\n")
    assert spec.phase("build").finally_ == ("make clean",)
    retry = spec.phase("build").on_failure
    assert retry is not None
    assert (retry.action, retry.retries, retry.pattern.pattern) == ("RETRY", 2, "timed out")
    assert spec.artifacts == ArtifactSpec(("**/*",), "dist", ("**/*.map",), discard_paths=True, name="app")
    assert spec.secondary_artifacts == {"docs": ArtifactSpec(("docs/index.html",))}
    assert spec.cache_paths == ("node_modules/**/*",)


def test_a_buildspec_with_carriage_returns_reads_like_one_without() -> None:
    assert read_buildspec(EVERYTHING.replace("\n", "\r\n")) == read_buildspec(EVERYTHING)


def test_a_buildspec_in_json_reads_like_one_in_yaml() -> None:
    assert read_buildspec(json.dumps(yaml.load(EVERYTHING, yaml.BaseLoader))) == read_buildspec(EVERYTHING)  # noqa: S506


@pytest.mark.parametrize(("said", "retries"), [("RETRY", 3), ("RETRY-7", 7), ("RETRY-no route", 3), ("RETRY-0-.*", 0)])
def test_retry_takes_a_count_and_a_pattern(said: str, retries: int) -> None:
    spec = read_buildspec(f"version: 0.2\nphases: {{build: {{commands: [a], on-failure: {said}}}}}")
    rule = spec.phase("build").on_failure
    assert rule is not None
    assert rule.retries == retries


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the buildspec is empty"),
        ("- a", "the buildspec at line 1 must be a mapping, not a sequence"),
        ("version: 0.2\nphases:\n  build: [", "not valid YAML at line 3, column 11"),
        ("version: 0.2\nphases:\n\tbuild: {}", "not valid YAML at line 3"),
        ("version: 0.2\x00", "not valid YAML"),
        ("[" * 5000, "nested too deeply"),
        ("phases: {}", "has no version"),
        ("version: 0.1\nphases: {}", "version at line 1 is 0.1: the local cloud knows version 0.2 only"),
        ("version: 0.2", "has no phases"),
        ("version: 0.2\nphases:\n  biuld: {}", "phases.biuld at line 3 is unknown: phases may have install, pre_build"),
        ("version: 0.2\nphase: {}", "phase at line 2 is unknown: a buildspec may have version, env, phases"),
        ("version: 0.2\nphases: {build: {}}", "phases.build at line 2 has no commands"),
        ("version: 0.2\nphases:\n  build:\n    commands:\n    - echo a: b", "commands[0] at line 5 must be"),
        ("version: 0.2\nphases:\n  build:\n    commands: make", "phases.build.commands at line 4 must be a sequence"),
        ("version: 0.2\nphases: {build: {commands: [a], commands: [b]}}", "commands at line 2 is given twice"),
        ("version: 0.2\nphases: {build: {commands: [a], on-failure: STOP}}", "is 'STOP': it must be ABORT, CONTINUE"),
        ("version: 0.2\nphases: {build: {commands: [a], on-failure: RETRY-101}}", "at most 100 are allowed"),
        ("version: 0.2\nphases: {build: {commands: [a], on-failure: 'RETRY-['}}", "regular expression '['"),
        ("version: 0.2\nphases: {build: {commands: [a], run-as: me}}", "run-as at line 2 is not supported"),
        ("version: 0.2\nphases: {build: {commands: [a], runtime-versions: {}}}", "versions at line 2 is unknown"),
        ("version: 0.2\nreports: {}\nphases: {}", "reports at line 2 is not supported by the local cloud"),
        ("version: 0.2\nenv: {shell: fish}\nphases: {}", "env.shell at line 2 is 'fish': the local cloud has bash"),
        ("version: 0.2\nenv: {variables: {a-b: c}}\nphases: {}", "env.variables.a-b at line 2 is no name"),
        ("version: 0.2\nphases: {}\nartifacts: {name: a}", "artifacts at line 3 has no files"),
        ("version: 0.2\nphases: {}\nartifacts: {files: [a], discard-paths: maybe}", "must be yes or no, not 'maybe'"),
        ("version: 0.2\nphases: {}\nartifacts: {files: [a], s3-prefix: x}", "s3-prefix at line 3 is not supported"),
        ("version: 0.2\nphases: {}\ncache: {key: a, paths: [b]}", "cache.key at line 3 is not supported"),
        ("version: 0.2\nphases: {<<: {build: {commands: [a]}}}", "uses '<<'"),
        ("version: 0.2\nphases: {[a]: b}", "has a key that is a sequence"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place(text: str, said: str) -> None:
    assert said in problem(text)


@given(st.text())
def test_no_text_whatever_breaks_the_reader(text: str) -> None:
    with suppress(BuildspecError):
        read_buildspec(text)


LINES = st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1), max_size=4)


@given(st.dictionaries(st.sampled_from(PHASES), LINES))
def test_commands_come_out_as_they_were_written(phases: dict[str, list[str]]) -> None:
    written_phases = {name: {"commands": commands} for name, commands in phases.items()}
    spec = read_buildspec(yaml.safe_dump({"version": 0.2, "phases": written_phases}, allow_unicode=True))
    assert {name: list(phase.commands) for name, phase in spec.phases.items()} == phases


@given(st.dictionaries(st.text(min_size=1), st.integers() | st.lists(st.integers()), max_size=3), st.data())
def test_an_unknown_key_is_named(extra: dict[str, object], data: st.DataObject) -> None:
    known = {"version", "env", "phases", "artifacts", "cache", "batch", "proxy", "reports", "run-as", "<<", ""}
    name = data.draw(st.text(st.characters(categories=("L", "N")), min_size=1).filter(lambda text: text not in known))
    document = {"version": 0.2, "phases": {"build": {"commands": ["a"]}}, f"x{name}": extra}
    assert f"x{name} at line" in problem(yaml.safe_dump(document, allow_unicode=True))


@pytest.mark.parametrize(
    ("text", "inline"),
    [("", False), ("infra/build.yml", False), ("version: 0.2", True), ('{"version": "0.2"}', True), ("a\nb", True)],
)
def test_a_path_is_told_from_a_buildspec(text: str, inline: bool) -> None:
    assert is_inline(text) is inline
