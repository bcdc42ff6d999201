//! Settings for the response to a batch, and for the batch path.

use super::BatchLayer;
use crate::config::Order;
use crate::item_error::ItemErrors;
use crate::policy::{EnvelopeStatus, SetCookie};

/// # Responses
impl BatchLayer {
    /// The status of the outer response. The default is 207, whatever the status of the items.
    ///
    /// # Panics
    ///
    /// If the status is 1xx, 204, 205 or 304, whose responses have no body.
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
            "the status of an envelope must be one whose response has a body"
        );
        self.with(|config| config.status = status)
    }

    /// The order of the responses. The default is the order of the items. If the envelope is
    /// streamed, it is the order of completion.
    ///
    /// ```
    /// # use tower_multistatus::{BatchLayer, Order};
    /// let layer = BatchLayer::new("/batch").order(Order::Completion);
    /// ```
    pub fn order(self, order: Order) -> Self {
        self.with(|config| config.order = Some(order))
    }

    /// Whether the envelope is streamed: each response is sent when its item finishes. This is for
    /// all formats. By default, only NDJSON is streamed.
    ///
    /// A streamed envelope is never held whole. Its head is sent before any item has run. So it has
    /// no `Content-Length`, no `Retry-After` and no cookies of items, and its status does not
    /// depend on the items.
    ///
    /// ```
    /// # use tower_multistatus::BatchLayer;
    /// let layer = BatchLayer::new("/batch").streamed(true);
    /// ```
    pub fn streamed(self, streamed: bool) -> Self {
        self.with(|config| config.streamed = Some(streamed))
    }

    /// Whether further items start when one has failed. By default they do. If not, items in flight
    /// finish, and the others get 424.
    ///
    /// A client can override this with `Prefer: continue-on-error=false`, or
    /// `odata.continue-on-error`.
    ///
    /// ```
    /// # use tower_multistatus::BatchLayer;
    /// let layer = BatchLayer::new("/batch").concurrency(1).continue_on_error(false);
    /// ```
    pub fn continue_on_error(self, continues: bool) -> Self {
        self.with(|config| config.continue_on_error = continues)
    }

    /// Where the cookies go that items set. By default they are dropped.
    ///
    /// ```
    /// # use tower_multistatus::{BatchLayer, SetCookie};
    /// let layer = BatchLayer::new("/batch").set_cookie(SetCookie::hoist());
    /// ```
    pub fn set_cookie(self, policy: SetCookie) -> Self {
        self.with(|config| config.set_cookie = policy)
    }

    /// The format of the body of an item that fails in the layer. The default is
    /// `application/problem+json`.
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
    /// Whether the path serves batches only. If so, a request with a method other than POST and
    /// OPTIONS is refused with 405 and `Allow`. By default such requests go to the inner service,
    /// as CORS preflights always do.
    ///
    /// ```
    /// # use tower_multistatus::BatchLayer;
    /// let layer = BatchLayer::new("/batch").exclusive(true);
    /// ```
    pub fn exclusive(self, exclusive: bool) -> Self {
        self.with(|config| config.exclusive = exclusive)
    }

    /// Whether a GET of the batch path describes the endpoint. By default it does not.
    ///
    /// The response is JSON. It has the limits, formats and methods, the header names that an item
    /// may have, the type names of [inherited extensions](Self::inherit_extension), and the header
    /// of
    /// [item request ids](Self::item_request_ids), if any. The response to HEAD has the same
    /// headers and no body.
    ///
    /// This is the JSON Schema of the response, which is also in the document of `openapi`:
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

    /// Responds to a `GET` of the batch path that accepts `text/html`, as that of a browser does,
    /// with a page. It composes a batch, sends it, and shows its items as they finish: a bar per
    /// item, its headers and its body. Other requests for the path go on as without this setting,
    /// so [`describe`](Self::describe) works beside it.
    ///
    /// Off by default, because everybody who can reach the path gets the page, and it sends
    /// requests with the cookies of its user. See
    /// [`guide::observing`](crate::guide::observing#what-clients-see).
    ///
    /// The page is one file that loads nothing else. Its policy (`Content-Security-Policy`) allows
    /// no other script, and requests to its own origin only. What a response contains is inserted
    /// as text.
    ///
    /// ```
    /// # use tower_multistatus::BatchLayer;
    /// let layer = BatchLayer::new("/batch").page(cfg!(debug_assertions)).describe(true);
    /// ```
    #[cfg(feature = "page")]
    #[cfg_attr(docsrs, doc(cfg(feature = "page")))]
    pub fn page(self, page: bool) -> Self {
        self.with(|config| config.page = page)
    }

    /// Adds a `Server-Timing` header to the response of each item, with three times in
    /// milliseconds that follow each other: `deps` (it waited for the items that it depends on),
    /// `queued` (it waited for its turn) and `run`. By default there is none.
    ///
    /// An item that the layer itself fails has the header too. What the inner service has put into
    /// `Server-Timing` stays. A buffered outer response has the header with `read` (the upload and
    /// all checks) and `run`.
    ///
    /// Off by default, because times reveal to every client what a response does not say: whether a
    /// name exists, whether a cache had the response, how busy the server is. See
    /// [`guide::observing`](crate::guide::observing#what-clients-see).
    ///
    /// ```text
    /// Server-Timing: deps;dur=0.000, queued;dur=0.012, run;dur=3.405
    /// ```
    pub fn server_timing(self, server_timing: bool) -> Self {
        self.with(|config| config.observers_mut().server_timing = server_timing)
    }
}
