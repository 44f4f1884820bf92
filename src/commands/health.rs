//! `beanship health`: an environment with its instances, what runs on each, and how they are.
//! With `--watch` again and again until Ctrl-C.

use std::time::Duration;

use crate::aws::Aws;
use crate::cli::{Format, HealthArgs};
use crate::deploy::health::{self, Health, InstanceHealth, Requests};
use crate::error::{Error, Exit, Kind, Result};
use crate::output::{Event, Report, table};
use crate::settings::Target;

use super::{Context, signal, status};

/// How often health is read with `--watch`; the service refreshes it every ten seconds.
const PACE: Duration = Duration::from_secs(10);

/// Runs the command. With `--watch`, Ctrl-C is the usual end and no failure.
///
/// # Errors
/// [`Kind::Check`] for an environment that is not there; else what AWS says.
pub async fn run(cx: &Context, args: &HealthArgs) -> Result<Exit> {
    let target = cx.target(
        args.target.application.app.as_deref(),
        args.target.env.as_deref(),
    )?;
    let first = async {
        let aws = cx.aws().await?;
        let health = aws.first_contact(look(&aws, &target)).await?;
        Ok((aws, health))
    };
    let (aws, mut latest) = cx.interruptible(first).await?;
    if !args.watch {
        cx.out.result(&latest);
        return Ok(Exit::Done);
    }
    let end = tokio::select! {
        end = watch(cx, &aws, &target, &mut latest) => end,
        () = signal() => Ok(Exit::Done),
    };
    if cx.out.format() == Format::Json {
        cx.out.result(&latest);
    }
    end
}

async fn look(aws: &Aws, target: &Target) -> Result<Health> {
    health::read(aws, &target.environment)
        .await?
        .ok_or_else(|| status::missing(target, &aws.region))
}

/// Shows health until nobody reads it any more, or an error that will not pass.
async fn watch(cx: &Context, aws: &Aws, target: &Target, latest: &mut Health) -> Result<Exit> {
    loop {
        let shown = format!(
            "{}\n{}",
            status::when(jiff::Timestamp::now()),
            latest.human()
        );
        if cx.out.format() != Format::Json && cx.out.repaint(&shown).is_err() {
            return Ok(Exit::Done);
        }
        tokio::time::sleep(PACE).await;
        match look(aws, target).await {
            Ok(health) => *latest = health,
            Err(error) if is_final(&error) => return Err(error),
            Err(error) => {
                let text = format!("health is not told, still trying: {error}");
                cx.out.event(&Event::Warning(&text));
            }
        }
    }
}

/// An error that the next look would meet again.
fn is_final(error: &Error) -> bool {
    matches!(error.kind(), Kind::Denied | Kind::Credentials | Kind::Check)
}

impl Report for Health {
    fn human(&self) -> String {
        let word = self.health_status.as_deref();
        let mut head = format!("{}  {}  {}", self.environment, self.status, self.color);
        if let Some(word) = word {
            head.push_str(&format!(" ({word})"));
        }
        if let Some(label) = &self.version_label {
            head.push_str(&format!("  {label}"));
        }
        let mut lines = vec![head];
        lines.extend(self.causes.iter().map(|cause| format!("  {cause}")));
        if let Some(requests) = &self.requests {
            lines.push(format!("  {}", in_words(requests)));
        }
        let counts = self.counts.iter();
        let counts: Vec<_> = counts
            .map(|(word, count)| format!("{count} {word}"))
            .collect();
        if !counts.is_empty() {
            lines.push(format!("  instances: {}", counts.join(", ")));
        }
        match &self.instances {
            Some(instances) if instances.is_empty() => lines.push("there are no instances".into()),
            Some(instances) => lines.push(format!("\n{}", rows(instances))),
            None => {}
        }
        lines.extend(self.remarks.iter().map(|remark| format!("note: {remark}")));
        lines.join("\n")
    }
}

/// `2.5 requests/s (24 2xx, 1 5xx), p50 12 ms, p99 500 ms`
fn in_words(requests: &Requests) -> String {
    let mut text = format!("{} requests/s", requests.per_second);
    if let Some(codes) = requests.status_codes {
        let named = ["2xx", "3xx", "4xx", "5xx"].into_iter().zip(codes);
        let told: Vec<_> = named
            .filter(|(_, count)| *count > 0)
            .map(|(name, count)| format!("{count} {name}"))
            .collect();
        if !told.is_empty() {
            text.push_str(&format!(" ({})", told.join(", ")));
        }
    }
    for (name, seconds) in [("p50", requests.p50_seconds), ("p99", requests.p99_seconds)] {
        if let Some(seconds) = seconds {
            text.push_str(&format!(", {name} {}", time(seconds)));
        }
    }
    text
}

