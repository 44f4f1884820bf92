"""Option settings and tags."""

from __future__ import annotations

from ..errors import AwsError
from ..world import PLATFORM, PLATFORM_VERSION, SOLUTION_STACK, Environment
from .registry import Answer, Context, Parameters, operation, the_application, the_environment

KNOWN_NAMESPACES = ("aws:elasticbeanstalk:", "aws:autoscaling:", "aws:ec2:", "aws:elb", "aws:rds:", "aws:cloudformation:")
GROUPS = ("aws:autoscaling:launchconfiguration", "SecurityGroups")
PROPERTIES = "aws:elasticbeanstalk:application:environment"


@operation("DescribeConfigurationSettings")
def describe_configuration_settings(context: Context, parameters: Parameters) -> Answer:
    """An environment's option settings."""
    the_application(context, parameters["ApplicationName"])
    if "EnvironmentName" not in parameters:
        raise AwsError("MissingRequiredParameter", "Must specify either EnvironmentName or TemplateName.")
    if "TemplateName" in parameters:
        raise AwsError("InvalidParameterCombination", "Must not specify both EnvironmentName and TemplateName.")
    environment = the_environment(context, {"EnvironmentName": parameters["EnvironmentName"]})
    # The list of security groups begins with the one that EB makes.
    listed = {GROUPS: f"awseb-{environment.id}-stack-AWSEBSecurityGroup-1XAMPLE"}
    if environment.options.get(GROUPS):
        listed[GROUPS] += "," + environment.options[GROUPS]
    told = sorted({**environment.options, **listed}.items())
    options = [{"Namespace": key[0], "OptionName": key[1], "Value": value} for key, value in told]
    joined = ",".join(f"{key[1]}={value}" for key, value in sorted(environment.options.items()) if key[0] == PROPERTIES)
    legacy = {"Namespace": "aws:cloudformation:template:parameter", "OptionName": "EnvironmentVariables", "Value": joined}
    return {
        "ConfigurationSettings": [
            {
                "SolutionStackName": SOLUTION_STACK,
                "PlatformArn": f"arn:aws:elasticbeanstalk:{environment.region}::platform/{PLATFORM}/{PLATFORM_VERSION}",
                "ApplicationName": environment.application,
                "EnvironmentName": environment.name,
                "DeploymentStatus": "deployed" if environment.status == "Ready" else "pending",
                "DateCreated": environment.created,
                "DateUpdated": environment.updated,
                "OptionSettings": [*options, legacy],
            }
        ]
    }


@operation("ValidateConfigurationSettings")
def validate_configuration_settings(context: Context, parameters: Parameters) -> Answer:
    """What is wrong with option settings."""
    the_application(context, parameters["ApplicationName"])
    messages = []
    for option in parameters["OptionSettings"]:
        namespace, name = option.get("Namespace", ""), option.get("OptionName", "")
        if not namespace.startswith(KNOWN_NAMESPACES):
            text = (
                f"Invalid option specification (Namespace: '{namespace}', OptionName: '{name}'): Unknown configuration setting."
            )
            messages.append({"Message": text, "Severity": "error", "Namespace": namespace, "OptionName": name})
    return {"Messages": messages}


def _tagged(context: Context, arn: str) -> Environment:
    for environment in context.region.environments:
        if context.arn("environment", environment.application, environment.name) == arn:
            return environment
    raise AwsError("ResourceNotFoundException", f"Resource not found for arn '{arn}'.")


@operation("ListTagsForResource")
def list_tags_for_resource(context: Context, parameters: Parameters) -> Answer:
    """An environment's tags."""
    environment = _tagged(context, parameters["ResourceArn"])
    tags = {
        "elasticbeanstalk:environment-name": environment.name,
        "elasticbeanstalk:environment-id": environment.id,
        "Name": environment.name,
        **environment.tags,
    }
    rows = [{"Key": key, "Value": value} for key, value in tags.items()]
    return {"ResourceArn": parameters["ResourceArn"], "ResourceTags": rows}


@operation("UpdateTagsForResource")
def update_tags_for_resource(context: Context, parameters: Parameters) -> Answer:
    """Changes an environment's tags."""
    environment = _tagged(context, parameters["ResourceArn"])
    environment.tags.update({tag["Key"]: tag.get("Value", "") for tag in parameters.get("TagsToAdd", [])})
    for key in parameters.get("TagsToRemove", []):
        environment.tags.pop(key, None)
    return None
