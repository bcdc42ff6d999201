//! What all items of a batch have in common.

use std::sync::Arc;

use http::request::Parts;
use http::uri::PathAndQuery;
use http::{Method, Request, Uri};

use super::call::Unsent;
use super::references::{References, Referents};
use crate::body::RequestBody;
use crate::config::Config;
use crate::fault::Fault;
use crate::negotiate::Manner;
use crate::panics::{Contained, catch};
use crate::policy::{self, Inherited, SubrequestInfo};
use crate::preferences::Preferences;
use crate::subrequest::Subrequest;
use crate::target::Targets;

/// A method and a target that have passed every check.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) target: PathAndQuery,
}

/// The outer request, and what the layer and the client want done with its items.
#[derive(Debug)]
pub(crate) struct Context {
    pub(super) config: Arc<Config>,
    pub(super) preferences: Preferences,
    pub(super) manner: Manner,
    outer: Arc<Contained<Parts>>,
    inherited: Inherited,
    total: usize,
}

impl Context {
    pub(crate) fn new(
        config: Arc<Config>,
        preferences: Preferences,
        manner: Manner,
        outer: Arc<Contained<Parts>>,
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

    /// What an item asks for, if it is allowed to. Of what is wrong with it, what its envelope shows is told first.
    pub(super) fn check(
        &self,
        item: &Subrequest,
        references: References,
        referents: &Referents,
    ) -> Result<Asked, Fault> {
        let method = item.allowed_method(&self.config.methods)?;
        let targets = Targets::new(&self.config.targets, &self.outer);
        let is_too_large = item.body.len() > self.config.limits.max_item_body_bytes;
        let target = match references.url {
            None => targets.resolve(&item.url)?,
            Some(_) if is_too_large => return Err(Fault::BodyTooLarge),
            Some(on) => targets.resolve(&referents.url(on, item)?)?,
        };
        match is_too_large {
            true => Err(Fault::BodyTooLarge),
            false => Ok(Asked { method, target }),
        }
    }

    /// The request that the inner service gets: the very parts that the filter has seen.
    pub(super) fn request<B>(
        &mut self,
        index: usize,
        item: &mut Subrequest,
        asked: Asked,
    ) -> Result<Unsent<B>, Fault> {
        let mut extensions = self.config.extensions.room();
        let outer = &self.outer.extensions;
        if !self.config.extensions.copy(outer, &mut extensions) {
            policy::discard(extensions);
            return Err(Fault::Panicked);
        }
        extensions.insert(SubrequestInfo {
            id: item.id.clone(),
            index,
            total: self.total,
            outer: Arc::clone(&self.outer),
        });
        let (mut parts, ()) = Request::new(()).into_parts();
        parts.method = asked.method;
        parts.uri = Uri::from(asked.target);
        let policy = &self.config.item_headers;
        parts.headers = self.inherited.with_item(policy, &self.outer, item);
        parts.extensions = extensions;
        if let Some(filter) = &self.config.filter {
            let filtered = catch(|| filter(&parts).map_err(Fault::Rejected));
            if let Err(fault) = filtered.unwrap_or(Err(Fault::Panicked)) {
                policy::discard(parts.extensions);
                return Err(fault);
            }
        }
        let body = std::mem::take(&mut item.body);
        let request = Request::from_parts(parts, RequestBody::from(body));
        Ok(Unsent::new(request))
    }
}
