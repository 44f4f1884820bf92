//! The differences as tables: what is seen and wanted in, the plan in lines out.

use super::super::gather::Setting;
use super::super::resolve::WantedProperty;
use super::*;
use crate::deploy::configuration::OptionSetting;

const ARN: &str = "arn:aws:secretsmanager:eu-central-1:1:secret:x-AbCdEf";
const COMMAND: &str = "aws:elasticbeanstalk:command";

fn seen(options: &[(&str, &str, &str)]) -> Configuration {
    let option = |(namespace, name, value): &(&str, &str, &str)| OptionSetting {
        namespace: (*namespace).into(),
        name: (*name).into(),
        value: Some((*value).into()),
    };
    Configuration::new(options.iter().map(option).collect())
}

fn wanted(properties: &[(&str, &str)]) -> Wanted {
    let property = |(name, value): &(&str, &str)| WantedProperty {
        name: (*name).into(),
        value: Value::new(*value),
        is_reference: value.starts_with("arn:"),
        from: "literal".into(),
    };
    Wanted {
        declared: true,
        properties: properties.iter().map(property).collect(),
        ..Wanted::default()
    }
}

/// The plan in lines, with what is kept.
fn planned(wanted: &Wanted, seen: &Configuration, prune: bool) -> String {
    let (options, kept) = plan(wanted, seen, prune);
    let sent = |removal: &Removal| {
        let (_, end) = removal.namespace.rsplit_once(':').unwrap_or_default();
        format!("  removes {end} {}", removal.name)
    };
    let lines = options.changes().into_iter().map(|change| {
        let detail = change.detail.unwrap_or_default();
        format!(
            "{} {} {} {detail}",
            change.verb.sign(),
            change.kind,
            change.name
        )
    });
    let lines = lines.map(|line| line.trim_end().to_owned());
    let lines = lines.chain(options.remove.iter().map(sent));
    let kept = (!kept.is_empty()).then(|| format!("kept {}", kept.join(", ")));
    lines.chain(kept).collect::<Vec<_>>().join("\n")
}

#[test]
fn only_differences_are_sent_and_others_kept_unless_pruned() {
    let seen = seen(&[
        (PROPERTIES, "SAME", "1"),
        (PROPERTIES, "OLD", "1"),
        (PROPERTIES, "MOVES", "clear"),
        (PROPERTIES, "FOREIGN", "x"),
        (SECRETS, "BACK", ARN),
    ]);
    let mut wanted = wanted(&[
        ("SAME", "1"),
        ("OLD", "2"),
        ("NEW", "3"),
        ("MOVES", ARN),
        ("BACK", "clear"),
    ]);
    wanted.settings.push(Setting {
        namespace: COMMAND.into(),
        name: "Timeout".into(),
        value: Value::new("300"),
    });
    insta::assert_snapshot!(planned(&wanted, &seen, false), @"
    ~ environment property OLD changed
    + environment property NEW
    ~ environment property from a secret MOVES changed
    ~ environment property BACK changed
    + option setting aws:elasticbeanstalk:command Timeout 300
      removes environment MOVES
      removes environmentsecrets BACK
    kept FOREIGN
    ");
    insta::assert_snapshot!(planned(&wanted, &seen, true), @"
    ~ environment property OLD changed
    + environment property NEW
    ~ environment property from a secret MOVES changed
    ~ environment property BACK changed
    + option setting aws:elasticbeanstalk:command Timeout 300
    - environment property FOREIGN
      removes environment MOVES
      removes environmentsecrets BACK
      removes environment FOREIGN
    ");
    wanted.properties.clear();
    wanted.settings.clear();
    wanted.declared = false;
    assert_eq!(planned(&wanted, &seen, false), "");
}

#[test]
fn what_a_deploy_changed_can_be_brought_back() {
    let before = seen(&[(PROPERTIES, "OLD", "1"), (PROPERTIES, "MOVES", "clear")]);
    let wanted = wanted(&[("OLD", "2"), ("NEW", "3"), ("MOVES", ARN)]);
    let (options, _) = plan(&wanted, &before, false);
    let undone = options.undone(&before);
    let after = seen(&[
        (PROPERTIES, "OLD", "2"),
        (PROPERTIES, "NEW", "3"),
        (SECRETS, "MOVES", ARN),
    ]);
    assert_eq!(undone.missing(&after), ["OLD", "MOVES", "NEW", "MOVES"]);
    assert!(undone.differing(&before).is_empty());
    let half = seen(&[(PROPERTIES, "OLD", "1"), (SECRETS, "MOVES", ARN)]);
    assert_eq!(undone.differing(&half).missing(&half), ["MOVES", "MOVES"]);
}

#[test]
fn nothing_tells_a_value() {
    let (options, _) = plan(&wanted(&[("A", "hunter2")]), &seen(&[]), false);
    let told = format!("{options:?} {:?}", options.changes());
    assert!(!told.contains("hunter2"), "{told}");
    let wrong = seen(&[(PROPERTIES, "A", "hunter3")]);
    assert_eq!(options.missing(&wrong), ["A"]);
    assert!(
        options
            .missing(&seen(&[(PROPERTIES, "A", "hunter2")]))
            .is_empty()
    );
}

#[test]
fn only_what_is_harmless_is_shown_of_other_options() {
    for (namespace, name, secret) in [
        ("aws:elasticbeanstalk:command", "DeploymentPolicy", false),
        ("aws:autoscaling:launchconfiguration", "InstanceType", false),
        ("aws:elbv2:listener:443", "SSLCertificateArns", false),
        ("aws:elasticbeanstalk:command", "SecretKey", true),
        ("aws:elasticbeanstalk:environment", "AccessToken", true),
        ("aws:rds:dbinstance", "DBPassword", true),
        (
            "aws:elasticbeanstalk:sns:topics",
            "Notification Endpoint",
            true,
        ),
        (
            "aws:elasticbeanstalk:application",
            "Application Healthcheck URL",
            true,
        ),
        (
            "aws:cloudformation:template:parameter",
            "EnvironmentVariables",
            true,
        ),
    ] {
        let option = SetOption::setting(namespace, name, Value::new("new"), Some("old"));
        let told = format!("{:?}", option.change());
        assert_eq!(told.contains("old -> new"), !secret, "{told}");
    }
}
