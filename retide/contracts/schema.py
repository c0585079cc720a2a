"""The JSON Schema of `contract.yaml` for editors, made of the same descriptions that read it.

`python -m retide.contracts.schema` writes it anew.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from retide.domain.contract import Contract
from retide.domain.sections import section_schema

FILE: Final = Path(__file__).parents[1] / "contract.schema.json"


def contract_schema() -> dict[str, Any]:
    """What a contract may hold. What its settings mean together only reading it can tell: `retide lint` does."""
    schema = section_schema(Contract)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Retide contract",
        "description": "What a model's data must look like and how the model is judged.",
        **schema,
        "required": [name for name in schema["required"] if name != "model"],  # it is the folder's name
    }


def text() -> str:
    return json.dumps(contract_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
