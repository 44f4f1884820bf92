//! Whole operations, told event by event.

use super::*;

#[test]
fn all_at_once() {
    let environment = single();
    let steps = deploy(&environment, &Ending::Succeeds);
    assert_eq!(
        story(&steps),
        [
            "0 = Updating",
            "0 INFO Environment update is starting.",
            "300 = Info Application update in progress on 1 instance. 0 out of 1 instance completed (running for 0 seconds).",
            "300 INFO Environment health has transitioned from Ok to Info. Application update in progress on 1 instance. 0 out of 1 instance completed (running for 0 seconds).",
            "600 INFO Deploying new version to instance(s).",
            "2400 INFO Instance deployment completed successfully.",
            "2660 INFO New application version was deployed to running EC2 instances.",
            "2661 = label v2",
            "2661 INFO Environment update completed successfully.",
            "2662 = Ready",
            "3060 = Ok",
            "3060 INFO Environment health has transitioned from Info to Ok."
        ]
    );
    let (after, versions) = after(environment, steps);
    assert_eq!(
        (after.label.as_deref(), after.deployment, after.abortable),
        (Some("v2"), 2, false)
    );
    assert_eq!(versions, ["v2/2 Deployed"]);
}

#[test]
fn a_command_that_fails_leaves_the_old_label() {
    let environment = single();
    let steps = deploy(&environment, &failure());
    assert_eq!(
        story(&steps),
        [
            "0 = Updating",
            "0 INFO Environment update is starting.",
            "300 = Info Application update in progress on 1 instance. 0 out of 1 instance completed (running for 0 seconds).",
            "300 INFO Environment health has transitioned from Ok to Info. Application update in progress on 1 instance. 0 out of 1 instance completed (running for 0 seconds).",
            "600 INFO Deploying new version to instance(s).",
            "2400 ERROR Instance deployment failed. For details, see 'eb-engine.log'.",
            "2500 ERROR [Instance: i-1] Command failed on instance. Return code: 1 Output: Engine execution has encountered an error..",
            "2501 INFO Command execution completed on all instances. Summary: [Successful: 0, Failed: 1].",
            "2502 ERROR Unsuccessful command execution on instance id(s) 'i-1'. Aborting the operation.",
            "2503 ERROR Failed to deploy application.",
            "2504 = Ready",
            "2900 = Degraded Incorrect application version found on all instances. Expected version \"v1\" (deployment 1).",
            "2900 WARN Environment health has transitioned from Info to Degraded. Incorrect application version found on all instances. Expected version \"v1\" (deployment 1)."
        ]
    );
    let (after, versions) = after(environment, steps);
    assert_eq!(
        (after.label.as_deref(), after.deployment, after.attempt),
        (Some("v1"), 1, 2)
    );
    assert_eq!(versions, ["v2/2 Failed"]);
}

#[test]
fn rolling_stops_at_the_batch_that_fails() {
    let environment = balanced("Rolling", "50");
    assert_eq!(
        story(&deploy(&environment, &Ending::Succeeds)),
        [
            "0 = Updating",
            "0 INFO Environment update is starting.",
            "300 = Info Application update in progress on 2 instances. 0 out of 2 instances completed (running for 0 seconds).",
            "300 INFO Environment health has transitioned from Ok to Info. Application update in progress on 2 instances. 0 out of 2 instances completed (running for 0 seconds).",
            "600 INFO Batch 1: Starting application deployment on instance(s) [i-1].",
            "601 INFO Batch 1: De-registering instance(s) from the load balancer and waiting for them to go out of service.",
            "900 INFO Batch 1: Starting application deployment command execution.",
            "1500 INFO Instance deployment completed successfully.",
            "1560 INFO Batch 1: Completed application deployment command execution.",
            "1561 INFO Command execution completed on 1 of 2 instances in environment.",
            "1562 INFO Batch 1: Registering instance(s) with the load balancer and waiting for them to be healthy.",
            "1860 INFO Batch 1: Completed application deployment.",
            "1861 = Info Application update in progress on 2 instances. 1 out of 2 instances completed (running for 2 seconds).",
            "1861 INFO Batch 2: Starting application deployment on instance(s) [i-2].",
            "1862 INFO Batch 2: De-registering instance(s) from the load balancer and waiting for them to go out of service.",
            "2160 INFO Batch 2: Starting application deployment command execution.",
            "2760 INFO Instance deployment completed successfully.",
            "2820 INFO Batch 2: Completed application deployment command execution.",
            "2821 INFO Command execution completed on 2 of 2 instances in environment.",
            "2822 INFO Batch 2: Registering instance(s) with the load balancer and waiting for them to be healthy.",
            "3120 INFO Batch 2: Completed application deployment.",
            "3121 = Info Application update in progress on 2 instances. 2 out of 2 instances completed (running for 3 seconds).",
            "3121 INFO New application version was deployed to running EC2 instances.",
            "3122 = label v2",
            "3122 INFO Environment update completed successfully.",
            "3123 = Ready",
            "3520 = Ok",
            "3520 INFO Environment health has transitioned from Info to Ok."
        ]
    );
    let steps = deploy(&environment, &failure());
    let (after, versions) = after(environment, steps);
    assert_eq!(versions, ["v2/2 Failed", "v1/1 Deployed"]);
    assert_eq!(
        after.health.causes,
        [
            "Incorrect application version found on 1 out of 2 instances. Expected version \"v1\" (deployment 1)."
        ]
    );
}

