"""The scalable targets and their policies, as Application Auto Scaling keeps them for variants of endpoints."""

from __future__ import annotations

import re
import threading
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from retide.local.errors import ApiError, invalid, not_supported
from retide.local.interfaces import Json, Settings

FOLDER: Final = "retide/local/autoscaling"
VARIANT: Final = re.compile(r"endpoint/([^/]+)/variant/([^/]+)")
DIMENSION: Final = "sagemaker:variant:DesiredInstanceCount"
Variants = Callable[[str], list[Json] | None]


@dataclass(slots=True)
class Target:
    resource: str
    arn: str
    created: datetime
    least: int
    most: int
    policies: dict[str, Json] = field(default_factory=dict)


class Targets:
    """The operations of one account and region. `variants` are those of an endpoint, None where there is none.

    As SageMaker does, an endpoint that is deleted takes its targets with it: they are looked for when somebody asks.
    """

    def __init__(self, settings: Settings, variants: Variants) -> None:
        self._settings = settings
        self._variants = variants
        self._lock = threading.Lock()
        self._targets: dict[str, Target] = {}

    def register(self, request: Json) -> Json:
        """RegisterScalableTarget: what is left out of an update stays as it was."""
        resource = self._scalable(request)
        with self._lock:
            known = self._targets.get(resource)
            least, most = (
                request.get(name, before)
                for name, before in (
                    ("MinCapacity", known.least if known else None),
                    ("MaxCapacity", known.most if known else None),
                )
            )
            if least is None or most is None:
                raise invalid("MinCapacity and MaxCapacity are required to register a new scalable target")
            if least > most:
                raise invalid("Maximum capacity cannot be less than minimum capacity")
            if known is None:
                known = Target(resource, self._arn(), self._settings.clock.now(), least, most)
                self._targets[resource] = known
            known.least, known.most = least, most
            return {"ScalableTargetARN": known.arn}

    def deregister(self, request: Json) -> Json:
        """DeregisterScalableTarget: its policies go with it."""
        target = self._registered(request)
        with self._lock:
            self._targets.pop(target.resource, None)
        return {}

    def describe(self, request: Json) -> Json:
        """DescribeScalableTargets."""
        wanted = request.get("ResourceIds")
        found = [one for one in self._present() if wanted is None or one.resource in wanted]
        return {"ScalableTargets": [self._shown(one) for one in found]}

    def put_policy(self, request: Json) -> Json:
        """PutScalingPolicy: the alarms that AWS would make for it are not made."""
        target, name = self._registered(request), request["PolicyName"]
        if request.get("PolicyType", "StepScaling") != "TargetTrackingScaling":
            raise not_supported(f"PutScalingPolicy with PolicyType = {request.get('PolicyType')}", FOLDER)
        if "TargetTrackingScalingPolicyConfiguration" not in request:
            raise invalid("A policy of type TargetTrackingScaling needs TargetTrackingScalingPolicyConfiguration")
        known = target.policies.get(name, {})
        arn = known.get("PolicyARN") or self._policy_arn(target, name)
        target.policies[name] = {
            "PolicyARN": arn,
            "PolicyName": name,
            **_place(target),
            "PolicyType": "TargetTrackingScaling",
            "TargetTrackingScalingPolicyConfiguration": request["TargetTrackingScalingPolicyConfiguration"],
            "Alarms": [],
            "CreationTime": known.get("CreationTime") or self._settings.clock.now(),
        }
        return {"PolicyARN": arn, "Alarms": []}

    def describe_policies(self, request: Json) -> Json:
        """DescribeScalingPolicies."""
        wanted, names = request.get("ResourceId"), request.get("PolicyNames")
        present = [one for one in self._present() if wanted in (None, one.resource)]
        found = [policy for target in present for policy in target.policies.values()]
        return {"ScalingPolicies": [one for one in found if names is None or one["PolicyName"] in names]}

    def delete_policy(self, request: Json) -> Json:
        """DeleteScalingPolicy."""
        target = self._registered(request)
        if target.policies.pop(request["PolicyName"], None) is None:
            raise _missing(f"No scaling policy found for {_words(target.resource)}")
        return {}

    def _scalable(self, request: Json) -> str:
        """The resource, if it is a variant that stands on instances. Raises ValidationException."""
        resource: str = request["ResourceId"]
        match = VARIANT.fullmatch(resource)
        if (request["ServiceNamespace"], request["ScalableDimension"]) != ("sagemaker", DIMENSION) or match is None:
            raise not_supported(f"Scaling of {request['ServiceNamespace']} {resource} ({DIMENSION} is known)", FOLDER)
        variants = self._variants(match[1])
        found = [one for one in variants or () if one["VariantName"] == match[2]]
        if not found:
            raise invalid(f"Could not find endpoint variant {resource}")
        if "CurrentServerlessConfig" in found[0]:
            raise invalid(f"The variant {resource} is serverless: it has no instances to count")
        return resource

    def _registered(self, request: Json) -> Target:
        target = next((one for one in self._present() if one.resource == request["ResourceId"]), None)
        if target is None:
            raise _missing(f"No scalable target found for {_words(request['ResourceId'])}")
        return target

    def _present(self) -> Iterable[Target]:
        with self._lock:
            known = list(self._targets.values())
        gone = [one.resource for one in known if not self._stands(one)]
        with self._lock:
            for resource in gone:
                self._targets.pop(resource, None)
        return [one for one in known if one.resource not in gone]

    def _stands(self, target: Target) -> bool:
        match = VARIANT.fullmatch(target.resource)
        return match is not None and self._variants(match[1]) is not None

    def _shown(self, target: Target) -> Json:
        return {
            **_place(target),
            "MinCapacity": target.least,
            "MaxCapacity": target.most,
            "RoleARN": f"arn:aws:iam::{self._settings.account}:role/aws-service-role/sagemaker.application-autoscaling."
            "amazonaws.com/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint",
            "CreationTime": target.created,
            "SuspendedState": {
                "DynamicScalingInSuspended": False,
                "DynamicScalingOutSuspended": False,
                "ScheduledScalingSuspended": False,
            },
            "ScalableTargetARN": target.arn,
        }

    def _arn(self) -> str:
        where = f"{self._settings.region}:{self._settings.account}"
        return f"arn:aws:application-autoscaling:{where}:scalable-target/{uuid.uuid4().hex}"

    def _policy_arn(self, target: Target, name: str) -> str:
        where = f"{self._settings.region}:{self._settings.account}:scalingPolicy:{uuid.uuid4()}"
        return f"arn:aws:autoscaling:{where}:resource/sagemaker/{target.resource}:policyName/{name}"


def _place(target: Target) -> Json:
    return {"ServiceNamespace": "sagemaker", "ResourceId": target.resource, "ScalableDimension": DIMENSION}


def _words(resource: str) -> str:
    return f"service namespace: sagemaker, resource ID: {resource}, scalable dimension: {DIMENSION}"


def _missing(message: str) -> ApiError:
    return ApiError("ObjectNotFoundException", message)
