"""Environments: making, updating, stopping them."""

from __future__ import annotations

from .. import deployment
from ..errors import AwsError
from ..world import PLATFORM, PLATFORM_VERSION, SAMPLE, SOLUTION_STACK, Environment, Instance
from .registry import Answer, Context, Parameters, invalid, must_be_ready, operation, the_application, the_environment
from .versions import the_version


def describe(context: Context, environment: Environment) -> dict[str, object]:
    """An environment as EB describes it."""
    name, kind = environment.tier
    return {
        "EnvironmentName": environment.name,
        "EnvironmentId": environment.id,
        "ApplicationName": environment.application,
        "VersionLabel": environment.label,
        "SolutionStackName": SOLUTION_STACK,
        "PlatformArn": f"arn:aws:elasticbeanstalk:{environment.region}::platform/{PLATFORM}/{PLATFORM_VERSION}",
        "Description": environment.description or None,
        "EndpointURL": "198.51.100.7",
        "CNAME": environment.cname,
        "DateCreated": environment.created,
        "DateUpdated": environment.updated,
        "Status": environment.status,
        "AbortableOperationInProgress": environment.abortable,
        "Health": environment.health,
        "HealthStatus": environment.health_status or None,
        "Tier": {"Name": name, "Type": kind, "Version": "1.0"},
        "EnvironmentLinks": [],
        "EnvironmentArn": context.arn("environment", environment.application, environment.name),
        "OperationsRole": environment.operations_role,
    }


@operation("DescribeEnvironments")
def describe_environments(context: Context, parameters: Parameters) -> Answer:
    """Lists environments; unknown names are left out."""
    ids, names = parameters.get("EnvironmentIds"), parameters.get("EnvironmentNames")
    found = [
        environment
        for environment in context.region.environments
        if parameters.get("ApplicationName") in (None, environment.application)
        and parameters.get("VersionLabel") in (None, environment.label)
        and (not ids or environment.id in ids)
        and (not names or environment.name in names)
        and (parameters.get("IncludeDeleted", True) or environment.status != "Terminated")
    ]
    start = int(parameters.get("NextToken") or 0)
    end = start + parameters.get("MaxRecords", len(found) or 1)
    return {
        "Environments": [describe(context, environment) for environment in found[start:end]],
        "NextToken": str(end) if end < len(found) else None,
    }


@operation("UpdateEnvironment")
def update_environment(context: Context, parameters: Parameters) -> Answer:
    """Deploys a version, changes the configuration, or both."""
    environment = the_environment(context, parameters)
    application = the_application(context, environment.application)
    if parameters.get("ApplicationName") not in (None, environment.application):
        raise invalid(f"Environment {environment.name} does not belong to application {parameters['ApplicationName']}.")
    if "Tier" in parameters and parameters["Tier"].get("Name") != environment.tier[0]:
        raise invalid("The tier of an environment cannot be changed.")
    version = the_version(context, application, parameters["VersionLabel"]) if "VersionLabel" in parameters else None
    must_be_ready(environment)
    if version and version.status in ("PROCESSING", "BUILDING", "FAILED"):
        raise invalid(f"Application Version {version.label} is {version.status} and cannot be deployed.")
    environment.description = parameters.get("Description", environment.description)
    set_options(environment, parameters)
    if version:
        deployment.deploy(context.world, environment, version, context.request_id)
    else:
        deployment.configure(context.world, environment, context.request_id)
    # The label of the answer may be the new one already: nobody should build on it.
    return {**describe(context, environment), "VersionLabel": version.label if version else environment.label}


def set_options(environment: Environment, parameters: Parameters) -> None:
    """Takes over OptionSettings and OptionsToRemove."""
    for option in parameters.get("OptionSettings", []):
        environment.options[option.get("Namespace", ""), option.get("OptionName", "")] = option.get("Value", "")
    for option in parameters.get("OptionsToRemove", []):
        environment.options.pop((option.get("Namespace", ""), option.get("OptionName", "")), None)


