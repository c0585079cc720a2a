"""CodeConnections in the local cloud, also under the name of CodeStar; the handshake is a request of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import Final, Protocol

from retide.local.api import Api, Operation
from retide.local.codeconnections.connections import FOLDER, Connections
from retide.local.codeconnections.resources import ConnectionResources
from retide.local.errors import ApiError
from retide.local.interfaces import Handler, Json, ResourceType, Route, Settings

HANDSHAKE: Final = "/_retide/connections"
SERVICES: Final = {
    "codeconnections": ("com.amazonaws.codeconnections", "AWS::CodeConnections::Connection"),
    "codestar-connections": ("com.amazonaws.codestar.connections", "AWS::CodeStarConnections::Connection"),
}
"""By signing name: the prefix of their targets, and their CloudFormation type."""
REFUSED: Final = {"CreateConnection": ("HostArn",), "ListConnections": ("HostArnFilter",)}


class Extension(Protocol):
    """What connections need of the emulator beneath them."""

    def register_service(
        self, name: str, handler: Handler, host_patterns: tuple[str, ...] = (), target_prefixes: tuple[str, ...] = ()
    ) -> None: ...

    def register_resource_type(self, name: str, resource_type: ResourceType) -> None: ...


class CodeConnections:
    def __init__(self, settings: Settings) -> None:
        self.connections = Connections(settings)
        self.apis = {name: self._api(settings, name) for name in SERVICES}

    @property
    def routes(self) -> Mapping[str, Route]:
        return {HANDSHAKE: self._shake_hands}

    def close(self) -> None:
        """Nothing runs here."""

    def _api(self, settings: Settings, service: str) -> Api:
        connections = self.connections
        operations: dict[str, Operation] = {
            "CreateConnection": partial(connections.create, service=service),
            "GetConnection": connections.get,
            "ListConnections": connections.page,
            "DeleteConnection": connections.delete,
            "TagResource": connections.tag,
            "UntagResource": connections.untag,
            "ListTagsForResource": connections.list_tags,
        }
        return Api(settings, service, operations, REFUSED, FOLDER)

    def _shake_hands(self, method: str, _rest: str, body: bytes) -> tuple[int, Json]:
        given = json.loads(body) if method == "POST" else None
        if not isinstance(given, dict) or set(given) != {"connection"}:
            raise ValueError('POST {"connection": "<ARN>"}')
        try:
            done = self.connections.complete(str(given["connection"]))
        except ApiError as error:
            raise ValueError(error.message) from None
        return 200, {"connection": done.arn, "status": done.status}


def install(extension: Extension, settings: Settings) -> CodeConnections:
    """Register both names of the service with the emulator."""
    service = CodeConnections(settings)
    for name, (prefix, kind) in SERVICES.items():
        api = service.apis[name]
        extension.register_service(name, api.handle, (rf"^{name}\.",), (prefix,))
        extension.register_resource_type(kind, ConnectionResources(api, kind).type())
    return service
