"""Updates of environments as a timeline: each step has a date, and what EB would say and show then.

Wording and end states follow real event logs: a failed deployment keeps the old label, leaves the environment Ready and
Red, and says so in ERROR events that carry the RequestId of the call that began it.
"""

from __future__ import annotations

from collections.abc import Callable

from . import bundles
from .bundles import ENGINE
from .scenario import Deploy
from .world import Environment, Instance, Version, World

UNRELATED = "Failed to pull logs for environment instances."
MIXED_AFTER_ABORT = (
    "During an aborted deployment, some instances may have deployed the new application version. To ensure all "
    "instances are running the same version, re-deploy the appropriate application version."
)
OTHERS_FAILURE = "Failed to deploy configuration."


class Update:
    """One update of an environment, from Updating to Ready."""

    def __init__(self, world: World, environment: Environment, request_id: str, knobs: Deploy) -> None:
        self.world = world
        self.environment = environment
        self.request_id = request_id
        self.knobs = knobs
        self.start = world.clock.now()
        environment.status = "Updating"
        environment.abortable = True
        environment.updated = self.start

    def at(self, share: float, act: Callable[[], None]) -> None:
        """Lets `act` happen after `share` of the duration."""
        self.world.schedule(self.environment, self.start + share * self.knobs.duration, act)

    def say(self, share: float, message: str, severity: str = "INFO", own: bool = True, label: str | None = None) -> None:
        """Lets an event appear after `share` of the duration."""
        due = self.start + share * self.knobs.duration
        request_id = self.request_id if own else None
        self.at(share, lambda: self.world.tell(self.environment, due, message, severity, request_id, label))

    def ready(self) -> None:
        """The environment is Ready at the end."""

        def act() -> None:
            self.environment.status = "Ready"
            self.environment.abortable = False

        self.at(1, act)

    def health(self, share: float, color: str, status: str, causes: list[str] | None = None) -> None:
        """The environment's health becomes another after `share` of the duration."""

        def act() -> None:
            self.environment.health = color
            self.environment.health_status = status if self.environment.enhanced else ""
            self.environment.causes = causes or []

        self.at(share, act)


def deploy(world: World, environment: Environment, version: Version, request_id: str) -> None:
    """Begins the deployment of `version`."""
    knobs = world.scenario.deploy
    result, reason = knobs.result, None
    if version.source and result != "never":
        verdict, reason = bundles.verdict(world.account, *version.source)
        result = result if verdict == "ok" else verdict
    environment.deployments += 1
    update = Update(world, environment, request_id, knobs)
    update.say(0, "Environment update is starting.", label=version.label)
    update.health(0, "Grey", "Info", ["Application update in progress on all instances."])
    update.say(0.2, "Deploying new version to instance(s).", label=version.label)
    for instance in environment.instances:
        update.at(0.2, _deployed(update, instance, version.label, "In Progress", 0.2))
    if knobs.unrelated_error:
        update.say(0.3, UNRELATED, "ERROR", own=False)
    if knobs.early_green:
        update.say(0.3, "Environment health has been set to GREEN")
    if knobs.label == "start":
        update.at(0, lambda: setattr(environment, "label", version.label))
    if result == "never":
        return
    update.ready()
    if result == "failing":
        _fail(update, version.label, reason)
    elif result == "silent":
        _end_silently(update)
    else:
        _succeed(update, version.label, result)


def _deployed(update: Update, instance: Instance, label: str | None, status: str, share: float) -> Callable[[], None]:
    def act() -> None:
        instance.label, instance.status = label, status
        instance.deployment = update.environment.deployments
        instance.deployed = update.start + share * update.knobs.duration

    return act


def _succeed(update: Update, label: str, result: str) -> None:
    environment = update.environment
    for index, instance in enumerate(environment.instances):
        if result == "mixed" and index == len(environment.instances) - 1:
            update.at(0.9, _deployed(update, instance, instance.label, "Deployed", 0.9))
            continue
        update.at(0.9, _deployed(update, instance, label, "Deployed", 0.9))
        update.say(0.9, "Instance deployment completed successfully.", label=label)
    update.at(1, lambda: setattr(environment, "label", label))
    update.say(1, "New application version was deployed to running EC2 instances.", label=label)
    endings = {
        "timeouts": "Update environment operation is complete, but with command timeouts. Try increasing the timeout period.",
        "errors": (
            "Update environment operation is complete, but with errors. For more information, see troubleshooting documentation."
        ),
    }
    update.say(1, endings.get(result, "Environment update completed successfully."), label=label)
    color, status, causes = {
        "red": ("Red", "Severe", ["ELB processes are not healthy on all instances."]),
        "yellow": ("Yellow", "Warning", ["Impaired services on 1 out of 1 instances."]),
    }.get(result, ("Green", "Ok", []))
    _health_at_the_end(update, color, status, causes)


