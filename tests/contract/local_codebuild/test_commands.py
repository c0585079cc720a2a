"""What one command leaves to the next, what it finds around it, and what becomes of what it says."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retide.local.clock import Clock
from retide.local.codebuild.buildlog import BuildLog
from tests.contract.local_codebuild.bench import ROLE, Bench, buildspec, failure, written


def test_variables_and_the_folder_pass_from_command_to_command_and_phase_to_phase(bench: Bench) -> None:
    build = bench.build(
        written("""
            version: 0.2
            phases:
              install:
                commands:
                  - mkdir -p deep/er && cd deep/er
                  - PLAIN="a  b"; export EXPORTED='line one
                    line two'
              build:
                commands:
                  - basename "$PWD"
                  - echo "$PLAIN"; echo "$EXPORTED"
            """)
    )

    assert bench.said(build) == ["er", "a  b", "line one line two"]


def test_a_failed_command_leaves_its_variables_too(bench: Bench) -> None:
    build = bench.build(
        written("""
            version: 0.2
            env: {exported-variables: [STEP]}
            phases:
              build: {commands: ["STEP=tried; exit 1"]}
              post_build: {commands: ["echo $STEP"]}
            """)
    )

    assert bench.said(build) == ["tried"]
    assert build["exportedEnvironmentVariables"] == [{"name": "STEP", "value": "tried"}]


def test_each_command_is_a_shell_of_its_own(bench: Bench) -> None:
    build = bench.build(buildspec('["set -u; trap \'\' HUP", "echo ${NOTHING}here", "exec echo replaced", "echo on"]'))

    assert bench.said(build) == ["here", "replaced", "on"]


def test_the_shell_is_sh_unless_the_buildspec_says_bash(bench: Bench) -> None:
    asks = '["echo ${BASH_VERSION:+bash}.", "readlink -f /proc/$$/exe || true"]'

    assert bench.said(bench.build(buildspec(asks, env="{shell: bash}")))[0] == "bash."
    assert Path(bench.said(bench.build(buildspec(asks)))[1]).name == Path("/bin/sh").resolve().name


def test_a_block_is_one_command_whose_last_line_counts(bench: Bench) -> None:
    build = bench.build(
        written("""
            version: 0.2
            phases:
              build:
                commands:
                  - |
                    false
                    echo went on
                  - |
                    echo fails
                    false
            """)
    )

    assert [line for line in bench.said(build) if line in ("went on", "fails")] == ["went on", "fails"]
    assert build["buildStatus"] == "FAILED"


def test_a_buildspec_with_carriage_returns_runs(bench: Bench) -> None:
    spec = written("""
        version: 0.2
        phases:
          build:
            commands:
              - |
                echo one
                echo two
        """).replace("\n", "\r\n")

    assert [line for line in bench.said(bench.build(spec)) if line in ("one", "two")] == ["one", "two"]


def test_a_build_sees_codebuilds_variables_and_reaches_the_cloud_only(bench: Bench) -> None:
    project = bench.project(buildspec("[env]"))
    build = bench.ended(bench.start(project))

    seen = dict(line.split("=", 1) for line in bench.said(build) if "=" in line)
    own = {name: value for name, value in seen.items() if name.startswith("CODEBUILD_")}
    assert own == {
        "CODEBUILD_CI": "true",
        "CODEBUILD_BUILD_ID": build["id"],
        "CODEBUILD_BUILD_ARN": build["arn"],
        "CODEBUILD_BUILD_NUMBER": "1",
        "CODEBUILD_BUILD_IMAGE": "aws/codebuild/standard:7.0",
        "CODEBUILD_BUILD_SUCCEEDING": "1",
        "CODEBUILD_INITIATOR": "local-cloud",
        "CODEBUILD_KMS_KEY_ID": build["encryptionKey"],
        "CODEBUILD_LOG_PATH": build["logs"]["streamName"],
        "CODEBUILD_PROJECT_ARN": f"arn:aws:codebuild:us-east-1:000000000000:project/{project}",
        "CODEBUILD_SRC_DIR": str(bench.home / "codebuild" / "builds" / build["id"].split(":")[1] / "src"),
        "CODEBUILD_START_TIME": str(round(build["startTime"].timestamp() * 1000)),
    }
    assert seen["AWS_ENDPOINT_URL"] == bench.running.endpoint_url
    assert seen["HOME"] == os.environ["HOME"]
    assert seen["TMPDIR"].startswith(str(bench.home / "codebuild"))
    assert not {"VIRTUAL_ENV", "PYTEST_CURRENT_TEST", "MINISTACK_REGION", "GATEWAY_PORT"} & seen.keys()


def test_a_builds_calls_are_known_as_its_own_in_its_role(bench: Bench) -> None:
    last = bench.running.calls()["last"]
    asks = "import boto3; boto3.client('sts').get_caller_identity()"
    build = bench.build(buildspec(json.dumps([f'{sys.executable} -c "{asks}"'])))

    assert build["buildStatus"] == "SUCCEEDED"
    calls = [call for call in bench.running.calls(after=last)["calls"] if call["caller"] == build["arn"]]
    assert [(call["operation"], call["role"]) for call in calls] == [("GetCallerIdentity", ROLE)]


def test_nobody_takes_codebuilds_own_variables(bench: Bench) -> None:
    spec = buildspec('["echo $CODEBUILD_BUILD_NUMBER"]', env="{variables: {CODEBUILD_BUILD_NUMBER: '99'}}")
    mine = [{"name": "CODEBUILD_BUILD_NUMBER", "value": "98"}]

    assert bench.said(bench.build(spec, variables=mine)) == ["1"]


def test_builds_of_a_project_are_numbered(bench: Bench) -> None:
    project = bench.project(buildspec("[true]"))

    assert [bench.ended(bench.start(project))["buildNumber"] for _ in range(2)] == [1, 2]


def test_a_start_wins_over_the_project_and_that_over_the_buildspec(bench: Bench) -> None:
    spec = buildspec("['echo $A $B $C']", env="{variables: {A: spec, B: spec, C: spec}}")
    project = bench.project(spec, variables=[{"name": "B", "value": "project"}, {"name": "C", "value": "project"}])

    build = bench.ended(bench.start(project, environmentVariablesOverride=[{"name": "C", "value": "start"}]))

    assert bench.said(build) == ["spec project start"]


def test_exported_variables_are_told_but_none_of_amazons_own_and_none_that_is_not_set(bench: Bench) -> None:
    spec = buildspec("[V=1.2]", env="{exported-variables: [V, AWS_REGION, NEVER_SET]}")

    assert bench.build(spec)["exportedEnvironmentVariables"] == [{"name": "V", "value": "1.2"}]


def test_a_secret_is_neither_logged_nor_exported_nor_shown(bench: Bench) -> None:
    bench.ssm.put_parameter(Name="/codebuild/token", Value="s3cr3t token", Type="SecureString")
    bench.secrets.create_secret(
        Name="codebuild-app", SecretString='{"password": "pässword", "pem": "BEGIN\\nabcdef\\n}"}'
    )
    spec = written("""
        version: 0.2
        env:
          parameter-store: {TOKEN: /codebuild/token}
          secrets-manager: {PASSWORD: "codebuild-app:password", WHOLE: codebuild-app}
          exported-variables: [TOKEN, PASSWORD, PEM]
        phases:
          build:
            commands:
              - echo "token $TOKEN and pass $PASSWORD"; printf '%s\\n' "$PEM"; env
              - test "$TOKEN" = "s3cr3t token"
              - echo "no secret }"
        """)
    pem = {"name": "PEM", "value": "codebuild-app:pem::", "type": "SECRETS_MANAGER"}

    build = bench.build(spec, variables=[pem])

    assert build["buildStatus"] == "SUCCEEDED"
    log = bench.log(build["id"])
    assert "token *** and pass ***" in log
    assert "no secret }" in log
    assert not [secret for secret in ("s3cr3t", "pässword", "abcdef") if secret in log]
    assert build["exportedEnvironmentVariables"] == []
    assert build["environment"]["environmentVariables"] == [pem]
    assert not list((bench.home / "codebuild" / "logs").glob(f"{build['id'].split(':')[1]}*"))


@pytest.mark.parametrize(
    ("kind", "value", "code", "said"),
    [
        ("PARAMETER_STORE", "/not/there", "Decrypted Variables Error", "parameter does not exist: /not/there"),
        ("SECRETS_MANAGER", "nothing:key", "Secrets Manager Error Message", "nothing: "),
        ("SECRETS_MANAGER", "a:b:c:d:e", "Secrets Manager Error Message", "must look like secret-id:json-key"),
        ("SECRETS_MANAGER", "plain-secret:key", "Secrets Manager Error Message", "no JSON object with the key key"),
    ],
)
def test_a_variable_that_cannot_be_fetched_is_named(bench: Bench, kind: str, value: str, code: str, said: str) -> None:
    if value.startswith("plain-secret"):
        bench.secrets.create_secret(Name="plain-secret", SecretString="plain")

    build = bench.build(buildspec("[true]"), variables=[{"name": "X", "value": value, "type": kind}])

    assert failure(build, "DOWNLOAD_SOURCE")[0] == code
    assert said in failure(build, "DOWNLOAD_SOURCE")[1]
    assert build["buildStatus"] == "FAILED"


def test_what_a_command_says_arrives_whatever_bytes_it_is_made_of(bench: Bench) -> None:
    build = bench.build(buildspec(r"""["printf 'a\\377b\\n'", "printf 'no newline'", "echo after"]"""))

    assert bench.said(build) == ["a\N{REPLACEMENT CHARACTER}b", "no newline", "after"]


def test_a_megabyte_of_output_arrives(bench: Bench) -> None:
    line = "0123456789" * 20
    build = bench.build(buildspec(f"['yes {line} | head -n 5000', echo end]"))

    pages = bench.logs.get_paginator("filter_log_events").paginate(
        logGroupName=build["logs"]["groupName"], logStreamNames=[build["logs"]["streamName"]]
    )
    said = [event["message"] for page in pages for event in page["events"]]
    assert said.count(line) == 5000
    assert "end" in said


def test_a_line_of_a_megabyte_breaks_nothing(bench: Bench) -> None:
    build = bench.build(buildspec("""["head -c 1000000 /dev/zero | tr '\\\\0' x", "echo end"]"""))

    assert build["buildStatus"] == "SUCCEEDED"
    assert bench.said(build)[-1] == "end"


def test_no_log_is_kept_where_it_is_disabled_and_another_group_is_used_where_it_is_named(bench: Bench) -> None:
    off = bench.build(buildspec("[true]"), logsConfig={"cloudWatchLogs": {"status": "DISABLED"}})
    named = {"status": "ENABLED", "groupName": "/mine", "streamName": "builds"}
    other = bench.build(buildspec("[echo here]"), logsConfig={"cloudWatchLogs": named})

    assert "groupName" not in off["logs"]
    assert other["logs"]["groupName"] == "/mine"
    assert other["logs"]["streamName"] == f"builds/{other['id'].split(':')[1]}"
    assert bench.said(other) == ["here"]


TEXTS = st.text(st.characters(codec="utf-8"), max_size=30)


@given(st.lists(TEXTS, max_size=4), TEXTS, TEXTS)
def test_no_secret_of_one_line_survives_in_the_log(secrets: list[str], before: str, after: str) -> None:
    clock = Clock()
    log = BuildLog(None, clock, "", "", Path("/dev/null"))
    for secret in secrets:
        log.hide(secret)
    for secret in (secret for secret in secrets if len(secret.splitlines()) == 1 and "*" not in secret):
        assert secret.strip("\r\n") not in log.redact(f"{before}{secret}{after}")
    clock.close()
