"""Reads a buildspec: version 0.2, with every key that is not understood refused by its name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from retide.local.codebuild.buildspec import (
    PHASES,
    Action,
    ArtifactSpec,
    Buildspec,
    EnvSpec,
    OnFailure,
    PhaseSpec,
    Shell,
)
from retide.local.codebuild.document import Part, parse, read

ARTIFACT_KEYS: Final = ("files", "name", "discard-paths", "base-directory", "exclude-paths")
REFUSED_ARTIFACT_KEYS: Final = ("enable-symlinks", "s3-prefix")
ENV_KEYS: Final = ("shell", "variables", "parameter-store", "secrets-manager", "exported-variables")
SHELLS: Final[Mapping[str, Shell]] = {"bash": "bash", "/bin/sh": "sh", "sh": "sh"}
NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
PLAIN: Final[Mapping[str, Action]] = {"ABORT": "ABORT", "CONTINUE": "CONTINUE"}
RETRY: Final = re.compile(r"RETRY(?:-(?P<count>\d+))?(?:-(?P<pattern>.+))?")
RETRIES: Final = 3
MAX_RETRIES: Final = 100


def read_buildspec(text: str) -> Buildspec:
    """Raises BuildspecError."""
    document = parse(text)
    parts = document.mapping(
        ("version", "env", "phases", "artifacts", "cache"), refused=("batch", "proxy", "reports", "run-as")
    )
    _check_version(document, parts)
    if "phases" not in parts:
        raise document.error("has no phases")
    artifacts, secondary = _artifacts(parts["artifacts"]) if "artifacts" in parts else (None, {})
    cached = _cache(parts["cache"]) if "cache" in parts else ()
    phases = _phases(parts["phases"])
    return Buildspec(read(parts, "env", _env, EnvSpec()), phases, artifacts, secondary, cached)


def _check_version(document: Part, parts: Mapping[str, Part]) -> None:
    if "version" not in parts:
        raise document.error("has no version: write version: 0.2")
    if parts["version"].text() != "0.2":
        raise parts["version"].error(f"is {parts['version'].text()}: the local cloud knows version 0.2 only")


def _env(part: Part) -> EnvSpec:
    parts = part.mapping(ENV_KEYS, refused=("git-credential-helper",))
    return EnvSpec(
        read(parts, "shell", _shell, "sh"),
        read(parts, "variables", _variables, {}),
        read(parts, "parameter-store", _variables, {}),
        read(parts, "secrets-manager", _variables, {}),
        read(parts, "exported-variables", Part.texts, ()),
    )


def _shell(part: Part) -> Shell:
    if part.text() not in SHELLS:
        raise part.error(f"is {part.text()!r}: the local cloud has bash and /bin/sh")
    return SHELLS[part.text()]


def _variables(part: Part) -> dict[str, str]:
    for name, value in part.mapping().items():
        if not NAME.fullmatch(name):
            raise value.error("is no name of an environment variable")
    return part.texts_by_key()


def _phases(part: Part) -> dict[str, PhaseSpec]:
    return {name: _phase(name, phase) for name, phase in part.mapping(PHASES).items()}


def _phase(name: str, part: Part) -> PhaseSpec:
    only_install = ("runtime-versions",) if name == "install" else ()
    parts = part.mapping(("commands", "finally", "on-failure", *only_install), refused=("run-as",))
    if "commands" not in parts and name != "install":
        raise part.error("has no commands")
    return PhaseSpec(
        read(parts, "commands", Part.texts, ()),
        read(parts, "finally", Part.texts, ()),
        read(parts, "on-failure", _on_failure, None),
        read(parts, "runtime-versions", Part.texts_by_key, {}),
    )


def _on_failure(part: Part) -> OnFailure | None:
    said = part.text()
    if said in PLAIN:
        return OnFailure(PLAIN[said])
    retry = RETRY.fullmatch(said)
    if retry is None:
        raise part.error(f"is {said!r}: it must be ABORT, CONTINUE, RETRY, RETRY-count, RETRY-regex or both")
    count = int(retry["count"] or RETRIES)
    if count > MAX_RETRIES:
        raise part.error(f"asks for {count} retries: at most {MAX_RETRIES} are allowed")
    return OnFailure("RETRY", count, _pattern(part, retry["pattern"] or ".*"))


def _pattern(part: Part, text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as problem:
        raise part.error(f"has the regular expression {text!r}, which is none: {problem}") from problem


def _artifacts(part: Part) -> tuple[ArtifactSpec | None, dict[str, ArtifactSpec]]:
    parts = part.mapping((*ARTIFACT_KEYS, "secondary-artifacts"), refused=REFUSED_ARTIFACT_KEYS)
    given = parts.get("secondary-artifacts")
    secondary = {name: _artifact(one) for name, one in given.mapping().items()} if given else {}
    if given and "files" not in parts:
        return None, secondary
    return _artifact_of(part, parts), secondary


def _artifact(part: Part) -> ArtifactSpec:
    return _artifact_of(part, part.mapping(ARTIFACT_KEYS, refused=REFUSED_ARTIFACT_KEYS))


def _artifact_of(part: Part, parts: Mapping[str, Part]) -> ArtifactSpec:
    files = parts["files"].texts() if "files" in parts else ()
    if not files:
        raise part.error("has no files")
    return ArtifactSpec(
        files,
        read(parts, "base-directory", Part.text, "."),
        read(parts, "exclude-paths", Part.texts, ()),
        read(parts, "discard-paths", Part.flag, default=False),
        read(parts, "name", Part.text, ""),
    )


def _cache(part: Part) -> tuple[str, ...]:
    parts = part.mapping(("paths",), refused=("key", "fallback-keys", "action"))
    return parts["paths"].texts() if "paths" in parts else ()
