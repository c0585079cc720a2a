"""The emulator as a service sees it, where a test looks only at the events that it is given."""

from __future__ import annotations

from collections.abc import Mapping

from retide.local.interfaces import Event, Handler, Measure, ResourceType, Task


class Bus:
    """Stands in for the emulator where only the events that it is given matter."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def emit_event(self, event: Event) -> None:
        self.events.append(event)

    def measure(self, measure: Measure) -> None:
        raise AssertionError(f"nothing is invoked here, and so not {measure.name} either")

    def alarm_state(self, name: str) -> str | None:
        raise AssertionError(f"no alarm {name} is looked at here")

    def register_service(
        self, name: str, handler: Handler, host_patterns: tuple[str, ...] = (), target_prefixes: tuple[str, ...] = ()
    ) -> None:
        raise AssertionError(f"no service {name} is registered here")

    def register_task(self, resource: str, task: Task) -> None:
        raise AssertionError(f"no task {resource} is registered here")

    def register_sdk_service(
        self, name: str, target_prefix: str, error_prefix: str, error_names: Mapping[str, str]
    ) -> None:
        raise AssertionError(f"no SDK service {name} is registered here")

    def register_resource_type(self, name: str, resource_type: ResourceType) -> None:
        raise AssertionError(f"no resource type {name} is registered here")
