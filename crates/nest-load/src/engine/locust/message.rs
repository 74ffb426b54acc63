//! What goes over the socket of a Locust process: one JSON object a line, in both directions.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, IgnoredAny, SeqAccess, Visitor},
};

use super::listing::Listing;

/// The messages that are understood.
pub const PROTOCOL: u32 = 1;

/// What a process, or a worker of a master, tells.
#[derive(Debug, Deserialize)]
pub struct Told {
    /// The worker, if a master passes it on.
    pub w: Option<String>,
    pub hello: Option<Hello>,
    pub refused: Option<Refused>,
    /// Number of the command that this answers, and what was wrong with it.
    pub re: Option<u64>,
    pub error: Option<String>,
    /// A behaviour that was executed alone has come to its end.
    pub alone: Option<bool>,
    /// It is a report, which is read by itself.
    pub ev: Option<IgnoredAny>,
}

/// What a process can do.
#[derive(Debug, Deserialize)]
pub struct Hello {
    pub protocol: u32,
    #[serde(flatten)]
    pub listing: Listing,
}

/// Why a locustfile cannot run.
#[derive(Debug, Deserialize)]
pub struct Refused {
    pub file: Option<String>,
    pub line: u32,
    pub error: String,
    pub remedy: String,
}

/// What happened since the last report, in nanoseconds of the monotonic clock.
#[derive(Debug, Deserialize)]
pub struct Report {
    pub t: u64,
    /// Processor time of the process, and time in which its thread waited for a processor.
    pub cpu: u64,
    pub wait: u64,
    /// Users by class.
    pub users: BTreeMap<String, u64>,
    /// How late heartbeats came, in microseconds.
    pub late: Vec<u64>,
    /// Those that came very late: when they were due, and when they came.
    pub gaps: Vec<(u64, u64)>,
    pub ev: Vec<TaskEvent>,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum TaskEvent {
    /// An execution began. `number` is that of its arrival, none outside of an open schedule.
    Begun {
        execution: u64,
        task: String,
        due: u64,
        at: u64,
        number: Option<u64>,
        waited: bool,
    },
    /// An execution ended; with a reason it failed.
    Ended { execution: u64, at: u64, reason: String },
    /// A request ended; with a kind it failed. `execution` is none outside of any.
    Request {
        execution: Option<u64>,
        name: String,
        sent: u64,
        ended: u64,
        status: u16,
        bytes: u64,
        kind: String,
        redirects: u64,
    },
    /// An arrival found no user.
    Dropped { number: u64, task: String },
}

impl<'de> Deserialize<'de> for TaskEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(EventVisitor)
    }
}

struct EventVisitor;

impl<'de> Visitor<'de> for EventVisitor {
    type Value = TaskEvent;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an event: a list that begins with b, e, r or x")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<TaskEvent, A::Error> {
        fn next<'de, A: SeqAccess<'de>, T: Deserialize<'de>>(seq: &mut A) -> Result<T, A::Error> {
            seq.next_element()?
                .ok_or_else(|| de::Error::custom("an event ends too early"))
        }
        let counted = |number: i64| u64::try_from(number).ok();
        let kind: String = next(&mut seq)?;
        Ok(match kind.as_str() {
            "b" => TaskEvent::Begun {
                execution: next(&mut seq)?,
                task: next(&mut seq)?,
                due: next(&mut seq)?,
                at: next(&mut seq)?,
                number: counted(next(&mut seq)?),
                waited: next::<_, u8>(&mut seq)? != 0,
            },
            "e" => TaskEvent::Ended {
                execution: next(&mut seq)?,
                at: next(&mut seq)?,
                reason: next(&mut seq)?,
            },
            "r" => TaskEvent::Request {
                execution: counted(next(&mut seq)?),
                name: next(&mut seq)?,
                sent: next(&mut seq)?,
                ended: next(&mut seq)?,
                status: next(&mut seq)?,
                bytes: next(&mut seq)?,
                kind: next(&mut seq)?,
                redirects: next(&mut seq)?,
            },
            "x" => TaskEvent::Dropped {
                number: u64::try_from(next::<_, i64>(&mut seq)?).unwrap_or(u64::MAX),
                task: next(&mut seq)?,
            },
            other => return Err(de::Error::custom(format!("there is no event {other:?}"))),
        })
    }
}

/// What a process is told.
#[derive(Debug, Serialize)]
pub struct Command<'a> {
    /// The worker that it is for, if a master passes it on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub w: Option<&'a str>,
    pub id: u64,
    #[serde(flatten)]
    pub verb: Verb,
}

/// What it is to do.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "verb", rename_all = "lowercase")]
pub enum Verb {
    /// Be ready for a load.
    Prepare(Preparation),
    /// Users may act from this moment on.
    Start { at: u64 },
    /// Executions that are due: number, moment and task.
    Due { orders: Vec<(u64, u64, String)> },
    /// Execute a task again and again, one at a time.
    Alone { task: String, span_s: f64, most: u64 },
    /// Begin nothing from this moment on.
    Stop { at: u64 },
    /// Cut what is under way, and tell the rest.
    Close,
    /// Let all users go.
    Forget,
    /// End.
    Quit,
}

/// What a load needs.
#[derive(Debug, Clone, Serialize)]
pub struct Preparation {
    /// `open` or `closed`.
    pub mode: &'static str,
    /// Users at most, and executions that may wait for one.
    pub most: usize,
    pub queue: usize,
    /// Users of each class of a closed load.
    pub users: BTreeMap<String, usize>,
    /// How often the entries of a task are listed.
    pub boost: BTreeMap<String, usize>,
    /// Sets that are executed as a whole.
    pub whole: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_process_tells_is_read() {
        let line = r#"{"t":900,"cpu":5,"wait":1,"users":{"Shop":2},"late":[3,0],"gaps":[[1,2]],"ev":[
            ["b",7,"Shop.pay",100,110,-1,0],["r",7,"POST /pay",120,150,201,2,"",1],
            ["r",-1,"GET /x",1,2,0,0,"lost",0],["e",7,160,"ValueError at shop.py:9"],["x",4,"Shop.pay"]]}"#;
        let told: Told = serde_json::from_str(line).expect("a message");
        assert!(told.ev.is_some() && told.re.is_none());
        let report: Report = serde_json::from_str(line).expect("a report");
        assert_eq!((report.t, report.ev.len()), (900, 5));
        assert!(matches!(
            &report.ev[0],
            TaskEvent::Begun {
                number: None,
                due: 100,
                ..
            }
        ));
        assert!(matches!(
            &report.ev[2],
            TaskEvent::Request { execution: None, .. }
        ));
        assert_eq!(
            report.ev[4],
            TaskEvent::Dropped {
                number: 4,
                task: "Shop.pay".to_owned()
            }
        );
        let answer: Told = serde_json::from_str(r#"{"w":"host_1","re":3,"error":"no"}"#).expect("an answer");
        assert!(answer.ev.is_none() && answer.re == Some(3) && answer.w.is_some());
        for wrong in [r#"["q",1]"#, r#"["e",1]"#, "[]", r#"["x","a","b"]"#] {
            assert!(serde_json::from_str::<TaskEvent>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_command_is_one_object() {
        let command = Command {
            w: None,
            id: 4,
            verb: Verb::Due {
                orders: vec![(0, 5, "Shop.pay".to_owned())],
            },
        };
        assert_eq!(
            serde_json::to_string(&command).expect("plain data"),
            r#"{"id":4,"verb":"due","orders":[[0,5,"Shop.pay"]]}"#
        );
    }
}
