//! What runs, answers and carries on AWS: functions, containers, balancers, queues, networks.

use super::{FreeRule, MILLION, RowMapping, Service, meter};
use crate::price_book::FreeKind;

/// The services; see [`super::SERVICES`].
pub const SERVICES: &[Service] = &[
    Service {
        provider: "aws",
        service: "lambda",
        region: None,
        meters: &[
            ("requests_x86", meter("lambda.requests", "request").per(MILLION)),
            ("requests_arm", meter("lambda.requests", "request").per(MILLION)),
            (
                "duration_x86",
                meter("lambda.duration.x86_64", "GiB*s").rounded("invocation", "1ms"),
            ),
            (
                "duration_arm",
                meter("lambda.duration.arm64", "GiB*s").rounded("invocation", "1ms"),
            ),
            (
                "ephemeral_storage_over_512MB",
                meter("lambda.ephemeral", "GiB*s").rounded("invocation", "1ms"),
            ),
            (
                "provisioned_concurrency_x86",
                meter("lambda.provisioned.x86_64", "GiB*s").rounded("resource", "5min"),
            ),
            (
                "provisioned_duration_x86",
                meter("lambda.provisioned.duration.x86_64", "GiB*s").rounded("invocation", "1ms"),
            ),
            ("snapstart_cache", meter("lambda.snapstart.cache", "GiB*s")),
            ("snapstart_restore", meter("lambda.snapstart.restore", "GiB")),
            ("response_streaming", meter("lambda.streaming", "GB")),
            ("tenant_isolated_environment", meter("lambda.tenant", "GiB")),
        ],
        others: &[
            ("managed_instances_fee", RowMapping::Share("lambda.managed.fee")),
            (
                "free_requests",
                RowMapping::Free(FreeRule {
                    meters: &["lambda.requests"],
                    kind: FreeKind::Always,
                    pool: "lambda.requests",
                }),
            ),
            (
                "free_duration",
                RowMapping::Free(FreeRule {
                    meters: &["lambda.duration.x86_64", "lambda.duration.arm64"],
                    kind: FreeKind::Always,
                    pool: "lambda.duration",
                }),
            ),
        ],
    },
    Service {
        provider: "aws",
        service: "api-gateway",
        region: None,
        meters: &[
            (
                "rest_requests",
                meter("apigw.rest.requests", "request").per(MILLION),
            ),
            (
                "http_requests",
                meter("apigw.http.requests", "request")
                    .per(MILLION)
                    .chunk("512KiB"),
            ),
            (
                "websocket_messages",
                meter("apigw.websocket.messages", "message")
                    .per(MILLION)
                    .chunk("32KiB"),
            ),
            (
                "websocket_connection_minutes",
                meter("apigw.websocket.minutes", "min").per(MILLION),
            ),
        ],
        others: &[(
            "free_http_or_rest_requests",
            RowMapping::Free(FreeRule {
                meters: &["apigw.http.requests", "apigw.rest.requests"],
                kind: FreeKind::FirstYear,
                pool: "apigw.requests",
            }),
        )],
    },
    Service {
        provider: "aws",
        service: "alb",
        region: None,
        meters: &[
            (
                "load_balancer_hour",
                meter("alb.hour", "h").rounded("resource", "1h"),
            ),
            ("lcu_hour", meter("alb.lcu", "LCU*h").capacity_units()),
        ],
        others: &[],
    },
    Service {
        provider: "aws",
        service: "nlb",
        region: None,
        meters: &[
            (
                "load_balancer_hour",
                meter("nlb.hour", "h").rounded("resource", "1h"),
            ),
            ("nlcu_hour", meter("nlb.nlcu", "NLCU*h")),
        ],
        others: &[],
    },
    Service {
        provider: "aws",
        service: "fargate",
        region: None,
        meters: &[
            ("vcpu_x86", meter("fargate.vcpu.x86_64", "vCPU*h").per_run()),
            ("memory_x86", meter("fargate.memory.x86_64", "GB*h").per_run()),
            ("vcpu_arm", meter("fargate.vcpu.arm64", "vCPU*h").per_run()),
            ("memory_arm", meter("fargate.memory.arm64", "GB*h").per_run()),
            (
                "ephemeral_storage_over_20GB",
                meter("fargate.ephemeral", "GB*h").per_run(),
            ),
        ],
        others: &[
            (
                "vcpu_x86_per_second_as_printed",
                RowMapping::Nowhere("it is the hourly price, rounded"),
            ),
            (
                "memory_x86_per_second_as_printed",
                RowMapping::Nowhere("it is the hourly price, rounded"),
            ),
        ],
    },
    Service {
        provider: "aws",
        service: "nat-gateway",
        region: None,
        meters: &[
            ("gateway_hour", meter("nat.hour", "h").rounded("resource", "1h")),
            ("data_processed", meter("nat.bytes", "GB")),
        ],
        others: &[],
    },
    Service {
        provider: "aws",
        service: "vpc",
        region: None,
        meters: &[
            ("public_ipv4", meter("vpc.ipv4.hour", "h")),
            ("interface_endpoint_hour", meter("vpc.endpoint.hour", "h")),
            ("interface_endpoint_data", meter("vpc.endpoint.bytes", "GB")),
        ],
        others: &[],
    },
    Service {
        provider: "aws",
        service: "data-transfer",
        region: None,
        meters: &[
            ("inter_az", meter("transfer.inter-az", "GB")),
            ("internet_out", meter("egress.internet", "GB")),
            ("inter_region_out", meter("transfer.inter-region", "GB")),
            ("us_east_1_to_us_east_2", meter("transfer.us-east-2", "GB")),
        ],
        others: &[],
    },
    Service {
        provider: "aws",
        service: "sqs",
        region: None,
        meters: &[
            (
                "standard_requests",
                meter("sqs.requests", "request").per(MILLION).chunk("64KiB"),
            ),
            (
                "fifo_requests",
                meter("sqs.fifo.requests", "request").per(MILLION).chunk("64KiB"),
            ),
            (
                "fair_queue_surcharge",
                meter("sqs.fair.requests", "request").per(MILLION),
            ),
        ],
        others: &[],
    },
    Service {
        provider: "aws",
        service: "step-functions",
        region: None,
        meters: &[
            (
                "standard_transitions",
                meter("stepfunctions.transitions", "transition").per("1000"),
            ),
            (
                "express_requests",
                meter("stepfunctions.express.requests", "request").per(MILLION),
            ),
            (
                "express_duration",
                meter("stepfunctions.express.duration", "GiB*s"),
            ),
        ],
        others: &[],
    },
    Service {
        provider: "aws",
        service: "eventbridge",
        region: None,
        meters: &[
            (
                "custom_events",
                meter("eventbridge.events", "event").per(MILLION).chunk("64KiB"),
            ),
            (
                "cross_account_delivery",
                meter("eventbridge.cross-account", "event").per(MILLION),
            ),
            (
                "api_destination_invocations",
                meter("eventbridge.api-destinations", "invocation").per(MILLION),
            ),
            (
                "pipes_requests",
                meter("eventbridge.pipes", "request").per(MILLION),
            ),
            (
                "scheduler_invocations",
                meter("eventbridge.scheduler", "invocation").per(MILLION),
            ),
            ("archive_processing", meter("eventbridge.archive.bytes", "GB")),
            (
                "archive_storage",
                meter("eventbridge.archive.storage", "GB*month"),
            ),
        ],
        others: &[],
    },
    Service {
        provider: "aws",
        service: "ecr",
        region: None,
        meters: &[("storage", meter("ecr.storage", "GB*month"))],
        others: &[],
    },
    Service {
        provider: "aws",
        service: "waf",
        region: None,
        meters: &[
            ("web_acl", meter("waf.acl", "ACL*month")),
            ("rule", meter("waf.rule", "rule*month")),
            ("requests", meter("waf.requests", "request").per(MILLION)),
        ],
        others: &[],
    },
    Service {
        provider: "aws",
        service: "cloudfront",
        region: Some("us+mexico+canada"),
        meters: &[
            ("data_out", meter("cloudfront.us.bytes", "GB")),
            (
                "requests_http",
                meter("cloudfront.us.requests.http", "request").per("10000"),
            ),
            (
                "requests_https",
                meter("cloudfront.us.requests.https", "request").per("10000"),
            ),
            ("data_to_origin", meter("cloudfront.us.origin.bytes", "GB")),
        ],
        others: &[],
    },
    Service {
        provider: "aws",
        service: "cloudfront",
        region: Some("europe+israel"),
        meters: &[
            ("data_out", meter("cloudfront.eu.bytes", "GB")),
            (
                "requests_http",
                meter("cloudfront.eu.requests.http", "request").per("10000"),
            ),
            (
                "requests_https",
                meter("cloudfront.eu.requests.https", "request").per("10000"),
            ),
            ("data_to_origin", meter("cloudfront.eu.origin.bytes", "GB")),
        ],
        others: &[],
    },
    Service {
        provider: "aws",
        service: "cloudfront",
        region: None,
        meters: &[("invalidation_paths", meter("cloudfront.invalidations", "path"))],
        others: &[
            (
                "free_data_out",
                RowMapping::Free(FreeRule {
                    meters: &["cloudfront.us.bytes", "cloudfront.eu.bytes"],
                    kind: FreeKind::Always,
                    pool: "cloudfront.bytes",
                }),
            ),
            (
                "free_requests",
                RowMapping::Free(FreeRule {
                    meters: &[
                        "cloudfront.us.requests.http",
                        "cloudfront.us.requests.https",
                        "cloudfront.eu.requests.http",
                        "cloudfront.eu.requests.https",
                    ],
                    kind: FreeKind::Always,
                    pool: "cloudfront.requests",
                }),
            ),
        ],
    },
    Service {
        provider: "aws",
        service: "eks",
        region: None,
        meters: &[
            ("cluster_hour", meter("eks.cluster.hour", "h")),
            (
                "cluster_hour_extended_support",
                meter("eks.cluster.extended.hour", "h"),
            ),
        ],
        others: &[],
    },
    Service {
        provider: "aws",
        service: "sns",
        region: None,
        meters: &[
            (
                "publish_requests",
                meter("sns.publish", "request").per(MILLION).chunk("64KiB"),
            ),
            ("http_deliveries", meter("sns.http", "notification").per(MILLION)),
            (
                "email_deliveries",
                meter("sns.email", "notification").per("100000"),
            ),
            ("mobile_push", meter("sns.push", "notification").per(MILLION)),
            (
                "fifo_publish_requests",
                meter("sns.fifo.publish", "request").per(MILLION),
            ),
            ("fifo_payload", meter("sns.fifo.bytes", "GB")),
        ],
        others: &[],
    },
    Service {
        provider: "aws",
        service: "route53",
        region: None,
        meters: &[
            ("hosted_zone", meter("route53.zone", "zone*month")),
            ("standard_queries", meter("route53.queries", "query").per(MILLION)),
        ],
        others: &[],
    },
    Service {
        provider: "aws",
        service: "lambda-edge",
        region: None,
        meters: &[
            ("requests", meter("lambda-edge.requests", "request").per(MILLION)),
            (
                "duration",
                meter("lambda-edge.duration", "GiB*s").rounded("invocation", "1ms"),
            ),
        ],
        others: &[],
    },
];