@operation("CreateEnvironment")
def create_environment(context: Context, parameters: Parameters) -> Answer:
    """Launches an environment."""
    world, name = context.world, parameters.get("EnvironmentName")
    application = the_application(context, parameters["ApplicationName"])
    if not name:
        raise AwsError("MissingRequiredParameter", "EnvironmentName or GroupName is required.")
    if any(e.name == name and e.status != "Terminated" for e in context.region.environments):
        raise invalid(f"Environment {name} already exists.")
    if "SolutionStackName" not in parameters and "PlatformArn" not in parameters:
        raise invalid("Unable to determine base for template pack (no solution stack)")
    prefix = parameters.get("CNAMEPrefix", "")
    if prefix and not dns_available(context, prefix):
        raise invalid(f"DNS name ({prefix}.{context.region_name}.elasticbeanstalk.com) is not available.")
    label = the_version(context, application, parameters["VersionLabel"]).label if "VersionLabel" in parameters else SAMPLE
    tier = parameters.get("Tier", {})
    now = world.clock.now()
    environment = Environment(
        name=name,
        id=world.identifier("e-", 10, context.region_name, name, str(world.number())),
        application=application.name,
        region=context.region_name,
        created=now,
        updated=now,
        tier=(tier.get("Name", "WebServer"), tier.get("Type", "Standard")),
        label=label,
        cname_prefix=prefix,
        description=parameters.get("Description", ""),
        operations_role=parameters.get("OperationsRole"),
        tags={tag["Key"]: tag.get("Value", "") for tag in parameters.get("Tags", [])},
    )
    set_options(environment, parameters)
    system = environment.options.get(("aws:elasticbeanstalk:healthreporting:system", "SystemType"), "basic")
    environment.enhanced = system == "enhanced"
    environment.instances.append(Instance(world.identifier("i-0", 16, environment.id), label, deployed=now))
    context.region.environments.append(environment)
    deployment.launch(world, environment, context.request_id)
    return describe(context, environment)


def dns_available(context: Context, prefix: str) -> bool:
    """Whether no environment has this host name."""
    host = f"{prefix}.{context.region_name}.elasticbeanstalk.com"
    return all(e.cname != host for e in context.region.environments if e.status != "Terminated")


@operation("CheckDNSAvailability")
def check_dns_availability(context: Context, parameters: Parameters) -> Answer:
    """Whether a host name is free."""
    prefix = parameters["CNAMEPrefix"]
    host = f"{prefix}.{context.region_name}.elasticbeanstalk.com"
    return {"Available": dns_available(context, prefix), "FullyQualifiedCNAME": host}


@operation("AbortEnvironmentUpdate")
def abort_environment_update(context: Context, parameters: Parameters) -> Answer:
    """Stops the update that runs."""
    environment = the_environment(context, parameters)
    if not environment.abortable:
        raise invalid(
            f"Environment named {environment.name} is in an invalid state for this operation. Must be pending deployment."
        )
    deployment.abort(context.world, environment, context.request_id)
    return None


@operation("TerminateEnvironment")
def terminate_environment(context: Context, parameters: Parameters) -> Answer:
    """Ends an environment."""
    environment = the_environment(context, parameters)
    if environment.status == "Updating":
        raise invalid(f"Cannot terminate environment named {environment.name}. It is currently pending deployment.")
    deployment.terminate(context.world, environment, context.request_id)
    return describe(context, environment)


@operation("RestartAppServer")
def restart_app_server(context: Context, parameters: Parameters) -> Answer:
    """Restarts the app."""
    environment = the_environment(context, parameters)
    must_be_ready(environment)
    deployment.configure(context.world, environment, context.request_id)
    return None


@operation("RebuildEnvironment")
def rebuild_environment(context: Context, parameters: Parameters) -> Answer:
    """Makes the environment's resources anew."""
    environment = the_environment(context, parameters)
    must_be_ready(environment)
    deployment.launch(context.world, environment, context.request_id)
    return None


@operation("SwapEnvironmentCNAMEs")
def swap_environment_cnames(context: Context, parameters: Parameters) -> Answer:
    """Exchanges two host names."""
    pair = []
    for side in ("Source", "Destination"):
        named = {f"Environment{field}": parameters.get(f"{side}Environment{field}") for field in ("Id", "Name")}
        pair.append(the_environment(context, named))
        must_be_ready(pair[-1])
    first, second = pair
    hosts = [environment.cname.split(".")[0] for environment in pair]
    second.cname_prefix, first.cname_prefix = hosts
    now = context.world.clock.now()
    message = f"Completed swapping CNAMEs for environments '{first.name}' and '{second.name}'."
    context.world.tell(first, now, message, request_id=context.request_id)
    return None


@operation("AssociateEnvironmentOperationsRole")
def associate_operations_role(context: Context, parameters: Parameters) -> Answer:
    """Lets EB use a role of its own for this environment."""
    the_environment(context, parameters).operations_role = parameters["OperationsRole"]
    return None


@operation("DisassociateEnvironmentOperationsRole")
def disassociate_operations_role(context: Context, parameters: Parameters) -> Answer:
    """Takes the role away."""
    the_environment(context, parameters).operations_role = None
    return None