#[test]
fn immutable() {
    let environment = balanced("Immutable", "100");
    let steps = deploy(&environment, &Ending::Succeeds);
    assert_eq!(
        story(&steps),
        [
            "0 = Updating",
            "0 INFO Environment update is starting.",
            "300 = Info Application update in progress on 2 instances. 0 out of 2 instances completed (running for 0 seconds).",
            "300 INFO Environment health has transitioned from Ok to Info. Application update in progress on 2 instances. 0 out of 2 instances completed (running for 0 seconds).",
            "600 INFO Immutable deployment policy enabled. Launching one instance with the new settings to verify health.",
            "1000 INFO Created temporary auto scaling group awseb-e-abcdefghij-immutable-stack-AWSEBAutoScalingGroup.",
            "2200 INFO Instance deployment completed successfully.",
            "2260 INFO Adding new instance(s) (new-1) to the load balancer.",
            "2261 INFO Waiting for instance(s) (new-1) to pass health checks.",
            "3060 INFO Added instance [new-1] to your environment.",
            "3061 INFO Test instance passed health checks. Launching remaining new instances.",
            "3760 INFO Added instances [new-2] to your environment.",
            "3761 INFO Successfully launched all instances.",
            "4160 INFO Detached new instance(s) from temporary auto scaling group awseb-e-abcdefghij-immutable-stack-AWSEBAutoScalingGroup.",
            "4161 INFO Attached new instance(s) to the permanent auto scaling group awseb-e-abcdefghij-stack-AWSEBAutoScalingGroup.",
            "4162 INFO Starting post-deployment configuration on new instances.",
            "4660 INFO Instance deployment completed successfully.",
            "4661 INFO Waiting for post-deployment configuration to complete.",
            "5060 INFO Deployment succeeded. Terminating old instances and temporary Auto Scaling group.",
            "5760 INFO Removed instance [i-1] from your environment.",
            "5761 INFO Removed instance [i-2] from your environment.",
            "5762 INFO New application version was deployed to running EC2 instances.",
            "5763 = label v2",
            "5763 INFO Environment update completed successfully.",
            "5764 = Ready",
            "6160 = Ok",
            "6160 INFO Environment health has transitioned from Info to Ok."
        ]
    );
    let (_, versions) = after(environment, steps);
    assert_eq!(versions, ["v2/2 Deployed", "v2/2 Deployed"]);
}

#[test]
fn settings_with_a_version_end_with_the_words_for_settings() {
    let environment = single();
    let mut settings = environment.settings.clone();
    settings
        .entry("aws:elasticbeanstalk:application:environment".to_owned())
        .or_default()
        .insert("A".into(), "1".into());
    let wanted = Update {
        label: Some("v2".to_owned()),
        settings: Some(settings.clone()),
        reach: Reach::Instances,
        ..Update::default()
    };
    let steps = update(&environment, &wanted, &Ending::Succeeds, start());
    assert_eq!(
        story(&steps),
        [
            "0 = Updating",
            "0 INFO Environment update is starting.",
            "300 = Info Application update in progress on 1 instance. 0 out of 1 instance completed (running for 0 seconds).",
            "300 INFO Environment health has transitioned from Ok to Info. Application update in progress on 1 instance. 0 out of 1 instance completed (running for 0 seconds).",
            "600 INFO Updating environment shop-env's configuration settings.",
            "601 INFO Deploying new version to instance(s).",
            "2400 INFO Instance deployment completed successfully.",
            "2660 INFO New application version was deployed to running EC2 instances.",
            "2661 = label v2",
            "2661 INFO Successfully deployed new configuration to environment.",
            "2662 INFO Environment update completed successfully.",
            "2663 = Ready",
            "3060 = Ok",
            "3060 INFO Environment health has transitioned from Info to Ok."
        ]
    );
    let failed = update(&environment, &wanted, &failure(), start());
    let (reverted, _) = after(environment.clone(), failed);
    assert_eq!(
        (&reverted.settings, reverted.draft.map(|draft| draft.failed)),
        (&environment.settings, Some(true))
    );
    let (done, _) = after(environment, steps);
    assert_eq!((done.settings, done.draft), (settings, None));
}

#[test]
fn an_abort_stops_a_rolling_deployment_where_it_is() {
    let environment = balanced("Rolling", "50");
    let steps = deploy(&environment, &Ending::Succeeds);
    let first_batch: Vec<Step> = steps
        .into_iter()
        .filter(|step| step.at <= at(2300))
        .collect();
    let (running, versions) = after(environment, first_batch);
    assert_eq!(versions, ["v2/2 Deployed", "v2/2 In Progress"]);
    let steps = abort(&running, start());
    assert_eq!(
        story(&steps),
        [
            "0 = Aborting",
            "0 INFO Aborting environment update.",
            "1000 INFO During an aborted deployment, some instances may have deployed the new application version. To ensure all instances are running the same version, re-deploy the appropriate application version.",
            "1001 INFO Environment update aborted.",
            "1002 = Ready",
            "1400 = Degraded Incorrect application version found on all instances. Expected version \"v1\" (deployment 1).",
            "1400 WARN Environment health has transitioned from Info to Degraded. Incorrect application version found on all instances. Expected version \"v1\" (deployment 1)."
        ]
    );
    let (after, versions) = after(running, steps);
    assert_eq!(versions, ["v2/2 Deployed", "v2/2 Failed"]);
    assert_eq!(
        (after.label.as_deref(), after.status),
        (Some("v1"), Status::Ready)
    );
}
