//! Documents: notes, letters, scans and reports sent as files (FHIR R4: DocumentReference 2.42,
//! DiagnosticReport 10.3 with what it presents).

use super::element::{Names, at, concept, list, owned, text};
use super::when::When;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fhir::{Key, Value};

#[derive(Clone, Debug)]
pub struct Document {
    pub id: String,
    pub title: String,
    /// `Progress note`, `Radiology report`.
    pub kind: Option<String>,
    pub when: Option<When>,
    pub author: Option<String>,
    pub custodian: Option<String>,
    pub mistaken: bool,
    pub superseded: bool,
    pub preliminary: bool,
    pub attachments: Vec<Attachment>,
    /// XHTML as others wrote it: to be cleaned before it is shown.
    pub narrative: Option<String>,
    /// From where it was sent, when it was not written here.
    pub source: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Attachment {
    pub title: Option<String>,
    /// In lower case, without parameters: `text/plain`.
    pub content_type: String,
    /// In bytes, when it is known.
    pub size: Option<u64>,
    pub place: Place,
}

/// Where the content of an attachment is.
#[derive(Clone, PartialEq, Eq)]
pub enum Place {
    /// Inside the resource, decoded.
    Inside(Vec<u8>),
    /// A resource of this organisation.
    Here(Key),
    /// At an address outside, which the chart does not fetch.
    Elsewhere,
    Nowhere,
}

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Place::Inside(_) => "(inside)",
            Place::Here(_) => "(here)",
            Place::Elsewhere => "(elsewhere)",
            Place::Nowhere => "(nowhere)",
        })
    }
}

impl Document {
    pub(crate) fn of(value: &Value, names: &Names) -> Document {
        let attachments: Vec<Attachment> =
            list(value, "content").iter().filter_map(|it| Some(attachment(it.get("attachment")?))).collect();
        let kind = value.get("type").and_then(concept);
        let title = owned(value, &["description"])
            .or_else(|| attachments.iter().find_map(|it| it.title.clone()))
            .or_else(|| kind.clone());
        let when = ["start", "end"].iter().find_map(|it| text(value, &["context", "period", it]));
        Document {
            id: owned(value, &["id"]).unwrap_or_default(),
            title: title.unwrap_or_else(|| "Untitled document".into()),
            kind,
            when: text(value, &["date"]).or(when).and_then(When::parse),
            author: names.at(value, &["author"]),
            custodian: names.at(value, &["custodian"]),
            mistaken: text(value, &["status"]) == Some("entered-in-error"),
            superseded: text(value, &["status"]) == Some("superseded"),
            preliminary: text(value, &["docStatus"]) == Some("preliminary"),
            attachments,
            narrative: narrative(value),
            source: super::source(value),
        }
    }
}

/// The text part of a resource, unless it merely repeats the data (`generated`).
pub(crate) fn narrative(value: &Value) -> Option<String> {
    let status = text(value, &["text", "status"]);
    owned(value, &["text", "div"]).filter(|_| status != Some("empty"))
}

fn attachment(value: &Value) -> Attachment {
    let content_type = text(value, &["contentType"]).unwrap_or("application/octet-stream");
    let inside = || {
        // Base64 may be wrapped into lines.
        let data: String = text(value, &["data"])?.chars().filter(|c| !c.is_whitespace()).collect();
        STANDARD.decode(data).ok().map(Place::Inside)
    };
    let address = || {
        let url = text(value, &["url"])?;
        Some(Key::parse(url).map_or(Place::Elsewhere, Place::Here))
    };
    let place = inside().or_else(address).unwrap_or(Place::Nowhere);
    let size = match &place {
        Place::Inside(bytes) => Some(bytes.len() as u64),
        _ => value.get("size").and_then(Value::as_u64),
    };
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    Attachment { title: owned(value, &["title"]), content_type: essence, size, place }
}

/// The content of a Binary, with its type.
pub(crate) fn binary(value: &Value) -> Option<(String, Vec<u8>)> {
    let data: String = text(value, &["data"])?.chars().filter(|c| !c.is_whitespace()).collect();
    let content_type = at(value, &["contentType"]).and_then(Value::as_str).unwrap_or("application/octet-stream");
    Some((content_type.to_owned(), STANDARD.decode(data).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_document_says_what_it_is_and_where_its_content_lies() {
        let document = Document::of(
            &json!({"id": "d1", "status": "current", "type": {"text": "Progress note"}, "date": "2024-05-01T10:00:00Z",
            "author": [{"display": "Dr. Okafor"}],
            "content": [
                {"attachment": {"contentType": "text/plain; charset=utf-8", "data": "SGVs\nbG8="}},
                {"attachment": {"contentType": "application/pdf", "url": "Binary/b1", "title": "Scan"}},
                {"attachment": {"url": "https://elsewhere.example/x"}}
            ]}),
            &Names::default(),
        );
        assert_eq!(document.title, "Scan");
        assert_eq!(document.kind.as_deref(), Some("Progress note"));
        let places: Vec<_> =
            document.attachments.iter().map(|it| (it.content_type.as_str(), it.place.clone())).collect();
        assert_eq!(
            places,
            [
                ("text/plain", Place::Inside(b"Hello".to_vec())),
                ("application/pdf", Place::Here(Key::parse("Binary/b1").unwrap())),
                ("application/octet-stream", Place::Elsewhere),
            ]
        );
    }

    #[test]
    fn content_that_cannot_be_decoded_is_nowhere_rather_than_wrong() {
        let document = Document::of(&json!({"content": [{"attachment": {"data": "%%%"}}]}), &Names::default());
        assert_eq!(document.attachments[0].place, Place::Nowhere);
    }
}
