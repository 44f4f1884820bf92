//! Logs on request: asks for them, waits until they are there, and downloads them. They are put
//! into Elastic Beanstalk's bucket and handed out as presigned URLs for fifteen minutes.

use std::collections::HashSet;
use std::io::Write;
use std::time::{Duration, Instant};

use aws_sdk_elasticbeanstalk::types::EnvironmentInfoType;
use jiff::Timestamp;

use crate::aws::download::{self, Link};
use crate::aws::error::Explain;
use crate::aws::{Aws, Purpose};
use crate::deploy::environment::{SERVICE, time};
use crate::deploy::events::{self, Follower};
use crate::error::{Error, Kind, Result};

/// How long logs may take when nothing is said.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The largest tail: a hundred lines of some dozen files, even long ones, are far below.
const LARGEST_TAIL: u64 = 32 * 1024 * 1024;
/// The largest bundle of all logs.
const LARGEST_BUNDLE: u64 = 2 * 1024 * 1024 * 1024;

/// How long the logs of further instances may take once some are there.
const STRAGGLERS: Duration = Duration::from_secs(4);

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// The last hundred lines of each file, as text.
    Tail,
    /// All files, as a zip.
    Bundle,
}

impl Extent {
    fn word(self) -> EnvironmentInfoType {
        match self {
            Self::Tail => EnvironmentInfoType::Tail,
            Self::Bundle => EnvironmentInfoType::Bundle,
        }
    }
}

/// The logs of one instance, ready to be downloaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The EC2 id.
    pub instance: String,
    /// When they were taken, by the service's clock.
    pub at: Timestamp,
    link: Link,
}

