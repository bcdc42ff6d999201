//! The differences between OData 2 and 4.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};

#[derive(Clone, Copy)]
pub(crate) enum Version {
    Two,
    Four,
}

impl Version {
    pub(crate) fn root(self) -> &'static str {
        match self {
            Self::Two => "/odata2",
            Self::Four => "/odata4",
        }
    }

    /// The header with the version.
    pub(crate) fn header(self) -> [(&'static str, &'static str); 1] {
        match self {
            Self::Two => [("dataserviceversion", "2.0")],
            Self::Four => [("odata-version", "4.0")],
        }
    }

    pub(crate) fn entity(self, entity: impl Serialize) -> Json<Value> {
        match self {
            Self::Two => Json(json!({ "d": entity })),
            Self::Four => Json(json!(entity)),
        }
    }

    pub(crate) fn collection(self, entities: impl Serialize) -> Json<Value> {
        match self {
            Self::Two => Json(json!({ "d": { "results": entities } })),
            Self::Four => Json(json!({ "value": entities })),
        }
    }

    pub(crate) fn error(self, status: StatusCode, message: &str) -> Response {
        let message = match self {
            Self::Two => json!({ "lang": "en", "value": message }),
            Self::Four => json!(message),
        };
        let error = Json(json!({ "error": { "code": status.as_str(), "message": message } }));
        (status, self.header(), error).into_response()
    }
}

/// The metadata of the service, which clients of OData 2 read first.
pub(crate) const METADATA: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<edmx:Edmx Version="1.0" xmlns:edmx="http://schemas.microsoft.com/ado/2007/06/edmx">
  <edmx:DataServices m:DataServiceVersion="2.0" xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata">
    <Schema Namespace="Shop" xmlns="http://schemas.microsoft.com/ado/2008/09/edm">
      <EntityType Name="Product">
        <Key><PropertyRef Name="Id"/></Key>
        <Property Name="Id" Type="Edm.String" Nullable="false"/>
        <Property Name="Name" Type="Edm.String" Nullable="false"/>
      </EntityType>
      <EntityContainer Name="Container" m:IsDefaultEntityContainer="true">
        <EntitySet Name="Products" EntityType="Shop.Product"/>
      </EntityContainer>
    </Schema>
  </edmx:DataServices>
</edmx:Edmx>
"#;
