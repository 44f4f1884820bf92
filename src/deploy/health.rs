//! Health in full: of an environment and of each of its instances, as enhanced health tells it.
//! With basic health reporting there is only the environment's colour, and that is an answer.

use aws_sdk_elasticbeanstalk::types::{
    ApplicationMetrics, EnvironmentHealthAttribute, InstanceHealthSummary,
    InstancesHealthAttribute, Latency, SingleInstanceHealth, SystemStatus,
};
use jiff::Timestamp;
use serde::Serialize;

use super::environment::{self, Environment, Instance, SERVICE, time};
use crate::aws::Aws;
use crate::aws::error::Explain;
use crate::error::{Error, Kind, Result};

/// The health of an environment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Health {
    /// The environment's name.
    pub environment: String,
    /// `Ready`, `Updating`, ...
    pub status: String,
    /// Green, Yellow, Red, Grey.
    pub color: String,
    /// Ok, Warning, ...; none with basic health.
    pub health_status: Option<String>,
    /// The version that is in place.
    pub version_label: Option<String>,
    /// Why health is what it is.
    pub causes: Vec<String>,
    /// Requests of all instances.
    pub requests: Option<Requests>,
    /// How many instances have which health.
    pub counts: Vec<(&'static str, i32)>,
    /// The instances; none where the service does not tell.
    pub instances: Option<Vec<InstanceHealth>>,
    /// When the service looked.
    pub refreshed: Option<Timestamp>,
    /// Why something is not told.
    pub remarks: Vec<String>,
}

/// The health of an instance.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct InstanceHealth {
    /// What runs on it, and how it is.
    #[serde(flatten)]
    pub instance: Instance,
    /// `t3.small`
    pub instance_type: Option<String>,
    /// Where it is.
    pub availability_zone: Option<String>,
    /// Since when it is there.
    pub launched: Option<Timestamp>,
    /// Its requests.
    pub requests: Option<Requests>,
    /// The share of the processor in use, in percent.
    pub cpu_percent: Option<f64>,
    /// The load averages over one and five minutes.
    pub load: Vec<f64>,
}

/// Requests within the last seconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Requests {
    /// How many in a second.
    pub per_second: f64,
    /// Answers with 2xx, 3xx, 4xx and 5xx.
    pub status_codes: Option<[i32; 4]>,
    /// Half of the requests take at most so many seconds.
    pub p50_seconds: Option<f64>,
    /// All but one of a hundred do.
    pub p99_seconds: Option<f64>,
}

/// Reads an environment's health; none when it is not there.
///
/// # Errors
/// What AWS says; that enhanced health is not there, or not to be read, is a remark.
pub async fn read(aws: &Aws, name: &str) -> Result<Option<Health>> {
    let (found, overall, instances) = tokio::join!(
        environment::find(aws, name),
        overall(aws, name),
        instances(aws, name),
    );
    let Some(found) = found? else {
        return Ok(None);
    };
    let mut health = Health::basic(found);
    match overall {
        Ok(overall) => health.add(&overall),
        Err(error) => health.remark(not_told(error)?),
    }
    match instances {
        Ok(instances) => health.instances = Some(instances),
        Err(error) => health.remark(not_told(error)?),
    }
    Ok(Some(health))
}

type Overall =
    aws_sdk_elasticbeanstalk::operation::describe_environment_health::DescribeEnvironmentHealthOutput;

async fn overall(aws: &Aws, name: &str) -> Result<Overall> {
    aws.eb
        .describe_environment_health()
        .environment_name(name)
        .attribute_names(EnvironmentHealthAttribute::All)
        .send()
        .await
        .explain(SERVICE, "DescribeEnvironmentHealth")
}

async fn instances(aws: &Aws, name: &str) -> Result<Vec<InstanceHealth>> {
    let mut found = Vec::new();
    let mut next: Option<String> = None;
    loop {
        let page = aws
            .eb
            .describe_instances_health()
            .environment_name(name)
            .attribute_names(InstancesHealthAttribute::All)
            .set_next_token(next.take())
            .send()
            .await
            .explain(SERVICE, "DescribeInstancesHealth")?;
        found.extend(page.instance_health_list().iter().map(InstanceHealth::from));
        next = page
            .next_token()
            .filter(|token| !token.is_empty())
            .map(str::to_owned);
        if next.is_none() {
            return Ok(found);
        }
    }
}

/// Why the service does not tell, where that is no failure.
fn not_told(error: Error) -> Result<String> {
    let operation = |error: &Error| error.aws().and_then(|fault| fault.operation.clone());
    match (error.kind(), error.code()) {
        (Kind::Denied, _) => Ok(format!(
            "the caller may not call elasticbeanstalk:{}",
            operation(&error).unwrap_or_default()
        )),
        (_, Some("InvalidRequestException" | "InvalidParameterValue" | "InvalidAction")) => Ok(
            "the environment has basic health reporting: there is no more than its colour".into(),
        ),
        _ => Err(error),
    }
}

