//! Each shape as its clients see it: how they write a batch, and read the results.

use axum::body::Body;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Request;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tower_multistatus::shape::{Member, Shape};
use tower_multistatus::{BatchLayer, Error, ErrorKind, Json};

use crate::support::{Reply, run};

/// A shape from the view of a client.
pub(super) struct Client {
    pub(super) name: &'static str,
    pub(super) shape: &'static Shape,
    /// An item with this method, URL and JSON body.
    item: fn(&str, &str, Option<Value>) -> Value,
    /// The envelope of these items.
    envelope: fn(Vec<Value>) -> Value,
    /// The name of the array of results. Empty if the envelope is the array.
    results: &'static str,
    /// Where a result has its status. Empty if it has none.
    status: &'static str,
    /// Where a result has its body.
    bodies: &'static [&'static str],
    /// Where a result has its headers. Empty if it has none.
    pub(super) headers: &'static str,
    form: Form,
}

#[derive(Clone, Copy, PartialEq)]
enum Form {
    Json,
    Text,
    Base64,
}

/// A result as the client reads it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Result {
    pub(super) status: Option<u64>,
    /// `None` for a body of `null`.
    pub(super) body: Option<Vec<u8>>,
    /// The text of the body in the envelope.
    pub(super) raw: String,
    pub(super) is_base64: bool,
}

fn plain(method: &str, url: &str, body: Option<Value>, names: [&str; 3]) -> Value {
    let mut item = json!({ names[0]: method, names[1]: url });
    if let Some(body) = body {
        item[names[2]] = body;
    }
    item
}

/// All shapes.
pub(super) const CLIENTS: &[Client] = &[
    Client {
        name: "results",
        shape: &Shape::RESULTS,
        item: |method, url, body| plain(method, url, body, ["method", "url", "body"]),
        envelope: |items| json!({ "requests": items }),
        results: "results",
        status: "status",
        bodies: &["body"],
        headers: "",
        form: Form::Json,
    },
    Client {
        name: "id-status-data",
        shape: &Shape::ID_STATUS_DATA,
        item: |method, url, body| plain(method, url, body, ["method", "url", "body"]),
        envelope: Value::from,
        results: "",
        status: "status",
        bodies: &["data"],
        headers: "",
        form: Form::Json,
    },
    Client {
        name: "jive",
        shape: &Shape::JIVE,
        item: |method, url, body| json!({ "request": plain(method, url, body, ["method", "endpoint", "body"]) }),
        envelope: Value::from,
        results: "",
        status: "status",
        bodies: &["data", "error"],
        headers: "",
        form: Form::Json,
    },
    Client {
        name: "kinto",
        shape: &Shape::KINTO,
        item: |method, url, body| plain(method, url, body, ["method", "path", "body"]),
        envelope: |items| json!({ "requests": items }),
        results: "responses",
        status: "status",
        bodies: &["body"],
        headers: "headers",
        form: Form::Json,
    },
    Client {
        name: "wordpress",
        shape: &Shape::WORDPRESS,
        item: |method, url, body| plain(method, url, body, ["method", "path", "body"]),
        envelope: |items| json!({ "requests": items, "validation": "normal" }),
        results: "responses",
        status: "status",
        bodies: &["body"],
        headers: "headers",
        form: Form::Json,
    },
    Client {
        name: "salesforce",
        shape: &Shape::SALESFORCE,
        item: |method, url, body| plain(method, url, body, ["method", "url", "richInput"]),
        envelope: |items| json!({ "batchRequests": items }),
        results: "results",
        status: "statusCode",
        bodies: &["result"],
        headers: "",
        form: Form::Json,
    },
    Client {
        name: "servicenow",
        shape: &Shape::SERVICENOW,
        item: |method, url, body| {
            let body = body.map(|body| STANDARD.encode(body.to_string()).into());
            let mut item = plain(method, url, body, ["method", "url", "body"]);
            item["headers"] = json!([{ "name": "content-type", "value": "application/json" }]);
            item
        },
        envelope: |items| json!({ "rest_requests": items, "batch_request_id": "1" }),
        results: "serviced_requests",
        status: "status_code",
        bodies: &["body"],
        headers: "headers",
        form: Form::Base64,
    },
    Client {
        name: "parse",
        shape: &Shape::PARSE,
        item: |method, url, body| plain(method, url, body, ["method", "path", "body"]),
        envelope: |items| json!({ "requests": items }),
        results: "",
        status: "",
        bodies: &["success", "error"],
        headers: "",
        form: Form::Json,
    },
    Client {
        name: "facebook",
        shape: &Shape::FACEBOOK,
        item: |method, url, body| {
            let body = body.map(|body| body.to_string().into());
            plain(method, url, body, ["method", "relative_url", "body"])
        },
        envelope: |items| json!({ "batch": items }),
        results: "",
        status: "code",
        bodies: &["body"],
        headers: "headers",
        form: Form::Text,
    },
    Client {
        name: "scim",
        shape: &Shape::SCIM,
        item: |method, url, body| plain(method, url, body, ["method", "path", "data"]),
        envelope: |items| json!({ "Operations": items }),
        results: "Operations",
        status: "status",
        bodies: &["response"],
        headers: "",
        form: Form::Json,
    },
];

