"""The models of a deployment as they were bundled: each with its contract and its digests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from retide.domain.contract import Contract, parse


@dataclass(frozen=True, slots=True)
class Entry:
    contract: Contract
    contract_digest: str
    code_digest: str
    libs_digest: str


class Catalogue:
    """What `catalogue.json` says; contracts are parsed when they are first asked for."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self._raw = raw
        self._entries: dict[str, Entry] = {}

    @property
    def models(self) -> tuple[str, ...]:
        return tuple(sorted(self._raw))

    def __contains__(self, model: object) -> bool:
        return model in self._raw

    def __getitem__(self, model: str) -> Entry:
        """Raises LookupError that names the models there are."""
        if model not in self._raw:
            raise LookupError(
                f"there is no model {model!r} in this deployment, only {', '.join(self.models) or 'none'}"
            )
        if model not in self._entries:
            self._entries[model] = _entry(self._raw[model], model)
        return self._entries[model]


def _entry(raw: Mapping[str, Any], model: str) -> Entry:
    digests = (str(raw[name]) for name in ("contract_digest", "code_digest", "libs_digest"))
    return Entry(parse(raw["contract"], model), *digests)
