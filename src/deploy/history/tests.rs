//! What is chosen to go back to, as a table of pasts.

use super::*;

const SAMPLE: &str = crate::deploy::version::SAMPLE;

/// Events in the service's order, of lines like `r1/v1 done` (request, version, what happens),
/// oldest first, a second apart; `-` for what an event does not tell.
fn events(lines: &str) -> Vec<Event> {
    let event = |(second, line): (usize, &str)| {
        let (whose, what) = line.trim().split_once(' ').expect("two words");
        let (request, label) = whose.split_once('/').expect("request and version");
        let text = |text: &str| Some(text.to_owned()).filter(|text| text != "-");
        let message = match what {
            "start" => "Environment update is starting.",
            "done" => "Environment update completed successfully.",
            "fail" => "Failed to deploy application.",
            "abort" => "Environment update aborted.",
            "red" => {
                "Environment health has transitioned from Info to Severe. 100 % of requests fail."
            }
            "ok" => "Environment health has transitioned from Info to Ok.",
            "updating" => "Updating environment shop-prod's configuration settings.",
            "configured" => "Successfully deployed new configuration to environment.",
            other => panic!("{other}"),
        };
        Event {
            time: Timestamp::from_second(i64::try_from(second).expect("a second")).expect("a time"),
            severity: "INFO".into(),
            message: message.into(),
            request_id: text(request),
            version_label: text(label),
            environment: None,
        }
    };
    let lines = lines.split(',').filter(|line| !line.trim().is_empty());
    let mut events: Vec<_> = lines.enumerate().map(event).collect();
    events.reverse();
    events
}

/// The versions v1 to v4, the newest broken, and AWS's sample.
fn versions() -> Vec<Version> {
    let version = |label: &str, created: i64, status: &str| Version {
        label: label.into(),
        status: status.into(),
        bundle: Some(("b".into(), label.into())),
        created: Timestamp::from_second(created).ok(),
        description: None,
    };
    vec![
        version("v4", 400, "FAILED"),
        version("v3", 300, "PROCESSED"),
        version("v2", 200, "UNPROCESSED"),
        version("v1", 100, "PROCESSED"),
        version(SAMPLE, 0, "PROCESSED"),
    ]
}

fn chosen(past: &str, current: &str, mixed: bool) -> String {
    let (history, versions) = (History::of(&events(past)), versions());
    let candidates = history.candidates(&versions);
    let current = versions.iter().find(|version| version.label == current);
    let unsettled = history.ended_badly || mixed;
    match history.choose(&candidates, current, unsettled) {
        Some((candidate, because)) => format!("{} {because:?}", candidate.version_label),
        None => "none".into(),
    }
}

#[test]
fn the_version_to_go_back_to_is_the_last_that_ran_well() {
    let cases = "
        the one before | r1/v1 done,r2/v2 done | v2
        after a failure | r1/v1 done,r2/v2 done,r3/v3 start,r3/v3 fail | v2
        after an abort | r1/v1 done,r2/v2 done,r3/v3 start,r3/v3 abort | v2
        after a failure that was cured | r1/v1 done,r2/v2 done,r3/v3 fail,r4/v2 done | v2
        after another deploy | r1/v1 done,r2/v2 done,r3/v3 done | v3
        after a rollback | r1/v1 done,r2/v2 done,r3/v1 done | v1
        the one before was red | r1/v1 done,r2/v2 done,-/- red,r3/v3 start,r3/v3 done | v3
        red at last, fine before | r1/v1 done,r2/v2 done,-/- ok,-/- red,r3/v3 done | v3
        red from the next update | r1/v1 done,r2/v2 done,r3/v3 start,-/- red,r3/v3 done | v3
        labels only at the start | r1/v1 start,r1/- done,r2/v2 start,r2/- done | v2
        an update that says both | r1/v1 done,r2/v2 fail,r2/v2 done,r3/v3 done | v3
        no events |  | v3
        no events, the oldest |  | v1
        events without labels | r1/- done | v2
        never a version in place | r3/v3 fail | none
        AWS's sample in place | r3/v3 fail | Sample Application
        the one before is deleted | r0/v0 done,r1/v1 done | v1
    ";
    let line = |case: &str| {
        let parts: Vec<&str> = case.split('|').map(str::trim).collect();
        format!("{}: {}", parts[0], chosen(parts[1], parts[2], false))
    };
    let lines: Vec<_> = cases.trim().lines().map(line).collect();
    insta::assert_snapshot!(lines.join("\n"), @"
    the one before: v1 RanBefore
    after a failure: v2 InPlace
    after an abort: v2 InPlace
    after a failure that was cured: v1 RanBefore
    after another deploy: v2 RanBefore
    after a rollback: v2 RanBefore
    the one before was red: v1 RanBefore
    red at last, fine before: v2 RanBefore
    red from the next update: v2 RanBefore
    labels only at the start: v1 RanBefore
    an update that says both: v1 RanBefore
    no events: v2 CreatedBefore
    no events, the oldest: none
    events without labels: v1 CreatedBefore
    never a version in place: none
    AWS's sample in place: none
    the one before is deleted: none
    ");
    let mixed = chosen("r1/v1 done,r2/v2 done", "v2", true);
    assert_eq!(mixed, "v2 InPlace");
}

#[test]
fn configuration_updates_are_told_once_each() {
    let past = events(
        "r1/- updating,r2/v1 done,r3/- updating,r3/- configured,r4/v2 configured,r4/v2 done",
    );
    let since = Timestamp::from_second(1).expect("a time");
    let found = configuration_updates(&past, since);
    let times: Vec<_> = found.iter().map(|event| event.time.as_second()).collect();
    assert_eq!(times, [4, 3]);
}
