//! What an environment's platform can do with properties, by the day it was released.

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;

use crate::aws::Aws;
use crate::deploy::environment::time;

/// Since when properties may be references to secrets and parameters (facts 5.2).
const REFERENCES: Date = date(2025, 3, 26);
/// Since when a reference may name a key of a secret's JSON (facts 5.2).
const KEYS: Date = date(2026, 1, 13);
/// Since when a dollar sign in a value reaches the containers as it is (facts 3.3).
const DOLLARS: Date = date(2023, 7, 28);

/// What a platform version can do. One whose date is unknown counts as new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Platform {
    /// Properties may be references.
    pub(super) references: bool,
    /// References may name a key.
    pub(super) keys: bool,
    /// Dollar signs are escaped.
    pub(super) dollars: bool,
}

impl Platform {
    fn of(released: Option<Date>) -> Self {
        let since = |day: Date| released.is_none_or(|released| released >= day);
        Self {
            references: since(REFERENCES),
            keys: since(KEYS),
            dollars: since(DOLLARS),
        }
    }

    /// Asks for the date of a platform version.
    pub(super) async fn look(aws: &Aws, arn: Option<&str>) -> Self {
        let Some(arn) = arn else {
            return Self::of(None);
        };
        let told = aws
            .eb
            .describe_platform_version()
            .platform_arn(arn)
            .send()
            .await;
        let created = told
            .ok()
            .and_then(|told| told.platform_description()?.date_created().and_then(time));
        Self::of(created.map(|at| at.to_zoned(TimeZone::UTC).date()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_of_a_platform_decides_what_it_can() {
        let can = |day: Option<Date>| {
            let platform = Platform::of(day);
            (platform.dollars, platform.references, platform.keys)
        };
        assert_eq!(can(None), (true, true, true));
        assert_eq!(can(Some(date(2023, 7, 27))), (false, false, false));
        assert_eq!(can(Some(date(2025, 3, 25))), (true, false, false));
        assert_eq!(can(Some(date(2025, 3, 26))), (true, true, false));
        assert_eq!(can(Some(date(2026, 1, 13))), (true, true, true));
    }
}
