"""Platforms: one branch of Docker, in three versions."""

from __future__ import annotations

from ..world import PLATFORM, PLATFORM_VERSION, SOLUTION_STACK
from .registry import Answer, Context, Parameters, invalid, operation

VERSIONS = (PLATFORM_VERSION, "4.13.0", "4.12.4")


def _arn(context: Context, version: str) -> str:
    return f"arn:aws:elasticbeanstalk:{context.region_name}::platform/{PLATFORM}/{version}"


def _lifecycle(version: str) -> str:
    return "recommended" if version == PLATFORM_VERSION else ""


@operation("ListAvailableSolutionStacks")
def list_available_solution_stacks(context: Context, parameters: Parameters) -> Answer:
    """The names of the newest platform versions."""
    names = [SOLUTION_STACK, "64bit Amazon Linux 2023 v4.13.1 running ECS"]
    return {
        "SolutionStacks": names,
        "SolutionStackDetails": [{"SolutionStackName": name, "PermittedFileTypes": ["zip"]} for name in names],
    }


@operation("ListPlatformBranches")
def list_platform_branches(context: Context, parameters: Parameters) -> Answer:
    """The branch."""
    row = {
        "PlatformName": "Docker",
        "BranchName": PLATFORM,
        "LifecycleState": "supported",
        "BranchOrder": 100,
        "SupportedTierList": ["WebServer/Standard", "Worker/SQS/HTTP"],
    }
    rules = [rule for rule in parameters.get("Filters", []) if rule.get("Attribute") in row]
    fits = all(row[rule["Attribute"]] in rule.get("Values", []) for rule in rules)
    return {"PlatformBranchSummaryList": [row] if fits else []}


@operation("ListPlatformVersions")
def list_platform_versions(context: Context, parameters: Parameters) -> Answer:
    """The branch's versions, newest first."""
    rules = {rule.get("Type"): rule.get("Values", [""])[0] for rule in parameters.get("Filters", [])}
    held = [{"PlatformVersion": v, "PlatformBranchName": PLATFORM, "PlatformLifecycleState": _lifecycle(v)} for v in VERSIONS]
    found = [row["PlatformVersion"] for row in held if all(row[kind] == value for kind, value in rules.items() if kind in row)]
    return {
        "PlatformSummaryList": [
            {
                "PlatformArn": _arn(context, version),
                "PlatformOwner": "AWSElasticBeanstalk",
                "PlatformStatus": "Ready",
                "PlatformCategory": "Docker",
                "OperatingSystemName": "Amazon Linux",
                "OperatingSystemVersion": "2023",
                "SupportedTierList": ["WebServer/Standard", "Worker/SQS/HTTP"],
                "SupportedAddonList": ["Log/S3", "WorkerDaemon/SQSD"],
                "PlatformLifecycleState": _lifecycle(version),
                "PlatformVersion": version,
                "PlatformBranchName": PLATFORM,
                "PlatformBranchLifecycleState": "supported",
            }
            for version in found
        ]
    }


@operation("DescribePlatformVersion")
def describe_platform_version(context: Context, parameters: Parameters) -> Answer:
    """One platform version."""
    arn = parameters.get("PlatformArn", _arn(context, PLATFORM_VERSION))
    version = next((v for v in VERSIONS if arn == _arn(context, v)), None)
    if version is None:
        raise invalid(f"No Platform named '{arn}' found.")
    return {
        "PlatformDescription": {
            "PlatformArn": arn,
            "PlatformOwner": "AWSElasticBeanstalk",
            "PlatformName": PLATFORM,
            "PlatformVersion": version,
            "SolutionStackName": SOLUTION_STACK,
            "PlatformStatus": "Ready",
            "PlatformCategory": "Docker",
            "OperatingSystemName": "Amazon Linux",
            "OperatingSystemVersion": "2023",
            "SupportedTierList": ["WebServer/Standard", "Worker/SQS/HTTP"],
            "PlatformBranchName": PLATFORM,
            "PlatformBranchLifecycleState": "supported",
        }
    }
