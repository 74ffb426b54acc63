//! Cloudflare, Fly and the smaller hosts.

use super::{MILLION, RowMapping, Service, meter};

/// The services; see [`super::SERVICES`].
pub const SERVICES: &[Service] = &[
    Service {
        provider: "cloudflare",
        service: "workers-paid",
        region: None,
        meters: &[
            (
                "requests",
                meter("workers.requests", "request")
                    .per(MILLION)
                    .plan("workers-paid"),
            ),
            (
                "cpu_time",
                meter("workers.cpu", "ms").per(MILLION).plan("workers-paid"),
            ),
            ("egress", meter("egress.internet", "GB")),
        ],
        others: &[("subscription", RowMapping::Plan("workers-paid"))],
    },
    Service {
        provider: "cloudflare",
        service: "workers-free",
        region: None,
        meters: &[],
        others: &[(
            "requests",
            RowMapping::Nowhere("it is what a free plan allows in a day, not a price"),
        )],
    },
    Service {
        provider: "cloudflare",
        service: "r2",
        region: None,
        meters: &[
            ("storage_standard", meter("r2.storage", "GB*month")),
            ("class_a_operations", meter("r2.class-a", "request").per(MILLION)),
            ("class_b_operations", meter("r2.class-b", "request").per(MILLION)),
        ],
        others: &[],
    },
    Service {
        provider: "cloudflare",
        service: "containers",
        region: None,
        meters: &[
            (
                "vcpu",
                meter("containers.vcpu", "vCPU*s")
                    .rounded("run", "10ms")
                    .plan("workers-paid"),
            ),
            (
                "memory",
                meter("containers.memory", "GiB*s")
                    .rounded("run", "10ms")
                    .plan("workers-paid"),
            ),
            ("egress", meter("containers.egress", "GB").plan("workers-paid")),
        ],
        others: &[],
    },
    Service {
        provider: "fly.io",
        service: "network",
        region: None,
        meters: &[
            ("internet_egress", meter("egress.internet", "GB")),
            ("private_cross_region", meter("transfer.inter-region", "GB")),
            ("dedicated_ipv4", meter("ipv4.month", "month")),
        ],
        others: &[],
    },
    Service {
        provider: "fly.io",
        service: "volumes",
        region: None,
        meters: &[("provisioned", meter("volumes.storage", "GB*month"))],
        others: &[],
    },
    Service {
        provider: "fly.io",
        service: "machines",
        region: None,
        meters: &[("stopped_rootfs", meter("machines.rootfs", "GB*month"))],
        others: &[
            ("shared-cpu-1x_256MB", RowMapping::Machine),
            ("shared-cpu-1x_512MB", RowMapping::Machine),
            ("shared-cpu-1x_1GB", RowMapping::Machine),
            (
                "additional_ram",
                RowMapping::Nowhere(
                    "it is about, and times a markup of each region that is not in the source",
                ),
            ),
            (
                "reservation_block_small_shared",
                RowMapping::Block("block-small-shared"),
            ),
        ],
    },
    Service {
        provider: "auth0",
        service: "webtask",
        region: None,
        meters: &[],
        others: &[(
            "free_tier",
            RowMapping::Unpriced {
                meter: "webtask.requests",
                unit: "request",
                limit: "webtask.free_containers",
            },
        )],
    },
    Service {
        provider: "vercel",
        service: "pro",
        region: None,
        meters: &[],
        others: &[("seat", RowMapping::Plan("pro-seat"))],
    },
    Service {
        provider: "vercel",
        service: "functions",
        region: None,
        meters: &[
            ("invocations", meter("functions.requests", "request").per(MILLION)),
            ("active_cpu", meter("functions.cpu", "ms").per("3600000")),
            ("provisioned_memory", meter("functions.memory", "GB*h")),
        ],
        others: &[],
    },
    Service {
        provider: "railway",
        service: "hobby",
        region: None,
        meters: &[],
        others: &[("subscription", RowMapping::Plan("hobby"))],
    },
    Service {
        provider: "railway",
        service: "usage",
        region: None,
        meters: &[
            (
                "memory",
                meter("usage.memory", "GB*month").rounded("resource", "1min"),
            ),
            (
                "vcpu",
                meter("usage.vcpu", "vCPU*month").rounded("resource", "1min"),
            ),
        ],
        others: &[],
    },
    Service {
        provider: "railway",
        service: "network",
        region: None,
        meters: &[("egress", meter("egress.internet", "GB"))],
        others: &[],
    },
    Service {
        provider: "render",
        service: "web-service",
        region: None,
        meters: &[],
        others: &[("starter_0.5cpu_512MB", RowMapping::Machine)],
    },
    Service {
        provider: "render",
        service: "plan",
        region: None,
        meters: &[],
        others: &[("pro_workspace", RowMapping::Plan("pro-workspace"))],
    },
    Service {
        provider: "render",
        service: "network",
        region: None,
        meters: &[("egress_over_included", meter("egress.overage", "GB"))],
        others: &[],
    },
    Service {
        provider: "digitalocean",
        service: "functions",
        region: None,
        meters: &[("duration", meter("functions.duration", "GiB*s"))],
        others: &[],
    },
    Service {
        provider: "scaleway",
        service: "functions",
        region: None,
        meters: &[
            ("requests", meter("functions.requests", "request").per(MILLION)),
            ("duration", meter("functions.duration", "GiB*s")),
        ],
        others: &[],
    },
];
