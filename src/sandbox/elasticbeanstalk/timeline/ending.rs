//! How updates end: what is said last, which label stays, and the health that follows.

use super::super::model::{Change, Draft, Health, HealthStatus, Rollout, Settings, Status};
use super::configure::{most_instances, replaced_instances, wanted_count};
use super::deploy::{Flow, Plan};
use super::{APP_LOG, Ending, Script, Trouble, ids};

pub(super) fn close(script: &mut Script<'_>, plan: &Plan<'_>, flow: Flow, touches: bool) {
    match flow {
        Flow::Stuck => {}
        Flow::Done => succeed(script, plan, touches),
        Flow::Failed => {
            give_up(script, plan);
            settle(script, plan);
        }
        Flow::TimedOut => {
            script.set(Change::Draft(None));
            settle(script, plan);
        }
        Flow::Stopped => stop(script, plan),
        Flow::Returned => {
            script.set(Change::Draft(None));
            script.info("Environment update completed successfully.");
            script.ready();
            script.pass(400);
            script.turn(Health::ok());
        }
    }
}

/// UNVERIFIED: for all-at-once and rolling the label is taken to change only here, at the end; for immutable this is known.
fn succeed(script: &mut Script<'_>, plan: &Plan<'_>, touches: bool) {
    if plan.update.label.is_some() {
        script.info("New application version was deployed to running EC2 instances.");
        script.set(Change::Label(plan.label.clone()));
    }
    if let Some(settings) = &plan.update.settings {
        script.set(Change::Settings(settings.clone()));
        script.set(Change::Draft(None));
        scale(script, plan, settings);
        script.info("Successfully deployed new configuration to environment.");
    }
    if let Some(platform) = &plan.update.platform {
        script.set(Change::Platform(platform.clone()));
    }
    if let Some(description) = &plan.update.description {
        script.set(Change::Description(description.clone()));
    }
    if touches {
        script.set(Change::Deployment(plan.attempt));
    }
    script.info("Environment update completed successfully.");
    script.ready();
    if !touches {
        return;
    }
    script.pass(400);
    let health = match plan.ending {
        Ending::Unhealthy(Trouble { health, app }) => {
            script.journal(APP_LOG, app.clone());
            health.clone()
        }
        _ => Health::ok(),
    };
    script.heal(&health);
    script.publish();
    script.turn(health);
}

/// As many instances as the Auto Scaling group may have now.
fn scale(script: &mut Script<'_>, plan: &Plan<'_>, settings: &Settings) {
    let has = script.instances.len();
    let wanted = has.clamp(wanted_count(settings), most_instances(settings));
    let removed = script.instances.split_off(wanted.min(has));
    if !removed.is_empty() {
        script.info(format!(
            "Removed instances [{}] from your environment.",
            ids(&removed)
        ));
    }
    let at = script.now();
    let mut added =
        replaced_instances(script.environment, plan.attempt, wanted, at).split_off(has.min(wanted));
    for instance in &mut added {
        instance.label.clone_from(&plan.label);
        instance.deployment = plan.attempt;
        instance.outcome = Rollout::Deployed;
        instance.health = Health::ok();
    }
    if !added.is_empty() {
        script.info(format!(
            "Added instances [{}] to your environment.",
            ids(&added)
        ));
    }
    script.instances.append(&mut added);
    script.publish();
}

/// The last words of an update that failed.
fn give_up(script: &mut Script<'_>, plan: &Plan<'_>) {
    if plan.update.label.is_some() || plan.update.platform.is_some() {
        script.error("Failed to deploy application.");
    }
    if let Some(settings) = &plan.update.settings {
        // UNVERIFIED: that these follow when version and options came in one call.
        script.error("Failed to deploy configuration.");
        script.pass(300);
        script.error("The environment was reverted to the previous configuration setting.");
        let draft = Draft {
            settings: settings.clone(),
            failed: true,
            created: script.start.now,
        };
        script.set(Change::Draft(Some(draft)));
    }
}

/// Ready again, with the label of the last success (none without one) as the version that instances should have.
fn settle(script: &mut Script<'_>, plan: &Plan<'_>) {
    script.ready();
    script.pass(400);
    let health = aftermath(script, plan);
    script.publish();
    script.turn(health);
}

/// UNVERIFIED: the severity of the sentence about an aborted deployment.
fn stop(script: &mut Script<'_>, plan: &Plan<'_>) {
    script.set(Change::Status(Status::Aborting));
    script.set(Change::Abortable(false));
    script.info(
        "During an aborted deployment, some instances may have deployed the new application version. To ensure all instances \
         are running the same version, re-deploy the appropriate application version.",
    );
    script.set(Change::Draft(None));
    script.pass(300);
    settle(script, plan);
}

/// Health after instances were left with a version that is not the expected one.
pub(super) fn aftermath(script: &mut Script<'_>, plan: &Plan<'_>) -> Health {
    let environment = script.environment;
    let all = script.instances.len();
    let expected = environment.label.as_ref().map(|label| {
        format!(
            "Expected version \"{label}\" (deployment {}).",
            environment.deployment
        )
    });
    let mut wrong = 0;
    for instance in &mut script.instances {
        if instance.deployment == environment.deployment && instance.outcome == Rollout::Deployed {
            continue;
        }
        wrong += 1;
        let found = instance
            .label
            .clone()
            .or_else(|| plan.label.clone())
            .unwrap_or_default();
        let found = format!(
            "Incorrect application version \"{found}\" (deployment {}).",
            instance.deployment
        );
        let cause = expected.as_ref().map_or_else(
            || "Application deployment failed.".to_owned(),
            |expected| format!("{found} {expected}"),
        );
        instance.health = Health::because(HealthStatus::Degraded, cause);
    }
    match (wrong, expected) {
        (0, _) => environment.health.clone(),
        (_, None) => Health::because(
            HealthStatus::Degraded,
            format!("Impaired services on {}.", share(wrong, all)),
        ),
        (_, Some(expected)) => {
            let cause = format!(
                "Incorrect application version found on {}. {expected}",
                share(wrong, all)
            );
            Health::because(HealthStatus::Degraded, cause)
        }
    }
}

fn share(part: usize, all: usize) -> String {
    if part == all {
        "all instances".to_owned()
    } else {
        format!("{part} out of {all} instances")
    }
}