impl Health {
    /// What every environment tells.
    fn basic(environment: Environment) -> Self {
        Self {
            environment: environment.name,
            status: environment.status,
            color: environment.health,
            health_status: environment.health_status,
            version_label: environment.version_label,
            causes: Vec::new(),
            requests: None,
            counts: Vec::new(),
            instances: None,
            refreshed: None,
            remarks: Vec::new(),
        }
    }

    fn add(&mut self, told: &Overall) {
        if let Some(color) = told.color() {
            color.clone_into(&mut self.color);
        }
        self.health_status = told.health_status().map(str::to_owned);
        self.causes = told.causes().to_vec();
        self.requests = told.application_metrics().map(requests);
        self.counts = told.instances_health().map(counts).unwrap_or_default();
        self.refreshed = told.refreshed_at().and_then(time);
    }

    fn remark(&mut self, remark: String) {
        if !self.remarks.contains(&remark) {
            self.remarks.push(remark);
        }
    }
}

impl From<&SingleInstanceHealth> for InstanceHealth {
    fn from(seen: &SingleInstanceHealth) -> Self {
        let text = |value: Option<&str>| value.filter(|text| !text.is_empty()).map(str::to_owned);
        let system = seen.system();
        Self {
            instance: Instance::from(seen),
            instance_type: text(seen.instance_type()),
            availability_zone: text(seen.availability_zone()),
            launched: seen.launched_at().and_then(time),
            requests: seen.application_metrics().map(requests),
            cpu_percent: system.and_then(busy),
            load: system
                .map(|system| system.load_average().to_vec())
                .unwrap_or_default(),
        }
    }
}

/// The share of the processor that is not idle. Windows tells no idle share.
fn busy(system: &SystemStatus) -> Option<f64> {
    let cpu = system.cpu_utilization()?;
    let told = match cpu.idle() {
        Some(idle) => 100.0 - idle,
        None => {
            cpu.user()?
                + cpu
                    .privileged()
                    .or_else(|| cpu.system())
                    .unwrap_or_default()
        }
    };
    Some((told * 10.0).round() / 10.0)
}

/// Counts are for a span of seconds.
fn requests(metrics: &ApplicationMetrics) -> Requests {
    let seconds = metrics
        .duration()
        .filter(|seconds| *seconds > 0)
        .unwrap_or(10);
    let per_second = f64::from(metrics.request_count()) / f64::from(seconds);
    let latency = metrics.latency();
    Requests {
        per_second: (per_second * 10.0).round() / 10.0,
        status_codes: metrics.status_codes().map(|codes| {
            [
                codes.status2xx(),
                codes.status3xx(),
                codes.status4xx(),
                codes.status5xx(),
            ]
            .map(Option::unwrap_or_default)
        }),
        p50_seconds: latency.and_then(Latency::p50),
        p99_seconds: latency.and_then(Latency::p99),
    }
}

/// The health words that any instance has.
fn counts(summary: &InstanceHealthSummary) -> Vec<(&'static str, i32)> {
    [
        ("Severe", summary.severe()),
        ("Degraded", summary.degraded()),
        ("Warning", summary.warning()),
        ("Info", summary.info()),
        ("Ok", summary.ok()),
        ("Pending", summary.pending()),
        ("Unknown", summary.unknown()),
        ("NoData", summary.no_data()),
    ]
    .into_iter()
    .filter_map(|(word, count)| Some((word, count.filter(|count| *count > 0)?)))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_elasticbeanstalk::types::{CpuUtilization, StatusCodes};

    #[test]
    fn counts_become_rates() {
        let metrics = ApplicationMetrics::builder()
            .duration(10)
            .request_count(25)
            .status_codes(StatusCodes::builder().status2xx(24).status5xx(1).build())
            .latency(Latency::builder().p50(0.012).p99(0.5).build())
            .build();
        assert_eq!(
            requests(&metrics),
            Requests {
                per_second: 2.5,
                status_codes: Some([24, 0, 0, 1]),
                p50_seconds: Some(0.012),
                p99_seconds: Some(0.5),
            }
        );
        let nothing = requests(&ApplicationMetrics::builder().build());
        assert_eq!((nothing.per_second, nothing.p99_seconds), (0.0, None));
    }

    #[test]
    fn what_is_not_idle_is_busy() {
        let cpu = |cpu| busy(&SystemStatus::builder().cpu_utilization(cpu).build());
        assert_eq!(cpu(CpuUtilization::builder().idle(99.3).build()), Some(0.7));
        let windows = CpuUtilization::builder().user(3.0).privileged(1.5).build();
        assert_eq!(cpu(windows), Some(4.5));
        assert_eq!(busy(&SystemStatus::builder().build()), None);
    }
}
