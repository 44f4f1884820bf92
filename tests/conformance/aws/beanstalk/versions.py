"""Application versions and the bucket they come from."""

from __future__ import annotations

from .. import deployment, moto_side
from ..errors import AwsError
from ..world import Application, Version
from .registry import Answer, Context, Parameters, invalid, operation, the_application


def describe(context: Context, version: Version) -> dict[str, object]:
    """A version as EB describes it."""
    source = {"S3Bucket": version.source[0], "S3Key": version.source[1]} if version.source else None
    return {
        "ApplicationVersionArn": context.arn("applicationversion", version.application, version.label),
        "ApplicationName": version.application,
        "Description": version.description or None,
        "VersionLabel": version.label,
        "SourceBundle": source,
        "DateCreated": version.created,
        "DateUpdated": version.created,
        "Status": version.status,
    }


def the_version(context: Context, application: Application, label: str) -> Version:
    """A version that can be seen, or EB's error."""
    version = application.versions.get(label)
    if version is None or version.visible > context.world.clock.now():
        raise invalid(f"No Application Version named '{label}' found.")
    return version


@operation("CreateStorageLocation")
def create_storage_location(context: Context, parameters: Parameters) -> Answer:
    """Makes EB's own bucket of the region, or finds it."""
    bucket = f"elasticbeanstalk-{context.region_name}-{context.world.account}"
    moto_side.make_bucket(context.world.account, bucket, context.region_name)
    return {"S3Bucket": bucket}


@operation("CreateApplicationVersion")
def create_application_version(context: Context, parameters: Parameters) -> Answer:
    """Makes a version of an object in S3."""
    world, name, label = context.world, parameters["ApplicationName"], parameters["VersionLabel"]
    if name not in context.region.applications and parameters.get("AutoCreateApplication"):
        context.region.applications[name] = Application(name, world.clock.now())
    application = the_application(context, name)
    if label in application.versions:
        raise invalid(f"Application Version {label} already exists.")
    if sum(len(app.versions) for app in context.region.applications.values()) >= world.scenario.version_quota:
        raise AwsError(
            "TooManyApplicationVersionsException",
            f"You cannot have more than {world.scenario.version_quota} Application Versions. "
            "Either remove some Application Versions or request a limit increase.",
        )
    now = world.clock.now()
    version = Version(label, name, now, _source(context, parameters), parameters.get("Description", ""))
    version.visible = now + world.scenario.version_after
    if parameters.get("Process"):
        version.status, version.processed = "PROCESSING", (now + 0.5, "PROCESSED")
    application.versions[label] = version
    if world.scenario.deploy.intruder:
        seconds, world.scenario.deploy.intruder = world.scenario.deploy.intruder, 0.0
        for environment in context.region.environments:
            if environment.application == name and environment.status == "Ready":
                deployment.somebody_elses(world, environment, "intruder-" + context.request_id, seconds)
    return {"ApplicationVersion": describe(context, version)}


def _source(context: Context, parameters: Parameters) -> tuple[str, str] | None:
    if "SourceBundle" not in parameters:
        return None
    bucket, key = parameters["SourceBundle"].get("S3Bucket"), parameters["SourceBundle"].get("S3Key")
    if not bucket or not key:
        raise invalid("S3Bucket and S3Key must be given together.")
    region = moto_side.bucket_region(context.world.account, bucket)
    if region is not None and region != context.region_name:
        raise AwsError(
            "S3LocationNotInServiceRegionException",
            f"S3 bucket {bucket} is in region {region}, it has to be in {context.region_name}.",
        )
    if region is None or moto_side.object_bytes(context.world.account, bucket, key) is None:
        raise invalid(f"Unable to download from S3 location (Bucket: {bucket}  Key: {key}). Reason: Not Found")
    return bucket, key


@operation("DescribeApplicationVersions")
def describe_application_versions(context: Context, parameters: Parameters) -> Answer:
    """Lists versions, newest first; unknown labels are left out."""
    wanted, now = parameters.get("VersionLabels"), context.world.clock.now()
    found = [
        version
        for application in context.region.applications.values()
        if parameters.get("ApplicationName") in (None, application.name)
        for version in application.versions.values()
        if (not wanted or version.label in wanted) and version.visible <= now
    ]
    found.sort(key=lambda version: version.created, reverse=True)
    start = int(parameters.get("NextToken") or 0)
    end = start + parameters.get("MaxRecords", len(found) or 1)
    return {
        "ApplicationVersions": [describe(context, version) for version in found[start:end]],
        "NextToken": str(end) if end < len(found) else None,
    }


@operation("UpdateApplicationVersion")
def update_application_version(context: Context, parameters: Parameters) -> Answer:
    """Changes the description."""
    version = the_version(context, the_application(context, parameters["ApplicationName"]), parameters["VersionLabel"])
    version.description = parameters.get("Description", version.description)
    return {"ApplicationVersion": describe(context, version)}


@operation("DeleteApplicationVersion")
def delete_application_version(context: Context, parameters: Parameters) -> Answer:
    """Deletes a version that runs nowhere."""
    application = the_application(context, parameters["ApplicationName"])
    version = the_version(context, application, parameters["VersionLabel"])
    users = [e for e in context.region.environments if e.label == version.label and e.status != "Terminated"]
    if users:
        raise invalid(f"Unable to delete application version {version.label} because it is used by: {users[0].name}.")
    del application.versions[version.label]
    return None