impl Sample {
    /// Downloads a tail.
    ///
    /// # Errors
    /// What S3 says; bytes that are not text are replaced.
    pub async fn text(&self) -> Result<String> {
        let mut bytes = Vec::new();
        download::get(&self.link, &mut bytes, LARGEST_TAIL).await?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Downloads a bundle and tells its size.
    ///
    /// # Errors
    /// What S3 or the operating system says.
    pub async fn save(&self, to: &mut impl Write) -> Result<u64> {
        download::get(&self.link, to, LARGEST_BUNDLE).await
    }
}

/// Asks for the logs of all instances and waits until they are there, at most `patience`.
/// `expected` is the number of instances, where it is known.
///
/// # Errors
/// [`Kind::Timeout`] when nothing came in time; [`Kind::Aws`] where Elastic Beanstalk says that
/// it could not collect them; else what AWS says.
pub async fn request(
    aws: &Aws,
    environment: &str,
    extent: Extent,
    expected: Option<usize>,
    patience: Duration,
) -> Result<Vec<Sample>> {
    let asked = ask(aws, environment, extent, expected);
    let late = |_| {
        Error::new(
            Kind::Timeout,
            format!("the logs did not come within {} s", patience.as_secs()),
        )
        .hint(format!(
            "ask again with `beanship logs --env {environment}`"
        ))
    };
    tokio::time::timeout(patience, asked)
        .await
        .unwrap_or_else(|elapsed| Err(late(elapsed)))
}

async fn ask(
    aws: &Aws,
    environment: &str,
    extent: Extent,
    expected: Option<usize>,
) -> Result<Vec<Sample>> {
    // Earlier logs stay listed for a while. What was there before is not what is asked for; and
    // only the service's own times are compared, never this machine's.
    let (earlier, latest) = tokio::join!(
        retrieve(aws, environment, extent),
        events::read(aws, environment, None, 30),
    );
    let earlier: HashSet<(String, Timestamp)> = earlier?
        .into_iter()
        .map(|sample| (sample.instance, sample.at))
        .collect();
    let mut follower = latest.ok().map(|latest| Follower::behind(&latest));
    let turn = aws.turn(Purpose::Look).await;
    aws.eb
        .request_environment_info()
        .environment_name(environment)
        .info_type(extent.word())
        .send()
        .await
        .explain(SERVICE, "RequestEnvironmentInfo")?;
    drop(turn);
    let mut some_since: Option<Instant> = None;
    for round in 0.. {
        tokio::time::sleep(pace(round)).await;
        let mut fresh = retrieve(aws, environment, extent).await?;
        fresh.retain(|sample| !earlier.contains(&(sample.instance.clone(), sample.at)));
        let fresh = newest(fresh);
        let complete = match expected {
            Some(expected) => fresh.len() >= expected,
            None => false,
        };
        let waited = some_since.is_some_and(|since| since.elapsed() >= STRAGGLERS);
        if !fresh.is_empty() && (complete || waited) {
            return Ok(fresh);
        }
        let told = match &mut follower {
            Some(follower) if round % 2 == 1 => {
                let _turn = aws.turn(Purpose::Look).await;
                let news = follower.poll(aws, environment).await;
                news.ok().and_then(|news| ending(&news))
            }
            _ => None,
        };
        match &told {
            Some(Ending::Failed(why)) if fresh.is_empty() => {
                return Err(Error::new(Kind::Aws, why.clone()));
            }
            Some(_) if !fresh.is_empty() => return Ok(fresh),
            _ if waited => return Ok(fresh),
            // After the event the list may still be a moment behind.
            Some(_) => some_since = some_since.or(Some(Instant::now())),
            None if !fresh.is_empty() => some_since = some_since.or(Some(Instant::now())),
            None => {}
        }
    }
    unreachable!("the caller's patience ends the rounds")
}

/// Quick at first, then at a polite pace.
fn pace(round: u32) -> Duration {
    match round {
        0 => Duration::from_millis(300),
        1 => Duration::from_millis(700),
        2..=4 => Duration::from_millis(1500),
        _ => Duration::from_secs(3),
    }
}

/// How collecting ended, as events tell it.
#[derive(Debug, PartialEq, Eq)]
enum Ending {
    Pulled,
    Failed(String),
}

fn ending(news: &[events::Event]) -> Option<Ending> {
    news.iter().find_map(|event| {
        let said = event.message.as_str();
        if said.starts_with("Pulled logs for environment instances") {
            Some(Ending::Pulled)
        } else if said.starts_with("Failed to pull logs for environment instances") {
            Some(Ending::Failed(format!("Elastic Beanstalk says: {said}")))
        } else {
            None
        }
    })
}

/// What is ready now.
async fn retrieve(aws: &Aws, environment: &str, extent: Extent) -> Result<Vec<Sample>> {
    let _turn = aws.turn(Purpose::Look).await;
    let answer = aws
        .eb
        .retrieve_environment_info()
        .environment_name(environment)
        .info_type(extent.word())
        .send()
        .await
        .explain(SERVICE, "RetrieveEnvironmentInfo")?;
    let sample = |info: &aws_sdk_elasticbeanstalk::types::EnvironmentInfoDescription| {
        Some(Sample {
            instance: info.ec2_instance_id()?.to_owned(),
            at: info.sample_timestamp().and_then(time)?,
            link: Link::new(info.message()?),
        })
    };
    Ok(answer
        .environment_info()
        .iter()
        .filter_map(sample)
        .collect())
}

/// The newest sample of each instance, by instance.
fn newest(mut samples: Vec<Sample>) -> Vec<Sample> {
    samples.sort_by(|a, b| a.instance.cmp(&b.instance).then(b.at.cmp(&a.at)));
    samples.dedup_by(|later, first| later.instance == first.instance);
    samples
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_sample_of_an_instance_counts() {
        let sample = |instance: &str, second| Sample {
            instance: instance.into(),
            at: Timestamp::from_second(second).expect("a time"),
            link: Link::new("https://example.org/secret"),
        };
        let found = newest(vec![sample("i-2", 1), sample("i-1", 1), sample("i-2", 3)]);
        assert_eq!(found, [sample("i-1", 1), sample("i-2", 3)]);
        assert!(!format!("{found:?}").contains("secret"));
    }

    #[test]
    fn events_tell_how_collecting_ended() {
        let event = |message: &str| events::Event {
            time: Timestamp::UNIX_EPOCH,
            severity: "INFO".into(),
            message: message.into(),
            request_id: None,
            version_label: None,
            environment: None,
        };
        let started = event("requestEnvironmentInfo is starting.");
        assert_eq!(ending(std::slice::from_ref(&started)), None);
        let pulled = event("Pulled logs for environment instances.");
        assert_eq!(ending(&[started, pulled]), Some(Ending::Pulled));
        let failed = event("Failed to pull logs for environment instances.");
        assert!(matches!(ending(&[failed]), Some(Ending::Failed(_))));
    }
}
