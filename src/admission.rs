//! The argument and the result of `BatchLayer::admit`.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytestring::ByteString;
use http::Method;
use http::request::Parts;
use http::uri::PathAndQuery;

use crate::error::Error;
use crate::panics::CatchDrop;

/// A batch that has passed every check, as it is passed to
/// [`BatchLayer::admit`](crate::BatchLayer::admit).
///
/// ```
/// use http::{Method, StatusCode};
/// use tower_multistatus::{Admission, BatchLayer};
///
/// // A write costs ten times as much as a read.
/// fn price(admission: &Admission) -> usize {
///     let price = |method: &Method| if method.is_safe() { 1 } else { 10 };
///     admission.items().iter().map(|item| price(item.method())).sum()
/// }
///
/// let layer = BatchLayer::new("/batch").admit(|admission| match price(&admission) {
///     0..100 => Ok(()),
///     _ => Err(StatusCode::TOO_MANY_REQUESTS),
/// });
/// ```
#[derive(Clone, Debug)]
pub struct Admission {
    items: Vec<AdmissionItem>,
    total: usize,
    outer: Arc<CatchDrop<Parts>>,
}

/// An item of an [`Admission`].
///
/// ```
/// use tower_multistatus::{AdmissionItem, BatchLayer};
///
/// fn is_report(item: &AdmissionItem) -> bool {
///     item.target().is_some_and(|target| target.path().starts_with("/reports/"))
/// }
///
/// let layer = BatchLayer::new("/batch").admit(|admission| {
///     let reports = admission.items().iter().filter(|item| is_report(item));
///     match reports.count() {
///         0 | 1 => Ok(()),
///         _ => Err(http::StatusCode::TOO_MANY_REQUESTS),
///     }
/// });
/// ```
#[derive(Clone, Debug)]
pub struct AdmissionItem {
    pub(crate) id: ByteString,
    pub(crate) index: usize,
    pub(crate) method: Method,
    pub(crate) target: Option<PathAndQuery>,
}

impl Admission {
    pub(crate) fn new(
        items: Vec<AdmissionItem>,
        total: usize,
        outer: Arc<CatchDrop<Parts>>,
    ) -> Self {
        Self {
            items,
            total,
            outer,
        }
    }

    /// The items that may be dispatched, in the order of the batch. Items that have failed a check,
    /// for their URL for example, are left out.
    pub fn items(&self) -> &[AdmissionItem] {
        &self.items
    }

    /// The number of all items of the batch.
    pub fn total(&self) -> usize {
        self.total
    }

    /// Method, URI, headers and extensions of the outer request.
    pub fn outer(&self) -> &Parts {
        &self.outer
    }
}

impl AdmissionItem {
    /// The id of the item.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The index of the item in the batch, counted from 0.
    pub fn index(&self) -> usize {
        self.index
    }

    /// The method of the request that will be dispatched.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The path and query of the request that will be dispatched. `None` if the URL
    /// [refers](crate::BatchLayer::references) to an item that has not run yet.
    pub fn target(&self) -> Option<&PathAndQuery> {
        self.target.as_ref()
    }
}

/// The return value of a function that is passed to
/// [`BatchLayer::admit`](crate::BatchLayer::admit): a `Result<(), E>`, or a future of one, where
/// `E` is a [`StatusCode`](http::StatusCode), an [`ErrorKind`](crate::ErrorKind) or an [`Error`].
///
/// `Kind` distinguishes the two. The compiler infers it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say whether a batch is admitted",
    note = "return `Result<(), StatusCode>` or `Result<(), Error>`, or a future of one that is `Send + 'static`"
)]
pub trait Decision<Kind>: sealed::Sealed<Kind> {}

/// The [`Decision`] of a function that returns a `Result`.
#[derive(Debug)]
pub struct Immediate;

/// The [`Decision`] of a function that returns a future.
#[derive(Debug)]
pub struct Asynchronous;

impl<E: Into<Error>> Decision<Immediate> for Result<(), E> {}

impl<F, E> Decision<Asynchronous> for F
where
    F: Future<Output = Result<(), E>> + Send + 'static,
    E: Into<Error>,
{
}

/// A decision, or a future of one.
pub(crate) enum Decided {
    Now(Result<(), Error>),
    Later(Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>),
}

pub(crate) mod sealed {
    use super::{Asynchronous, Decided, Error, Future, Immediate};

    pub trait Sealed<Kind> {
        #[expect(private_interfaces, reason = "cannot be called outside the crate")]
        fn decided(self) -> Decided;
    }

    impl<E: Into<Error>> Sealed<Immediate> for Result<(), E> {
        #[expect(private_interfaces, reason = "cannot be called outside the crate")]
        fn decided(self) -> Decided {
            Decided::Now(self.map_err(Into::into))
        }
    }

    impl<F, E> Sealed<Asynchronous> for F
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<Error>,
    {
        #[expect(private_interfaces, reason = "cannot be called outside the crate")]
        fn decided(self) -> Decided {
            Decided::Later(Box::pin(async { self.await.map_err(Into::into) }))
        }
    }
}
