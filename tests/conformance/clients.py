"""Real clients nobody here wrote: boto3, awscli and awsebcli, pointed at an endpoint, in clean environments."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import boto3
from botocore.config import Config
from botocore.model import OperationModel, Shape

from drivers import Run, clean_environment, run

SCRIPTS = Path(sys.executable).parent


@dataclass
class Access:
    """Where an AWS is and how to be let in."""

    endpoint: str
    region: str
    access_key: str
    secret_key: str

    def env(self, home: Path) -> dict[str, str]:
        """The variables for awscli and eb."""
        return clean_environment(
            home,
            AWS_ENDPOINT_URL=self.endpoint,
            AWS_ACCESS_KEY_ID=self.access_key,
            AWS_SECRET_ACCESS_KEY=self.secret_key,
            AWS_DEFAULT_REGION=self.region,
            AWS_EC2_METADATA_DISABLED="true",
            AWS_PAGER="",
        )

    def boto3(self, service: str, *, retries: int = 0, check_parameters: bool = True, **config: Any) -> Any:
        """A boto3 client; for services that answer in XML it also refuses elements the model does not know."""
        client = boto3.client(
            service,
            region_name=self.region,
            endpoint_url=self.endpoint,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            config=Config(
                retries={"total_max_attempts": retries + 1, "mode": "standard"},
                s3={"addressing_style": "path"},
                signature_version="s3v4" if service == "s3" else "v4",
                parameter_validation=check_parameters,
                **config,
            ),
        )
        if service in ("ec2", "elasticbeanstalk", "rds"):
            client.meta.events.register(f"after-call.{service}", _refuse_unknown_elements)
        return client


def awscli(access: Access, home: Path, *arguments: str) -> Run:
    """Runs `aws`."""
    return run([str(SCRIPTS / "aws"), *arguments], home, access.env(home))


def eb(access: Access, home: Path, project: Path, *arguments: str) -> Run:
    """Runs `eb` in a project."""
    return run([str(SCRIPTS / "eb"), *arguments], project, access.env(home), timeout=90)


def prepare_for_eb(project: Path, application: str, environment: str, region: str) -> None:
    """Writes what `eb init` would have written."""
    folder = project / ".elasticbeanstalk"
    folder.mkdir(exist_ok=True)
    (folder / "config.yml").write_text(
        f"global: {{application_name: {application}, default_region: {region}, workspace_type: Application, sc: null}}\n"
        f"branch-defaults: {{default: {{environment: {environment}}}}}\n"
    )


# What the real service sends although the model does not have it, and awsebcli reads.
UNDOCUMENTED = {("ConfigurationSettingsDescription", "Tier")}


def _refuse_unknown_elements(http_response: Any, model: OperationModel, **_: Any) -> None:
    """botocore drops what it does not know; a server that sends it is wrong all the same."""
    if http_response.status_code != 200 or model.output_shape is None:
        return
    root = ElementTree.fromstring(http_response.content)
    if model.service_model.metadata["protocol"] == "ec2":
        assert any(_name(child) == "requestId" for child in root), f"{model.name}: no requestId"
        for child in [child for child in root if _name(child) == "requestId"]:
            root.remove(child)
        _check(root, model.output_shape, model.name)
        return
    result = next((child for child in root if _name(child) == f"{model.name}Result"), None)
    assert result is not None, f"{model.name}: no {model.name}Result in {http_response.content!r}"
    _check(result, model.output_shape, model.name)
    assert any(_name(child) == "ResponseMetadata" for child in root), f"{model.name}: no ResponseMetadata"


def _check(element: ElementTree.Element, shape: Shape, path: str) -> None:
    if shape.type_name == "structure":
        members = {member.serialization.get("name", name): member for name, member in shape.members.items()}
        for child in element:
            if (shape.name, _name(child)) in UNDOCUMENTED:
                continue
            assert _name(child) in members, f"{path}: {shape.name} has no member {_name(child)}"
            _check(child, members[_name(child)], f"{path}.{_name(child)}")
    elif shape.type_name == "list":
        name = shape.member.serialization.get("name", "member")
        for child in element:
            assert _name(child) == name, f"{path}: {_name(child)} where a list has only {name}"
            _check(child, shape.member, f"{path}[]")
    else:
        assert len(element) == 0, f"{path}: elements in a {shape.type_name}"


def _name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]
