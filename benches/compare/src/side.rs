// One side of the comparison: all code that uses the crate. `main.rs` includes it once per
// revision.

use std::time::Duration;

use http::{Extensions, StatusCode};
use tower::Layer;

use self::multistatus::{
    BatchLayer, ChangeSets, EnvelopeStatus, Error, ErrorKind, ItemErrors, ItemHeaders, Json,
    MultiStatus, Multipart, NdJson, Order, SetCookie, SubrequestInfo, UrlBase,
};
use crate::inner::{Inner, Tag};
use crate::outer::Outer;
use crate::reply::{Seen, seen};
use crate::settings::{self, Cookies, Dialect, Settings, Status};

/// Sends the batch through a layer with these settings.
pub(crate) async fn run(settings: &Settings, outer: &Outer) -> Seen {
    let inner = Inner::new(settings, info);
    let calls = inner.calls();
    seen(layer(settings).layer(inner), outer, &calls).await
}

fn info(extensions: &Extensions) -> Option<String> {
    let info = extensions.get::<SubrequestInfo>()?;
    let outer = info.outer();
    Some(format!(
        "{:?} {} of {:?}, in {} {}",
        info.id(),
        info.index(),
        Into::<Option<usize>>::into(info.total()),
        outer.method,
        outer.uri
    ))
}

fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).expect("a status")
}

/// Applies a setting if there is a value.
fn with<T>(
    layer: BatchLayer,
    value: Option<T>,
    set: impl FnOnce(BatchLayer, T) -> BatchLayer,
) -> BatchLayer {
    match value {
        Some(value) => set(layer, value),
        None => layer,
    }
}

/// Applies a setting if it is on.
fn when(layer: BatchLayer, is_on: bool, set: impl FnOnce(BatchLayer) -> BatchLayer) -> BatchLayer {
    with(layer, is_on.then_some(()), |layer, ()| set(layer))
}

fn layer(settings: &Settings) -> BatchLayer {
    let layer = match settings.dialect {
        Dialect::None => BatchLayer::new(settings.path),
        Dialect::Graph => BatchLayer::graph(settings.path),
        Dialect::OData => BatchLayer::odata(settings.path),
        Dialect::Google => BatchLayer::google(settings.path),
    };
    hooks(
        items(
            responses(limits(formats(layer, settings), settings), settings),
            settings,
        ),
        settings,
    )
}

fn formats(layer: BatchLayer, settings: &Settings) -> BatchLayer {
    let layer = with(layer, settings.json.as_ref(), |layer, options| {
        let json = Json::new().base64_forms_and_xml(options.has_base64);
        let json = json.trust_responses(options.trusts);
        layer.format(json.deny_unknown_members(options.denies_unknown))
    });
    let layer = when(layer, settings.trusts_lines, |layer| {
        layer.format(NdJson::new().trust_responses(true))
    });
    let layer = with(layer, settings.multipart.as_ref(), |layer, options| {
        let multipart = Multipart::new()
            .sequential(options.is_sequential)
            .flatten_change_sets(options.flattens)
            .wrap_failed_change_sets(options.wraps)
            .response_ids(options.marks_responses)
            .omit_not_executed(options.omits_not_executed);
        layer.format(match options.prefix {
            Some(prefix) => multipart.boundary_prefix(prefix),
            None => multipart,
        })
    });
    when(layer, settings.multistatus, |layer| {
        layer.format(MultiStatus::new())
    })
}

fn limits(layer: BatchLayer, settings: &Settings) -> BatchLayer {
    let layer = with(layer, settings.max_items, BatchLayer::max_items);
    let layer = with(
        layer,
        settings.max_envelope_bytes,
        BatchLayer::max_envelope_bytes,
    );
    let layer = with(
        layer,
        settings.max_item_body_bytes,
        BatchLayer::max_item_body_bytes,
    );
    let layer = with(
        layer,
        settings.max_response_bytes,
        BatchLayer::max_response_bytes,
    );
    let total = settings.max_total_response_bytes;
    let layer = with(layer, total, BatchLayer::max_total_response_bytes);
    let layer = with(layer, settings.concurrency, BatchLayer::concurrency);
    let layer = when(layer, settings.spawns, |layer| {
        layer.executor(|item| drop(tokio::spawn(item)))
    });
    let millis = Duration::from_millis;
    let layer = with(
        layer,
        settings.item_timeout.map(millis),
        BatchLayer::item_timeout,
    );
    with(
        layer,
        settings.batch_timeout.map(millis),
        BatchLayer::batch_timeout,
    )
}

