"""The environment of a build: this machine's, CodeBuild's own, the buildspec's and the project's variables."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from retide.local.callers import Caller
from retide.local.codebuild.build import Build
from retide.local.codebuild.buildlog import BuildLog
from retide.local.codebuild.buildspec import EnvSpec
from retide.local.codebuild.errors import PARAMETER_ERROR, SECRET_ERROR, PhaseFailed
from retide.local.codebuild.seam import Clone, Variable, Zip
from retide.local.interfaces import Settings

INHERITED: Final = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "LC_CTYPE", "TZ")
SECRET_PARTS: Final = 4


def platform(settings: Settings, build: Build, source: Path, temporary: Path) -> dict[str, str]:
    """What is there before anything of the user's."""
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    token = settings.admit(Caller(build.arn, build.plan.described.get("serviceRole", "")))
    return {
        **inherited,
        **({"AWS_SESSION_TOKEN": token} if token else {}),
        "TMPDIR": str(temporary),
        "AWS_ENDPOINT_URL": settings.endpoint_url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_REGION": settings.region,
        "AWS_DEFAULT_REGION": settings.region,
        **_own(settings, build, source),
    }


def _own(settings: Settings, build: Build, source: Path) -> dict[str, str]:
    plan = build.plan
    variables = {
        "CODEBUILD_CI": "true",
        "CODEBUILD_BUILD_ID": build.id,
        "CODEBUILD_BUILD_ARN": build.arn,
        "CODEBUILD_BUILD_NUMBER": str(build.number),
        "CODEBUILD_BUILD_IMAGE": plan.image,
        "CODEBUILD_BUILD_SUCCEEDING": "1",
        "CODEBUILD_INITIATOR": plan.initiator,
        "CODEBUILD_KMS_KEY_ID": plan.encryption_key,
        "CODEBUILD_LOG_PATH": build.log_stream,
        "CODEBUILD_PROJECT_ARN": f"arn:aws:codebuild:{settings.region}:{settings.account}:project/{plan.project}",
        "CODEBUILD_RESOLVED_SOURCE_VERSION": plan.resolved_version,
        "CODEBUILD_SOURCE_REPO_URL": _location(build),
        "CODEBUILD_SOURCE_VERSION": plan.source_version,
        "CODEBUILD_SRC_DIR": str(source),
        "CODEBUILD_START_TIME": str(round(build.created.timestamp() * 1000)),
    }
    return {name: value for name, value in variables.items() if value}


def _location(build: Build) -> str:
    match build.plan.sources[:1]:
        case [source] if isinstance(source.input, Zip):
            return f"s3://{source.input.bucket}/{source.input.key}"
        case [source] if isinstance(source.input, Clone):
            return str(source.input.repository)
        case _:
            return ""


class Fetcher:
    """Fetches what is not plain text; what it has fetched is hidden in the log, and never exported."""

    def __init__(self, parameters: Any, secrets: Any, log: BuildLog) -> None:
        """The clients are boto3's for SSM and Secrets Manager."""
        self._parameters = parameters
        self._secrets = secrets
        self._log = log
        self.fetched: set[str] = set()

    def resolve(self, spec: EnvSpec, project: tuple[Variable, ...]) -> dict[str, str]:
        """The project's variables win over the buildspec's. Raises PhaseFailed for what cannot be fetched."""
        wanted = {
            **{name: Variable(name, value) for name, value in spec.variables.items()},
            **{name: Variable(name, value, "PARAMETER_STORE") for name, value in spec.parameter_store.items()},
            **{name: Variable(name, value, "SECRETS_MANAGER") for name, value in spec.secrets_manager.items()},
            **{variable.name: variable for variable in project},
        }
        return {name: self._value(variable) for name, variable in wanted.items()}

    def _value(self, variable: Variable) -> str:
        if variable.type == "PLAINTEXT":
            return variable.value
        value = self._parameter(variable) if variable.type == "PARAMETER_STORE" else self._secret(variable)
        self._log.hide(value)
        self.fetched.add(variable.name)
        return value

    def _parameter(self, variable: Variable) -> str:
        try:
            answer = self._parameters.get_parameter(Name=variable.value, WithDecryption=True)
        except (ClientError, BotoCoreError) as problem:
            raise PhaseFailed(PARAMETER_ERROR, f"parameter does not exist: {variable.value} ({problem})") from problem
        return str(answer["Parameter"]["Value"])

    def _secret(self, variable: Variable) -> str:
        secret, key, stage, version = _parts(variable.value)
        chosen = {"VersionStage": stage, "VersionId": version}
        try:
            answer = self._secrets.get_secret_value(
                SecretId=secret, **{name: value for name, value in chosen.items() if value}
            )
        except (ClientError, BotoCoreError) as problem:
            raise PhaseFailed(SECRET_ERROR, f"{secret}: {problem}") from problem
        if "SecretString" not in answer:
            raise PhaseFailed(SECRET_ERROR, f"{secret} is binary: only a text can become an environment variable")
        text = str(answer["SecretString"])
        return _member(secret, text, key) if key else text


def _parts(reference: str) -> list[str]:
    """secret-id:json-key:version-stage:version-id, where the id may be an ARN with colons of its own."""
    words = reference.split(":")
    head = 7 if reference.startswith("arn:") else 1
    parts = [":".join(words[:head]), *words[head:]]
    if len(parts) > SECRET_PARTS:
        raise PhaseFailed(SECRET_ERROR, f"{reference} must look like secret-id:json-key:version-stage:version-id")
    return [*parts, "", "", ""][:SECRET_PARTS]


def _member(secret: str, text: str, key: str) -> str:
    try:
        members: Mapping[str, object] = json.loads(text)
        value = members[key]
    except (ValueError, KeyError, TypeError) as problem:
        raise PhaseFailed(SECRET_ERROR, f"{secret} is no JSON object with the key {key}") from problem
    return value if isinstance(value, str) else json.dumps(value)
