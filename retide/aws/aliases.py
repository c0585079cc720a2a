"""The name of the endpoint that serves a model, where clients look it up: a parameter of Systems Manager."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from retide.domain.hosting import alias


class SsmAliases:
    def __init__(self, client: Any) -> None:
        self._client = client

    def point(self, stage: str, model: str, endpoint: str) -> None:
        """Nothing is written where it says so already: each write is a version, and a parameter keeps only so many."""
        name = alias(stage, model)
        with suppress(self._client.exceptions.ParameterNotFound):
            if self._client.get_parameter(Name=name)["Parameter"]["Value"] == endpoint:
                return
        self._client.put_parameter(Name=name, Value=endpoint, Type="String", Overwrite=True)
