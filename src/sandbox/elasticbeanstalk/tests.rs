//! The service end to end, without HTTP: calls in, XML out, with a clock that only the test moves.

use jiff::Timestamp;
use tempfile::TempDir;

use super::super::account;
use super::super::faults::Faults;
use super::super::gateway::Call;
use super::super::query::Parameters;
use super::super::s3::storage::Storage;
use super::super::state::Store;
use super::super::{Seed, SeedEnvironment, World};
use super::{BOOKS, Books};

const BUCKET: &str = "elasticbeanstalk-eu-west-1-123456789012";

struct Account {
    world: World,
    start: Timestamp,
    _directory: TempDir,
}

impl Account {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path()).unwrap();
        let storage = Storage::open(&store).unwrap();
        let environment = SeedEnvironment {
            name: "shop-env".to_owned(),
            platform: None,
            single_instance: true,
            worker: false,
        };
        let seed = Seed {
            region: "eu-west-1".into(),
            application: "shop".into(),
            environments: vec![environment],
        };
        let account = account::open(&store, |account| {
            super::seed(&seed, account, &store, &storage)
        })
        .unwrap();
        let faults = Faults::open(&store).unwrap();
        let world = World {
            endpoint: "http://127.0.0.1:1".into(),
            account,
            store,
            storage,
            faults,
        };
        let start = Timestamp::from_millisecond(Timestamp::now().as_millisecond()).unwrap();
        Self {
            world,
            start,
            _directory: directory,
        }
    }

    /// One call, `millis` after the start.
    fn call(&self, millis: i64, form: &str) -> Result<String, String> {
        let parameters = Parameters::parse(form.as_bytes());
        let call = Call {
            service: "elasticbeanstalk".to_owned(),
            operation: parameters.text("Action").unwrap().to_owned(),
            parameters,
            region: "eu-west-1".to_owned(),
            request_id: format!("r-{millis}"),
            now: Timestamp::from_millisecond(self.start.as_millisecond() + millis).unwrap(),
            key: None,
        };
        let answer = super::answer(&self.world, &call);
        answer
            .map(|xml| String::from_utf8(xml.into_bytes()).unwrap())
            .map_err(|failure| format!("{}: {}", failure.code, failure.message))
    }

    fn version(&self, label: &str) -> Result<String, String> {
        let key = format!("shop%2F{label}.zip");
        self.call(
            0,
            &format!(
                "Action=CreateApplicationVersion&ApplicationName=shop&VersionLabel={label}\
             &SourceBundle.S3Bucket={BUCKET}&SourceBundle.S3Key={key}"
            ),
        )
    }
}

/// The texts of all elements of this name.
fn texts<'a>(xml: &'a str, name: &str) -> Vec<&'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    xml.split(&open)
        .skip(1)
        .filter_map(|rest| rest.split(&close).next())
        .collect()
}

#[test]
fn an_update_goes_on_between_calls() {
    let account = Account::new();
    account
        .call(
            0,
            "Action=CreateApplicationVersion&ApplicationName=shop&VersionLabel=v1",
        )
        .unwrap();
    let update = "Action=UpdateEnvironment&EnvironmentName=shop-env&VersionLabel=v1";
    let answer = account.call(10, update).unwrap();
    assert_eq!(texts(&answer, "Status"), ["Updating"]);
    assert_eq!(texts(&answer, "VersionLabel"), ["Sample Application"]);
    let describe = "Action=DescribeEnvironments&EnvironmentNames.member.1=shop-env";
    assert_eq!(
        texts(
            &account.call(1000, describe).unwrap(),
            "AbortableOperationInProgress"
        ),
        ["true"]
    );
    assert_eq!(
        account.call(1500, update).unwrap_err(),
        "InvalidParameterValue: Environment named shop-env is in an invalid state for this operation. Must be Ready."
    );
    let ready = account.call(5000, describe).unwrap();
    assert_eq!(texts(&ready, "Status"), ["Ready"]);
    assert_eq!(
        (texts(&ready, "VersionLabel"), texts(&ready, "HealthStatus")),
        (vec!["v1"], vec!["Ok"])
    );
    let events = account
        .call(5000, "Action=DescribeEvents&RequestId=r-10")
        .unwrap();
    assert_eq!(
        texts(&events, "Message"),
        [
            "Environment update completed successfully.",
            "New application version was deployed to running EC2 instances.",
            "Instance deployment completed successfully.",
            "Deploying new version to instance(s).",
            "Environment update is starting.",
        ]
    );
}

