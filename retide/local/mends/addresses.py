"""API Gateway: the address of an API leads to it from any program; MiniStack's is a name that nobody resolves."""

from __future__ import annotations

from ministack.services import apigateway
from ministack.services.cloudformation import provisioners

from retide.local.interfaces import Json

KIND = "AWS::ApiGatewayV2::Api"


def install() -> None:
    """The gateway takes the same requests below a path of its own, whatever host they name; updates keep it."""
    handlers = provisioners._RESOURCE_HANDLERS[KIND]
    original = handlers["create"]

    def create(logical_id: str, properties: Json, stack: str) -> tuple[str, Json]:
        name, attributes = original(logical_id, properties, stack)
        if properties.get("ProtocolType") == "HTTP":
            address = f"http://{apigateway._HOST}:{apigateway._PORT}/_aws/execute-api/{name}/$default"
            apigateway._apis[name]["apiEndpoint"] = attributes["ApiEndpoint"] = address
        return name, attributes

    handlers["create"] = create
