"""The templates of one synthesised stage, read from the folder that the CDK wrote."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """One resource of one stack; `path` is where the CDK's tree has it, for people."""

    stack: str
    logical_id: str
    kind: str
    path: str = field(compare=False, default="")

    def __str__(self) -> str:
        return self.path or f"{self.stack}/{self.logical_id}"


@dataclass(frozen=True, slots=True)
class Assembly:
    """Templates by the name of their stack."""

    stacks: Mapping[str, Json]

    @classmethod
    def read(cls, folder: Path, stage: str | None = None) -> Assembly:
        """With a `stage`, its name is written as `(stage)`, so that what stages have in common reads the same.

        Raises OSError or ValueError where the folder holds no assembly.
        """
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        return cls(
            {
                _common(artefact.get("displayName", name), stage): json.loads(
                    _common((folder / artefact["properties"]["templateFile"]).read_text(encoding="utf-8"), stage)
                )
                for name, artefact in manifest["artifacts"].items()
                if artefact["type"] == "aws:cloudformation:stack"
            }
        )

    def resources(self) -> Iterator[tuple[Place, Json]]:
        """Every resource of every stack; the CDK's own metadata resource is none of ours."""
        for stack, template in self.stacks.items():
            for logical_id, resource in template.get("Resources", {}).items():
                if resource["Type"] != "AWS::CDK::Metadata":
                    yield Place(stack, logical_id, resource["Type"], _path(resource)), resource

    def has(self, stack: str, logical_id: str) -> bool:
        return logical_id in self.stacks.get(stack, {}).get("Resources", {})


def _common(text: str, stage: str | None) -> str:
    return text if stage is None else re.sub(rf"retide([-/]){stage}\b", r"retide\1(stage)", text)


def _path(resource: Json) -> str:
    path = str(resource.get("Metadata", {}).get("aws:cdk:path", ""))
    return path.removesuffix("/Resource")