#[test]
fn pages_of_events_are_not_shifted_by_new_ones() {
    let account = Account::new();
    account
        .call(0, "Action=RestartAppServer&EnvironmentName=shop-env")
        .unwrap();
    let first = account
        .call(
            5000,
            "Action=DescribeEvents&EnvironmentName=shop-env&MaxRecords=2",
        )
        .unwrap();
    assert_eq!(
        texts(&first, "Message"),
        [
            "restartAppServer completed successfully.",
            "Restarting application server(s)."
        ]
    );
    account
        .call(6000, "Action=RestartAppServer&EnvironmentName=shop-env")
        .unwrap();
    let token = texts(&first, "NextToken")[0];
    let next =
        format!("Action=DescribeEvents&EnvironmentName=shop-env&MaxRecords=2&NextToken={token}");
    let second = account.call(7000, &next).unwrap();
    assert_eq!(texts(&second, "Message"), ["restartAppServer is starting."]);
    assert_eq!(texts(&second, "NextToken"), [""; 0]);
}

#[test]
fn a_bundle_that_is_gone_fails_when_it_is_deployed() {
    let account = Account::new();
    account.version("v1").unwrap();
    account
        .call(
            0,
            "Action=UpdateEnvironment&EnvironmentName=shop-env&VersionLabel=v1",
        )
        .unwrap();
    let events = account
        .call(9000, "Action=DescribeEvents&Severity=ERROR")
        .unwrap();
    assert_eq!(
        texts(&events, "Message")[0],
        "Failed to deploy application."
    );
    let health = account
        .call(
            9000,
            "Action=DescribeEnvironmentHealth&EnvironmentName=shop-env&AttributeNames.member.1=All",
        )
        .unwrap();
    assert_eq!(
        (texts(&health, "Color"), texts(&health, "HealthStatus")),
        (vec!["Red"], vec!["Degraded"])
    );
    account
        .call(
            9000,
            "Action=RequestEnvironmentInfo&EnvironmentName=shop-env&InfoType=tail",
        )
        .unwrap();
    let logs = account
        .call(
            9900,
            "Action=RetrieveEnvironmentInfo&EnvironmentName=shop-env&InfoType=tail",
        )
        .unwrap();
    assert!(
        texts(&logs, "Message")[0].starts_with("http://127.0.0.1:1/elasticbeanstalk-eu-west-1-"),
        "{logs}"
    );
}

#[test]
fn what_aws_refuses_is_refused_in_its_words() {
    let account = Account::new();
    account.version("v1").unwrap();
    let cases = [
        (
            "Action=ComposeEnvironments",
            "InvalidAction: Could not find operation ComposeEnvironments for version 2010-12-01",
        ),
        (
            "Action=CreateApplication&ApplicationName=shop",
            "InvalidParameterValue: Application shop already exists.",
        ),
        (
            "Action=UpdateEnvironment&EnvironmentName=shop-env&VersionLabel=v9",
            "InvalidParameterValue: No Application Version named 'v9' found.",
        ),
        (
            "Action=UpdateEnvironment&EnvironmentName=nope",
            "InvalidParameterValue: No Environment found for EnvironmentName = 'nope'.",
        ),
        (
            "Action=AbortEnvironmentUpdate&EnvironmentName=shop-env",
            "InvalidParameterValue: Environment named shop-env is in an invalid state for this operation. \
             Must be pending deployment.",
        ),
        (
            "Action=CreateEnvironment&ApplicationName=shop&EnvironmentName=shop-env",
            "InvalidParameterValue: Environment shop-env already exists.",
        ),
        (
            "Action=CreateEnvironment&ApplicationName=shop&EnvironmentName=shop-two",
            "InvalidParameterValue: Unable to determine base for template pack (no solution stack)",
        ),
        (
            "Action=CreateEnvironment&ApplicationName=shop&EnvironmentName=two",
            "ValidationError: 1 validation error detected: Value 'two' at 'environmentName' failed to satisfy constraint: \
             Member must have length greater than or equal to 4",
        ),
    ];
    for (form, wanted) in cases {
        assert_eq!(account.call(0, form).unwrap_err(), wanted);
    }
    assert_eq!(
        account.version("v1").unwrap_err(),
        "InvalidParameterValue: Application Version v1 already exists."
    );
}

#[test]
fn a_terminated_environment_is_remembered_for_an_hour() {
    let account = Account::new();
    account
        .call(0, "Action=TerminateEnvironment&EnvironmentName=shop-env")
        .unwrap();
    let describe = "Action=DescribeEnvironments&EnvironmentNames.member.1=shop-env";
    assert_eq!(
        texts(&account.call(9000, describe).unwrap(), "Status"),
        ["Terminated"]
    );
    let live = account
        .call(9000, &format!("{describe}&IncludeDeleted=false"))
        .unwrap();
    assert_eq!(texts(&live, "Status"), [""; 0]);
    assert_eq!(
        texts(&account.call(3_700_000, describe).unwrap(), "Status"),
        [""; 0]
    );
}

#[test]
fn a_region_without_a_seed_is_empty() {
    let account = Account::new();
    let books: Books = account.world.store.read(BOOKS).unwrap();
    assert_eq!(books.keys().collect::<Vec<_>>(), ["eu-west-1"]);
    assert_eq!(books["eu-west-1"].environments.len(), 1);
}
