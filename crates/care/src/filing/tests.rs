//! Files are brought, filed as what they are, found again, and marked as seen.

use super::*;
use crate::ward::Ward;

const PDF: &[u8] = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\n";

fn brought<'a>(bytes: &'a [u8], once: &'a str) -> Brought<'a> {
    Brought {
        bytes,
        kind: "laboratory",
        title: "Lipids",
        date: "2026-06-01",
        author: "City Lab",
        once,
        ..Brought::default()
    }
}

#[tokio::test]
async fn a_file_becomes_a_document_with_its_content() {
    let ward = Ward::open().await;
    let pen = ward.pen();
    let id = file(&pen, &ward.patient, &brought(PDF, "1")).await.unwrap();
    assert_eq!(file(&pen, &ward.patient, &brought(PDF, "1")).await.unwrap(), id, "a second click files nothing");
    let document = ward.read(&Key::parse(&format!("DocumentReference/{id}")).unwrap()).await;
    assert_eq!(document["type"]["coding"][0]["code"], "11502-2");
    assert_eq!(document["content"][0]["attachment"]["contentType"], "application/pdf");
    assert_eq!(
        (document["date"].as_str(), document["author"][0]["display"].as_str()),
        (Some("2026-06-01T00:00:00Z"), Some("City Lab"))
    );
    let (content_type, bytes) = pen.chart(&ward.patient).content(&id, 0).await.unwrap().unwrap();
    assert_eq!((content_type.as_str(), bytes.as_slice()), ("application/pdf", PDF));
    // A large one lies beside its document and is found in the same way.
    let large = [PDF, &vec![b'x'; INSIDE]].concat();
    let id = file(&pen, &ward.patient, &brought(&large, "2")).await.unwrap();
    let document = ward.read(&Key::parse(&format!("DocumentReference/{id}")).unwrap()).await;
    assert!(document["content"][0]["attachment"]["url"].as_str().unwrap().starts_with("Binary/"));
    assert_eq!(pen.chart(&ward.patient).content(&id, 0).await.unwrap().unwrap().1, large);
}

#[tokio::test]
async fn what_cannot_be_filed_is_refused_with_a_reason() {
    let ward = Ward::open().await;
    let pen = ward.pen();
    let check = async |brought: Brought<'_>| file(&pen, &ward.patient, &brought).await.unwrap_err();
    assert!(matches!(check(brought(b"", "1")).await, FilingError::Nothing));
    assert!(matches!(check(brought(b"MZ\x90\x00", "1")).await, FilingError::Unknown));
    assert!(matches!(check(brought(b"<html><body>x</body></html>", "1")).await, FilingError::Unknown));
    assert!(matches!(check(Brought { kind: "x", ..brought(PDF, "1") }).await, FilingError::NoKind));
    assert!(matches!(check(Brought { date: "2026-06-16", ..brought(PDF, "1") }).await, FilingError::NoDate));
    assert!(matches!(check(Brought { date: "soon", ..brought(PDF, "1") }).await, FilingError::NoDate));
    let desk = ward.pen_of(&ward.desk);
    assert!(matches!(
        file(&desk, &ward.patient, &brought(PDF, "1")).await,
        Err(FilingError::Store(StoreError::Forbidden))
    ));
}

#[tokio::test]
async fn a_document_is_marked_as_seen_once_with_a_signature() {
    let ward = Ward::open().await;
    let id = file(&ward.pen(), &ward.patient, &brought(PDF, "1")).await.unwrap();
    let nurse = ward.pen_of(&ward.nurse);
    review(&nurse, &ward.patient, &id).await.unwrap();
    review(&ward.pen(), &ward.patient, &id).await.unwrap();
    let key = Key::parse(&format!("DocumentReference/{id}")).unwrap();
    let document = ward.read(&key).await;
    assert_eq!(
        (document["docStatus"].as_str(), document["authenticator"]["reference"].as_str()),
        (Some("final"), Some("Practitioner/lind"))
    );
    let signed = ward.find("Provenance", &[("target", &key.to_string())]).await;
    assert_eq!(signed.iter().filter(|it| it.get("signature").is_some()).count(), 1);
    let ben = Id::parse("ben").unwrap();
    assert!(review(&nurse, &ben, &id).await.is_err(), "under the name of another patient there is no such document");
}
