//! The table of the meters of services.csv.

use super::{FreeRule, GROUP, MILLION, RowMapping, ServiceRule, meter, other, rule};
use crate::price_book::FreeKind;

/// Every meter that is known. Names follow `HOST.requests`, `HOST.duration[.ARCH]` (GiB*s) and `HOST.cpu` for
/// function hosts. A "GB" of the memory of Lambda and of Azure Functions is 1,024 MB.
pub const RULES: &[ServiceRule] = &[
    rule(
        "aws",
        "lambda",
        "requests_x86",
        meter("lambda.requests", "request").per(MILLION),
    ),
    rule(
        "aws",
        "lambda",
        "requests_arm",
        meter("lambda.requests", "request").per(MILLION),
    ),
    rule(
        "aws",
        "lambda",
        "duration_x86",
        meter("lambda.duration.x86_64", "GiB*s").rounded("invocation", "1ms"),
    ),
    rule(
        "aws",
        "lambda",
        "duration_arm",
        meter("lambda.duration.arm64", "GiB*s").rounded("invocation", "1ms"),
    ),
    rule(
        "aws",
        "lambda",
        "ephemeral_storage_over_512MB",
        meter("lambda.ephemeral", "GiB*s").rounded("invocation", "1ms"),
    ),
    rule(
        "aws",
        "lambda",
        "provisioned_concurrency_x86",
        meter("lambda.provisioned.x86_64", "GiB*s").rounded("resource", "5min"),
    ),
    rule(
        "aws",
        "lambda",
        "provisioned_duration_x86",
        meter("lambda.provisioned.duration.x86_64", "GiB*s").rounded("invocation", "1ms"),
    ),
    rule(
        "aws",
        "lambda",
        "snapstart_cache",
        meter("lambda.snapstart.cache", "GiB*s"),
    ),
    rule(
        "aws",
        "lambda",
        "snapstart_restore",
        meter("lambda.snapstart.restore", "GiB"),
    ),
    rule(
        "aws",
        "lambda",
        "response_streaming",
        meter("lambda.streaming", "GB"),
    ),
    rule(
        "aws",
        "lambda",
        "tenant_isolated_environment",
        meter("lambda.tenant", "GiB"),
    ),
    other(
        "aws",
        "lambda",
        "managed_instances_fee",
        RowMapping::Share("lambda.managed.fee"),
    ),
    other(
        "aws",
        "lambda",
        "free_requests",
        RowMapping::Free(FreeRule {
            meters: &["lambda.requests"],
            kind: FreeKind::Always,
            pool: "lambda.requests",
        }),
    ),
    other(
        "aws",
        "lambda",
        "free_duration",
        RowMapping::Free(FreeRule {
            meters: &["lambda.duration.x86_64", "lambda.duration.arm64"],
            kind: FreeKind::Always,
            pool: "lambda.duration",
        }),
    ),
    rule(
        "aws",
        "api-gateway",
        "rest_requests",
        meter("apigw.rest.requests", "request").per(MILLION),
    ),
    rule(
        "aws",
        "api-gateway",
        "http_requests",
        meter("apigw.http.requests", "request")
            .per(MILLION)
            .chunk("512KiB"),
    ),
    rule(
        "aws",
        "api-gateway",
        "websocket_messages",
        meter("apigw.websocket.messages", "message")
            .per(MILLION)
            .chunk("32KiB"),
    ),
    rule(
        "aws",
        "api-gateway",
        "websocket_connection_minutes",
        meter("apigw.websocket.minutes", "min").per(MILLION),
    ),
    other(
        "aws",
        "api-gateway",
        "free_http_or_rest_requests",
        RowMapping::Free(FreeRule {
            meters: &["apigw.http.requests", "apigw.rest.requests"],
            kind: FreeKind::FirstYear,
            pool: "apigw.requests",
        }),
    ),
    rule(
        "aws",
        "alb",
        "load_balancer_hour",
        meter("alb.hour", "h").rounded("resource", "1h"),
    ),
    rule(
        "aws",
        "alb",
        "lcu_hour",
        meter("alb.lcu", "LCU*h").capacity_units(),
    ),
    rule(
        "aws",
        "nlb",
        "load_balancer_hour",
        meter("nlb.hour", "h").rounded("resource", "1h"),
    ),
    rule("aws", "nlb", "nlcu_hour", meter("nlb.nlcu", "NLCU*h")),
    rule(
        "aws",
        "fargate",
        "vcpu_x86",
        meter("fargate.vcpu.x86_64", "vCPU*h").at_least("run", "1s", "60s"),
    ),
    rule(
        "aws",
        "fargate",
        "memory_x86",
        meter("fargate.memory.x86_64", "GB*h").at_least("run", "1s", "60s"),
    ),
    rule(
        "aws",
        "fargate",
        "vcpu_arm",
        meter("fargate.vcpu.arm64", "vCPU*h").at_least("run", "1s", "60s"),
    ),
    rule(
        "aws",
        "fargate",
        "memory_arm",
        meter("fargate.memory.arm64", "GB*h").at_least("run", "1s", "60s"),
    ),
    rule(
        "aws",
        "fargate",
        "ephemeral_storage_over_20GB",
        meter("fargate.ephemeral", "GB*h").at_least("run", "1s", "60s"),
    ),
    other(
        "aws",
        "fargate",
        "vcpu_x86_per_second_as_printed",
        RowMapping::Nowhere("it is the hourly price, rounded"),
    ),
    other(
        "aws",
        "fargate",
        "memory_x86_per_second_as_printed",
        RowMapping::Nowhere("it is the hourly price, rounded"),
    ),
    rule(
        "aws",
        "dynamodb",
        "on_demand_write",
        meter("dynamodb.write", "WRU").per(MILLION),
    ),
    rule(
        "aws",
        "dynamodb",
        "on_demand_read",
        meter("dynamodb.read", "RRU").per(MILLION),
    ),
    rule(
        "aws",
        "dynamodb",
        "storage",
        meter("dynamodb.storage", "GB*month"),
    ),
    rule("aws", "s3", "standard_storage", meter("s3.storage", "GB*month")),
    rule(
        "aws",
        "s3",
        "put_copy_post_list",
        meter("s3.put", "request").per("1000"),
    ),
    rule(
        "aws",
        "s3",
        "get_and_other",
        meter("s3.get", "request").per("1000"),
    ),
    rule(
        "aws",
        "ebs",
        "gp3_storage",
        meter("ebs.gp3", "GB*month").at_least("resource", "1s", "60s"),
    ),
    rule(
        "aws",
        "ebs",
        "gp3_iops_over_3000",
        meter("ebs.gp3.iops", "IOPS*month").at_least("resource", "1s", "60s"),
    ),
    rule(
        "aws",
        "ebs",
        "gp3_throughput_over_125",
        meter("ebs.gp3.throughput", "MiB/s*month").at_least("resource", "1s", "60s"),
    ),
    rule(
        "aws",
        "ebs",
        "gp2_storage",
        meter("ebs.gp2", "GB*month").at_least("resource", "1s", "60s"),
    ),
    rule(
        "aws",
        "ebs",
        "snapshot_standard",
        meter("ebs.snapshot", "GB*month"),
    ),
    rule(
        "aws",
        "ebs",
        "io2_iops",
        meter("ebs.io2.iops", "IOPS*month").at_least("resource", "1s", "60s"),
    ),
    rule(
        "aws",
        "rds",
        "gp3_storage_single_az",
        meter("rds.storage.gp3.single-az", "GB*month"),
    ),
    rule(
        "aws",
        "rds",
        "gp3_storage_multi_az",
        meter("rds.storage.gp3.multi-az", "GB*month"),
    ),
    rule(
        "aws",
        "rds",
        "backup_over_allocated",
        meter("rds.backup", "GB*month"),
    ),
    rule(
        "aws",
        "nat-gateway",
        "gateway_hour",
        meter("nat.hour", "h").rounded("resource", "1h"),
    ),
    rule("aws", "nat-gateway", "data_processed", meter("nat.bytes", "GB")),
    rule("aws", "vpc", "public_ipv4", meter("vpc.ipv4.hour", "h")),
    rule(
        "aws",
        "vpc",
        "interface_endpoint_hour",
        meter("vpc.endpoint.hour", "h"),
    ),
    rule(
        "aws",
        "data-transfer",
        "inter_az",
        meter("transfer.inter-az", "GB"),
    ),
    rule(
        "aws",
        "data-transfer",
        "internet_out",
        meter("egress.internet", "GB"),
    ),
    rule(
        "aws",
        "data-transfer",
        "inter_region_out",
        meter("transfer.inter-region", "GB"),
    ),
    rule(
        "aws",
        "data-transfer",
        "us_east_1_to_us_east_2",
        meter("transfer.us-east-2", "GB"),
    ),
    rule(
        "aws",
        "cloudwatch-logs",
        "ingest_standard",
        meter("logs.ingest", "GB").pool("logs"),
    ),
    rule(
        "aws",
        "cloudwatch-logs",
        "storage",
        meter("logs.storage", "GB*month"),
    ),
    rule(
        "aws",
        "sqs",
        "standard_requests",
        meter("sqs.requests", "request").per(MILLION).chunk("64KiB"),
    ),
    rule(
        "aws",
        "step-functions",
        "standard_transitions",
        meter("stepfunctions.transitions", "transition").per("1000"),
    ),
    rule(
        "gcp",
        "network",
        "internet_egress_premium",
        meter("egress.internet", "GiB"),
    ),
    rule("gcp", "cloud-nat", "gateway_max", meter("nat.hour", "h")),
    rule("gcp", "cloud-nat", "data_processed", meter("nat.bytes", "GiB")),
    rule("gcp", "network", "external_ipv4_on_vm", meter("ipv4.hour", "h")),
    rule("gcp", "disk", "pd_balanced", meter("disk.balanced", "GiB*month")),
    rule("gcp", "disk", "pd_ssd", meter("disk.ssd", "GiB*month")),
    rule("gcp", "disk", "pd_standard", meter("disk.standard", "GiB*month")),
    rule(
        "gcp",
        "storage",
        "standard",
        meter("storage.standard", "GiB*month"),
    ),
    // Seconds in the file, milliseconds here, as for every host. Cloud Run bills each vCPU for as long as a
    // request takes, busy or not.
    rule(
        "gcp",
        "cloud-run",
        "cpu_request_based_tier1",
        meter("cloudrun.cpu", "ms")
            .bounds_in_thousands()
            .pool("cloudrun.cpu"),
    ),
    rule(
        "gcp",
        "cloud-run",
        "memory_request_based_tier1",
        meter("cloudrun.memory", "GiB*s").pool("cloudrun.memory"),
    ),
    rule(
        "gcp",
        "cloud-run",
        "requests_tier1",
        meter("cloudrun.requests", "request")
            .per(MILLION)
            .pool("cloudrun.requests"),
    ),
    other(
        "gcp",
        "cloud-run",
        "cpu_request_based_tier2",
        RowMapping::Nowhere(GROUP),
    ),
    other(
        "gcp",
        "cloud-run",
        "memory_request_based_tier2",
        RowMapping::Nowhere(GROUP),
    ),
    other("gcp", "cloud-run", "requests_tier2", RowMapping::Nowhere(GROUP)),
    other(
        "gcp",
        "cloud-run",
        "cpu_instance_based_tier2",
        RowMapping::Nowhere(GROUP),
    ),
    other(
        "gcp",
        "cloud-run",
        "memory_instance_based_tier2",
        RowMapping::Nowhere(GROUP),
    ),
    other(
        "gcp",
        "cloud-functions-1st-gen",
        "cpu",
        RowMapping::Nowhere(GROUP),
    ),
    other(
        "gcp",
        "cloud-functions-1st-gen",
        "memory",
        RowMapping::Nowhere(GROUP),
    ),
    other(
        "gcp",
        "cloud-functions-1st-gen",
        "invocations",
        RowMapping::Nowhere(GROUP),
    ),
    other(
        "gcp",
        "cloud-functions-1st-gen",
        "egress",
        RowMapping::Nowhere(GROUP),
    ),
    rule(
        "azure",
        "functions-consumption",
        "executions",
        meter("functions.requests", "request")
            .per(MILLION)
            .pool("functions.requests"),
    ),
    rule(
        "azure",
        "functions-consumption",
        "execution_time",
        meter("functions.duration", "GiB*s")
            .at_least("invocation", "1ms", "100ms")
            .pool("functions.duration"),
    ),
    rule(
        "azure",
        "bandwidth",
        "internet_egress",
        meter("egress.internet", "GB"),
    ),
    other(
        "cloudflare",
        "workers-paid",
        "subscription",
        RowMapping::Plan("workers-paid"),
    ),
    rule(
        "cloudflare",
        "workers-paid",
        "requests",
        meter("workers.requests", "request")
            .per(MILLION)
            .plan("workers-paid"),
    ),
    rule(
        "cloudflare",
        "workers-paid",
        "cpu_time",
        meter("workers.cpu", "ms").per(MILLION).plan("workers-paid"),
    ),
    rule(
        "cloudflare",
        "workers-paid",
        "egress",
        meter("egress.internet", "GB"),
    ),
    other(
        "cloudflare",
        "workers-free",
        "requests",
        RowMapping::Nowhere("it is what a free plan allows in a day, not a price"),
    ),
    rule(
        "cloudflare",
        "r2",
        "storage_standard",
        meter("r2.storage", "GB*month"),
    ),
    rule(
        "cloudflare",
        "r2",
        "class_a_operations",
        meter("r2.class-a", "request").per(MILLION),
    ),
    rule(
        "cloudflare",
        "r2",
        "class_b_operations",
        meter("r2.class-b", "request").per(MILLION),
    ),
    rule(
        "cloudflare",
        "containers",
        "vcpu",
        meter("containers.vcpu", "vCPU*s")
            .rounded("run", "10ms")
            .plan("workers-paid"),
    ),
    rule(
        "cloudflare",
        "containers",
        "memory",
        meter("containers.memory", "GiB*s")
            .rounded("run", "10ms")
            .plan("workers-paid"),
    ),
    rule(
        "cloudflare",
        "containers",
        "egress",
        meter("containers.egress", "GB").plan("workers-paid"),
    ),
    rule(
        "fly.io",
        "network",
        "internet_egress",
        meter("egress.internet", "GB"),
    ),
    rule(
        "fly.io",
        "network",
        "private_cross_region",
        meter("transfer.inter-region", "GB"),
    ),
    rule(
        "fly.io",
        "network",
        "dedicated_ipv4",
        meter("ipv4.month", "month"),
    ),
    rule(
        "fly.io",
        "volumes",
        "provisioned",
        meter("volumes.storage", "GB*month"),
    ),
    rule(
        "fly.io",
        "machines",
        "stopped_rootfs",
        meter("machines.rootfs", "GB*month"),
    ),
    other("fly.io", "machines", "shared-cpu-1x_256MB", RowMapping::Machine),
    other("fly.io", "machines", "shared-cpu-1x_512MB", RowMapping::Machine),
    other("fly.io", "machines", "shared-cpu-1x_1GB", RowMapping::Machine),
    other(
        "fly.io",
        "machines",
        "additional_ram",
        RowMapping::Nowhere("it is about, and times a markup of each region that is not in the source"),
    ),
    other(
        "fly.io",
        "machines",
        "reservation_block_small_shared",
        RowMapping::Block("block-small-shared"),
    ),
    other(
        "auth0",
        "webtask",
        "free_tier",
        RowMapping::Unpriced {
            meter: "webtask.requests",
            unit: "request",
            limit: "webtask.free_containers",
        },
    ),
];
