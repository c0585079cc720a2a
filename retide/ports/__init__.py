"""What the steps need from the world: small protocols named by need, with the values that cross them."""

from retide.ports.executions import Executions, ExecutionStatus, Jobs, Machine, Start
from retide.ports.messages import DeadLetter, DeadLetters, Letters, Notices, Queue
from retide.ports.models import (
    Aliases,
    Captures,
    Document,
    EndpointLogs,
    Endpoints,
    EndpointState,
    Hosting,
    InvocationFailed,
    Kind,
    Metrics,
    NewPackage,
    Package,
    Registry,
    Scalers,
    Status,
)
from retide.ports.objects import ObjectGone, ObjectHead, Objects
from retide.ports.seals import Seals
from retide.ports.signatures import Signatures
from retide.ports.table import Check, Clock, ConditionFailed, Delete, Fenced, Key, Operation, Put, Table, Update, When

__all__ = [
    "Aliases",
    "Captures",
    "Check",
    "Clock",
    "ConditionFailed",
    "DeadLetter",
    "DeadLetters",
    "Delete",
    "Document",
    "EndpointLogs",
    "EndpointState",
    "Endpoints",
    "ExecutionStatus",
    "Executions",
    "Fenced",
    "Hosting",
    "InvocationFailed",
    "Jobs",
    "Key",
    "Kind",
    "Letters",
    "Machine",
    "Metrics",
    "NewPackage",
    "Notices",
    "ObjectGone",
    "ObjectHead",
    "Objects",
    "Operation",
    "Package",
    "Put",
    "Queue",
    "Registry",
    "Scalers",
    "Seals",
    "Signatures",
    "Start",
    "Status",
    "Table",
    "Update",
    "When",
]
