//! What the crate promises, through its public interface; a module a topic.

mod support;

mod custom_format;
mod json_any_answer;
mod json_any_envelope;
mod json_bodies;
mod json_headers;
mod json_hostile;
mod json_items;
mod json_names;
mod json_reading;
mod json_reference;
mod json_writing;
mod negotiation;
mod preferences;
mod smoke;
