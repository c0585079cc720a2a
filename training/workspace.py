"""Where a job finds its inputs and leaves its outputs, by the container contract of SageMaker."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retide.domain.contract import Contract, parse
from retide.domain.reader import ContractError
from training.errors import JobError


@dataclass(frozen=True, slots=True)
class Workspace:
    """`base` is /opt/ml; `code` and `runtime` are the unpacked code and the libraries that travel with a model.

    `bring` makes more of the libraries that travel with the code importable, by the name of their bundle.
    """

    base: Path
    code: Path
    runtime: Path
    environment: Mapping[str, str]
    bring: Callable[[str], None] = lambda _name: None

    def variable(self, name: str) -> str:
        try:
            return self.environment[name]
        except KeyError:
            raise JobError(f"The environment lacks {name}; the job was started without it.") from None

    def contract(self, model: str) -> Contract:
        """The contract that travels with the code; raises JobError where there is none or it cannot be read."""
        file = self.code / "models" / model / "contract.json"
        try:
            return parse(json.loads(file.read_text(encoding="utf-8")), model)
        except OSError as error:
            raise JobError(f"The code channel has no model {model!r}: {error}.") from error
        except (ValueError, ContractError) as error:
            raise JobError(f"The contract of model {model!r} cannot be read: {error}") from error

    def check_code(self, model: str, digest: str) -> None:
        """Raises JobError where the code channel is not the code that the job was asked to run."""
        file = self.code / "models" / model / "code_digest.txt"
        found = file.read_text(encoding="utf-8") if file.is_file() else "none"
        if found != digest:
            raise JobError(
                f"The code channel holds code {found[:12]}, the job was asked for {digest[:12]}: "
                "it was started in the middle of a deployment; ask for a retrain."
            )

    def read_json(self, path: str) -> Any:
        try:
            return json.loads((self.base / path).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise JobError(f"{path} cannot be read: {error}.") from error


def listed_file(channel: Path, name: str) -> Path:
    """The file that a channel's manifest lists as `name`.

    AWS documents which objects a ManifestFile means, but not whether the prefix is a part of their paths in the
    channel: both are understood. Where there is no such file, its path without the prefix is returned.
    """
    plain = channel / name
    return plain if plain.exists() else next(iter(sorted(channel.glob(f"**/{name}"))), plain)


def write_json(file: Path, document: object) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    file.write_text(text + "\n", encoding="utf-8")
