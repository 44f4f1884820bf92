//! The table of options: namespace, name, default, what values it takes, and how far a change of it reaches.

use super::options::Choice;
use super::options::Rule::{self, Flag, List, Number, One, Text};
use super::timeline::Reach::{self, Instances as OnInstances, Nothing, Replacement};

const fn choice(
    namespace: &'static str,
    name: &'static str,
    default: &'static str,
    rule: Rule,
    reach: Reach,
) -> Choice {
    Choice {
        namespace,
        name,
        default,
        rule,
        reach,
    }
}

const ASG: &str = "aws:autoscaling:asg";
const LAUNCH: &str = "aws:autoscaling:launchconfiguration";
const UPDATES: &str = "aws:autoscaling:updatepolicy:rollingupdate";
const INSTANCES: &str = "aws:ec2:instances";
const VPC: &str = "aws:ec2:vpc";
const APPLICATION: &str = "aws:elasticbeanstalk:application";
const COMMAND: &str = "aws:elasticbeanstalk:command";
const ENVIRONMENT: &str = "aws:elasticbeanstalk:environment";
pub(super) const PROCESS: &str = "aws:elasticbeanstalk:environment:process:default";
const PROXY: &str = "aws:elasticbeanstalk:environment:proxy";
const HEALTH: &str = "aws:elasticbeanstalk:healthreporting:system";
const LOGS: &str = "aws:elasticbeanstalk:cloudwatch:logs";
const HEALTH_LOGS: &str = "aws:elasticbeanstalk:cloudwatch:logs:health";
const HOST: &str = "aws:elasticbeanstalk:hostmanager";
const ACTIONS: &str = "aws:elasticbeanstalk:managedactions";
const ACTION_UPDATES: &str = "aws:elasticbeanstalk:managedactions:platformupdate";
const SPLITTING: &str = "aws:elasticbeanstalk:trafficsplitting";
const TOPICS: &str = "aws:elasticbeanstalk:sns:topics";
const SQSD: &str = "aws:elasticbeanstalk:sqsd";
const XRAY: &str = "aws:elasticbeanstalk:xray";
const BALANCER: &str = "aws:elbv2:loadbalancer";
pub(super) const LISTENER: &str = "aws:elbv2:listener:default";
const CLASSIC: &str = "aws:elb:loadbalancer";
const DATABASE: &str = "aws:rds:dbinstance";

const RETENTION: Rule = One(&[
    "1", "3", "5", "7", "14", "30", "60", "90", "120", "150", "180", "365", "400", "545", "731",
    "1827", "3653",
]);

