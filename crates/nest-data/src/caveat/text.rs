//! The text of each caveat: what is in doubt, and what to do.

use std::fmt;

use super::{Caveat, StateEvidence};

impl fmt::Display for Caveat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RateCapped {
                step,
                wanted_per_s,
                offered_per_s,
                others,
            } => {
                let with_it = match others {
                    0 => String::new(),
                    1 => ", and one lower step is scaled down with it".to_owned(),
                    others => format!(", and {others} lower steps are scaled down with it"),
                };
                write!(
                    f,
                    "{step}: {wanted_per_s:.0} executions/s were planned, {offered_per_s:.0} offered\
                     {with_it}. Raise [measure] max_rate if the generator can do more"
                )
            }
            Self::NotRecovered { step, waited_s } => write!(
                f,
                "the target did not answer again as it did in the pilot for {waited_s:.0} s after {step}: \
                 what came next may have waited behind what it still had to do"
            ),
            Self::RampEnded { step } => write!(
                f,
                "the ramp ended after {step} because the target could not keep up; later steps were not run"
            ),
            Self::BrokerWithoutTls { url } => write!(
                f,
                "workers and coordinator talked over {url} without TLS: others on the way could read the \
                 study and the password, and send orders. Use a tls:// address"
            ),
            Self::AddressesDiffer { found } => write!(
                f,
                "{found}: not every worker may have loaded the same servers. Give the target a name that is \
                 the same everywhere, or write its address"
            ),
            Self::LocustOutside { requests, share, of } => write!(
                f,
                "{requests} requests ({:.0} % of all) were made by {}, which the study does not count: what \
                 they cost is in no behaviour, or in the wrong one. Name these tasks under \
                 [locust.behaviours] with a rate; move requests that are outside of tasks into one",
                share * 100.0,
                of.join(", ")
            ),
            Self::LocustInner { behaviours } => write!(
                f,
                "{}: an execution makes several requests. The first is timed from when it was due, the \
                 others from when they were sent, because pauses inside a task cannot be seen. Split a long \
                 task to time each of its requests from when it was due",
                behaviours.join(", ")
            ),
            Self::LocustClosed { classes } => write!(
                f,
                "users of {} wait by constant_pacing or constant_throughput and start fewer tasks while the \
                 target is slow: response times leave out what they did not start. Use arrival = \"open\" \
                 for response times",
                classes.join(", ")
            ),
            Self::TierUnplanned { tier } => {
                write!(
                    f,
                    "the pilot could not read the processor of tier `{tier}`: the plan took it for free. \
                        Give [measure] a longer pilot"
                )
            }
            Self::FewExecutions {
                behaviour,
                step,
                executions,
                enough,
            } => write!(
                f,
                "`{behaviour}` carries a tenth of the work or more in {step} and comes only {executions:.0} \
                 times there, which is fewer than {enough:.0}: how long it takes, and whether a pause or a \
                 queue is chance, cannot be told. Raise [measure] max_duration"
            ),
            Self::StepLeftOut { step, reasons } => write!(
                f,
                "{step} is not fitted: {}. Repeat it on a quieter machine",
                reasons.join("; ")
            ),
            Self::StepSuspect { step, reasons } => {
                write!(
                    f,
                    "{step} counts less in the fit than others: {}",
                    reasons.join("; ")
                )
            }
            Self::CountUnknown {
                count,
                behaviour,
                executions,
                missing,
                not_numbers,
            } => write!(
                f,
                "`{count}` of {behaviour} is not known for {} of {executions} executions ({missing} answers \
                 without it, {not_numbers} with something else than a number of 0 or more), so its mean is \
                 {}. Check where `counts` of the behaviour reads it",
                missing + not_numbers,
                if missing + not_numbers < *executions {
                    "that of the others"
                } else {
                    "not known"
                }
            ),
            Self::DataGrows { ratio, resource } => {
                write!(
                    f,
                    "{resource} use changed by a factor of {ratio:.2} against the model from the first to \
                        the last ramp step. If stored data grows, give the study a reset command"
                )
            }
            Self::NotSeparable { resource, condition } => {
                write!(
                    f,
                    "{resource}: demands of single behaviours cannot be told apart (condition \
                     {condition:.0}); only totals of measured mixes are meant. Run boosted steps for every \
                     behaviour"
                )
            }
            Self::FewRepeats { repeats, prior } => {
                let repeats = match repeats.round() {
                    1.0 => "1 repeat is".to_owned(),
                    repeats => format!("{repeats:.0} repeats are"),
                };
                write!(
                    f,
                    "{repeats} too few to know how much visits differ; {:.0} % is assumed. \
                        Add ramp steps to narrow the intervals",
                    prior * 100.0
                )
            }
            Self::PlateauNotSeen { utilisation } => write!(
                f,
                "no fitted step came above {:.0} % utilisation: the plateau is from demand, not seen. \
                    Measure closer to saturation to see it",
                utilisation * 100.0
            ),
            Self::HiddenBottleneck { ratio } => {
                write!(
                    f,
                    "throughput levels off at {:.0} % of what demand allows: a lock, a pool or a remote \
                        service may bind. Look for waiting that no probe reads",
                    ratio * 100.0
                )
            }
            Self::UnmeasuredWait {
                probability,
                customers,
                behaviour,
                hold_s,
            } => {
                let who = behaviour.as_ref().map_or("executions".to_owned(), |behaviour| {
                    format!("executions of `{behaviour}`")
                });
                write!(
                    f,
                    "response times grow faster than the measured resources explain: with probability \
                     {:.0} % {who} queue for something that no probe reads, held for about {:.1} ms each \
                     and full at {:.0} ({:.0} … {:.0}) customers. A lock, a pool or a remote service; look \
                     there before buying servers",
                    probability * 100.0,
                    hold_s * 1e3,
                    customers.value,
                    customers.low,
                    customers.high
                )
            }
            Self::Contention { resource, change } => write!(
                f,
                "{resource}: an execution takes {:.0} % more at full load than without load. Look for locks \
                    and caches that executions share",
                change * 100.0
            ),
            Self::DemandAboveResponse {
                behaviour,
                demand_s,
                response_s,
            } => write!(
                f,
                "an execution of {behaviour} takes {:.1} ms of processor time or more, but its fastest 5 % \
                    were answered within {:.1} ms: it works after its answer, on several processors, or \
                    something else works with it",
                demand_s * 1e3,
                response_s * 1e3
            ),
            Self::MemoryLeaks {
                resource,
                behaviour,
                bytes,
            } => {
                let per = behaviour.as_ref().map_or_else(
                    || "second".to_owned(),
                    |behaviour| format!("execution of {behaviour}"),
                );
                write!(
                    f,
                    "{resource} grows by {bytes:.0} bytes per {per} while the load stays the same. Measure \
                        longer, or find what is never given back"
                )
            }
            Self::Extrapolated { what, factor } => write!(
                f,
                "{what} is {factor:.1} times as large as what was tested. Measure there before relying on it"
            ),
            Self::BeforeMeasurement { as_of, measured_at } => write!(
                f,
                "the forecast is made for {as_of}, before the measurement of {measured_at}. Give --as-of a \
                 day after it, if prices and months should count from there"
            ),
            Self::CustomersUnstated { customers, has_room } => write!(
                f,
                "the study does not say how many customers there are, so the headline is about \
                 {customers:.0}, the largest number that was tested{}. Write the number as customers under \
                 [report], or as the start of a scenario under [growth]",
                if *has_room { " with room" } else { "" }
            ),
            Self::SpeedAssumed { config, low, high } => {
                write!(
                    f,
                    "`{config}`: one virtual CPU is assumed to do {low:.2} to {high:.2} of the work of one \
                        measured core. Run the study there once and give its speed"
                )
            }
            Self::TermEnds {
                config,
                commitment,
                ends,
                renewed,
            } => {
                let then = match renewed {
                    true => "It is bought again at the same price, unless after_term = \"on_demand\"",
                    false => "The list price is paid from then on",
                };
                write!(f, "`{config}`: the term of {commitment} ends on {ends}. {then}")
            }
            Self::TermOutlasts {
                config,
                commitment,
                months,
            } => write!(
                f,
                "`{config}`: the term of {commitment} lasts {months} months longer than growth. What is \
                 owed for them is in \
                 no total"
            ),
            Self::GrowthLeft {
                scenario,
                months,
                from,
            } => write!(
                f,
                "growth `{scenario}` leads to less than one customer, or to more than can be projected, \
                 in the month \
                 from {from} on. Only what comes before, {months} of its months, is projected and part of \
                 totals"
            ),
            Self::HistoryEnd {
                scenario,
                customers,
                expected,
            } => write!(
                f,
                "growth `{scenario}`: is the last month of the history complete? It has {customers:.0} \
                 customers, {:.0} % of what the months before it say. The forecast allows for both, a \
                 complete and an incomplete month. Leave the row out if the month is incomplete",
                100.0 * customers / expected
            ),
            Self::HistoryShift { scenario, ago, ratio } => {
                write!(f, "growth `{scenario}`: the level of the history changed once")?;
                if let Some(ratio) = ratio {
                    write!(f, ", by {:+.0} %,", 100.0 * (ratio - 1.0))?;
                }
                write!(
                    f,
                    " {ago} rows before its end. That is taken for one change that stays, not for a season: \
                     two or three years cannot tell. Add older rows if it comes back every year"
                )
            }
            Self::GrowthBegun {
                scenario,
                start,
                as_of,
            } => write!(
                f,
                "growth `{scenario}` begins on {start}, before the day of the forecast, {as_of}: its first \
                 months are past, and totals hold them. Add newer rows or a later start"
            ),
            Self::CreditsUnknown { config, sku } => write!(
                f,
                "`{config}`: {sku} runs on credits, and its price book does not say which share of its \
                 processors lasts. It is counted as all of them, so more may be needed. Write the vendor's \
                 baseline into the book, baseline = \"0.2\" for instance"
            ),
            Self::PriceChanges { config, price, from } => write!(
                f,
                "`{config}`: the price of {price} changes on {from}. Months count each price on its days, \
                 the headline that of the day of the forecast"
            ),
            Self::PriceUnknownBeyond { config, meter, known } => write!(
                f,
                "`{config}`: {meter} has no price beyond {known} a month, and more is used: its \
                 costs are \"at least\". Add the tier to your own price book"
            ),
            Self::ColdStartAssumed {
                config,
                host,
                share: [rare, often],
                extra_ms: [short, long],
                observed: [from, to],
            } => write!(
                f,
                "`{config}`: the study does not state cold starts. Assumed is that {} to {} % of the \
                 requests on {host} meet one, which takes {:.0} to {:.0} ms: the range of public figures \
                 from {from} to {to}. State yours: cold_start = {{ share = \"1%\", extra_ms = 400 }}",
                rare * 100.0,
                often * 100.0,
                short,
                long
            ),
            Self::ColdStartUnknown {
                config,
                host,
                share_is_public,
                time_is_public,
            } => {
                let unknown = match (share_is_public, time_is_public) {
                    (true, _) => "how long they take",
                    (_, true) => "how often they happen",
                    _ => "how often they happen or how long they take",
                };
                write!(
                    f,
                    "`{config}`: the study does not state cold starts, and no range of dated public \
                     figures says {unknown} on {host}. None are counted, so that response times and cost \
                     are at least what is shown. State them: cold_start = {{ share = \"1%\", \
                     extra_ms = 400 }}"
                )
            }
            Self::LocalState {
                config,
                tier,
                shown_by,
            } => {
                let state = match shown_by {
                    StateEvidence::DiskUse { behaviour, bytes } => format!(
                        "works with files of its own ({:.1} kB to or from its disk per execution of \
                         {behaviour}), and a function keeps no files",
                        bytes / 1e3
                    ),
                    StateEvidence::StoredData { item } => {
                        format!("stores data ([data], {item}), and a function keeps none")
                    }
                };
                write!(
                    f,
                    "`{config}` puts tier `{tier}` on functions, but it {state}. Say what replaces them as \
                     files_replaced_by in the placement, and price that under meters or monthly"
                )
            }
            Self::TierNotPlaced { config, tier } => write!(
                f,
                "`{config}` does not place tier `{tier}`; it is neither sized nor priced there"
            ),
            Self::PriceUnknown { config, lines } => {
                let (lines, price) = match lines {
                    1 => ("one line has no price".to_owned(), "the price"),
                    lines => (format!("{lines} lines have no price"), "their prices"),
                };
                write!(
                    f,
                    "`{config}`: {lines}, so its cost is at least what is shown. Add {price} to a book of \
                     your own"
                )
            }
            Self::Converted {
                config,
                book,
                currency,
                rate,
                date,
            } => {
                write!(
                    f,
                    "`{config}`: amounts of {book} are converted at {rate} for 1 {currency}, the rate of \
                        {date}. Give a newer one under [exchange.{currency}]"
                )
            }
            Self::PriceMayFall { config, meter } => write!(
                f,
                "`{config}`: the whole quantity of {meter} pays the tier that it reaches, so that more \
                    customers can cost less in all. Look at the cost just below each bound"
            ),
            Self::MoreThanAllowed { config, from } => {
                write!(
                    f,
                    "`{config}`: from about {} on growth needs more instances than `max` allows; they are \
                     priced as if it did not. Raise max, or plan for the break point",
                    from.strftime("%B %Y")
                )
            }
            Self::PriceOld {
                config,
                prices,
                share,
                oldest,
                days,
            } => {
                let share = format!("{:.0} % of the bill", share * 100.0);
                match prices {
                    1 => write!(
                        f,
                        "`{config}`: the price of {oldest}, seen {days} days ago, is older than its book \
                         allows, and {share} rests on it. Check it before signing"
                    ),
                    prices => write!(
                        f,
                        "`{config}`: {prices} of the prices are older than their book allows, and {share} \
                         rests on them. The oldest is that of {oldest}, seen {days} days ago. Check them \
                         before signing"
                    ),
                }
            }
            Self::UndefinedDraws { config, share } => write!(
                f,
                "`{config}`: a formula has no value in {:.1} % of the draws, because the ranges of its \
                 parameters are wide. These draws use the stated values instead. Narrow the ranges under \
                 [parameters]",
                share * 100.0
            ),
            Self::ValueOffCentre { what } => write!(
                f,
                "{what}: the central value lies outside the middle half of its draws; read the interval"
            ),
        }
    }
}
