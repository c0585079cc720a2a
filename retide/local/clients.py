"""How a service of ours calls the cloud that it is part of."""

from __future__ import annotations

from typing import Any, Final

import boto3
from botocore.config import Config

from retide.local.interfaces import Settings

CONNECTIONS: Final = 32


def client(settings: Settings, name: str) -> Any:
    """boto3's client for a service of this cloud."""
    make: Any = boto3.client  # its stubs have no overload for a name that varies
    return make(
        name,
        endpoint_url=settings.endpoint_url,
        region_name=settings.region,
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106 - the emulator takes any
        config=Config(max_pool_connections=CONNECTIONS, retries={"max_attempts": 2, "mode": "standard"}),
    )
