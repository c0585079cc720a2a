"""The ledger's table on DynamoDB: consistent reads, transactions, and patience when two of them meet."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, cast

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from retide.aws.clients import code, detail
from retide.aws.transient import collided
from retide.ports import Check, ConditionFailed, Delete, Key, Operation, Put, Update, When

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

ATTEMPTS: Final = 10
READ_LIMIT: Final = 100
PAGE: Final = 25  # of what is read backwards, where mostly the first few items are enough


class DynamoTable:
    """A Table; `pause` waits that many seconds between attempts when transactions collide."""

    def __init__(self, client: DynamoDBClient, name: str, pause: Callable[[float], None] = time.sleep) -> None:
        self._client = client
        self._name = name
        self._pause = pause

    def get(self, key: Key) -> Mapping[str, Any] | None:
        answer = self._client.get_item(TableName=self._name, Key=_wire(_identity(key)), ConsistentRead=True)
        return _item(answer["Item"]) if "Item" in answer else None

    def get_many(self, keys: tuple[Key, ...]) -> tuple[Mapping[str, Any] | None, ...]:
        found: dict[tuple[str, str], Mapping[str, Any]] = {}
        unique = list(dict.fromkeys(keys))
        for start in range(0, len(unique), READ_LIMIT):
            for item in self._read(unique[start : start + READ_LIMIT]):
                found[item["pk"], item["sk"]] = item
        return tuple(found.get((key.pk, key.sk)) for key in keys)

    def query(self, pk: str, prefix: str) -> tuple[Mapping[str, Any], ...]:
        return tuple(self._below(pk, prefix))

    def backwards(self, pk: str, prefix: str) -> Iterator[Mapping[str, Any]]:
        return self._below(pk, prefix, ScanIndexForward=False, PaginationConfig={"PageSize": PAGE})

    def _below(self, pk: str, prefix: str, **options: Any) -> Iterator[Mapping[str, Any]]:
        pages = self._client.get_paginator("query").paginate(
            TableName=self._name,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :prefix)",
            ExpressionAttributeValues=_wire({":pk": pk, ":prefix": prefix}),
            ConsistentRead=True,
            **options,
        )
        return (_item(item) for page in pages for item in page["Items"])

    def transact(self, *operations: Operation) -> None:
        items = [cast("TransactWriteItemTypeDef", self._operation(operation)) for operation in operations]
        for attempt in range(ATTEMPTS):
            try:
                self._client.transact_write_items(TransactItems=items)
            except ClientError as error:
                if not _passing(error) or attempt == ATTEMPTS - 1:
                    raise
                self._pause(random.uniform(0, min(0.02 * 2**attempt, 1.0)))
            else:
                return

    def _read(self, keys: list[Key]) -> Iterator[Mapping[str, Any]]:
        wanted: Any = {self._name: {"Keys": [_wire(_identity(key)) for key in keys], "ConsistentRead": True}}
        while wanted:
            answer = self._client.batch_get_item(RequestItems=wanted)
            yield from (_item(item) for item in answer["Responses"].get(self._name, []))
            wanted = answer.get("UnprocessedKeys")

    def _operation(self, operation: Operation) -> dict[str, Any]:
        condition = _condition(operation.when)
        match operation:
            case Put():
                item = {**_present(operation.values), **_identity(operation.key)}
                return {"Put": {"TableName": self._name, "Item": _wire(item), **condition}}
            case Update():
                return {"Update": {**self._at(operation.key), **_merged(_changes(operation.values), condition)}}
            case Delete():
                return {"Delete": {**self._at(operation.key), **condition}}
            case Check():
                return {"ConditionCheck": {**self._at(operation.key), **condition}}

    def _at(self, key: Key) -> dict[str, Any]:
        return {"TableName": self._name, "Key": _wire(_identity(key))}


def _condition(when: When) -> dict[str, Any]:
    if when.absent:
        return {"ConditionExpression": "attribute_not_exists(pk)"}
    if not when.equals:
        return {}
    terms, names, values = [], {}, {}
    for index, (name, value) in enumerate(when.equals.items()):
        names[f"#c{index}"] = name
        if value is not None:
            values[f":c{index}"] = value
        terms.append(f"#c{index} = :c{index}" if value is not None else f"attribute_not_exists(#c{index})")
    return _expression("ConditionExpression", " AND ".join(terms), names, values)


def _changes(values: Mapping[str, Any]) -> dict[str, Any]:
    named = {name: f"u{index}" for index, name in enumerate(values)}
    sets = [f"#{alias} = :{alias}" for name, alias in named.items() if values[name] is not None]
    gone = [f"#{alias}" for name, alias in named.items() if values[name] is None]
    text = " ".join([*(["SET " + ", ".join(sets)] if sets else []), *(["REMOVE " + ", ".join(gone)] if gone else [])])
    present = {f":{alias}": values[name] for name, alias in named.items() if values[name] is not None}
    return _expression("UpdateExpression", text, {f"#{alias}": name for name, alias in named.items()}, present)


def _expression(kind: str, text: str, names: Mapping[str, str], values: Mapping[str, Any]) -> dict[str, Any]:
    found = {kind: text, "ExpressionAttributeNames": dict(names)}
    return {**found, "ExpressionAttributeValues": _wire(values)} if values else found


def _merged(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """Two expressions of one operation: their names and values lie in common dictionaries."""
    both = {**first, **second}
    for name in {"ExpressionAttributeNames", "ExpressionAttributeValues"} & both.keys():
        both[name] = {**first.get(name, {}), **second.get(name, {})}
    return both


def _passing(error: ClientError) -> bool:
    """Whether another attempt may succeed; a condition that fails is an answer and becomes ConditionFailed."""
    if code(error) == "TransactionInProgressException":
        return True
    if code(error) != "TransactionCanceledException":
        return False
    if collided(error):
        return True
    reasons = [str(reason.get("Code", "")) for reason in detail(error, "CancellationReasons") or ()]
    failed = tuple(index for index, reason in enumerate(reasons) if reason == "ConditionalCheckFailed")
    if failed:
        raise ConditionFailed(failed) from error
    return False


def _identity(key: Key) -> dict[str, str]:
    return {"pk": key.pk, "sk": key.sk}


def _present(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _wire(values: Mapping[str, Any]) -> dict[str, Any]:
    serializer = TypeSerializer()
    return {name: serializer.serialize(_decimal(value)) for name, value in values.items()}


def _item(wire: Mapping[str, Any]) -> dict[str, Any]:
    deserializer = TypeDeserializer()
    return {name: _plain(deserializer.deserialize(value)) for name, value in wire.items()}


def _decimal(value: Any) -> Any:
    """DynamoDB takes no binary fractions: a float becomes the decimal that it is written as."""
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, Mapping):
        return {name: _decimal(item) for name, item in value.items()}
    return [_decimal(item) for item in value] if isinstance(value, list | tuple) else value


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value
