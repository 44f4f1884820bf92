//! The service without HTTP: calls in, XML out, with a clock that only the test moves.

use super::super::World;
use super::super::ec2::tests::{call, texts, world};

fn ask(world: &World, millis: i64, form: &str) -> Result<String, String> {
    super::answer(world, &call("rds", form, millis))
        .map(|xml| String::from_utf8(xml.into_bytes()).unwrap())
        .map_err(|failure| format!("{}: {}", failure.code, failure.message))
}

const CREATE: &str = "Action=CreateDBInstance&DBInstanceIdentifier=shop-db&Engine=mysql&DBInstanceClass=db.t4g.micro\
                      &AllocatedStorage=20&MasterUsername=app&MasterUserPassword=hunter22hunter22&DeletionProtection=true";

#[test]
fn an_instance_takes_its_time() {
    let (world, _directory) = world();
    let made = ask(&world, 0, CREATE).unwrap();
    assert_eq!(texts(&made, "DBInstanceStatus"), ["creating"]);
    assert!(!made.contains("Endpoint") && !made.contains("hunter22"));
    assert_eq!(
        ask(&world, 0, CREATE).unwrap_err(),
        "DBInstanceAlreadyExists: DB instance already exists"
    );
    let describe = "Action=DescribeDBInstances&DBInstanceIdentifier=shop-db";
    let status = |millis: i64| {
        let seen = ask(&world, millis, describe).unwrap();
        (
            texts(&seen, "DBInstanceStatus").remove(0),
            texts(&seen, "Port").len(),
        )
    };
    assert_eq!(status(2_900), ("creating".to_owned(), 0));
    assert_eq!(status(3_000), ("backing-up".to_owned(), 1));
    assert_eq!(status(4_500), ("available".to_owned(), 1));

    let modify = "Action=ModifyDBInstance&DBInstanceIdentifier=shop-db";
    let grown = ask(&world, 5_000, &format!("{modify}&AllocatedStorage=30")).unwrap();
    assert_eq!(texts(&grown, "AllocatedStorage"), ["20", "30"]);
    ask(
        &world,
        5_000,
        &format!("{modify}&AllocatedStorage=30&ApplyImmediately=true"),
    )
    .unwrap();
    assert_eq!(status(5_100).0, "modifying");
    let seen = ask(&world, 7_000, describe).unwrap();
    assert_eq!(texts(&seen, "AllocatedStorage")[0], "30");
}

#[test]
fn what_is_protected_stays_and_what_goes_leaves_a_snapshot() {
    let (world, _directory) = world();
    ask(&world, 0, CREATE).unwrap();
    let delete = "Action=DeleteDBInstance&DBInstanceIdentifier=shop-db&FinalDBSnapshotIdentifier=shop-db-final";
    assert_eq!(
        ask(&world, 5_000, delete).unwrap_err(),
        "InvalidParameterCombination: Cannot delete protected DB Instance, please disable deletion protection and try again."
    );
    let lift = "Action=ModifyDBInstance&DBInstanceIdentifier=shop-db&DeletionProtection=false";
    ask(&world, 5_000, lift).unwrap();
    ask(&world, 5_000, delete).unwrap();
    let describe = "Action=DescribeDBInstances&DBInstanceIdentifier=shop-db";
    let seen = ask(&world, 6_000, describe).unwrap();
    assert_eq!(texts(&seen, "DBInstanceStatus"), ["deleting"]);
    assert_eq!(
        ask(&world, 7_000, describe).unwrap_err(),
        "DBInstanceNotFound: DBInstance shop-db not found."
    );
    let left = ask(&world, 7_000, "Action=DescribeDBSnapshots").unwrap();
    assert_eq!(texts(&left, "Status"), ["available"]);
}

#[test]
fn mistakes_get_rds_errors() {
    let (world, _directory) = world();
    for (change, expected) in [
        ("&DBInstanceClass=db.x9.huge", "InvalidParameterCombination"),
        ("&MasterUserPassword=short", "InvalidParameterValue"),
        (
            "&MasterUserPassword=with@sign@in@it",
            "InvalidParameterValue",
        ),
        (
            "&Engine=postgres&MasterUsername=admin",
            "InvalidParameterValue",
        ),
        ("&DBSubnetGroupName=nowhere", "DBSubnetGroupNotFoundFault"),
        (
            "&VpcSecurityGroupIds.VpcSecurityGroupId.1=sg-1",
            "InvalidParameterValue",
        ),
        ("&AllocatedStorage=5", "InvalidParameterValue"),
        ("&EngineVersion=4.1", "InvalidParameterCombination"),
        (
            "&ManageMasterUserPassword=true",
            "InvalidParameterCombination",
        ),
    ] {
        // The last value of a name counts.
        let error = ask(&world, 0, &format!("{CREATE}{change}")).unwrap_err();
        assert!(error.starts_with(expected), "{change}: {error}");
    }
}
