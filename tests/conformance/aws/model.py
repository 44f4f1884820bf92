"""The query protocol, driven by botocore's service model.

`Model.parse` turns a form into the operation's input and refuses what the model does not allow; `Model.serialise` turns
an answer into XML and refuses members that the model does not have, so no answer can hold what AWS could not send.
"""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import Any
from xml.etree import ElementTree

from botocore.loaders import Loader
from botocore.model import ListShape, OperationModel, ServiceModel, Shape, StructureShape

from .clock import as_datetime, as_text
from .errors import AwsError

# The model spells these in mixed case, the service answers in capitals.
SPELT_IN_CAPITALS = {"ApplicationVersionStatus"}
# The model says EnvironmentHealth here, the service answers the environment's status.
MISTYPED = {"DescribeEnvironmentHealth.Status"}


class ModelViolation(Exception):
    """This server made an answer that the service model does not allow: a bug here, never a client's fault."""


class Model:
    """One service of botocore's data, for servers instead of clients."""

    def __init__(self, service: str) -> None:
        self.service = ServiceModel(Loader().load_service_model(service, "service-2"), service)
        self.namespace: str = self.service.metadata["xmlNamespace"]

    def operation(self, name: str) -> OperationModel:
        """The operation called `name`, or AWS's InvalidAction."""
        if name not in self.service.operation_names:
            raise AwsError("InvalidAction", f"Could not find operation {name} for version {self.service.api_version}")
        return self.service.operation_model(name)

    def parse(self, name: str, form: dict[str, str]) -> dict[str, Any]:
        """The input of operation `name` held by `form`, validated."""
        operation = self.operation(name)
        if form.get("Version") != self.service.api_version:
            raise AwsError("InvalidAction", f"Could not find operation {name} for version {form.get('Version')}")
        reader = _Reader({key: value for key, value in form.items() if key not in ("Action", "Version")})
        value = reader.structure(operation.input_shape, "") if operation.input_shape else {}
        reader.finish()
        return value

    def serialise(self, name: str, answer: dict[str, Any] | None, request_id: str) -> bytes:
        """The XML of operation `name`'s `answer`."""
        operation = self.operation(name)
        root = ElementTree.Element(f"{name}Response", {"xmlns": self.namespace})
        if operation.output_shape is not None:
            wrapper = operation.output_shape.serialization.get("resultWrapper", f"{name}Result")
            _write_members(ElementTree.SubElement(root, wrapper), operation.output_shape, answer or {}, name)
        elif answer:
            raise ModelViolation(f"{name} has no output, got {answer}")
        metadata = ElementTree.SubElement(root, "ResponseMetadata")
        ElementTree.SubElement(metadata, "RequestId").text = request_id
        return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)