fn time(seconds: f64) -> String {
    if seconds < 1.0 {
        format!("{:.0} ms", seconds * 1000.0)
    } else {
        format!("{seconds:.1} s")
    }
}

fn rows(instances: &[InstanceHealth]) -> String {
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".into());
    let row = |of: &InstanceHealth| {
        let latency = |pick: fn(&Requests) -> Option<f64>| {
            let seconds = of.requests.as_ref().and_then(pick);
            seconds.map_or_else(|| "-".into(), time)
        };
        let load: Vec<_> = of.load.iter().map(|load| format!("{load:.2}")).collect();
        [
            of.instance.id.clone(),
            text(&of.instance.version_label),
            text(&of.instance.deployment),
            text(&of.instance.health),
            of.requests
                .as_ref()
                .map_or_else(|| "-".into(), |requests| requests.per_second.to_string()),
            latency(|requests| requests.p50_seconds),
            latency(|requests| requests.p99_seconds),
            of.cpu_percent
                .map_or_else(|| "-".into(), |share| format!("{share} %")),
            if load.is_empty() {
                "-".into()
            } else {
                load.join(" ")
            },
        ]
    };
    let shown: Vec<_> = instances.iter().map(row).collect();
    let head = [
        "INSTANCE",
        "VERSION",
        "DEPLOYMENT",
        "HEALTH",
        "REQ/S",
        "P50",
        "P99",
        "CPU",
        "LOAD",
    ];
    let causes = instances.iter().flat_map(|of| {
        let cause = |cause: &String| format!("\n{}: {cause}", of.instance.id);
        of.instance.causes.iter().map(cause)
    });
    format!("{}{}", table(head, &shown), causes.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::environment::Instance;

    #[test]
    fn health_reads_as_a_head_and_a_table() {
        let requests = Requests {
            per_second: 2.5,
            status_codes: Some([24, 0, 0, 1]),
            p50_seconds: Some(0.012),
            p99_seconds: Some(1.25),
        };
        let instance = InstanceHealth {
            instance: Instance {
                id: "i-1".into(),
                version_label: Some("v2".into()),
                deployment: Some("Deployed".into()),
                health: Some("Degraded".into()),
                causes: vec!["90 % of the requests are failing with HTTP 5xx.".into()],
            },
            instance_type: Some("t3.small".into()),
            availability_zone: None,
            launched: None,
            requests: Some(requests),
            cpu_percent: Some(0.7),
            load: vec![0.0, 0.01],
        };
        let quiet = InstanceHealth {
            requests: None,
            cpu_percent: None,
            load: Vec::new(),
            instance: Instance {
                id: "i-2".into(),
                health: Some("NoData".into()),
                causes: Vec::new(),
                ..instance.instance.clone()
            },
            ..instance.clone()
        };
        let health = Health {
            environment: "shop-prod".into(),
            status: "Ready".into(),
            color: "Red".into(),
            health_status: Some("Degraded".into()),
            version_label: Some("v2".into()),
            causes: vec!["Impaired services on 1 out of 2 instances.".into()],
            requests: Some(requests),
            counts: vec![("Degraded", 1), ("NoData", 1)],
            instances: Some(vec![instance, quiet]),
            refreshed: None,
            remarks: vec!["something is not told".into()],
        };
        insta::assert_snapshot!(health.human(), @"
        shop-prod  Ready  Red (Degraded)  v2
          Impaired services on 1 out of 2 instances.
          2.5 requests/s (24 2xx, 1 5xx), p50 12 ms, p99 1.2 s
          instances: 1 Degraded, 1 NoData

        INSTANCE  VERSION  DEPLOYMENT  HEALTH    REQ/S  P50    P99    CPU    LOAD
        i-1       v2       Deployed    Degraded  2.5    12 ms  1.2 s  0.7 %  0.00 0.01
        i-2       v2       Deployed    NoData    -      -      -      -      -
        i-1: 90 % of the requests are failing with HTTP 5xx.
        note: something is not told
        ");
    }
}
