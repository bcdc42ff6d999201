//! What all items of a batch have in common.

use std::sync::Arc;

use http::request::Parts;
use http::{Request, Uri};

use crate::body::RequestBody;
use crate::config::Config;
use crate::fault::Fault;
use crate::policy::{Inherited, SubrequestInfo};
use crate::preferences::Preferences;
use crate::subrequest::Subrequest;

/// The outer request, and what the layer and the client want done with its items.
#[derive(Debug)]
pub(crate) struct Context {
    pub(super) config: Arc<Config>,
    pub(super) preferences: Preferences,
    outer: Arc<Parts>,
    inherited: Inherited,
    total: usize,
}

impl Context {
    pub(crate) fn new(
        config: Arc<Config>,
        preferences: Preferences,
        outer: Parts,
        total: usize,
    ) -> Self {
        Self {
            inherited: Inherited::new(&outer),
            config,
            preferences,
            outer: Arc::new(outer),
            total,
        }
    }

    pub(super) fn continue_on_error(&self) -> bool {
        self.preferences
            .continue_on_error
            .unwrap_or(self.config.continue_on_error)
    }

    /// The request that the inner service gets: the very parts that the filter has seen.
    pub(super) fn request<B>(
        &self,
        index: usize,
        item: &mut Subrequest,
    ) -> Result<Request<RequestBody<B>>, Fault> {
        let (Some(method), Some(target)) = (item.method.clone(), item.target.take()) else {
            return Err(Fault::Target);
        };
        let (mut parts, ()) = Request::new(()).into_parts();
        parts.method = method;
        parts.uri = Uri::from(target);
        parts.headers = self
            .inherited
            .with_item(&self.config.item_headers, &self.outer, item);
        self.config
            .extensions
            .copy(&self.outer.extensions, &mut parts.extensions);
        parts.extensions.insert(SubrequestInfo {
            id: item.id.clone(),
            index,
            total: self.total,
            outer: Arc::clone(&self.outer),
        });
        if let Some(filter) = &self.config.filter {
            filter(&parts).map_err(Fault::Rejected)?;
        }
        let body = std::mem::take(&mut item.body);
        Ok(Request::from_parts(parts, RequestBody::from(body)))
    }
}