impl Client {
    pub(super) fn layer(&self) -> BatchLayer {
        BatchLayer::new("/batch")
            .clear_formats()
            .format(Json::shaped(self.shape))
    }

    /// The name of the member with the URL of an item.
    pub(super) fn url_name(&self) -> &'static str {
        let name = |table: &'static [(&'static str, Member)]| {
            let mut members = table.iter();
            members.find_map(|(name, member)| matches!(member, Member::Url).then_some(*name))
        };
        let mut inside = self.shape.item.iter().map(|(_, member)| match member {
            Member::Object(table) => name(table),
            _ => None,
        });
        let found = name(self.shape.item).or_else(|| inside.find_map(|found| found));
        found.expect("a URL")
    }

    pub(super) fn get(&self, url: &str) -> Value {
        (self.item)("GET", url, None)
    }

    pub(super) fn post(&self, url: &str, body: Value) -> Value {
        (self.item)("POST", url, Some(body))
    }

    pub(super) fn envelope(&self, items: Vec<Value>) -> String {
        (self.envelope)(items).to_string()
    }

    /// A batch of these items.
    pub(super) fn batch(&self, items: Vec<Value>) -> Request<Body> {
        self.request(self.envelope(items))
    }

    pub(super) fn request(&self, envelope: impl Into<Body>) -> Request<Body> {
        Request::post("/batch")
            .header("host", "api.example")
            .header("content-type", self.shape.media_types[0])
            .body(envelope.into())
            .expect("a request")
    }

    /// Asserts that a batch was refused with this code, in the way that clients of the API expect.
    pub(super) fn assert_refused(&self, reply: &Reply, code: &str) {
        let Some(_) = self.shape.document else {
            return assert_eq!(reply.code(), code, "{}", self.name);
        };
        let shown = format!("{}: {:?}", self.name, reply.body);
        assert_eq!(
            reply.header("content-type"),
            Some(self.shape.content_type),
            "{shown}"
        );
        let document = reply.json();
        let (kind, status) = match code {
            "malformed" => (ErrorKind::Malformed, 400),
            "too-many-items" => (ErrorKind::TooManyItems, 413),
            "unsupported-media-type" => (ErrorKind::UnsupportedMediaType, 415),
            other => panic!("{other} is not expected"),
        };
        assert_eq!(
            (kind.code(), kind.status().as_u16()),
            (code, status),
            "{shown}"
        );
        let message = match self.name {
            "kinto" | "wordpress" => &document["message"],
            "salesforce" => &document[0]["message"],
            "servicenow" | "facebook" => &document["error"]["message"],
            "parse" => &document["error"],
            "scim" => &document["detail"],
            name => panic!("{name} is not known"),
        };
        let expected = Error::new(kind).to_string();
        assert_eq!(message, &json!(expected), "{shown}");
    }

    /// Whether the text of a body is not distinguished from JSON by its form: all are strings, or
    /// base64.
    pub(super) fn is_text_as_it_is(&self) -> bool {
        self.form != Form::Json
    }

    /// Whether results have the status of the response.
    pub(super) fn has_status(&self) -> bool {
        !self.status.is_empty()
    }

    /// Reads the results, with a parser that is not ours.
    pub(super) fn results(&self, reply: &Reply) -> Vec<Result> {
        assert_eq!(
            reply.status, self.shape.status,
            "{}: {:?}",
            self.name, reply.body
        );
        let raw: Vec<&RawValue> = if self.results.is_empty() {
            serde_json::from_slice(&reply.body).expect("an array")
        } else {
            let mut members: std::collections::HashMap<String, &RawValue> =
                serde_json::from_slice(&reply.body).expect("an object");
            let results = members.remove(self.results).expect("results");
            serde_json::from_str(results.get()).expect("an array")
        };
        raw.iter().map(|raw| self.result(raw.get())).collect()
    }

    fn result(&self, raw: &str) -> Result {
        let mut members: std::collections::HashMap<String, &RawValue> =
            serde_json::from_str(raw).unwrap_or_else(|error| panic!("{error}: {raw}"));
        let status = members.get(self.status).map(|status| {
            let digits = status.get().trim_matches('"');
            digits.parse().expect("a status")
        });
        let encoding = members.remove("encoding").map(RawValue::get);
        let mut bodies = self.bodies.iter().filter_map(|name| members.remove(*name));
        let raw = bodies.next().expect("a body").get().to_owned();
        assert!(bodies.next().is_none(), "one body");
        let text = || serde_json::from_str::<String>(&raw);
        let is_base64 = encoding.is_some() || self.form == Form::Base64;
        let body = match raw.as_str() {
            "null" if self.form == Form::Json => None,
            raw if is_base64 => {
                assert!(encoding.is_none_or(|name| name == "\"base64\""), "{raw}");
                Some(STANDARD.decode(text().expect("a string")).expect("base64"))
            }
            _ if self.form == Form::Text => Some(text().expect("a string").into_bytes()),
            raw => Some(raw.as_bytes().to_vec()),
        };
        Result {
            status,
            body,
            raw,
            is_base64,
        }
    }
}

/// Runs an asynchronous check for each shape.
pub(super) fn for_each(check: impl AsyncFn(&'static Client)) {
    for client in CLIENTS {
        run(check(client));
    }
}
