//! The response to a batch.

use super::BatchLayer;
use crate::config::Order;
use crate::item_error::ItemErrors;
use crate::policy::{EnvelopeStatus, SetCookie};

/// # Responses
impl BatchLayer {
    /// The status of the outer response; the default is 207, whatever became of the items.
    ///
    /// # Panics
    ///
    /// If it is 1xx, 204, 205 or 304, whose responses have no body.
    ///
    /// ```
    /// # use http::StatusCode;
    /// # use tower_multistatus::{BatchLayer, EnvelopeStatus};
    /// let layer = BatchLayer::new("/batch").status(EnvelopeStatus::collapse());
    /// let layer = BatchLayer::new("/batch").status(StatusCode::OK);
    /// ```
    pub fn status(self, status: impl Into<EnvelopeStatus>) -> Self {
        let status = status.into();
        assert!(
            !status.has_no_body(),
            "an envelope needs a status whose response has a body"
        );
        self.with(|config| config.status = status)
    }

    /// The order of the responses; the default is that of the request, and in streamed envelopes
    /// that of completion.
    ///
    /// ```
    /// # use tower_multistatus::{BatchLayer, Order};
    /// let layer = BatchLayer::new("/batch").order(Order::Completion);
    /// ```
    pub fn order(self, order: Order) -> Self {
        self.with(|config| config.order = Some(order))
    }

    /// Whether responses are written as items finish, in every format. By default this is so in
    /// NDJSON, and not in the others.
    ///
    /// A streamed envelope is never held whole. Its head is sent before any item has run: there is
    /// no `Content-Length`, no `Retry-After`, no cookie and no status that depends on the items.
    ///
    /// ```
    /// # use tower_multistatus::BatchLayer;
    /// let layer = BatchLayer::new("/batch").streamed(true);
    /// ```
    pub fn streamed(self, streamed: bool) -> Self {
        self.with(|config| config.streamed = Some(streamed))
    }

    /// Whether items go on when one has failed; by default they do. If not, those in flight are
    /// finished, and those that were not begun get 424.
    ///
    /// A client can say otherwise: `Prefer: continue-on-error=false`, also as
    /// `odata.continue-on-error`.
    ///
    /// ```
    /// # use tower_multistatus::BatchLayer;
    /// let layer = BatchLayer::new("/batch").concurrency(1).continue_on_error(false);
    /// ```
    pub fn continue_on_error(self, continues: bool) -> Self {
        self.with(|config| config.continue_on_error = continues)
    }

    /// What becomes of cookies that items set; by default they are dropped.
    ///
    /// ```
    /// # use tower_multistatus::{BatchLayer, SetCookie};
    /// let layer = BatchLayer::new("/batch").set_cookie(SetCookie::hoist());
    /// ```
    pub fn set_cookie(self, policy: SetCookie) -> Self {
        self.with(|config| config.set_cookie = policy)
    }

    /// The body of items that the layer itself fails; by default `application/problem+json`.
    ///
    /// ```
    /// # use tower_multistatus::{BatchLayer, ItemErrors};
    /// let layer = BatchLayer::new("/batch").item_errors(ItemErrors::odata());
    /// ```
    pub fn item_errors(self, style: ItemErrors) -> Self {
        self.with(|config| config.item_errors = style)
    }
}

/// # The batch path
impl BatchLayer {
    /// Whether the path is the batch endpoint's alone; by default it is not. If it is, every method
    /// but POST and OPTIONS gets 405 with `Allow`. If not, they reach the wrapped service, as CORS
    /// preflights always do.
    ///
    /// ```
    /// # use tower_multistatus::BatchLayer;
    /// let layer = BatchLayer::new("/batch").exclusive(true);
    /// ```
    pub fn exclusive(self, exclusive: bool) -> Self {
        self.with(|config| config.exclusive = exclusive)
    }

    /// Whether GET of the batch path describes the endpoint; by default it does not. The response
    /// is JSON with the limits, the formats, the methods, the header names that an item may bring,
    /// the type names of [inherited extensions](Self::inherit_extension) and the header of [item
    /// request ids](Self::item_request_ids), if any. HEAD has the same headers and no body.
    ///
    /// The JSON Schema of that response, which also stands in what `openapi` returns:
    ///
    /// ```json
    #[doc = include_str!("../openapi/description.json")]
    /// ```
    ///
    /// ```
    /// # use tower_multistatus::BatchLayer;
    /// let layer = BatchLayer::new("/batch").describe(true);
    /// ```
    pub fn describe(self, describe: bool) -> Self {
        self.with(|config| config.describe = describe)
    }
}
