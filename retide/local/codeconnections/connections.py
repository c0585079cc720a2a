"""The connections to git hosts: made by an API, completed by a person's handshake."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from retide.local.errors import ApiError, invalid
from retide.local.interfaces import Json, Settings

FOLDER: Final = "retide/local/codeconnections"
PENDING, AVAILABLE = "PENDING", "AVAILABLE"
MAX_TAGS: Final = 50
DEFAULT_PAGE: Final = 100


@dataclass(frozen=True, slots=True)
class Connection:
    arn: str
    name: str
    provider: str
    tags: Mapping[str, str]
    status: str = PENDING


class Connections:
    """The operations of one account and region; both services, under their old and new name, see the same ones."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._connections: dict[str, Connection] = {}

    def create(self, request: Json, service: str) -> Json:
        """CreateConnection: it waits for the handshake. `service` is the name in its ARN."""
        if "ProviderType" not in request:
            raise invalid("Either ProviderType or HostArn must be given; HostArn is not supported by the local cloud")
        settings = self._settings
        arn = f"arn:aws:{service}:{settings.region}:{settings.account}:connection/{uuid.uuid4()}"
        with self._lock:
            if any(one.name == request["ConnectionName"] for one in self._connections.values()):
                raise invalid(f"A connection with the name {request['ConnectionName']} already exists")
            tags = _tags(request.get("Tags", ()))
            self._connections[arn] = Connection(arn, request["ConnectionName"], request["ProviderType"], tags)
        return {"ConnectionArn": arn, "Tags": _listed(tags)}

    def get(self, request: Json) -> Json:
        """GetConnection."""
        return {"Connection": self._described(self.find(request["ConnectionArn"]))}

    def page(self, request: Json) -> Json:
        """ListConnections, in the order of their creation."""
        provider = request.get("ProviderTypeFilter")
        found = [one for one in self._all() if provider in (None, one.provider)]
        start = _start([one.arn for one in found], request.get("NextToken"))
        end = start + (request.get("MaxResults") or DEFAULT_PAGE)
        answer: Json = {"Connections": [self._described(one) for one in found[start:end]]}
        return answer | ({"NextToken": found[end - 1].arn} if end < len(found) else {})

    def delete(self, request: Json) -> Json:
        """DeleteConnection."""
        self.find(request["ConnectionArn"])
        with self._lock:
            self._connections.pop(request["ConnectionArn"], None)
        return {}

    def tag(self, request: Json) -> Json:
        """TagResource."""
        one = self.find(request["ResourceArn"])
        tags = {**one.tags, **_tags(request["Tags"])}
        if len(tags) > MAX_TAGS:
            raise ApiError("LimitExceededException", f"{one.arn} would have {len(tags)} tags: at most {MAX_TAGS}")
        self._put(replace(one, tags=tags))
        return {}

    def untag(self, request: Json) -> Json:
        """UntagResource."""
        one = self.find(request["ResourceArn"])
        self._put(replace(one, tags={key: value for key, value in one.tags.items() if key not in request["TagKeys"]}))
        return {}

    def list_tags(self, request: Json) -> Json:
        """ListTagsForResource."""
        return {"Tags": _listed(self.find(request["ResourceArn"]).tags)}

    def complete(self, arn: str) -> Connection:
        """The handshake that a person does in the console. Raises ApiError when there is no such connection."""
        done = replace(self.find(arn), status=AVAILABLE)
        self._put(done)
        return done

    def find(self, arn: str) -> Connection:
        """Raises ResourceNotFoundException when there is none."""
        with self._lock:
            found = self._connections.get(arn)
        if found is None:
            raise ApiError("ResourceNotFoundException", f"Connection {arn} not found")
        return found

    def _all(self) -> list[Connection]:
        with self._lock:
            return list(self._connections.values())

    def _put(self, connection: Connection) -> None:
        with self._lock:
            self._connections[connection.arn] = connection

    def _described(self, connection: Connection) -> Json:
        return {
            "ConnectionName": connection.name,
            "ConnectionArn": connection.arn,
            "ProviderType": connection.provider,
            "OwnerAccountId": self._settings.account,
            "ConnectionStatus": connection.status,
        }


def _start(arns: list[str], token: str | None) -> int:
    if token is None:
        return 0
    if token not in arns:
        raise invalid("NextToken is not one that this list has given")
    return arns.index(token) + 1


def _tags(tags: Iterable[Mapping[str, str]]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags}


def _listed(tags: Mapping[str, str]) -> list[Json]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
