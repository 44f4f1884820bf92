"""What can be seen of environments: events, health, resources, logs."""

from __future__ import annotations

from .. import moto_side
from ..errors import AwsError
from ..world import Environment, Event
from .registry import Answer, Context, Parameters, operation, the_environment

SEVERITIES = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"]
COLOURS = {"Ok": "Green", "Info": "Green", "Warning": "Yellow", "Degraded": "Red", "Severe": "Red"}


@operation("DescribeEvents")
def describe_events(context: Context, parameters: Parameters) -> Answer:
    """Lists events, newest first."""
    environment_id = parameters.get("EnvironmentId")
    names = {e.name for e in context.region.environments if e.id == environment_id}
    found = [event for event in context.region.events if _wanted(context, event, parameters)]
    if environment_id is not None:
        found = [event for event in found if event.environment in names]
    found = sorted(found, key=lambda event: event.time)[::-1]
    start = int(parameters.get("NextToken") or 0)
    end = start + parameters.get("MaxRecords", 1000)
    return {
        "Events": [_describe(event) for event in found[start:end]],
        "NextToken": str(end) if end < len(found) else None,
    }


def _wanted(context: Context, event: Event, parameters: Parameters) -> bool:
    fields = {
        "ApplicationName": event.application,
        "EnvironmentName": event.environment,
        "VersionLabel": event.label,
        "RequestId": event.request_id,
    }
    lowest = SEVERITIES.index(parameters.get("Severity", "TRACE"))
    return (
        all(parameters.get(name) in (None, value) for name, value in fields.items())
        and SEVERITIES.index(event.severity) >= lowest
        and event.time >= parameters.get("StartTime", 0)
        and event.time < parameters.get("EndTime", float("inf"))
        and event.visible <= context.world.clock.now()
    )


def _describe(event: Event) -> dict[str, object]:
    return {
        "EventDate": float(event.time),
        "Message": event.message,
        "ApplicationName": event.application,
        "VersionLabel": event.label,
        "EnvironmentName": event.environment,
        "RequestId": event.request_id,
        "Severity": event.severity,
    }


def _must_be_enhanced(environment: Environment, operation_name: str) -> None:
    if not environment.enhanced:
        raise AwsError("InvalidRequestException", f"{operation_name} is not supported. Enhanced health reporting is not enabled.")


@operation("DescribeEnvironmentHealth")
def describe_environment_health(context: Context, parameters: Parameters) -> Answer:
    """The environment's enhanced health."""
    environment = the_environment(context, parameters)
    _must_be_enhanced(environment, "DescribeEnvironmentHealth")
    counts = dict.fromkeys(("NoData", "Unknown", "Pending", "Ok", "Info", "Warning", "Degraded", "Severe"), 0)
    for instance in environment.instances:
        counts[instance.health] += 1
    full = {
        "HealthStatus": environment.health_status,
        "Status": environment.status,
        "Color": environment.health,
        "Causes": environment.causes,
        "ApplicationMetrics": {"RequestCount": 0},
        "InstancesHealth": counts,
        "RefreshedAt": context.world.clock.now(),
    }
    wanted = parameters.get("AttributeNames") or ["All"]
    chosen = full if "All" in wanted else {name: value for name, value in full.items() if name in wanted}
    return {"EnvironmentName": environment.name, **chosen}


@operation("DescribeInstancesHealth")
def describe_instances_health(context: Context, parameters: Parameters) -> Answer:
    """Each instance's enhanced health and the version on it, two instances a page."""
    environment = the_environment(context, parameters)
    _must_be_enhanced(environment, "DescribeInstancesHealth")
    wanted = parameters.get("AttributeNames") or ["All"]
    rows = []
    for instance in environment.instances:
        full = {
            "HealthStatus": instance.health,
            "Color": COLOURS.get(instance.health, "Grey"),
            "Causes": instance.causes,
            "LaunchedAt": environment.created,
            "ApplicationMetrics": {"RequestCount": 0},
            "System": {"LoadAverage": [0.1, 0.1]},
            "Deployment": {
                "VersionLabel": instance.label,
                "DeploymentId": instance.deployment,
                "Status": instance.status,
                "DeploymentTime": instance.deployed,
            },
            "AvailabilityZone": f"{environment.region}a",
            "InstanceType": "t3.small",
        }
        chosen = full if "All" in wanted else {name: value for name, value in full.items() if name in wanted}
        rows.append({"InstanceId": instance.id, **chosen})
    start = int(parameters.get("NextToken") or 0)
    end = start + 4
    answer: dict[str, object] = {"InstanceHealthList": rows[start:end], "NextToken": str(end) if end < len(rows) else None}
    if "All" in wanted or "RefreshedAt" in wanted:
        answer["RefreshedAt"] = context.world.clock.now()
    return answer


@operation("DescribeEnvironmentResources")
def describe_environment_resources(context: Context, parameters: Parameters) -> Answer:
    """The resources behind an environment."""
    environment = the_environment(context, parameters)
    return {
        "EnvironmentResources": {
            "EnvironmentName": environment.name,
            "AutoScalingGroups": [{"Name": f"awseb-{environment.id}-stack-AWSEBAutoScalingGroup"}],
            "Instances": [{"Id": instance.id} for instance in environment.instances],
            "LaunchConfigurations": [],
            "LaunchTemplates": [],
            "LoadBalancers": [],
            "Triggers": [],
            "Queues": [],
        }
    }


@operation("RequestEnvironmentInfo")
def request_environment_info(context: Context, parameters: Parameters) -> Answer:
    """Asks for logs; they are there half a second later."""
    world, environment = context.world, the_environment(context, parameters)
    due = world.clock.now() + 0.5
    bucket = f"elasticbeanstalk-{environment.region}-{world.account}"
    moto_side.make_bucket(world.account, bucket, environment.region)

    def pulled() -> None:
        for instance in environment.instances:
            text = f"----- {instance.id} /var/log/eb-engine.log -----\n[INFO] deployed {instance.label}\n"
            moto_side.put_object(world.account, bucket, _log_key(environment, instance.id), text.encode())
        environment.logs_until = due + 900
        world.tell(environment, due, "Pulled logs for environment instances.", request_id=context.request_id)

    world.schedule(environment, due, pulled)
    return None


@operation("RetrieveEnvironmentInfo")
def retrieve_environment_info(context: Context, parameters: Parameters) -> Answer:
    """The logs asked for, as presigned URLs."""
    environment, now = the_environment(context, parameters), context.world.clock.now()
    if environment.logs_until < now:
        return {"EnvironmentInfo": []}
    bucket = f"elasticbeanstalk-{environment.region}-{context.world.account}"
    return {
        "EnvironmentInfo": [
            {
                "InfoType": parameters["InfoType"],
                "Ec2InstanceId": instance.id,
                "SampleTimestamp": now,
                "Message": _presigned(context, bucket, _log_key(environment, instance.id)),
            }
            for instance in environment.instances
        ]
    }


def _log_key(environment: Environment, instance_id: str) -> str:
    return f"resources/environments/logs/tail/{environment.id}/{instance_id}/TailLogs.txt"


def _presigned(context: Context, bucket: str, key: str) -> str:
    import boto3
    from botocore.config import Config

    from .. import ACCESS_KEY, SECRET_KEY

    client = boto3.client(
        "s3",
        region_name=context.region_name,
        endpoint_url=context.endpoint,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )
    return str(client.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": key}, ExpiresIn=900))
