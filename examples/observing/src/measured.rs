//! Metrics of batches and items, for any recorder of the crate `metrics`.

use axum::extract::MatchedPath;
use metrics::{counter, histogram};
use tower_multistatus::BatchLayer;

/// Counts and times the items of a layer, and its batches.
pub fn measured(layer: BatchLayer) -> BatchLayer {
    layer
        .route_extension::<MatchedPath>()
        .on_response(|item| {
            let route = item.route::<MatchedPath>();
            let route = route.map_or("none", MatchedPath::as_str).to_owned();
            let status = item.status().as_str().to_owned();
            let error = item.error_code().unwrap_or("none");
            histogram!("batch_item_seconds", "route" => route.clone()).record(item.run());
            counter!("batch_items", "route" => route, "status" => status, "error" => error)
                .increment(1);
        })
        .on_batch(|batch| {
            let end = match (batch.is_refused(), batch.is_dropped()) {
                (true, _) => "refused",
                (_, true) => "dropped",
                _ => "responded",
            };
            let error = batch.error().map_or("none", |error| error.code());
            histogram!("batch_seconds").record(batch.duration());
            counter!("batches", "end" => end, "error" => error).increment(1);
        })
}
