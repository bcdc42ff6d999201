//! Tests through the public interface, one module per topic.

#[cfg(feature = "multipart")]
#[path = "../model/mod.rs"]
mod model;
mod probe;
mod support;

mod accept_shortcuts;
mod admission;
mod announced_lengths;
mod body_headers;
mod busy_tasks;
mod busy_uploads;
mod cancellation;
#[cfg(feature = "multipart")]
mod captured_inner;
#[cfg(feature = "multipart")]
mod captures;
mod checks;
#[cfg(feature = "client")]
mod client;
mod concurrency;
mod custom_format;
mod deadlines;
mod destructors;
#[cfg(feature = "multipart")]
mod dialects;
mod executors;
mod faults;
mod faulty_executors;
mod headers;
mod held_bytes;
mod hooks;
mod hooks_that_panic;
mod inherited;
mod invalid_http;
mod item_headers;
mod json_any_envelope;
mod json_any_response;
mod json_bodies;
mod json_dependencies;
mod json_details;
mod json_headers;
mod json_hostile;
mod json_items;
mod json_names;
mod json_numbers;
mod json_offsets;
mod json_reading;
mod json_reference;
mod json_strings;
mod json_writing;
mod laws;
mod limits;
#[cfg(feature = "multipart")]
mod modelled;
mod mounting;
#[cfg(feature = "multipart")]
mod multipart;
#[cfg(all(feature = "multipart", feature = "multistatus"))]
mod multistatus;
mod ndjson_lines;
mod negotiation;
mod nested;
mod observers;
mod openapi;

mod origins;
#[cfg(feature = "page")]
mod page;
mod panics;
mod panics_twice;
mod passthrough;
mod preferences;
#[cfg(all(
    feature = "client",
    feature = "multipart",
    feature = "page",
    feature = "shapes",
    feature = "timeout",
    feature = "tracing"
))]
mod promises;
mod readiness;
mod references;
mod refusals;
mod refused_types;
mod response_headers;
mod routers;
mod setters;
mod settings;
#[cfg(feature = "shapes")]
mod shapes;
mod smoke;
mod stacks;
mod statuses;
mod streaming;
mod streams;
mod subrequests;
mod targets;
mod testing_formats;
mod time;
#[cfg(feature = "tracing")]
mod tracing;
mod transactions;
mod transports;
mod uploads;