def _fail(update: Update, label: str, reason: str | None) -> None:
    environment, previous = update.environment, update.environment.label
    ids = [instance.id for instance in environment.instances]
    for instance in environment.instances:
        update.at(0.8, _deployed(update, instance, label, "Failed", 0.8))
    update.say(0.8, reason or ENGINE, "ERROR", label=label)
    for instance_id in ids:
        output = "Engine execution has encountered an error.."
        update.say(
            0.8, f"[Instance: {instance_id}] Command failed on instance. Return code: 1 Output: {output}", "ERROR", label=label
        )
    summary = f"[Successful: 0, Failed: {len(ids)}]"
    update.say(0.9, f"Command execution completed on all instances. Summary: {summary}.", label=label)
    named = ",".join(ids)
    update.say(0.9, f"Unsuccessful command execution on instance id(s) '{named}'. Aborting the operation.", "ERROR", label=label)
    update.say(1, "Failed to deploy application.", "ERROR", label=label)
    update.say(1, MIXED_AFTER_ABORT, "INFO", label=label)
    update.at(1, lambda: setattr(environment, "label", previous))
    expected = f'Expected version "{previous}" (deployment {environment.deployments - 1}).'
    cause = f"Incorrect application version found on {len(ids)} out of {len(ids)} instances. {expected}"
    _health_at_the_end(update, "Red", "Degraded", [cause])


def _end_silently(update: Update) -> None:
    environment, previous = update.environment, update.environment.label
    for instance in environment.instances:
        update.at(0.9, _deployed(update, instance, instance.label, "Deployed", 0.9))
    update.at(1, lambda: setattr(environment, "label", previous))
    _health_at_the_end(update, "Green", "Ok", [])


def _health_at_the_end(update: Update, color: str, status: str, causes: list[str]) -> None:
    after = update.knobs.health_after
    if after:
        update.health(1, "Grey", "Pending", ["Initialization in progress."])
    share = 1 + after / update.knobs.duration if update.knobs.duration else 1
    update.health(share, color, status, causes)
    if update.environment.enhanced:
        told = f" {causes[0]}" if causes else ""
        update.say(share, f"Environment health has transitioned from Info to {status}.{told}", own=False)
    else:
        update.say(share, f"Environment health has been set to {color.upper()}")


def configure(world: World, environment: Environment, request_id: str) -> None:
    """Begins an update of the configuration alone."""
    update = Update(world, environment, request_id, world.scenario.deploy)
    update.say(0, "Environment update is starting.")
    update.say(0.1, f"Updating environment {environment.name}'s configuration settings.")
    if update.knobs.result == "never":
        return
    update.ready()
    if update.knobs.result == "failing":
        update.say(1, "Failed to deploy configuration.", "ERROR")
        update.say(1, "The environment was reverted to the previous configuration setting.", "ERROR")
        return
    update.say(0.9, "Successfully deployed new configuration to environment.")
    update.say(1, "Environment update completed successfully.")


def somebody_elses(world: World, environment: Environment, request_id: str, seconds: float, fails: bool = False) -> None:
    """Begins an update that another user asked for; with `fails` it ends with their ERROR event, and no harm."""
    update = Update(world, environment, request_id, Deploy(duration=seconds))
    update.say(0, "Environment update is starting.")
    update.say(0.1, f"Updating environment {environment.name}'s configuration settings.")
    update.ready()
    if fails:
        update.say(0.9, OTHERS_FAILURE, "ERROR")
        update.say(1, "The environment was reverted to the previous configuration setting.", "ERROR")
    else:
        update.say(1, "Environment update completed successfully.")


def abort(world: World, environment: Environment, request_id: str) -> None:
    """Stops the update that runs: what was deployed stays where it is."""
    environment.steps.clear()
    update = Update(world, environment, request_id, Deploy(duration=0.5))
    environment.status, environment.abortable = "Aborting", False
    update.say(0, "Aborting environment update.")
    update.ready()
    update.say(1, "Environment update aborted.")
    update.say(1, MIXED_AFTER_ABORT)
    update.health(1, "Yellow", "Warning", ["Incorrect application version found on some instances."])


def launch(world: World, environment: Environment, request_id: str) -> None:
    """Begins the launch of a new environment."""
    update = Update(world, environment, request_id, world.scenario.deploy)
    environment.status, environment.abortable = "Launching", False
    environment.health, environment.health_status = "Grey", "Pending" if environment.enhanced else ""
    bucket = f"elasticbeanstalk-{environment.region}-{world.account}"
    update.say(0, "createEnvironment is starting.")
    update.say(0.1, f"Using {bucket} as Amazon S3 storage bucket for environment data.")
    update.say(0.5, "Waiting for EC2 instances to launch. This may take a few minutes.")
    if update.knobs.result == "never":
        return
    update.ready()
    if update.knobs.result == "failing":
        update.say(1, "Failed to launch environment.", "ERROR")
        update.health(1, "Red", "Severe")
        return
    update.say(0.9, "Instance deployment completed successfully.")
    update.say(1, f"Application available at {environment.cname}.")
    update.say(1, f"Successfully launched environment: {environment.name}")
    update.health(1, "Green", "Ok")


def terminate(world: World, environment: Environment, request_id: str) -> None:
    """Begins the termination of an environment."""
    environment.steps.clear()
    update = Update(world, environment, request_id, Deploy(duration=world.scenario.deploy.duration))
    environment.status, environment.abortable = "Terminating", False
    update.say(0, "terminateEnvironment is starting.")
    update.say(0.9, f"Deleting SNS topic for environment {environment.name}.")
    update.say(1, "terminateEnvironment completed successfully.")
    update.at(1, lambda: setattr(environment, "status", "Terminated"))
    update.health(1, "Grey", "Unknown")
