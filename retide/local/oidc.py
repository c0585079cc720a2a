"""The CloudFormation type AWS::IAM::OIDCProvider, which MiniStack's IAM has only as an API."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

from ministack.services import iam

from retide.local.extension import Extension
from retide.local.interfaces import Json, Resource, ResourceChange, ResourceType, Route, Settings

PROVIDER: Final = "AWS::IAM::OIDCProvider"
PROPERTIES: Final = frozenset({"Url", "ClientIdList", "ThumbprintList", "Tags"})


class OidcProviders:
    """Creates, changes and deletes providers for stacks; Ref gives the ARN. Tokens are not checked by the emulator.

    Speaks to MiniStack's IAM in this process: a stack is made in the thread that would have to answer a request.
    """

    @property
    def routes(self) -> Mapping[str, Route]:
        return {}

    def close(self) -> None:
        """Nothing runs between requests."""

    def type(self) -> ResourceType:
        return ResourceType(create=self.create, update=self.update, delete=self.delete)

    def create(self, change: ResourceChange) -> Resource:
        arn = str(_answered("CreateOpenIDConnectProvider", _parameters(change.properties)))
        return Resource(arn, {"Arn": arn})

    def update(self, change: ResourceChange) -> Resource:
        """Another address is another provider; anything else changes in place, which here is to make it again."""
        if change.old.get("Url") == change.properties.get("Url"):
            self.delete(change)
            return self.create(change)
        made = self.create(change)
        self.delete(change)
        return made

    def delete(self, change: ResourceChange) -> None:
        """A provider that is gone already is deleted."""
        iam._IAM_HANDLERS["DeleteOpenIDConnectProvider"]({"OpenIDConnectProviderArn": change.physical_id})


def install(extension: Extension, _settings: Settings) -> OidcProviders:
    providers = OidcProviders()
    extension.register_resource_type(PROVIDER, providers.type())
    return providers


def _parameters(properties: Json) -> dict[str, str]:
    """As IAM's query protocol has them; raises ValueError for what CloudFormation refuses too."""
    unknown = sorted(properties.keys() - PROPERTIES)
    if unknown:
        raise ValueError(
            f"the local cloud does not support {PROVIDER} with {unknown[0]}: add it in retide/local/oidc.py"
        )
    url = str(properties.get("Url", ""))
    if urlsplit(url).scheme != "https" or not urlsplit(url).netloc:
        raise ValueError(f"Url of {PROVIDER} must begin with https:// and name a host, not {url!r}")
    parameters = {"Url": url}
    for theirs, ours in (("ClientIDList", "ClientIdList"), ("ThumbprintList", "ThumbprintList")):
        parameters |= _members(theirs, properties.get(ours, []))
    for key in ("Key", "Value"):
        parameters |= _members("Tags", [tag[key] for tag in properties.get("Tags", [])], f".{key}")
    return parameters


def _members(name: str, values: Iterable[object], end: str = "") -> dict[str, str]:
    return {f"{name}.member.{number}{end}": str(value) for number, value in enumerate(values, start=1)}


def _answered(operation: str, parameters: Mapping[str, str]) -> str:
    """The ARN in IAM's answer; raises ValueError with what IAM says instead."""
    status, _, body = iam._IAM_HANDLERS[operation](parameters)
    found = ET.fromstring(body).iter()  # noqa: S314 - our own emulator wrote it
    told = {element.tag.rsplit("}", 1)[-1]: element.text or "" for element in found}
    if status >= 400:
        raise ValueError(told["Message"])
    return told["OpenIDConnectProviderArn"]
