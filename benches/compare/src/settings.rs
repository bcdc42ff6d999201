//! Random settings of a layer, as plain values.

use crate::random::Random;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Dialect {
    None,
    Graph,
    OData,
    Google,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Status {
    Own,
    Multi,
    Ok,
    Collapse,
    With(u16),
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Cookies {
    Own,
    Discard,
    Keep,
    Hoist,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum ItemHeaders {
    Own,
    Guarded,
    Allowing,
    Only,
    AllButProtected,
}

#[derive(Debug, Clone)]
pub(crate) struct Json {
    pub(crate) trusts: bool,
    pub(crate) denies_unknown: bool,
    pub(crate) has_base64: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Multipart {
    pub(crate) is_sequential: bool,
    pub(crate) flattens: bool,
    pub(crate) wraps: bool,
    pub(crate) marks_responses: bool,
    pub(crate) omits_not_executed: bool,
    pub(crate) prefix: Option<&'static str>,
}

/// The settings. `None`, `Own` and `false` leave the default.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) dialect: Dialect,
    pub(crate) path: &'static str,
    pub(crate) json: Option<Json>,
    pub(crate) trusts_lines: bool,
    pub(crate) multipart: Option<Multipart>,
    pub(crate) multistatus: bool,
    pub(crate) max_items: Option<usize>,
    pub(crate) max_envelope_bytes: Option<usize>,
    pub(crate) max_item_body_bytes: Option<usize>,
    pub(crate) max_response_bytes: Option<usize>,
    pub(crate) max_total_response_bytes: Option<usize>,
    pub(crate) concurrency: Option<usize>,
    pub(crate) spawns: bool,
    pub(crate) item_timeout: Option<u64>,
    pub(crate) batch_timeout: Option<u64>,
    pub(crate) continue_on_error: Option<bool>,
    pub(crate) in_order: Option<bool>,
    pub(crate) streamed: Option<bool>,
    pub(crate) status: Status,
    pub(crate) cookies: Cookies,
    pub(crate) odata_errors: bool,
    pub(crate) exclusive: bool,
    pub(crate) describe: bool,
    pub(crate) best_effort: bool,
    pub(crate) references: Option<bool>,
    pub(crate) encode_urls: Option<bool>,
    pub(crate) echo_headers: bool,
    pub(crate) item_headers: ItemHeaders,
    pub(crate) request_ids: bool,
    pub(crate) allow_methods: bool,
    pub(crate) base: Option<&'static str>,
    pub(crate) base_for_all: Option<&'static str>,
    pub(crate) mounted_at: Option<&'static str>,
    pub(crate) public_origin: bool,
    pub(crate) inherits_extension: bool,
    pub(crate) when: bool,
    /// The status with which `admit` refuses, and whether it waits first.
    pub(crate) admit: Option<(Option<u16>, bool)>,
    pub(crate) filter: Option<u16>,
    pub(crate) map_error: Option<u16>,
    /// Varies the behaviour of the inner service.
    pub(crate) salt: u64,
    pub(crate) readiness: Readiness,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Readiness {
    AtOnce,
    Later,
    Fails,
}

/// One of the values, or `None`.
fn maybe<T: Copy>(one_in: usize, of: &[T], random: &mut Random) -> Option<T> {
    random.one_in(one_in).then(|| random.pick(of))
}

impl Settings {
    pub(crate) fn draw(random: &mut Random) -> Self {
        let dialect = match random.below(10) {
            0 => Dialect::Graph,
            1 | 2 => Dialect::OData,
            3 => Dialect::Google,
            _ => Dialect::None,
        };
        let both = [false, true];
        Self {
            dialect,
            path: random.pick(&["/batch", "/v1/$batch", "/batch"]),
            json: random.one_in(4).then(|| Json {
                trusts: random.one_in(2),
                denies_unknown: random.one_in(3),
                has_base64: random.one_in(2),
            }),
            trusts_lines: random.one_in(8),
            multipart: random.one_in(3).then(|| Multipart {
                is_sequential: random.one_in(3),
                flattens: random.one_in(4),
                wraps: random.one_in(4),
                marks_responses: random.one_in(4),
                omits_not_executed: random.one_in(4),
                prefix: maybe(3, &["batch_", "", "b", "--"], random),
            }),
            multistatus: random.one_in(3),
            max_items: maybe(8, &[1, 2, 5], random),
            max_envelope_bytes: maybe(12, &[100, 500, 2000], random),
            max_item_body_bytes: maybe(12, &[4, 20, 100], random),
            max_response_bytes: maybe(6, &[60, 200, 2000, 9000], random),
            max_total_response_bytes: maybe(6, &[300, 1000, 4000, 20_000], random),
            concurrency: maybe(2, &[1, 1, 2, 3, 64], random),
            spawns: random.one_in(20),
            item_timeout: maybe(4, &[7, 23, 61], random),
            batch_timeout: maybe(4, &[11, 29, 97], random),
            continue_on_error: maybe(4, &both, random),
            in_order: maybe(4, &both, random),
            streamed: maybe(4, &both, random),
            status: match random.below(8) {
                0 => Status::Multi,
                1 => Status::Ok,
                2 => Status::Collapse,
                3 => Status::With(random.pick(&[200, 202, 404, 204])),
                _ => Status::Own,
            },
            cookies: random.pick(&[
                Cookies::Own,
                Cookies::Discard,
                Cookies::Keep,
                Cookies::Hoist,
            ]),
            odata_errors: random.one_in(6),
            exclusive: random.one_in(8),
            describe: random.one_in(8),
            best_effort: !random.one_in(10),
            references: maybe(4, &both, random),
            encode_urls: maybe(4, &both, random),
            base_for_all: maybe(8, &["/", "/v1/", "/r"], random),
            echo_headers: random.one_in(8),
            item_headers: match random.below(8) {
                0 => ItemHeaders::Guarded,
                1 => ItemHeaders::Allowing,
                2 => ItemHeaders::Only,
                3 | 4 => ItemHeaders::AllButProtected,
                _ => ItemHeaders::Own,
            },
            request_ids: random.one_in(6),
            allow_methods: random.one_in(6),
            base: maybe(8, &["/", "/v1/", "r"], random),
            mounted_at: maybe(10, &["/v1", "/", "/r"], random),
            public_origin: random.one_in(6),
            inherits_extension: random.one_in(6),
            when: random.one_in(12),
            admit: random.one_in(8).then(|| {
                let status = maybe(3, &[429, 403, 200, 503], random);
                (status, random.one_in(2))
            }),
            filter: maybe(8, &[403, 404, 429], random),
            map_error: maybe(6, &[429, 503, 204, 100], random),
            salt: random.below(1 << 31) as u64,
            readiness: match random.below(60) {
                0 => Readiness::Fails,
                1..4 => Readiness::Later,
                _ => Readiness::AtOnce,
            },
        }
    }
}
