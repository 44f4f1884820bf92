"""Applications."""

from __future__ import annotations

from ..world import Application
from .registry import Answer, Context, Parameters, invalid, operation, the_application


def describe(context: Context, application: Application) -> dict[str, object]:
    """An application as EB describes it."""
    now = context.world.clock.now()
    return {
        "ApplicationArn": context.arn("application", application.name),
        "ApplicationName": application.name,
        "Description": application.description or None,
        "DateCreated": application.created,
        "DateUpdated": application.created,
        "Versions": [version.label for version in application.versions.values() if version.visible <= now],
        "ConfigurationTemplates": [],
        "ResourceLifecycleConfig": application.lifecycle
        or {
            "VersionLifecycleConfig": {
                "MaxCountRule": {"Enabled": False, "MaxCount": 200, "DeleteSourceFromS3": False},
                "MaxAgeRule": {"Enabled": False, "MaxAgeInDays": 180, "DeleteSourceFromS3": False},
            }
        },
    }


@operation("CreateApplication")
def create_application(context: Context, parameters: Parameters) -> Answer:
    """Makes an application."""
    name = parameters["ApplicationName"]
    if name in context.region.applications:
        raise invalid(f"Application {name} already exists.")
    application = Application(
        name,
        context.world.clock.now(),
        parameters.get("Description", ""),
        lifecycle=parameters.get("ResourceLifecycleConfig", {}),
    )
    context.region.applications[name] = application
    return {"Application": describe(context, application)}


@operation("DescribeApplications")
def describe_applications(context: Context, parameters: Parameters) -> Answer:
    """Lists applications; unknown names are left out."""
    wanted = parameters.get("ApplicationNames")
    found = [app for app in context.region.applications.values() if not wanted or app.name in wanted]
    return {"Applications": [describe(context, application) for application in found]}


@operation("UpdateApplication")
def update_application(context: Context, parameters: Parameters) -> Answer:
    """Changes the description."""
    application = the_application(context, parameters["ApplicationName"])
    application.description = parameters.get("Description", application.description)
    return {"Application": describe(context, application)}


@operation("UpdateApplicationResourceLifecycle")
def update_lifecycle(context: Context, parameters: Parameters) -> Answer:
    """Sets the version lifecycle."""
    application = the_application(context, parameters["ApplicationName"])
    application.lifecycle = {**application.lifecycle, **parameters["ResourceLifecycleConfig"]}
    if "ServiceRole" not in application.lifecycle:
        raise invalid("The service role is required when a version lifecycle is configured.")
    return {"ApplicationName": application.name, "ResourceLifecycleConfig": application.lifecycle}


@operation("DeleteApplication")
def delete_application(context: Context, parameters: Parameters) -> Answer:
    """Deletes an application that has no environments, or with force."""
    name = parameters["ApplicationName"]
    the_application(context, name)
    left = [e for e in context.region.environments if e.application == name and e.status != "Terminated"]
    if left and not parameters.get("TerminateEnvByForce"):
        raise invalid(f"Unable to delete application {name} because it has {len(left)} running environments.")
    for environment in left:
        environment.steps.clear()
        environment.status = "Terminated"
    del context.region.applications[name]
    return None
