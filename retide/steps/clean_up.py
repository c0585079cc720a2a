"""Clean up: take away what rollouts made and nothing refers to; what serves or may be gone back to stays."""

from __future__ import annotations

from dataclasses import dataclass

from retide.domain.contract import Contract
from retide.domain.ledger import EndpointRecord
from retide.domain.rollout import kept_configs
from retide.ledger import Ledger
from retide.ports import Endpoints, Hosting, Kind


@dataclass(frozen=True, slots=True)
class CleanUpRequest:
    """`name` is the config that the rollout was about, `previous_config` the one that served before it."""

    model: str
    fence: int
    endpoint: str
    name: str
    previous_config: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What was taken away, by name."""

    outcome: str
    deleted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cleaning:
    """The ports that cleaning works with, and the model's contract."""

    ledger: Ledger
    endpoints: Endpoints
    hosting: Hosting
    contract: Contract


def clean_up(request: CleanUpRequest, parts: Cleaning) -> Cleaned:
    """To be called by whoever holds the endpoint: nobody else makes or adopts anything meanwhile. Raises Fenced.

    First what refers, then what is referred to: whoever dies in between leaves nothing that points nowhere.
    """
    stands = parts.ledger.check_endpoint(request.model, request.fence)
    hosting, endpoint = parts.hosting, request.endpoint
    trials = _delete(Kind.ENDPOINT, set(hosting.names(Kind.ENDPOINT, endpoint)), hosting)
    needed = _needed(request, stands, parts)
    configs = _delete(Kind.CONFIG, set(hosting.names(Kind.CONFIG, endpoint)) - needed, hosting)
    used = {model for config in needed for model in hosting.models_of(config)}
    models = _delete(Kind.MODEL, set(hosting.names(Kind.MODEL, endpoint)) - needed - used, hosting)
    deleted = (*trials, *configs, *models)
    return Cleaned("cleaned up" if deleted else "nothing to clean up", deleted)


def _needed(request: CleanUpRequest, stands: EndpointRecord, parts: Cleaning) -> set[str]:
    """Configs, and models, which are called as theirs, that must stay."""
    state = parts.endpoints.describe(request.endpoint)
    serving = {state.config} if state else set()
    promoted = {request.name} if request.outcome == "healthy" else set()
    most = parts.contract.serving.keep_versions
    kept = kept_configs(stands, parts.ledger.releases(request.model), most)
    return serving | promoted | kept | {stands.config, request.previous_config} - {""}


def _delete(kind: Kind, names: set[str], hosting: Hosting) -> tuple[str, ...]:
    return tuple(name for name in sorted(names) if hosting.delete(kind, name))
