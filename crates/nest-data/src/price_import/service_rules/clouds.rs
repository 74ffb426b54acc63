//! Google Cloud and Azure.

use super::{FLEX, GROUP, MILLION, PLACE, RowMapping, Service, meter};

/// The services; see [`super::SERVICES`].
pub const SERVICES: &[Service] = &[
    Service {
        provider: "gcp",
        service: "network",
        region: None,
        meters: &[
            ("internet_egress_premium", meter("egress.internet", "GiB")),
            ("external_ipv4_on_vm", meter("ipv4.hour", "h")),
            ("external_ipv4_unused", meter("ipv4.unused.hour", "h")),
        ],
        others: &[],
    },
    Service {
        provider: "gcp",
        service: "cloud-nat",
        region: None,
        meters: &[
            ("gateway_max", meter("nat.hour", "h")),
            ("data_processed", meter("nat.bytes", "GiB")),
        ],
        others: &[],
    },
    Service {
        provider: "gcp",
        service: "disk",
        region: None,
        meters: &[
            ("pd_balanced", meter("disk.balanced", "GiB*month")),
            ("pd_ssd", meter("disk.ssd", "GiB*month")),
            ("pd_standard", meter("disk.standard", "GiB*month")),
            ("snapshot", meter("disk.snapshot", "GiB*month")),
        ],
        others: &[],
    },
    Service {
        provider: "gcp",
        service: "storage",
        region: None,
        meters: &[("standard", meter("storage.standard", "GiB*month"))],
        others: &[],
    },
    Service {
        provider: "gcp",
        service: "cloud-run",
        region: None,
        meters: &[
            // Seconds in the file, milliseconds here, as for every host. Cloud Run bills each vCPU for as
            // long as a request takes, busy or not.
            (
                "cpu_request_based_tier1",
                meter("cloudrun.cpu", "ms")
                    .bounds_in_thousands()
                    .pool("cloudrun.cpu"),
            ),
            (
                "memory_request_based_tier1",
                meter("cloudrun.memory", "GiB*s").pool("cloudrun.memory"),
            ),
            (
                "requests_tier1",
                meter("cloudrun.requests", "request")
                    .per(MILLION)
                    .pool("cloudrun.requests"),
            ),
        ],
        others: &[
            ("cpu_request_based_tier2", RowMapping::Nowhere(GROUP)),
            ("memory_request_based_tier2", RowMapping::Nowhere(GROUP)),
            ("requests_tier2", RowMapping::Nowhere(GROUP)),
            ("cpu_instance_based_tier2", RowMapping::Nowhere(GROUP)),
            ("memory_instance_based_tier2", RowMapping::Nowhere(GROUP)),
            (
                "free_egress_north_america",
                RowMapping::Nowhere(
                    "it is free transfer of one service, and the meter of transfer is for all",
                ),
            ),
        ],
    },
    Service {
        provider: "gcp",
        service: "cloud-functions-1st-gen",
        region: None,
        meters: &[],
        others: &[
            ("cpu", RowMapping::Nowhere(GROUP)),
            ("memory", RowMapping::Nowhere(GROUP)),
            ("invocations", RowMapping::Nowhere(GROUP)),
            ("egress", RowMapping::Nowhere(GROUP)),
        ],
    },
    Service {
        provider: "azure",
        service: "functions-consumption",
        region: None,
        meters: &[
            (
                "executions",
                meter("functions.requests", "request")
                    .per(MILLION)
                    .pool("functions.requests"),
            ),
            (
                "execution_time",
                meter("functions.duration", "GiB*s")
                    .at_least("invocation", "1ms", "100ms")
                    .pool("functions.duration"),
            ),
        ],
        others: &[],
    },
    Service {
        provider: "azure",
        service: "bandwidth",
        region: None,
        meters: &[("internet_egress", meter("egress.internet", "GB"))],
        others: &[],
    },
    Service {
        provider: "gcp",
        service: "monitoring",
        region: None,
        meters: &[("metric_data", meter("monitoring.metrics", "MiB"))],
        others: &[],
    },
    Service {
        provider: "gcp",
        service: "logging",
        region: None,
        meters: &[("ingest", meter("logging.ingest", "GiB"))],
        others: &[],
    },
    Service {
        provider: "gcp",
        service: "pubsub",
        region: None,
        meters: &[("message_data", meter("pubsub.bytes", "TiB"))],
        others: &[],
    },
    Service {
        provider: "gcp",
        service: "gke",
        region: None,
        meters: &[("cluster_hour", meter("gke.cluster.hour", "h"))],
        others: &[],
    },
    Service {
        provider: "gcp",
        service: "load-balancer",
        region: None,
        meters: &[
            ("forwarding_rule", meter("lb.rule.hour", "h")),
            ("data_processed", meter("lb.bytes", "GiB")),
        ],
        others: &[],
    },
    Service {
        provider: "gcp",
        service: "cloud-sql",
        region: None,
        meters: &[
            ("vcpu_zonal", meter("cloudsql.vcpu.zonal", "vCPU*h")),
            ("vcpu_regional", meter("cloudsql.vcpu.regional", "vCPU*h")),
            ("memory_zonal", meter("cloudsql.memory.zonal", "GiB*h")),
            ("memory_regional", meter("cloudsql.memory.regional", "GiB*h")),
            ("ssd_zonal", meter("cloudsql.ssd.zonal", "GiB*month")),
            ("ssd_regional", meter("cloudsql.ssd.regional", "GiB*month")),
            ("backup", meter("cloudsql.backup", "GiB*month")),
        ],
        others: &[],
    },
    Service {
        provider: "gcp",
        service: "memorystore-redis",
        region: None,
        meters: &[
            ("basic_M2", meter("redis.basic.m2", "GiB*h")),
            ("basic_M3", meter("redis.basic.m3", "GiB*h")),
            ("basic_M4", meter("redis.basic.m4", "GiB*h")),
            ("basic_M5", meter("redis.basic.m5", "GiB*h")),
            ("standard_M2", meter("redis.standard.m2", "GiB*h")),
            ("standard_M3", meter("redis.standard.m3", "GiB*h")),
            ("standard_M4", meter("redis.standard.m4", "GiB*h")),
            ("standard_M5", meter("redis.standard.m5", "GiB*h")),
        ],
        others: &[],
    },
    Service {
        provider: "azure",
        service: "load-balancer",
        region: None,
        meters: &[
            ("standard_first_5_rules", meter("lb.first-rules.hour", "h")),
            ("standard_rule_over_5", meter("lb.rule.hour", "h")),
            ("standard_data_processed", meter("lb.bytes", "GB")),
        ],
        others: &[],
    },
    Service {
        provider: "azure",
        service: "application-gateway",
        region: None,
        meters: &[
            ("basic_v2_hour", meter("appgw.hour", "h")),
            ("basic_v2_capacity_unit", meter("appgw.capacity", "CU*h")),
            ("waf_v2_hour", meter("appgw.waf.hour", "h")),
            ("waf_v2_capacity_unit", meter("appgw.waf.capacity", "CU*h")),
        ],
        others: &[],
    },
    Service {
        provider: "azure",
        service: "aks",
        region: None,
        meters: &[("standard_tier_cluster", meter("aks.cluster.hour", "h"))],
        others: &[],
    },
    Service {
        provider: "azure",
        service: "public-ip",
        region: None,
        meters: &[("static_standard", meter("ipv4.address", "h"))],
        others: &[],
    },
    Service {
        provider: "azure",
        service: "nat-gateway",
        region: None,
        meters: &[
            ("gateway_hour", meter("nat.hour", "h")),
            ("data_processed", meter("nat.bytes", "GB")),
        ],
        others: &[],
    },
    Service {
        provider: "azure",
        service: "postgresql-flexible",
        region: None,
        meters: &[
            ("storage", meter("postgresql.storage", "GiB*month")),
            ("backup_over_storage", meter("postgresql.backup", "GiB*month")),
        ],
        others: &[
            (
                "B_Standard_B1ms",
                RowMapping::SizedAs {
                    sku: "postgresql.B1ms",
                    like: "Standard_B1ms",
                },
            ),
            (
                "B_Standard_B2ms",
                RowMapping::SizedAs {
                    sku: "postgresql.B2ms",
                    like: "Standard_B2ms",
                },
            ),
            (
                "GP_Standard_D2ds_v5",
                RowMapping::SizedAs {
                    sku: "postgresql.D2ds_v5",
                    like: "Standard_D2ds_v5",
                },
            ),
            (
                "GP_Standard_D2ads_v5",
                RowMapping::SizedAs {
                    sku: "postgresql.D2ads_v5",
                    like: "Standard_D2ads_v5",
                },
            ),
            (
                "GP_Standard_D4s_v3",
                RowMapping::SizedAs {
                    sku: "postgresql.D4s_v3",
                    like: "Standard_D4s_v3",
                },
            ),
            (
                "MO_Standard_E4s_v3",
                RowMapping::SizedAs {
                    sku: "postgresql.E4s_v3",
                    like: "Standard_E4s_v3",
                },
            ),
        ],
    },
    Service {
        provider: "azure",
        service: "mysql-flexible",
        region: None,
        meters: &[("additional_iops", meter("mysql.iops", "IOPS*month"))],
        others: &[],
    },
    Service {
        provider: "azure",
        service: "redis-cache",
        region: None,
        meters: &[
            ("Premium_P1", meter("redis.premium.p1", "node*month")),
            ("Premium_P2", meter("redis.premium.p2", "node*month")),
            ("Premium_P3", meter("redis.premium.p3", "node*month")),
        ],
        others: &[],
    },
    Service {
        provider: "azure",
        service: "front-door-classic",
        region: None,
        meters: &[("data_out", meter("frontdoor.bytes", "GB"))],
        others: &[],
    },
    Service {
        provider: "azure",
        service: "container-apps-consumption",
        region: None,
        meters: &[],
        others: &[
            ("vcpu_active", RowMapping::Nowhere(PLACE)),
            ("memory", RowMapping::Nowhere(PLACE)),
            ("requests", RowMapping::Nowhere(PLACE)),
        ],
    },
    Service {
        provider: "azure",
        service: "functions-flex-consumption",
        region: None,
        meters: &[],
        others: &[
            ("free_executions", RowMapping::Nowhere(FLEX)),
            ("free_execution_time", RowMapping::Nowhere(FLEX)),
        ],
    },
];
