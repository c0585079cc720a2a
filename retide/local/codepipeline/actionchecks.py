"""Checks one action's declaration: its type, its artefacts and its settings."""

from __future__ import annotations

import json
from collections.abc import Mapping

from retide.local.codepipeline.definition import APPROVAL, BUILD, CLONE, SOURCE, Action, action
from retide.local.codepipeline.errors import action_declaration, not_supported
from retide.local.codepipeline.support import PROVIDERS, Provider
from retide.local.interfaces import Json

FORMATS = ("CODE_ZIP", CLONE)
VARIABLE_TYPES = ("PLAINTEXT", "PARAMETER_STORE", "SECRETS_MANAGER")


def check_action(declared: Json, stage: str, region: str) -> None:
    """Raises ApiError with the first thing that is wrong."""
    kind, where = declared["actionTypeId"], f"the action {declared['name']} of the stage {stage}"
    provider = PROVIDERS.get(kind["provider"])
    if provider is None or kind["owner"] != "AWS":
        raise not_supported(f"The action type {kind['category']}/{kind['owner']}/{kind['provider']}")
    if kind["category"] not in provider.categories or kind["version"] != "1":
        raise action_declaration(f"{where} has the type {kind}, which does not exist")
    if declared.get("region", region) != region:
        raise not_supported(f"An action in another region ({declared['region']})")
    one = action(declared)
    if one.minutes is not None and one.provider != APPROVAL:
        raise not_supported(f"timeoutInMinutes on an action of {one.provider}")
    _check_bounds(one, provider, where)
    _check_settings(one, provider, where)
    if one.provider == SOURCE:
        _check_source(one, where)
    if one.provider == BUILD:
        _check_build(one, where)


def _check_bounds(one: Action, provider: Provider, where: str) -> None:
    for what, names, (least, most) in (
        ("input", one.inputs, provider.inputs),
        ("output", one.outputs, provider.outputs),
    ):
        if not least <= len(names) <= most:
            raise action_declaration(f"{where} has {len(names)} {what} artifacts: there must be {least} to {most}")


def _check_settings(one: Action, provider: Provider, where: str) -> None:
    given = set(one.configuration)
    if given & provider.unsupported:
        raise not_supported(f"{min(given & provider.unsupported)} of an action of {one.provider}")
    missing, unknown = provider.required - given, given - provider.required - provider.optional
    if missing:
        raise action_declaration(f"{where} is missing the required configuration {min(missing)}")
    if unknown:
        raise action_declaration(f"{where} has the unknown configuration {min(unknown)}")


def _check_source(one: Action, where: str) -> None:
    form = one.configuration.get("OutputArtifactFormat", FORMATS[0])
    if form not in FORMATS:
        raise action_declaration(f"{where} has the OutputArtifactFormat {form}: it may be {' or '.join(FORMATS)}")
    if one.configuration.get("DetectChanges", "true").lower() not in ("true", "false"):
        raise action_declaration(f"{where} has the DetectChanges {one.configuration['DetectChanges']}: true or false")


def _check_build(one: Action, where: str) -> None:
    primary = one.configuration.get("PrimarySource")
    if primary is None and len(one.inputs) > 1:
        raise action_declaration(f"{where} has several input artifacts: PrimarySource must name one of them")
    if primary is not None and primary not in one.inputs:
        raise action_declaration(f"{where} names the PrimarySource {primary}, which is none of its input artifacts")
    environment_variables(one.configuration, where)


def environment_variables(configuration: Mapping[str, str], where: str) -> tuple[Json, ...]:
    """The EnvironmentVariables of a CodeBuild action: a JSON list of {name, value, type}. Raises ApiError."""
    try:
        variables = json.loads(configuration.get("EnvironmentVariables", "[]"))
        good = all(set(one) <= {"name", "value", "type"} and {"name", "value"} <= set(one) for one in variables)
    except (ValueError, TypeError):
        good = False
    if not good:
        raise action_declaration(f"{where} has EnvironmentVariables that are no JSON list of {{name, value, type}}")
    for one in variables:
        if one.get("type", "PLAINTEXT") not in VARIABLE_TYPES:
            raise action_declaration(f"{where} has a variable {one['name']} of the unknown type {one['type']}")
    return tuple(variables)