fn responses(layer: BatchLayer, settings: &Settings) -> BatchLayer {
    let layer = with(
        layer,
        settings.continue_on_error,
        BatchLayer::continue_on_error,
    );
    let layer = with(layer, settings.in_order, |layer, in_order| {
        layer.order(if in_order {
            Order::Request
        } else {
            Order::Completion
        })
    });
    let layer = with(layer, settings.streamed, BatchLayer::streamed);
    let layer = match settings.status {
        Status::Own => layer,
        Status::Multi => layer.status(EnvelopeStatus::multi_status()),
        Status::Ok => layer.status(EnvelopeStatus::ok()),
        Status::Collapse => layer.status(EnvelopeStatus::collapse()),
        Status::With(code) => layer.status(EnvelopeStatus::with(move |summary| {
            status(if summary.failed() > 0 { code } else { 200 })
        })),
    };
    let layer = match settings.cookies {
        Cookies::Own => layer,
        Cookies::Discard => layer.set_cookie(SetCookie::discard()),
        Cookies::Keep => layer.set_cookie(SetCookie::keep()),
        Cookies::Hoist => layer.set_cookie(SetCookie::hoist()),
    };
    let layer = when(layer, settings.odata_errors, |layer| {
        layer.item_errors(ItemErrors::odata())
    });
    let layer = when(layer, settings.exclusive, |layer| layer.exclusive(true));
    let layer = when(layer, settings.describe, |layer| layer.describe(true));
    when(layer, settings.echo_headers, |layer| {
        layer.echo_headers(["odata-version", "x-request-id"])
    })
}

fn items(layer: BatchLayer, settings: &Settings) -> BatchLayer {
    let layer = when(layer, settings.best_effort, |layer| {
        layer.change_sets(ChangeSets::best_effort())
    });
    let layer = with(layer, settings.references, BatchLayer::references);
    let layer = with(layer, settings.encode_urls, BatchLayer::encode_urls);
    let layer = with(layer, settings.base, BatchLayer::base);
    let layer = with(layer, settings.base_for_all, |layer, folder| {
        layer.base(UrlBase::for_all_urls(folder))
    });
    let layer = with(layer, settings.mounted_at, BatchLayer::mounted_at);
    let policy = match settings.item_headers {
        settings::ItemHeaders::Own => None,
        settings::ItemHeaders::Guarded => Some(ItemHeaders::guarded()),
        settings::ItemHeaders::Allowing => Some(
            ItemHeaders::guarded()
                .allow(["x-*", "*-id", "authorization"])
                .protect(["x-a"]),
        ),
        settings::ItemHeaders::Only => Some(ItemHeaders::only(["accept", "x-*"])),
        settings::ItemHeaders::AllButProtected => Some(ItemHeaders::all_but_protected()),
    };
    let layer = with(layer, policy, BatchLayer::item_headers);
    let layer = when(layer, settings.request_ids, |layer| {
        layer.item_request_ids("x-request-id")
    });
    let layer = when(layer, settings.allow_methods, |layer| {
        layer.allow_methods(["MERGE", "query"])
    });
    let layer = when(layer, settings.public_origin, |layer| {
        layer.public_origin("https://public.example")
    });
    when(
        layer,
        settings.inherits_extension,
        BatchLayer::inherit_extension::<Tag>,
    )
}

fn hooks(layer: BatchLayer, settings: &Settings) -> BatchLayer {
    let layer = when(layer, settings.when, |layer| {
        layer.when(|parts| !parts.headers.contains_key("cookie"))
    });
    let layer = with(layer, settings.admit, |layer, (code, is_slow)| {
        layer.admit(move |admission| {
            let targets = admission
                .items()
                .iter()
                .filter(|item| item.target().is_some());
            let (items, targets) = (admission.total(), targets.count());
            async move {
                if is_slow {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                match code {
                    Some(code) if items % 2 == 0 => {
                        let error = Error::from(status(code));
                        Err(if targets > 2 {
                            error.retry_after(9)
                        } else {
                            error
                        })
                    }
                    Some(_) if targets == 0 => Err(Error::new(ErrorKind::Panicked)),
                    _ => Ok(()),
                }
            }
        })
    });
    let layer = with(layer, settings.filter, |layer, code| {
        layer.filter(move |parts| match parts.uri.path().len() % 4 {
            0 => Err(status(code)),
            _ => Ok(()),
        })
    });
    with(layer, settings.map_error, |layer, code| {
        layer.map_error(move |_, parts| (parts.method != http::Method::GET).then(|| status(code)))
    })
}
