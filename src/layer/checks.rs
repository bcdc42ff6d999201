//! What a layer outside can ask about a batch before it runs.

use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use http::request::Parts;
use http_body::Body;
use tower::BoxError;

use super::BatchLayer;
use crate::checked::CheckedBatch;
use crate::flow;
use crate::panics::CatchDrop;
use crate::refusal::refusal;
use crate::watch::Watch;

/// # Batches that run later
///
/// For a layer outside that stores batches and runs them later.
impl BatchLayer {
    /// The batch path, as the layer sees it.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.config.path
    }

    /// The prefix that clients see before the batch path, from
    /// [`mounted_at`](Self::mounted_at). Empty if there is none.
    #[must_use]
    pub fn mount(&self) -> &str {
        &self.config.targets.mount
    }

    /// Whether a request is a batch: a POST to the batch path that [`when`](Self::when) accepts.
    /// If the callback panics, the layer would refuse the request, and this returns `false`.
    ///
    /// ```
    /// # use http::Request;
    /// # use tower_multistatus::BatchLayer;
    /// let layer = BatchLayer::new("/batch");
    /// let (post, ()) = Request::post("/batch").body(()).unwrap().into_parts();
    /// let (get, ()) = Request::get("/batch").body(()).unwrap().into_parts();
    /// assert!(layer.is_batch(&post) && !layer.is_batch(&get));
    /// ```
    #[must_use]
    pub fn is_batch(&self, outer: &Parts) -> bool {
        outer.uri.path() == self.config.path && self.config.is_batch(outer).unwrap_or(false)
    }

    /// Checks a batch as if it were about to run, and runs nothing.
    ///
    /// `outer` is the head of the outer request, and `body` its body, which is read to its end or
    /// to the first error, within the limits of size and time. All checks of the
    /// outer request and of the envelope are made, [`admit`](Self::admit) included. An envelope
    /// whose items could run [while it arrives](crate::guide::streams) is checked as a whole, with
    /// the ordinary limits. The method and the path are not checked: see
    /// [`is_batch`](Self::is_batch).
    ///
    /// [`on_batch`](Self::on_batch) is called for a refusal. It is not called for a batch that
    /// passes, which has not ended.
    ///
    /// # Errors
    ///
    /// The response that refuses the batch.
    ///
    /// ```
    /// # use bytes::Bytes;
    /// # use http::{Request, StatusCode};
    /// # use http_body_util::Full;
    /// # use tower_multistatus::BatchLayer;
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let layer = BatchLayer::new("/batch");
    /// let request = Request::post("/batch").header("content-type", "application/json");
    /// let (outer, ()) = request.body(()).unwrap().into_parts();
    ///
    /// let envelope = r#"{"requests":[{"id":"a","method":"GET","url":"/hello"}]}"#;
    /// let checked = layer.check(outer.clone(), Full::new(Bytes::from(envelope))).await.unwrap();
    /// assert_eq!(checked.items()[0].url(), "/hello");
    ///
    /// let refusal = layer.check(outer, Full::new(Bytes::from("{"))).await.unwrap_err();
    /// assert_eq!(refusal.status(), StatusCode::BAD_REQUEST);
    /// # });
    /// ```
    pub async fn check<B>(&self, outer: Parts, body: B) -> Result<CheckedBatch, Response<Bytes>>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let layer = self.clone().streamed(false);
        let outer = Arc::new(CatchDrop::new(outer));
        let watch = Watch::new(&layer.config);
        match flow::check(&layer.config, &outer, body).await {
            Ok(checked) => {
                if let Some(watch) = watch {
                    watch.dismiss();
                }
                Ok(checked)
            }
            Err(error) => Err(refusal(&layer.config, &outer, watch, error)),
        }
    }
}
