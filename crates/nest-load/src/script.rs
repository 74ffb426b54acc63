//! A study's behaviours made ready to run: templates compiled, names resolved, secrets read. Shared by all workers.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use memchr::memmem::Finder;
use nest_data::{
    BehaviourSpec,
    behaviour::Expect,
    behaviour_check::texts_of,
    customers::Times,
    template::{Segment, Template},
};

use crate::http::{compat, origin::Origin};

pub mod capture;
mod compile;
pub mod feeds;
pub mod text;

pub use compile::{Sources, compile, feed_readers};

use capture::Captor;
use feeds::FeedReader;
use text::Text;

/// Everything that is the same for all workers and steps.
pub struct Program {
    pub origin: Origin,
    pub scripts: Vec<Script>,
    pub feeds: Vec<FeedReader>,
    pub variables: usize, // how many names customers save values under
    pub secrets: Vec<String>,
    pub compat: compat::Settings,
    pub longest_body: u64,
    pub timeout_s: f64,
}

impl Program {
    /// Names of the behaviours, in order.
    pub fn names(&self) -> Vec<String> {
        self.scripts.iter().map(|script| script.name.clone()).collect()
    }

    /// Every request: index of its behaviour, its name, and its route where that is not the fast path.
    pub fn endpoints(&self) -> impl Iterator<Item = (usize, &str, Option<String>)> {
        self.scripts.iter().enumerate().flat_map(|(behaviour, script)| {
            let steps: &[ScriptStep] = match &script.work {
                Work::Requests { steps, .. } => steps,
                Work::Code(_) => &[],
            };
            steps
                .iter()
                .map(move |step| (behaviour, step.name.as_str(), step.route.label()))
        })
    }
}

/// A behaviour made ready to run.
pub struct Script {
    pub name: String,
    pub needs: Option<usize>, // index among the scripts
    pub work: Work,
}

impl Script {
    /// Whether an execution makes exactly one request.
    pub fn is_single(&self) -> bool {
        matches!(&self.work, Work::Requests { steps, .. } if steps.len() == 1)
    }
}

/// What an execution does.
pub enum Work {
    /// Requests of a file.
    Requests {
        /// Variables that have a value before any step has saved one.
        preset: Vec<(usize, String)>,
        steps: Vec<ScriptStep>,
    },
    /// Code of the program.
    Code(Arc<dyn crate::code::Erased>),
}

/// A request made ready to run.
pub struct ScriptStep {
    pub endpoint: usize, // index among all requests of the program
    pub name: String,
    pub method: &'static str,
    pub path: Text,
    pub headers: Vec<(String, Text)>,
    pub body: Body,
    /// The HTTP/1.1 head up to cookies and length, for the fast path.
    pub head: Text,
    /// The path as far as it is no template, for cookies that name none.
    pub folder: String,
    pub think: Option<Times>,
    pub timeout: Duration,
    pub expect: Expect,
    pub contains: Option<Finder<'static>>,
    pub excludes: Option<Finder<'static>>,
    pub save: Vec<(usize, String, Captor)>, // variable, its name, where from
    pub wanted_fields: Vec<String>,
    pub wants_body: bool,
    pub route: Route,
    pub redirects: usize,
    /// The request as HTTP/2 sends it, where nothing in it is filled in.
    pub prebuilt: OnceLock<http::Request<()>>,
}

impl ScriptStep {
    /// Whether every request is the same but for cookies.
    pub fn is_literal(&self) -> bool {
        self.path.is_literal()
            && matches!(self.body, Body::None)
            && self.headers.iter().all(|(_, value)| value.is_literal())
    }
}

/// Which client sends a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    Http1,
    Http2,
    /// reqwest, for this reason.
    Compat(&'static str),
}

impl Route {
    /// How a run names it; nothing for the fast path.
    pub fn label(self) -> Option<String> {
        match self {
            Self::Http1 => None,
            Self::Http2 => Some("HTTP/2".to_owned()),
            Self::Compat(reason) => Some(format!("reqwest ({reason})")),
        }
    }
}

/// A body made ready to run.
pub enum Body {
    None,
    Text(Text),
    Multipart(Vec<MultipartField>),
}

/// A field of a multipart body.
pub struct MultipartField {
    pub name: String,
    pub value: Text,
    pub file_name: Option<String>,
    pub content_type: Option<String>,
}

/// Names of the environment variables that behaviours read.
pub fn secret_names<'a>(behaviours: impl IntoIterator<Item = &'a BehaviourSpec>) -> Vec<String> {
    let steps = behaviours.into_iter().flat_map(|behaviour| &behaviour.steps);
    let mut names: Vec<String> = steps
        .flat_map(texts_of)
        .filter_map(|(_, text)| text.parse::<Template>().ok())
        .flat_map(|template| template.segments().to_vec())
        .filter_map(|segment| match segment {
            Segment::Env(name) => Some(name),
            _ => None,
        })
        .collect();
    names.sort();
    names.dedup();
    names
}
