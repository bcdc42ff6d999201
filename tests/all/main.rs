//! What the crate promises, through its public interface; a module a topic.

mod support;

mod json_bodies;
mod json_items;
mod json_reading;
mod smoke;
