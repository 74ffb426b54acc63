//! What keeps data on AWS, and watches and locks it.

use super::{MILLION, RowMapping, Service, meter};

/// The services; see [`super::SERVICES`].
pub const SERVICES: &[Service] = &[
    Service {
        provider: "aws",
        service: "dynamodb",
        region: None,
        meters: &[
            ("on_demand_write", meter("dynamodb.write", "WRU").per(MILLION)),
            ("on_demand_read", meter("dynamodb.read", "RRU").per(MILLION)),
            ("storage", meter("dynamodb.storage", "GB*month")),
            (
                "ia_on_demand_write",
                meter("dynamodb.ia.write", "WRU").per(MILLION),
            ),
            ("ia_on_demand_read", meter("dynamodb.ia.read", "RRU").per(MILLION)),
            ("ia_storage", meter("dynamodb.ia.storage", "GB*month")),
            ("pitr_storage", meter("dynamodb.pitr", "GB*month")),
        ],
        others: &[],
    },
    Service {
        provider: "aws",
        service: "s3",
        region: None,
        meters: &[
            ("standard_storage", meter("s3.storage", "GB*month")),
            ("put_copy_post_list", meter("s3.put", "request").per("1000")),
            ("get_and_other", meter("s3.get", "request").per("1000")),
            ("standard_ia_storage", meter("s3.ia.storage", "GB*month")),
            ("standard_ia_put", meter("s3.ia.put", "request").per("1000")),
            ("standard_ia_get", meter("s3.ia.get", "request").per("1000")),
        ],
        others: &[],
    },
    Service {
        provider: "aws",
        service: "ebs",
        region: None,
        meters: &[
            ("gp3_storage", meter("ebs.gp3", "GB*month").per_resource()),
            (
                "gp3_iops_over_3000",
                meter("ebs.gp3.iops", "IOPS*month").per_resource(),
            ),
            (
                "gp3_throughput_over_125",
                meter("ebs.gp3.throughput", "MiB/s*month").per_resource(),
            ),
            ("gp2_storage", meter("ebs.gp2", "GB*month").per_resource()),
            ("snapshot_standard", meter("ebs.snapshot", "GB*month")),
            ("io2_iops", meter("ebs.io2.iops", "IOPS*month").per_resource()),
        ],
        others: &[],
    },
    Service {
        provider: "aws",
        service: "rds",
        region: None,
        meters: &[
            (
                "gp3_storage_single_az",
                meter("rds.storage.gp3.single-az", "GB*month"),
            ),
            (
                "gp3_storage_multi_az",
                meter("rds.storage.gp3.multi-az", "GB*month"),
            ),
            ("backup_over_allocated", meter("rds.backup", "GB*month")),
            ("t3_cpu_credits", meter("rds.credits.t3", "vCPU*h")),
            (
                "gp2_storage_single_az",
                meter("rds.storage.gp2.single-az", "GB*month"),
            ),
            (
                "io1_storage_single_az",
                meter("rds.storage.io1.single-az", "GB*month"),
            ),
            (
                "io1_iops_single_az",
                meter("rds.iops.io1.single-az", "IOPS*month"),
            ),
            (
                "gp3_iops_single_az",
                meter("rds.iops.gp3.single-az", "IOPS*month"),
            ),
            ("gp3_iops_multi_az", meter("rds.iops.gp3.multi-az", "IOPS*month")),
        ],
        others: &[],
    },
    Service {
        provider: "aws",
        service: "cloudwatch-logs",
        region: None,
        meters: &[
            ("ingest_standard", meter("logs.ingest", "GB").pool("logs")),
            ("storage", meter("logs.storage", "GB*month")),
            ("ingest_infrequent_access", meter("logs.ia.ingest", "GB")),
            ("storage_infrequent_access", meter("logs.ia.storage", "GB*month")),
            ("insights_scanned", meter("logs.scan", "GB")),
            ("live_tail", meter("logs.live-tail", "min")),
        ],
        others: &[],
    },
    Service {
        provider: "aws",
        service: "cloudwatch",
        region: None,
        meters: &[
            ("custom_metrics", meter("cloudwatch.metrics", "metric*month")),
            (
                "api_requests",
                meter("cloudwatch.requests", "request").per("1000"),
            ),
            ("alarm_standard", meter("cloudwatch.alarms", "alarm*month")),
            (
                "alarm_high_resolution",
                meter("cloudwatch.alarms.high-resolution", "alarm*month"),
            ),
            (
                "alarm_composite",
                meter("cloudwatch.alarms.composite", "alarm*month"),
            ),
        ],
        others: &[],
    },
    Service {
        provider: "aws",
        service: "secrets-manager",
        region: None,
        meters: &[("secret", meter("secrets.secret", "secret*month"))],
        others: &[],
    },
    Service {
        provider: "aws",
        service: "kms",
        region: None,
        meters: &[("customer_key", meter("kms.key", "key*month"))],
        others: &[],
    },
    Service {
        provider: "aws",
        service: "aurora",
        region: None,
        meters: &[
            ("storage_standard", meter("aurora.storage", "GB*month")),
            (
                "io_requests_standard",
                meter("aurora.requests", "request").per(MILLION),
            ),
            ("backup_storage", meter("aurora.backup", "GB*month")),
            (
                "storage_io_optimized",
                meter("aurora.storage.io-optimized", "GB*month"),
            ),
            (
                "serverless_v2",
                meter("aurora.serverless", "ACU*h").rounded("resource", "1s"),
            ),
            (
                "serverless_v2_io_optimized",
                meter("aurora.serverless.io-optimized", "ACU*h").rounded("resource", "1s"),
            ),
        ],
        others: &[
            (
                "db.t3.medium",
                RowMapping::SizedAs {
                    sku: "db.t3.medium.aurora",
                    like: "db.t3.medium",
                },
            ),
            (
                "db.t3.large",
                RowMapping::SizedAs {
                    sku: "db.t3.large.aurora",
                    like: "db.t3.large",
                },
            ),
        ],
    },
    Service {
        provider: "aws",
        service: "elasticache",
        region: None,
        meters: &[("backup_storage", meter("elasticache.backup", "GB*month"))],
        others: &[],
    },
    Service {
        provider: "aws",
        service: "efs",
        region: None,
        meters: &[
            ("standard_storage", meter("efs.storage", "GB*month")),
            ("infrequent_access_storage", meter("efs.ia.storage", "GB*month")),
        ],
        others: &[],
    },
    Service {
        provider: "aws",
        service: "opensearch",
        region: None,
        meters: &[],
        others: &[(
            "m6g.large.search",
            RowMapping::SizedAs {
                sku: "m6g.large.search",
                like: "m6g.large",
            },
        )],
    },
    Service {
        provider: "aws",
        service: "redshift",
        region: None,
        meters: &[("ra3.xlplus", meter("redshift.ra3.xlplus.hour", "h"))],
        others: &[],
    },
];