/// Every option that is known by name.
pub(super) const CHOICES: &[Choice] = &[
    choice(ASG, "MinSize", "1", Number(1, 10_000), Nothing),
    choice(ASG, "MaxSize", "4", Number(1, 10_000), Nothing),
    choice(ASG, "Cooldown", "360", Number(0, 10_000), Nothing),
    choice(
        ASG,
        "Availability Zones",
        "Any",
        One(&["Any", "Any 1", "Any 2", "Any 3"]),
        Replacement,
    ),
    choice(ASG, "EnableCapacityRebalancing", "false", Flag, Nothing),
    choice(LAUNCH, "IamInstanceProfile", "", Text, Replacement),
    choice(LAUNCH, "SecurityGroups", "", List, Replacement),
    choice(
        LAUNCH,
        "DisableDefaultEC2SecurityGroup",
        "false",
        Flag,
        Replacement,
    ),
    choice(LAUNCH, "EC2KeyName", "", Text, Replacement),
    choice(LAUNCH, "DisableIMDSv1", "true", Flag, Replacement),
    choice(LAUNCH, "InstanceType", "", Text, Replacement),
    choice(LAUNCH, "ImageId", "", Text, Replacement),
    choice(
        LAUNCH,
        "RootVolumeType",
        "",
        One(&["standard", "gp2", "gp3", "io1"]),
        Replacement,
    ),
    choice(LAUNCH, "RootVolumeSize", "", Number(8, 16_384), Replacement),
    choice(
        LAUNCH,
        "RootVolumeIOPS",
        "",
        Number(100, 20_000),
        Replacement,
    ),
    choice(
        LAUNCH,
        "RootVolumeThroughput",
        "",
        Number(125, 1000),
        Replacement,
    ),
    choice(LAUNCH, "BlockDeviceMappings", "", List, Replacement),
    choice(
        LAUNCH,
        "MonitoringInterval",
        "5 minute",
        One(&["1 minute", "5 minute"]),
        Replacement,
    ),
    choice(
        LAUNCH,
        "SSHSourceRestriction",
        "tcp,22,22,0.0.0.0/0",
        Text,
        Nothing,
    ),
    choice(
        LAUNCH,
        "LaunchTemplateTagPropagationEnabled",
        "false",
        Flag,
        Replacement,
    ),
    choice(UPDATES, "RollingUpdateEnabled", "false", Flag, Nothing),
    choice(
        UPDATES,
        "RollingUpdateType",
        "Time",
        One(&["Time", "Health", "Immutable"]),
        Nothing,
    ),
    choice(UPDATES, "MaxBatchSize", "", Number(1, 10_000), Nothing),
    choice(
        UPDATES,
        "MinInstancesInService",
        "",
        Number(0, 9999),
        Nothing,
    ),
    choice(UPDATES, "PauseTime", "", Text, Nothing),
    choice(UPDATES, "Timeout", "PT30M", Text, Nothing),
    choice(INSTANCES, "InstanceTypes", "", List, Replacement),
    choice(INSTANCES, "EnableSpot", "false", Flag, Replacement),
    choice(
        INSTANCES,
        "SpotFleetOnDemandBase",
        "0",
        Number(0, 10_000),
        Nothing,
    ),
    choice(
        INSTANCES,
        "SpotFleetOnDemandAboveBasePercentage",
        "",
        Number(0, 100),
        Nothing,
    ),
    choice(INSTANCES, "SpotMaxPrice", "", Text, Nothing),
    choice(
        INSTANCES,
        "SupportedArchitectures",
        "x86_64",
        List,
        Replacement,
    ),
    choice(VPC, "VPCId", "", Text, Replacement),
    choice(VPC, "Subnets", "", List, Replacement),
    choice(VPC, "ELBSubnets", "", List, Nothing),
    choice(
        VPC,
        "ELBScheme",
        "public",
        One(&["public", "internal"]),
        Nothing,
    ),
    choice(VPC, "DBSubnets", "", List, Nothing),
    choice(VPC, "AssociatePublicIpAddress", "false", Flag, Replacement),
    choice(
        APPLICATION,
        "Application Healthcheck URL",
        "",
        Text,
        Nothing,
    ),
    choice(COMMAND, "DeploymentPolicy", "AllAtOnce", POLICY, Nothing),
    choice(COMMAND, "Timeout", "600", Number(1, 3600), Nothing),
    choice(
        COMMAND,
        "BatchSizeType",
        "Percentage",
        One(&["Percentage", "Fixed"]),
        Nothing,
    ),
    choice(COMMAND, "BatchSize", "100", Number(1, 10_000), Nothing),
    choice(COMMAND, "IgnoreHealthCheck", "false", Flag, Nothing),
    choice(
        ENVIRONMENT,
        "EnvironmentType",
        "LoadBalanced",
        One(&["LoadBalanced", "SingleInstance"]),
        Replacement,
    ),
    choice(ENVIRONMENT, "ServiceRole", "", Text, Nothing),
    choice(
        ENVIRONMENT,
        "LoadBalancerType",
        "classic",
        One(&["classic", "application", "network"]),
        Nothing,
    ),
    choice(ENVIRONMENT, "LoadBalancerIsShared", "false", Flag, Nothing),
    choice(PROCESS, "Port", "80", Number(1, 65_535), Nothing),
    choice(
        PROCESS,
        "Protocol",
        "HTTP",
        One(&["HTTP", "HTTPS", "TCP"]),
        Nothing,
    ),
    choice(PROCESS, "HealthCheckPath", "/", Text, Nothing),
    choice(
        PROCESS,
        "HealthCheckInterval",
        "15",
        Number(5, 300),
        Nothing,
    ),
    choice(PROCESS, "HealthCheckTimeout", "5", Number(2, 60), Nothing),
    choice(
        PROCESS,
        "HealthyThresholdCount",
        "3",
        Number(2, 10),
        Nothing,
    ),
    choice(
        PROCESS,
        "UnhealthyThresholdCount",
        "5",
        Number(2, 10),
        Nothing,
    ),
    choice(PROCESS, "MatcherHTTPCode", "200", Text, Nothing),
    choice(
        PROCESS,
        "DeregistrationDelay",
        "20",
        Number(0, 3600),
        Nothing,
    ),
    choice(PROCESS, "StickinessEnabled", "false", Flag, Nothing),
    choice(
        PROXY,
        "ProxyServer",
        "nginx",
        One(&["nginx", "none", "apache"]),
        OnInstances,
    ),
    choice(
        HEALTH,
        "SystemType",
        "basic",
        One(&["basic", "enhanced"]),
        Nothing,
    ),
    choice(
        HEALTH,
        "HealthCheckSuccessThreshold",
        "Ok",
        One(&["Ok", "Warning", "Degraded", "Severe"]),
        Nothing,
    ),
    choice(HEALTH, "EnhancedHealthAuthEnabled", "true", Flag, Nothing),
    choice(HEALTH, "ConfigDocument", "", Text, Nothing),
    choice(LOGS, "StreamLogs", "false", Flag, OnInstances),
    choice(LOGS, "DeleteOnTerminate", "false", Flag, Nothing),
    choice(LOGS, "RetentionInDays", "7", RETENTION, Nothing),
    choice(
        HEALTH_LOGS,
        "HealthStreamingEnabled",
        "false",
        Flag,
        Nothing,
    ),
    choice(HEALTH_LOGS, "DeleteOnTerminate", "false", Flag, Nothing),
    choice(HEALTH_LOGS, "RetentionInDays", "7", RETENTION, Nothing),
    choice(HOST, "LogPublicationControl", "false", Flag, OnInstances),
    choice(ACTIONS, "ManagedActionsEnabled", "false", Flag, Nothing),
    choice(ACTIONS, "PreferredStartTime", "", Text, Nothing),
    choice(ACTIONS, "ServiceRoleForManagedUpdates", "", Text, Nothing),
    choice(
        ACTION_UPDATES,
        "UpdateLevel",
        "",
        One(&["patch", "minor"]),
        Nothing,
    ),
    choice(
        ACTION_UPDATES,
        "InstanceRefreshEnabled",
        "false",
        Flag,
        Nothing,
    ),
    choice(
        SPLITTING,
        "NewVersionPercent",
        "10",
        Number(1, 100),
        Nothing,
    ),
    choice(SPLITTING, "EvaluationTime", "5", Number(3, 600), Nothing),
    choice(TOPICS, "Notification Endpoint", "", Text, Nothing),
    choice(TOPICS, "Notification Protocol", "email", Text, Nothing),
    choice(TOPICS, "Notification Topic ARN", "", Text, Nothing),
    choice(TOPICS, "Notification Topic Name", "", Text, Nothing),
    choice(SQSD, "WorkerQueueURL", "", Text, Nothing),
    choice(SQSD, "HttpPath", "/", Text, OnInstances),
    choice(SQSD, "MimeType", "application/json", Text, OnInstances),
    choice(SQSD, "HttpConnections", "50", Number(1, 100), OnInstances),
    choice(SQSD, "VisibilityTimeout", "300", Number(0, 43_200), Nothing),
    choice(
        SQSD,
        "InactivityTimeout",
        "299",
        Number(1, 36_000),
        OnInstances,
    ),
    choice(XRAY, "XRayEnabled", "false", Flag, OnInstances),
    choice(BALANCER, "SecurityGroups", "", List, Nothing),
    choice(BALANCER, "ManagedSecurityGroup", "", Text, Nothing),
    choice(BALANCER, "IdleTimeout", "60", Number(1, 3600), Nothing),
    choice(BALANCER, "AccessLogsS3Enabled", "false", Flag, Nothing),
    choice(BALANCER, "AccessLogsS3Bucket", "", Text, Nothing),
    choice(BALANCER, "AccessLogsS3Prefix", "", Text, Nothing),
    choice(BALANCER, "SharedLoadBalancer", "", Text, Nothing),
    choice(LISTENER, "ListenerEnabled", "true", Flag, Nothing),
    choice(LISTENER, "Protocol", "HTTP", Text, Nothing),
    choice(LISTENER, "SSLCertificateArns", "", List, Nothing),
    choice(LISTENER, "SSLPolicy", "", Text, Nothing),
    choice(LISTENER, "DefaultProcess", "default", Text, Nothing),
    choice(LISTENER, "Rules", "", List, Nothing),
    choice(CLASSIC, "CrossZone", "false", Flag, Nothing),
    choice(CLASSIC, "SecurityGroups", "", List, Nothing),
    choice(CLASSIC, "ManagedSecurityGroup", "", Text, Nothing),
    choice(DATABASE, "HasCoupledDatabase", "false", Flag, Nothing),
    choice(
        DATABASE,
        "DBDeletionPolicy",
        "Delete",
        One(&["Delete", "Retain", "Snapshot"]),
        Nothing,
    ),
    choice(DATABASE, "DBEngine", "mysql", Text, Nothing),
    choice(DATABASE, "DBEngineVersion", "", Text, Nothing),
    choice(DATABASE, "DBInstanceClass", "", Text, Nothing),
    choice(
        DATABASE,
        "DBAllocatedStorage",
        "",
        Number(5, 65_536),
        Nothing,
    ),
    choice(DATABASE, "DBUser", "ebroot", Text, Nothing),
    choice(DATABASE, "DBPassword", "", Text, Nothing),
    choice(DATABASE, "MultiAZDatabase", "false", Flag, Nothing),
];

const POLICY: Rule = One(&[
    "AllAtOnce",
    "Rolling",
    "RollingWithAdditionalBatch",
    "Immutable",
    "TrafficSplitting",
]);
