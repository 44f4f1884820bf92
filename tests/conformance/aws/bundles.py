"""Source bundles, fetched from S3 and read as Elastic Beanstalk's engine on the instance would."""

from __future__ import annotations

import io
import zipfile

import yaml

from . import moto_side

NO_DOCKERFILE = (
    "Instance deployment: Both 'Dockerfile' and 'Dockerrun.aws.json' are missing in your source bundle. "
    "Include at least one of them. The deployment failed."
)
ENGINE = "Instance deployment failed. For details, see 'eb-engine.log'."


def files(account: str, bucket: str, key: str) -> list[str] | None:
    """The names in a bundle, None where it is missing or no zip."""
    body = moto_side.object_bytes(account, bucket, key)
    if body is None or not zipfile.is_zipfile(io.BytesIO(body)):
        return None
    with zipfile.ZipFile(io.BytesIO(body)) as bundle:
        return bundle.namelist()


def verdict(account: str, bucket: str, key: str) -> tuple[str, str | None]:
    """How a deployment of this bundle ends by itself: ("ok" | "red" | "failing", EB's message)."""
    body = moto_side.object_bytes(account, bucket, key)
    if body is None:
        return "failing", f"Unable to download from S3 location (Bucket: {bucket}  Key: {key}). Reason: Not Found"
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as bundle:
            broken = bundle.testzip()
            names = set(bundle.namelist())
            compose = bundle.read("docker-compose.yml") if "docker-compose.yml" in names else None
    except (zipfile.BadZipFile, EOFError):
        return "failing", ENGINE
    if broken:
        return "failing", ENGINE
    if compose is None:
        return ("ok", None) if names & {"Dockerfile", "Dockerrun.aws.json"} else ("failing", NO_DOCKERFILE)
    try:
        services = yaml.safe_load(compose)["services"]
        published = {_host_port(port) for service in services.values() for port in service.get("ports", [])}
    except (yaml.YAMLError, TypeError, KeyError, AttributeError):
        return "failing", ENGINE
    return ("ok", None) if "80" in published else ("red", None)


def _host_port(port: object) -> str:
    if isinstance(port, dict):
        return str(port.get("published", ""))
    host, colon, _ = str(port).rpartition(":")
    return host.rpartition(":")[2] if colon else ""
