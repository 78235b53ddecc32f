//! What the library says, for Python's `logging` and `warnings`.

use crate::errors::as_keywords;
use pyo3::prelude::*;
use rebound::log;
use std::fmt::{Debug, Write};
use tracing::field::{Field, Visit};
use tracing::{Dispatch, Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Context, SubscriberExt};

/// Something that is said.
#[derive(Debug)]
pub(crate) struct Message {
    is_warning: bool,
    text: String,
}

impl Message {
    /// Hands it to `rebound_trade._logs.say`.
    ///
    /// # Errors
    ///
    /// What a filter of warnings makes an exception of.
    pub(crate) fn hand_over(self, py: Python<'_>) -> PyResult<()> {
        let logs = py.import("rebound_trade._logs")?;
        logs.call_method1("say", (self.is_warning, as_keywords(&self.text)))?;
        Ok(())
    }
}

/// Takes what is said.
struct Collect<F>(F);

impl<S: Subscriber, F: Fn(Message) + Send + Sync + 'static> Layer<S> for Collect<F> {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut words = Words::default();
        event.record(&mut words);
        let is_warning = *event.metadata().level() <= Level::WARN;
        (self.0)(Message { is_warning, text: words.text() });
    }
}

/// The words of an event.
#[derive(Default)]
struct Words {
    message: String,
    fields: String,
}

impl Words {
    /// The message, and its fields in brackets.
    fn text(self) -> String {
        match self.fields.strip_prefix(", ") {
            Some(fields) => format!("{} ({fields})", self.message),
            None => self.message,
        }
    }
}

impl Visit for Words {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, ", {name}={value:?}"),
        };
    }
}

/// Gives `take` what the library says on threads that work with it.
pub(crate) fn dispatch(take: impl Fn(Message) + Send + Sync + 'static) -> Dispatch {
    let own = log::OWN.map(|name| (name, LevelFilter::INFO));
    let layer = Collect(take).with_filter(Targets::new().with_targets(own));
    Dispatch::new(tracing_subscriber::registry().with(layer))
}
