//! The request of an item: the remaining checks, and the head that the inner service gets.

mod headers;

use std::sync::Arc;

use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, Method, Request, Uri};

use self::headers::Inherited;
use super::call::Unsent;
use super::plan::Plan;
use super::references::{Entities, References};
use crate::admission::{Admission, AdmissionItem};
use crate::body::RequestBody;
use crate::config::Config;
use crate::error::Error;
use crate::item_error::ItemError;
use crate::panics::{CatchDrop, catch};
use crate::policy::{self, SubrequestInfo};
use crate::subrequest::Subrequest;
use crate::target::Targets;

/// A method and a target that have passed every check.
#[derive(Debug)]
pub(super) struct CheckedTarget {
    method: Method,
    target: PathAndQuery,
}

impl CheckedTarget {
    /// Returns the method and the path.
    pub(super) fn method_and_path(&self) -> (&Method, &str) {
        (&self.method, self.target.path())
    }
}

/// The error of an item that is not dispatched, and the headers that a user callback gives its
/// response.
struct Rejection {
    error: ItemError,
    headers: Option<Box<HeaderMap>>,
}

impl From<ItemError> for Rejection {
    fn from(error: ItemError) -> Self {
        Self {
            error,
            headers: None,
        }
    }
}

impl From<Error> for Rejection {
    fn from(error: Error) -> Self {
        let (status, headers) = error.into_rejection();
        Self {
            error: ItemError::Rejected(status),
            headers,
        }
    }
}

/// Builds the requests of the items of a batch.
#[derive(Debug)]
pub(super) struct Requests {
    outer: Arc<CatchDrop<Parts>>,
    inherited: Inherited,
    total: Option<usize>,
}

impl Requests {
    pub(super) fn new(config: &Config, outer: Arc<CatchDrop<Parts>>, total: Option<usize>) -> Self {
        Self {
            inherited: Inherited::new(&outer, total, config.request_ids.clone()),
            outer,
            total,
        }
    }

    /// The head of the outer request.
    pub(super) fn outer(&self) -> Arc<CatchDrop<Parts>> {
        Arc::clone(&self.outer)
    }

    /// Checks the method, the URL and the size of the body. Errors that the envelope alone shows
    /// are reported first.
    pub(super) fn check(
        &self,
        config: &Config,
        item: &Subrequest,
        references: References,
        entities: &Entities,
    ) -> Result<CheckedTarget, ItemError> {
        let method = item.allowed_method(&config.methods)?;
        let targets = Targets::new(&config.targets, &self.outer);
        let is_too_large = item.body.len() > config.limits.max_item_body_bytes;
        let target = match references.url {
            None => targets.resolve(&item.url)?,
            Some(_) if is_too_large => return Err(ItemError::BodyTooLarge),
            Some(on) => targets.resolve(&entities.url(on, item)?)?,
        };
        if is_too_large {
            Err(ItemError::BodyTooLarge)
        } else {
            Ok(CheckedTarget { method, target })
        }
    }

    /// Builds the request that the inner service gets. Its head is the one that the filter has
    /// checked.
    pub(super) fn build<B>(
        &mut self,
        config: &Config,
        index: usize,
        item: &mut Subrequest,
        checked: CheckedTarget,
    ) -> Result<Unsent<B>, ItemError> {
        let mut extensions = config.extensions.preallocated();
        let outer = &self.outer.extensions;
        if !config.extensions.copy(outer, &mut extensions) {
            policy::drop_extensions(extensions);
            return Err(ItemError::Panicked);
        }
        extensions.insert(SubrequestInfo {
            id: item.id.clone(),
            index,
            total: self.total,
            outer: Arc::clone(&self.outer),
        });
        let policy = &config.item_headers;
        let headers = self.inherited.with_item(policy, &self.outer, item);
        let mut request = Request::new(RequestBody::from(std::mem::take(&mut item.body)));
        *request.method_mut() = checked.method;
        *request.uri_mut() = Uri::from(checked.target);
        *request.headers_mut() = headers;
        *request.extensions_mut() = extensions;
        let is_at_batch_path = request.uri().path() == config.path;
        if !is_at_batch_path && config.filter.is_none() {
            return Ok(Unsent::new(request));
        }
        let (parts, body) = request.into_parts();
        if let Err(rejection) = check_parts(config, &parts, is_at_batch_path) {
            policy::drop_extensions(parts.extensions);
            if rejection.headers.is_some() {
                item.extras_mut().rejection_headers = rejection.headers;
            }
            return Err(rejection.error);
        }
        Ok(Unsent::new(Request::from_parts(parts, body)))
    }
}

/// Checks the head of the request that would be dispatched. A request that this layer would itself
/// treat as a batch is an error, because a gateway could route it back to the layer, and no
/// extension marks such a loop. Then the filter decides.
fn check_parts(config: &Config, item: &Parts, is_at_batch_path: bool) -> Result<(), Rejection> {
    if is_at_batch_path {
        match config.is_batch(item) {
            Ok(false) => {}
            Ok(true) => return Err(ItemError::NestedBatch.into()),
            Err(_) => return Err(ItemError::Panicked.into()),
        }
    }
    match &config.filter {
        None => Ok(()),
        Some(filter) => {
            let filtered = catch(|| filter(item).map_err(Rejection::from));
            filtered.unwrap_or(Err(ItemError::Panicked.into()))
        }
    }
}

/// Fails the valid items of a batch if others are invalid, so that none is dispatched.
pub(crate) fn require_all_valid(config: &Config, plan: &mut Plan, outer: &Arc<CatchDrop<Parts>>) {
    let valid = admission(config, plan, outer);
    if valid.items().len() < valid.total() {
        for item in valid.items() {
            plan.fail(item.index(), ItemError::NotValidated);
        }
    }
}

/// Builds the argument of `admit`: the items that may be dispatched. The target of an item that
/// refers to an earlier one is not known yet.
pub(crate) fn admission(config: &Config, plan: &Plan, outer: &Arc<CatchDrop<Parts>>) -> Admission {
    let targets = Targets::new(&config.targets, outer);
    let checked = |(index, (item, refers)): (usize, (&Subrequest, bool))| {
        let is_valid = item.error.is_none();
        let fits = item.body.len() <= config.limits.max_item_body_bytes;
        let method = item.allowed_method(&config.methods).ok();
        let target = if refers {
            None
        } else {
            Some(targets.resolve(&item.url).ok()?)
        };
        Some(AdmissionItem {
            id: item.id.clone(),
            index,
            method: method.filter(|_| is_valid && fits)?,
            target,
        })
    };
    let items = plan.items().enumerate().filter_map(checked).collect();
    Admission::new(items, plan.len(), Arc::clone(outer))
}
