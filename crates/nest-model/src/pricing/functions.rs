//! What functions consume in the units they are billed in: Lambda, Azure Functions, Workers.
//!
//! A function on Lambda pays for the time it waits, one on Workers for its processor time only
//! (`docs/method/pricing.md`, "Processor time and waiting").

use nest_data::price_book::{Meter, Plan};
use rust_decimal::Decimal;

use super::{
    number::PriceNumber,
    price, price_billed,
    quantum::{beyond, round_up},
};

/// MiB of a GiB; Lambda prints "GB" and divides by this.
const MIB_PER_GIB: u32 = 1_024;
/// MiB of ephemeral storage that every Lambda function has; AWS Lambda pricing page, 2025-12.
const INCLUDED_EPHEMERAL_MIB: u32 = 512;
/// MiB of every streamed response that are free; AWS Lambda pricing page, 2025-12.
const INCLUDED_STREAM_MIB: u32 = 6;
/// Provisioned concurrency is billed in steps of five minutes; AWS Lambda pricing page, 2025-12.
const PROVISIONED_STEP_S: u32 = 300;
/// Azure rounds memory up to this; Azure Functions pricing page, by way of `docs/method/pricing.md`, "Azure
/// Functions".
const AZURE_MEMORY_STEP_MB: u32 = 128;
/// Azure bills each execution at least this long, in steps of a millisecond; as above.
const AZURE_LEAST_MS: u32 = 100;
const MILLISECONDS_PER_SECOND: u32 = 1_000;

/// GiB-seconds of invocations.
///
/// # Formula
/// `invocations * billed_s * memory / 1024`; `billed_s` of one invocation, rounded up already
/// ([`billed_seconds`](super::billed_seconds)), memory in MiB. 512 MB are 0.5 GiB, not 0.512.
///
/// Source: `docs/method/pricing.md`, "Functions on Lambda".
#[must_use]
pub fn gib_seconds<T: PriceNumber>(invocations: T, billed_s: T, memory_mib: T) -> T {
    invocations * billed_s * memory_mib / T::from(MIB_PER_GIB)
}

/// GiB-seconds of ephemeral storage beyond the 512 MiB that are included.
///
/// # Formula
/// `invocations * billed_s * max(0, storage - 512) / 1024`: seconds, not GiB-seconds of memory. Storage in
/// MiB.
///
/// Source: `docs/method/pricing.md`, "Ephemeral storage".
#[must_use]
pub fn ephemeral_gib_seconds<T: PriceNumber>(invocations: T, billed_s: T, storage_mib: T) -> T {
    gib_seconds(
        invocations,
        billed_s,
        beyond(storage_mib, T::from(INCLUDED_EPHEMERAL_MIB)),
    )
}

/// GiB-seconds of provisioned concurrency.
///
/// # Formula
/// `instances * ceil(configured_s / 300) * 300 * memory / 1024`; memory in MiB. What runs on it pays its own,
/// lower duration rate besides, without the free duration; requests keep theirs.
///
/// Source: `docs/method/pricing.md`, "Provisioned concurrency".
#[must_use]
pub fn provisioned_gib_seconds<T: PriceNumber>(instances: T, configured_s: T, memory_mib: T) -> T {
    gib_seconds(
        instances,
        round_up(configured_s, T::from(PROVISIONED_STEP_S), T::default()),
        memory_mib,
    )
}

/// GiB that streamed responses send beyond the 6 MiB that are free in each.
///
/// # Formula
/// `responses * max(0, size - 6) / 1024`; the size of one response in MiB.
///
/// Source: AWS Lambda pricing page, 2025-12, by way of `tests/bills/test-vectors.json`,
/// aws-lambda-response-streaming.
#[must_use]
pub fn streamed_gib<T: PriceNumber>(responses: T, size_mib: T) -> T {
    responses * beyond(size_mib, T::from(INCLUDED_STREAM_MIB)) / T::from(MIB_PER_GIB)
}

/// MB of memory that Azure Functions bills.
///
/// # Formula
/// `ceil(memory / 128) * 128`.
///
/// Source: `docs/method/pricing.md`, "Azure Functions".
#[must_use]
pub fn azure_memory_mb<T: PriceNumber>(memory_mb: T) -> T {
    round_up(
        memory_mb,
        T::from(AZURE_MEMORY_STEP_MB),
        T::from(AZURE_MEMORY_STEP_MB),
    )
}

/// GB-seconds that Azure Functions bills; its GB has 1,024 MB.
///
/// # Formula
/// `executions * max(0.1, ceil_ms(duration_s)) * ceil(memory / 128) * 128 / 1024`; the duration of one
/// execution in seconds, memory in MB.
///
/// Source: `docs/method/pricing.md`, "Azure Functions".
#[must_use]
pub fn azure_gb_seconds<T: PriceNumber>(executions: T, duration_s: T, memory_mb: T) -> T {
    let second = T::from(MILLISECONDS_PER_SECOND);
    let billed_ms = round_up(duration_s * second, T::from(1), T::from(AZURE_LEAST_MS));
    gib_seconds(executions, billed_ms / second, azure_memory_mb(memory_mb))
}

/// Cost of a month of a plan: the plan itself first, then each meter beyond what the plan includes of it;
/// `None` if a price is unknown.
///
/// # Formula
/// `amount`, then `price_billed(max(0, q_i - included_i))`; a meter of which the plan includes nothing pays
/// [`price`]. Quantities in the meters' units, of the whole account: Workers counts requests and milliseconds
/// of processor time.
///
/// Source: `docs/method/pricing.md`, "Processor time and waiting".
#[must_use]
pub fn plan_prices(plan: &Plan, used: &[(&Meter, Decimal)]) -> Vec<Option<Decimal>> {
    let meters = used.iter().map(|(meter, quantity)| {
        match plan.includes.iter().find(|inclusion| inclusion.meter == meter.id) {
            Some(inclusion) => price_billed(meter, beyond(*quantity, inclusion.quantity.0)),
            None => price(meter, *quantity),
        }
    });
    std::iter::once(Some(plan.amount.0)).chain(meters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `docs/method/pricing.md`, "Functions on Lambda": 512 MB are half a GiB; storage counts seconds; 481 s
    /// are ten minutes; Azure bills 100 ms at least.
    #[test]
    fn memory_counts_in_1024ths_and_time_in_steps() {
        assert_eq!(gib_seconds(10.0, 2.0, 512.0), 10.0);
        assert_eq!(ephemeral_gib_seconds(10.0, 2.0, 512.0), 0.0);
        assert_eq!(ephemeral_gib_seconds(10.0, 2.0, 1_536.0), 20.0);
        assert_eq!(provisioned_gib_seconds(1.0, 481.0, 1_024.0), 600.0);
        assert_eq!(streamed_gib(1_024.0, 7.0), 1.0);
        assert_eq!(
            azure_gb_seconds(Decimal::TEN, Decimal::new(2, 2), Decimal::from(129)),
            Decimal::new(25, 2)
        );
        assert!((azure_gb_seconds(10.0, 0.1004, 129.0) - 0.2525).abs() < 1e-12);
    }
}
