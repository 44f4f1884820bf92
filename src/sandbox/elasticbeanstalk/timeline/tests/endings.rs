//! What an environment is like when an operation is over.

use super::*;

#[test]
fn without_a_version_that_ever_worked_there_is_no_label() {
    let mut environment = single();
    environment.label = None;
    let steps = deploy(&environment, &failure());
    let (after, _) = after(environment, steps);
    assert_eq!(after.label, None);
    assert_eq!(after.health.causes, ["Impaired services on all instances."]);
}

#[test]
fn a_batch_that_is_not_healthy_ends_a_rolling_deployment() {
    let red = Ending::Unhealthy(Trouble {
        health: Health::of(HealthStatus::Severe),
        app: "boom".to_owned(),
    });
    let environment = balanced("Rolling", "50");
    let steps = deploy(&environment, &red);
    let text = story(&steps).join("\n");
    assert!(
        text.contains("Instance id(s) 'i-1' did not pass health check after command execution."),
        "{text}"
    );
    let (after, versions) = after(environment, steps);
    assert_eq!(
        (after.label.as_deref(), versions),
        (
            Some("v1"),
            vec!["v2/2 Deployed".into(), "v1/1 Deployed".into()]
        )
    );
    let mut careless = balanced("Rolling", "50");
    let command = careless
        .settings
        .entry("aws:elasticbeanstalk:command".to_owned())
        .or_default();
    command.insert("IgnoreHealthCheck".to_owned(), "true".to_owned());
    let steps = deploy(&careless, &red);
    let (after, _) = super::after(careless, steps);
    assert_eq!(
        (after.label.as_deref(), after.health.status),
        (Some("v2"), HealthStatus::Severe)
    );
}

#[test]
fn an_additional_batch_keeps_the_capacity() {
    let environment = balanced("RollingWithAdditionalBatch", "50");
    let steps = deploy(&environment, &Ending::Succeeds);
    let text = story(&steps).join("\n");
    assert!(
        text.contains("Launching  a new batch of 1 additional instance(s)."),
        "{text}"
    );
    assert!(
        text.contains(
            "Batch 1: 1 EC2 instance(s) [new-1] launched. Deploying application version 'v2'."
        ),
        "{text}"
    );
    let (after, versions) = after(environment, steps);
    assert_eq!(versions, ["v2/2 Deployed", "v2/2 Deployed"]);
    assert_eq!(after.instances[0].id, "i-2");
}

#[test]
fn immutable_never_touches_the_old_instances() {
    let red = Trouble {
        health: Health::of(HealthStatus::Severe),
        app: "boom".to_owned(),
    };
    for ending in [
        failure(),
        Ending::Unhealthy(red),
        Ending::RollsBack,
        Ending::AbortedHalfWay,
        Ending::TimesOut,
    ] {
        let environment = balanced("Immutable", "100");
        let steps = deploy(&environment, &ending);
        let (after, versions) = after(environment, steps);
        assert_eq!(versions, ["v1/1 Deployed", "v1/1 Deployed"], "{ending:?}");
        assert_eq!(
            (after.label.as_deref(), after.health.status),
            (Some("v1"), HealthStatus::Ok),
            "{ending:?}"
        );
        assert_eq!(after.status, Status::Ready, "{ending:?}");
    }
}

#[test]
fn scaling_leaves_the_instances_alone() {
    let environment = balanced("AllAtOnce", "100");
    let mut settings = environment.settings.clone();
    settings
        .entry("aws:autoscaling:asg".to_owned())
        .or_default()
        .insert("MinSize".into(), "3".into());
    let wanted = Update {
        settings: Some(settings),
        ..Update::default()
    };
    let steps = update(&environment, &wanted, &Ending::Succeeds, start());
    let (after, versions) = after(environment, steps);
    assert_eq!(
        versions,
        ["v1/1 Deployed", "v1/1 Deployed", "v1/1 Deployed"]
    );
    assert_eq!((after.instances[0].id.as_str(), after.attempt), ("i-1", 1));
}

#[test]
fn ends_that_are_ordered() {
    let end = |ending: &Ending| {
        let environment = balanced("AllAtOnce", "100");
        let steps = deploy(&environment, ending);
        let errors = story(&steps).join("\n").contains(" ERROR ");
        let (after, versions) = after(environment, steps);
        let label = after.label.unwrap_or_default();
        format!(
            "{} {label} {} {} errors:{errors}",
            after.status.name(),
            after.health.status.name(),
            versions.join(", ")
        )
    };
    let yellow = Trouble {
        health: Health::of(HealthStatus::Warning),
        app: String::new(),
    };
    for (ending, wanted) in [
        (
            Ending::Hangs,
            "Updating v1 Info v2/2 In Progress, v2/2 In Progress errors:false",
        ),
        (
            Ending::RollsBack,
            "Ready v1 Ok v1/1 Deployed, v1/1 Deployed errors:false",
        ),
        (
            Ending::AbortedHalfWay,
            "Ready v1 Degraded v2/2 Deployed, v1/1 Deployed errors:false",
        ),
        (
            Ending::TimesOut,
            "Ready v1 Degraded v2/2 Failed, v2/2 Failed errors:false",
        ),
        (
            Ending::Unhealthy(yellow),
            "Ready v2 Warning v2/2 Deployed, v2/2 Deployed errors:false",
        ),
    ] {
        assert_eq!(end(&ending), wanted, "{ending:?}");
    }
}

#[test]
fn events_never_share_a_millisecond_and_speed_divides_time() {
    let fast = Start {
        speed: 1000.0,
        ..start()
    };
    let wanted = Update {
        label: Some("v2".to_owned()),
        ..Update::default()
    };
    let steps = update(
        &balanced("Immutable", "100"),
        &wanted,
        &Ending::Succeeds,
        fast,
    );
    let dates: Vec<_> = steps
        .iter()
        .filter(|step| matches!(step.change, Change::Event(_)))
        .map(|step| step.at)
        .collect();
    assert!(dates.is_sorted_by(|a, b| a < b), "{dates:?}");
    assert!(steps.is_sorted_by_key(|step| step.at));
    assert!(steps.last().unwrap().at < at(100));
}

#[test]
fn a_launch_without_instance_profile_ends_at_once() {
    let mut environment = single();
    environment.instances.clear();
    let around = Lifecycle {
        region: "eu-west-1",
        bucket: "b",
    };
    let lines = story(&create(
        &environment,
        "v1",
        &Ending::Succeeds,
        &around,
        start(),
    ));
    assert_eq!(
        lines[lines.len() - 2..],
        [
            "800 ERROR Failed to launch environment.",
            "801 = Terminated"
        ]
    );
}
