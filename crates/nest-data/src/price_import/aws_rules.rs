//! Which products of AWS's price lists books have rows for, by their exact usage type.

/// A meter of an offer.
pub struct AwsMeter {
    /// Code of the offer.
    pub offer: &'static str,
    /// Usage type without the region's prefix.
    pub usage: &'static str,
    /// Operation; any where empty.
    pub operation: &'static str,
    /// Name of the meter in a book.
    pub id: &'static str,
    /// Units in which the list may state it; another one would change the price by a factor.
    pub units: &'static [&'static str],
}

const fn meter(
    offer: &'static str,
    usage: &'static str,
    operation: &'static str,
    id: &'static str,
    units: &'static [&'static str],
) -> AwsMeter {
    AwsMeter {
        offer,
        usage,
        operation,
        id,
        units,
    }
}

/// How lists write an hour.
pub const HOURS: &[&str] = &["Hrs", "Hours", "hours"];
const REQUESTS: &[&str] = &["Requests", "Request"];
const GB_MONTH: &[&str] = &["GB-Mo", "GB-month"];

/// Every meter that is known.
pub const METERS: &[AwsMeter] = &[
    meter(
        "AWSELB",
        "LoadBalancerUsage",
        "LoadBalancing:Application",
        "alb.hour",
        HOURS,
    ),
    meter(
        "AWSELB",
        "LCUUsage",
        "LoadBalancing:Application",
        "alb.lcu",
        &["LCU-Hrs"],
    ),
    meter(
        "AWSELB",
        "LoadBalancerUsage",
        "LoadBalancing:Network",
        "nlb.hour",
        HOURS,
    ),
    meter(
        "AWSELB",
        "LCUUsage",
        "LoadBalancing:Network",
        "nlb.nlcu",
        &["LCU-Hrs"],
    ),
    meter("AWSLambda", "Request", "", "lambda.requests", REQUESTS),
    meter(
        "AWSLambda",
        "Lambda-GB-Second",
        "",
        "lambda.duration.x86_64",
        &["Lambda-GB-Second", "Second", "Seconds"],
    ),
    meter(
        "AWSLambda",
        "Lambda-GB-Second-ARM",
        "",
        "lambda.duration.arm64",
        &["Lambda-GB-Second", "Second", "Seconds"],
    ),
    meter(
        "AmazonECS",
        "Fargate-vCPU-Hours:perCPU",
        "",
        "fargate.vcpu.x86_64",
        HOURS,
    ),
    meter(
        "AmazonECS",
        "Fargate-GB-Hours",
        "",
        "fargate.memory.x86_64",
        HOURS,
    ),
    meter(
        "AmazonECS",
        "Fargate-ARM-vCPU-Hours:perCPU",
        "",
        "fargate.vcpu.arm64",
        HOURS,
    ),
    meter(
        "AmazonECS",
        "Fargate-ARM-GB-Hours",
        "",
        "fargate.memory.arm64",
        HOURS,
    ),
    meter(
        "AmazonECS",
        "Fargate-EphemeralStorage-GB-Hours",
        "",
        "fargate.ephemeral",
        &["GB-Hours", "GB-Hrs"],
    ),
    meter(
        "AmazonApiGateway",
        "ApiGatewayHttpRequest",
        "",
        "apigw.http.requests",
        REQUESTS,
    ),
    meter(
        "AmazonApiGateway",
        "ApiGatewayRequest",
        "",
        "apigw.rest.requests",
        REQUESTS,
    ),
    meter(
        "AmazonDynamoDB",
        "WriteRequestUnits",
        "",
        "dynamodb.write",
        &["WriteRequestUnits"],
    ),
    meter(
        "AmazonDynamoDB",
        "ReadRequestUnits",
        "",
        "dynamodb.read",
        &["ReadRequestUnits"],
    ),
    meter(
        "AmazonDynamoDB",
        "TimedStorage-ByteHrs",
        "",
        "dynamodb.storage",
        GB_MONTH,
    ),
    meter("AmazonS3", "TimedStorage-ByteHrs", "", "s3.storage", GB_MONTH),
    meter("AmazonS3", "Requests-Tier1", "", "s3.put", REQUESTS),
    meter("AmazonS3", "Requests-Tier2", "", "s3.get", REQUESTS),
    meter("AmazonEC2", "NatGateway-Hours", "NatGateway", "nat.hour", HOURS),
    meter(
        "AmazonEC2",
        "NatGateway-Bytes",
        "NatGateway",
        "nat.bytes",
        &["GB"],
    ),
    meter("AmazonEC2", "EBS:VolumeUsage.gp3", "", "ebs.gp3", GB_MONTH),
    meter("AmazonEC2", "EBS:VolumeUsage.gp2", "", "ebs.gp2", GB_MONTH),
    meter("AmazonEC2", "EBS:SnapshotUsage", "", "ebs.snapshot", GB_MONTH),
    meter("AmazonVPC", "PublicIPv4:InUseAddress", "", "vpc.ipv4.hour", HOURS),
    meter(
        "AmazonCloudWatch",
        "DataProcessing-Bytes",
        "",
        "logs.ingest",
        &["GB"],
    ),
    meter(
        "AmazonRDS",
        "RDS:GP3-Storage",
        "",
        "rds.storage.gp3.single-az",
        GB_MONTH,
    ),
    meter(
        "AmazonRDS",
        "RDS:Multi-AZ-GP3-Storage",
        "",
        "rds.storage.gp3.multi-az",
        GB_MONTH,
    ),
];
