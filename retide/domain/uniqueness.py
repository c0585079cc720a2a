"""What must be unique across all objects, and under which rules the hashes of its values can be compared."""

from __future__ import annotations

import hashlib
import json

from retide.domain.contract import Contract
from retide.domain.contract_parts import Unique
from retide.domain.severity import Scope


def everywhere(contract: Contract) -> tuple[Unique, ...]:
    return tuple(unique for unique in contract.uniques if unique.scope is Scope.EVERYWHERE)


def keys_digest(contract: Contract) -> str:
    """sha256 of all that decides what a key is: keys made under other rules than today's are made anew."""
    rules = contract.to_dict()
    types = {column.name: column.type.value for column in contract.columns}
    unique = [[(name, types[name]) for name in rule.columns] for rule in everywhere(contract)]
    said = {"unique": unique, "missing": rules["missing"], "format": rules.get("format")}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
