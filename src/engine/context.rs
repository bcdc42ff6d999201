//! What all items of a batch have in common.

use std::sync::Arc;

use http::request::Parts;
use http::{Request, Uri};

use super::references::Referents;
use crate::body::RequestBody;
use crate::config::Config;
use crate::fault::Fault;
use crate::negotiate::Manner;
use crate::policy::{Inherited, SubrequestInfo};
use crate::preferences::Preferences;
use crate::subrequest::Subrequest;
use crate::target::Targets;

/// The outer request, and what the layer and the client want done with its items.
#[derive(Debug)]
pub(crate) struct Context {
    pub(super) config: Arc<Config>,
    pub(super) preferences: Preferences,
    pub(super) manner: Manner,
    outer: Arc<Parts>,
    inherited: Inherited,
    total: usize,
}

impl Context {
    pub(crate) fn new(
        config: Arc<Config>,
        preferences: Preferences,
        manner: Manner,
        outer: Arc<Parts>,
        total: usize,
    ) -> Self {
        Self {
            inherited: Inherited::new(&outer, total),
            config,
            preferences,
            manner,
            outer,
            total,
        }
    }

    pub(super) fn continue_on_error(&self) -> bool {
        let asked = self.preferences.continue_on_error;
        asked
            .or(self.config.continue_on_error)
            .unwrap_or(!self.manner.is_sequential)
    }

    pub(super) fn concurrency(&self) -> usize {
        match self.manner.is_sequential {
            true => 1,
            false => self.config.concurrency,
        }
    }

    /// The request that the inner service gets: the very parts that the filter has seen.
    pub(super) fn request<B>(
        &mut self,
        index: usize,
        item: &mut Subrequest,
        referents: &Referents,
    ) -> Result<Request<RequestBody<B>>, Fault> {
        if let Some(url) = referents.url(item)? {
            let targets = Targets::new(&self.config.targets, &self.outer);
            item.target = Some(targets.resolve(&url)?);
            // Who refers to this one means what it has come to.
            item.url = url;
        }
        referents.fill_if_match(item)?;
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
