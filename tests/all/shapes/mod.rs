//! JSON batches in the shapes of other APIs.

mod any_response;
mod cross_site;
mod defaults;
mod envelopes;
mod facebook;
mod hostile;
mod items;
mod jive;
mod kinto;
mod openapi;
mod own_shape;
mod parse;
mod presets;
mod round_trip;
mod salesforce;
mod scim;
mod servicenow;
mod table;
mod wordpress;
