"""The CloudFormation type AWS::IAM::OIDCProvider, which MiniStack's IAM has only as an API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from retide.local.clients import client
from retide.local.extension import Extension
from retide.local.interfaces import Json, Resource, ResourceChange, ResourceType, Route, Settings

PROVIDER: Final = "AWS::IAM::OIDCProvider"
PROPERTIES: Final = frozenset({"Url", "ClientIdList", "ThumbprintList", "Tags"})


class OidcProviders:
    """Creates, changes and deletes providers for stacks; Ref gives the ARN. Tokens are not checked by the emulator."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @property
    def routes(self) -> Mapping[str, Route]:
        return {}

    def close(self) -> None:
        """Nothing runs between requests."""

    def type(self) -> ResourceType:
        return ResourceType(create=self.create, update=self.update, delete=self.delete)

    def create(self, change: ResourceChange) -> Resource:
        made = self._iam().create_open_id_connect_provider(**_request(change.properties))
        arn: str = made["OpenIDConnectProviderArn"]
        return Resource(arn, {"Arn": arn})

    def update(self, change: ResourceChange) -> Resource:
        """Another address is another provider; anything else changes in place, which here is to make it again."""
        if change.old.get("Url") != change.properties.get("Url"):
            made = self.create(change)
            self.delete(change)
            return made
        self.delete(change)
        return self.create(change)

    def delete(self, change: ResourceChange) -> None:
        """A provider that is gone already is deleted."""
        iam = self._iam()
        try:
            iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=change.physical_id)
        except iam.exceptions.NoSuchEntityException:
            return

    def _iam(self) -> Any:
        return client(self._settings, "iam")


def install(extension: Extension, settings: Settings) -> OidcProviders:
    providers = OidcProviders(settings)
    extension.register_resource_type(PROVIDER, providers.type())
    return providers


def _request(properties: Json) -> Json:
    """As IAM wants it; raises ValueError for what CloudFormation refuses too."""
    unknown = sorted(properties.keys() - PROPERTIES)
    if unknown:
        raise ValueError(
            f"the local cloud does not support {PROVIDER} with {unknown[0]}: add it in retide/local/oidc.py"
        )
    url = str(properties.get("Url", ""))
    if urlsplit(url).scheme != "https" or not urlsplit(url).netloc:
        raise ValueError(f"Url of {PROVIDER} must begin with https:// and name a host, not {url!r}")
    names = {"Url": "Url", "ClientIDList": "ClientIdList", "ThumbprintList": "ThumbprintList", "Tags": "Tags"}
    return {theirs: properties[ours] for theirs, ours in names.items() if ours in properties}
