"""The OpenAPI 3.1 document of a model's endpoint: what it takes and what it answers, as the contract says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from retide.domain.contract import Column, ColumnType, Contract, Task

type Schema = dict[str, Any]

FLOAT32_MAX: Final = 3.4028234663852886e38
TYPES: Final[Mapping[ColumnType, Schema]] = {
    ColumnType.INTEGER: {"type": "integer", "minimum": -FLOAT32_MAX, "maximum": FLOAT32_MAX},
    ColumnType.FLOAT: {"type": "number", "minimum": -FLOAT32_MAX, "maximum": FLOAT32_MAX},
    ColumnType.BOOLEAN: {"type": "boolean"},
    ColumnType.CATEGORY: {"type": "string"},
}
REFUSALS: Final[Mapping[str, str]] = {
    "400": "The request cannot be answered: which field, which value, why, and in which row, counted from 0.",
    "406": "`Accept` names no form that is spoken here.",
    "413": "The body is too large.",
    "415": "`Content-Type` names no form that is spoken here.",
}
JSON_LINES: Final = "application/jsonlines"
CSV: Final = "text/csv"


def document(contract: Contract) -> Schema:
    """What is said of a value is checked by the server; for ranges and sets of the training data it does not ask."""
    schemas = {
        "Record": _record(contract),
        "Request": _request(contract),
        "Prediction": _prediction(contract),
        "Answer": _answer(),
        "Refusal": _refusal(),
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": contract.model, "version": contract.digest[:12], "description": _about(contract)},
        "paths": {"/ping": {"get": _ping()}, "/invocations": {"post": _invocations(contract)}},
        "components": {"schemas": schemas},
    }


def _about(contract: Contract) -> str:
    kind = "class" if contract.task is Task.CLASSIFICATION else "value"
    return (
        f"Foretells the {kind} of {contract.target!r}. Through SageMaker, POST /invocations is InvokeEndpoint; a "
        "refusal is its ModelError, with the status in OriginalStatusCode and the body in OriginalMessage."
    )


def _ping() -> Schema:
    return {
        "summary": "Whether the model is loaded",
        "operationId": "ping",
        "responses": {"200": {"description": "It is."}},
    }


def _invocations(contract: Contract) -> Schema:
    refusal = {"content": {"application/json": {"schema": _ref("Refusal")}}, "headers": _headers()}
    return {
        "summary": "One prediction for each record, in their order",
        "operationId": "predict",
        "parameters": [_request_id()],
        "requestBody": {"required": True, "content": _bodies(contract)},
        "responses": {
            "200": {"description": "The predictions.", "headers": _headers(), "content": _answers()},
            **{status: {"description": said, **refusal} for status, said in REFUSALS.items()},
        },
    }


def _bodies(contract: Contract) -> Schema:
    named = ",".join(column.name for column in contract.features)
    text = f"A header that names columns in any order, such as {named}; with `header=absent`, features in this order."
    return {
        "application/json": {"schema": _ref("Request")},
        JSON_LINES: {"schema": {"type": "string", "description": "A Record, or a list of the features, on each line."}},
        CSV: {"schema": {"type": "string", "description": text}},
    }


def _answers() -> Schema:
    return {
        "application/json": {"schema": _ref("Answer")},
        JSON_LINES: {"schema": {"type": "string", "description": "A Prediction on each line."}},
        CSV: {"schema": {"type": "string", "description": "A header unless `header=absent` is asked for; a row each."}},
    }


def _request_id() -> Schema:
    said = "Comes back, if it has 1 to 64 visible characters of ASCII; else one is made."
    return {"name": "X-Request-Id", "in": "header", "schema": {"type": "string"}, "description": said}


def _headers() -> Schema:
    names = ("X-Request-Id", "X-Amzn-SageMaker-Custom-Attributes")
    return {name: {"schema": {"type": "string"}, "required": True} for name in names}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _record(contract: Contract) -> Schema:
    """Other columns of the contract may be sent, whatever they hold; the model does not see them."""
    features = {column.name: _value(column) for column in contract.features}
    others: Schema = {column.name: {} for column in contract.columns if column.name not in features}
    required = [column.name for column in contract.features if not column.nullable]
    return {"type": "object", "properties": {**features, **others}, "required": required, "additionalProperties": False}


def _value(column: Column) -> Schema:
    schema = dict(TYPES[column.type])
    if column.values:
        schema["examples"] = list(column.values)
    if column.nullable:
        schema["type"] = [schema["type"], "null"]
    return schema


def _request(contract: Contract) -> Schema:
    """Of a table no schema can say which value belongs to which column; the server looks at it as at a Record."""
    positions = [_value(column) for column in contract.features]
    row = {"type": "array", "prefixItems": positions, "items": False, "minItems": len(positions)}
    names: Schema = {"type": "array", "items": {"enum": [column.name for column in contract.columns]}}
    needed: list[Schema] = [{"contains": {"const": found.name}} for found in contract.features if not found.nullable]
    table = {
        "columns": {**names, "uniqueItems": True, **({"allOf": needed} if needed else {})},
        "data": {"type": "array", "minItems": 1, "items": {"type": "array"}},
    }
    return {
        "anyOf": [
            _ref("Record"),
            _object({"records": _many(_ref("Record"))}),
            _object({"instances": _many({"anyOf": [_ref("Record"), row]})}),
            _object(table),
        ]
    }


def _many(schema: Schema) -> Schema:
    return {"type": "array", "items": schema, "minItems": 1}


def _object(properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _prediction(contract: Contract) -> Schema:
    if contract.task is not Task.CLASSIFICATION:
        return _object({"value": {"type": "number"}})
    target = contract.column(contract.target)
    label: Schema = {"enum": list(target.values)} if target.values else dict(TYPES[target.type])
    share = {"type": "number", "minimum": 0, "maximum": 1.000001}  # float32 rounds
    return _object(
        {"label": label, "probability": share, "probabilities": {"type": "object", "additionalProperties": share}}
    )


def _answer() -> Schema:
    text = {"type": "string"}
    predictions = {"type": "array", "items": _ref("Prediction")}
    return {**_object({"model": text, "version": text, "request_id": text, "predictions": predictions})}


def _refusal() -> Schema:
    text = {"type": "string"}
    error = _object(
        {"field": {"type": ["string", "null"]}, "value": {}, "reason": text, "row": {"type": ["integer", "null"]}}
    )
    return _object({"error": error, "model": text, "version": text, "request_id": text})