class _Reader:
    """Reads one form, keeping what was read and what was wrong."""

    def __init__(self, form: dict[str, str]) -> None:
        self.form = form
        self.unread = set(form)
        self.wrong: list[str] = []

    def finish(self) -> None:
        """Raises what the model does not allow, all of it in one error as AWS does."""
        self.wrong += [f"Unknown parameter '{key}'" for key in sorted(self.unread)]
        if self.wrong:
            count = len(self.wrong)
            noun = "error" if count == 1 else "errors"
            raise AwsError("ValidationError", f"{count} validation {noun} detected: " + "; ".join(self.wrong))

    def structure(self, shape: StructureShape, prefix: str) -> dict[str, Any]:
        value: dict[str, Any] = {}
        for name, member in shape.members.items():
            key = prefix + member.serialization.get("name", name)
            if key in self.form or any(other.startswith(f"{key}.") for other in self.form):
                value[name] = self.read(member, key)
        for name in shape.required_members:
            if name not in value:
                self.fail(None, prefix + name, "Member must not be null")
        return value

    def read(self, shape: Shape, key: str) -> Any:
        if shape.type_name == "structure":
            return self.structure(shape, f"{key}.")
        if shape.type_name == "list":
            return self.items(shape, key)
        self.unread.discard(key)
        return self.scalar(shape, key, self.form[key])

    def items(self, shape: ListShape, key: str) -> list[Any]:
        if key in self.form:  # an empty list is sent as `Name=`
            self.unread.discard(key)
            return []
        inner = key if shape.serialization.get("flattened") else f"{key}.{shape.member.serialization.get('name', 'member')}"
        found = {int(m[1]) for name in self.form if (m := re.match(re.escape(inner) + r"\.(\d+)(?:\.|$)", name))}
        if found != set(range(1, len(found) + 1)):
            self.fail(sorted(found), key, "List items must be numbered from 1 without gaps")
        return [self.read(shape.member, f"{inner}.{index}") for index in sorted(found)]

    def scalar(self, shape: Shape, key: str, text: str) -> Any:
        kind = shape.type_name
        try:
            if kind == "boolean":
                return {"true": True, "false": False}[text]
            if kind in ("integer", "long"):
                return self.bounded(shape, key, int(text))
            if kind in ("float", "double"):
                return float(text)
            if kind == "timestamp":
                return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(timezone.utc).timestamp()
        except (KeyError, ValueError):
            self.fail(text, key, f"Member must be a {kind}")
            return None
        return self.string(shape, key, text)

    def bounded(self, shape: Shape, key: str, number: int) -> int:
        low, high = shape.metadata.get("min"), shape.metadata.get("max")
        if low is not None and number < low:
            self.fail(number, key, f"Member must have value greater than or equal to {low}")
        if high is not None and number > high:
            self.fail(number, key, f"Member must have value less than or equal to {high}")
        return number

    def string(self, shape: Shape, key: str, text: str) -> str:
        low, high = shape.metadata.get("min"), shape.metadata.get("max")
        pattern, allowed = shape.metadata.get("pattern"), shape.metadata.get("enum")
        if low is not None and len(text) < low:
            self.fail(text, key, f"Member must have length greater than or equal to {low}")
        if high is not None and len(text) > high:
            self.fail(text, key, f"Member must have length less than or equal to {high}")
        if pattern and not re.fullmatch(pattern, text, re.DOTALL):
            self.fail(text, key, f"Member must satisfy regular expression pattern: {pattern}")
        if allowed and text not in allowed:
            self.fail(text, key, f"Member must satisfy enum value set: [{', '.join(allowed)}]")
        return text

    def fail(self, value: Any, key: str, constraint: str) -> None:
        shown = "null" if value is None else f"'{value}'"
        where = ".".join(part[:1].lower() + part[1:] for part in key.split("."))
        self.wrong.append(f"Value {shown} at '{where}' failed to satisfy constraint: {constraint}")


def _write_members(element: ElementTree.Element, shape: StructureShape, value: dict[str, Any], path: str) -> None:
    unknown = set(value) - set(shape.members)
    if unknown:
        raise ModelViolation(f"{path}: {shape.name} has no members {sorted(unknown)}")
    for name, member in shape.members.items():
        if value.get(name) is not None:
            _write(element, member.serialization.get("name", name), member, value[name], f"{path}.{name}")


def _write(parent: ElementTree.Element, tag: str, shape: Shape, value: Any, path: str) -> None:
    element = ElementTree.SubElement(parent, tag)
    if shape.type_name == "structure":
        _write_members(element, shape, value, path)
    elif shape.type_name == "list":
        for item in value:
            _write(element, shape.member.serialization.get("name", "member"), shape.member, item, f"{path}[]")
    else:
        element.text = _scalar_text(shape, value, path)


def _scalar_text(shape: Shape, value: Any, path: str) -> str:
    kind = shape.type_name
    expected = {"string": str, "boolean": bool, "integer": int, "long": int, "timestamp": float}.get(kind, (int, float))
    if not isinstance(value, expected):
        raise ModelViolation(f"{path}: {value!r} is no {kind}")
    if kind == "boolean":
        return "true" if value else "false"
    if kind == "timestamp":
        as_datetime(value)
        return as_text(value)
    allowed = None if path in MISTYPED else shape.metadata.get("enum")
    if allowed and shape.name in SPELT_IN_CAPITALS:
        allowed = [word.upper() for word in allowed]
    if allowed and value not in allowed:
        raise ModelViolation(f"{path}: {value!r} is none of {allowed}")
    high = shape.metadata.get("max")
    if kind == "string" and high is not None and len(value) > high:
        raise ModelViolation(f"{path}: longer than {high}")
    return str(value)
