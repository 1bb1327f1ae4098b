use super::*;
use crate::egress::{Answer, Ask, Egress, Refused, Sending};
use crate::exchange::channel::{Channel, Interfaces};
use crate::exchange::intake::{DONE, Intake};
use crate::exchange::origin;
use crate::orders::sets::What;
use crate::orders::{Basket, Facts, Item, Which, look as look_at, sign, tracking};
use crate::organisation::Surroundings;
use crate::ward::{Counting, NOON, SECOND, Ward};
use bytes::Bytes;
use fhir::{Id, Key};
use std::sync::{Arc, Mutex};
use store::Caller;

const STUDY: &str = "1.2.840.7.1";
const SERIES: &str = "1.2.840.7.1.1";
const JPEG: &[u8] = b"\xFF\xD8\xFF\xE0 a picture";

/// An archive of a test: what it answers to addresses that contain these words, the first that fits.
#[derive(Default)]
struct Pacs {
    answers: Mutex<Vec<(&'static str, u16, Vec<u8>)>>,
    asked: Mutex<Vec<String>>,
    away: Mutex<bool>,
}

impl Egress for Pacs {
    fn send(&self, ask: Ask) -> Sending<'_> {
        self.asked.lock().unwrap().push(ask.address.clone());
        let signed_in = ask.headers.contains(&("authorization", "Basic ZWhyOnNlY3JldA==".to_owned()));
        let leave = ask.leave.as_deref() == Some("http://10.0.0.5:8042");
        assert!(signed_in && leave && ask.method == "GET", "only as the settings say");
        let answer = self.answers.lock().unwrap().iter().find(|it| ask.address.contains(it.0)).cloned();
        let away = *self.away.lock().unwrap();
        Box::pin(async move {
            match answer {
                _ if away => Err(Refused::Unreachable),
                Some((_, status, body)) => {
                    Ok(Answer { status, content_type: "application/dicom+json".into(), body: Bytes::from(body) })
                }
                None => Ok(Answer { status: 200, content_type: String::new(), body: Bytes::from_static(b"[]") }),
            }
        })
    }
}

struct World {
    pacs: Arc<Pacs>,
    names: Counting,
    connected: bool,
}

impl Surroundings for World {
    fn now(&self) -> i64 {
        NOON
    }

    fn new_id(&self) -> String {
        self.names.new_id()
    }

    fn new_secret(&self) -> String {
        self.names.new_secret()
    }

    fn egress(&self) -> &dyn Egress {
        &*self.pacs
    }

    fn archives(&self, organisation: &str) -> Vec<Archive> {
        let mut archive = Archive::new("main", "Lakeside Imaging", "http://10.0.0.5:8042/dicom-web");
        archive.credential = Some(Credential::Password { user: "ehr".into(), password: "secret".into() });
        if self.connected && organisation == "riverside" { vec![archive] } else { Vec::new() }
    }
}

fn set(pairs: &[(&str, &str)]) -> Value {
    let members = pairs.iter().map(|(tag, value)| ((*tag).to_owned(), json!({ "vr": "LO", "Value": [value] })));
    Value::Object(members.collect())
}

fn study(number: &str, accession: &str) -> Value {
    set(&[
        (dicom::STUDY, STUDY),
        (dicom::PATIENT, number),
        (dicom::BORN, "19860203"),
        (dicom::ACCESSION_NUMBER, accession),
        (dicom::STUDY_DATE, "20260601"),
        (dicom::STUDY_TIME, "101500"),
        (dicom::STUDY_WORDS, "CT head"),
        (dicom::MODALITIES, "CT"),
        (dicom::SERIES_OF_STUDY, "1"),
        (dicom::INSTANCES_OF_STUDY, "2"),
    ])
}

impl Pacs {
    fn answers(&self, all: &[(&'static str, u16, Vec<u8>)]) {
        *self.answers.lock().unwrap() = all.to_vec();
    }

    /// One study of two pictures.
    fn holds(&self, number: &str, accession: &str) {
        let series = set(&[
            (dicom::SERIES, SERIES),
            (dicom::MODALITY, "CT"),
            (dicom::SERIES_NUMBER, "1"),
            (dicom::BODY_PART, "HEAD"),
            (dicom::INSTANCES_OF_SERIES, "2"),
        ]);
        let instance = |name: &str, number: &str, frames: &str| {
            let own = [(dicom::SERIES, SERIES), (dicom::INSTANCE, name), (dicom::INSTANCE_NUMBER, number)];
            set(&[own[0], own[1], own[2], (dicom::FRAMES, frames)])
        };
        let list = |all: Value| all.to_string().into_bytes();
        self.answers(&[
            ("frames/9/", 404, Vec::new()),
            ("viewport=", 501, Vec::new()),
            ("/rendered", 200, JPEG.to_vec()),
            ("/instances", 200, list(json!([instance("1.9.2", "2", "1"), instance("1.9.1", "1", "2")]))),
            ("/series", 200, list(json!([series]))),
            ("studies?", 200, list(json!([study(number, accession)]))),
        ]);
    }

    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

/// Ada has the number R-7 here.
async fn ward(connected: bool) -> (Ward, Arc<Pacs>) {
    let pacs = Arc::new(Pacs::default());
    let world = World { pacs: pacs.clone(), names: Counting::default(), connected };
    let ward = Ward::open_in(Arc::new(world)).await;
    ward.put(vec![json!({"resourceType": "Patient", "id": "ada", "gender": "female", "birthDate": "1986-02-03",
        "name": [{"family": "Byron", "given": ["Ada"]}],
        "identifier": [{"type": {"coding": [{"system": IDENTIFIER_TYPES, "code": "MR"}]}, "system": "urn:oid:1.2.3.4", "value": "R-7"}]})])
        .await;
    (ward, pacs)
}

/// Signs one order and gives its accession number.
async fn ordered(ward: &Ward, key: &str) -> (Key, String) {
    let pen = ward.pen();
    let mut basket = Basket::open(&pen, &ward.patient).await.unwrap();
    basket.add(Item::of(&pen, What::by_key(key).expect("it can be ordered")));
    basket.keep(&pen, &ward.patient).await.unwrap();
    let version = Basket::open(&pen, &ward.patient).await.unwrap().version;
    let signed = sign(&pen, &ward.patient, Which::All, version, "form").await.unwrap();
    let order = signed.written.first().cloned().expect("one order");
    let value = ward.read(&order).await;
    let number = value["identifier"][0]["value"].as_str().expect("an accession number").to_owned();
    assert!(number.len() <= 16 && is_accession_of_ours(&number), "{number}");
    (order, number)
}

async fn images(ward: &Ward) -> Vec<Value> {
    ward.find("ImagingStudy", &[("patient", "Patient/ada")]).await
}

#[tokio::test]
async fn studies_of_an_archive_come_in_once_with_their_origin_and_their_order() {
    let (ward, pacs) = ward(true).await;
    let (order, number) = ordered(&ward, "cthead").await;
    pacs.holds("R-7", &number);
    let pen = ward.pen();
    let first = fetch(&pen, &ward.patient).await.unwrap();
    assert_eq!((first.new, first.left_out, first.silent.len()), (1, 0, 0));
    let all = images(&ward).await;
    let [it] = all.as_slice() else { panic!("one study: {all:#?}") };
    assert_eq!(it["identifier"][0], json!({ "system": DICOM_UID, "value": format!("urn:oid:{STUDY}") }));
    assert_eq!((&it["started"], &it["numberOfInstances"]), (&json!("2026-06-01T10:15:00+00:00"), &json!(2)));
    assert_eq!(it["basedOn"][0]["reference"], order.to_string());
    assert_eq!((&it["series"][0]["uid"], &it["series"][0]["modality"]["code"]), (&json!(SERIES), &json!("CT")));
    assert_eq!(origin::of(it).map(|it| it.name).as_deref(), Some("Lakeside Imaging"));
    assert!(!it.to_string().contains("10.0.0.5"), "where the archive stands is nobody's business");
    let again = fetch(&pen, &ward.patient).await.unwrap();
    assert_eq!((again.new, again.changed, again.known), (0, 0, 1));
    assert_eq!(images(&ward).await[0]["meta"]["versionId"], "1");
}

#[tokio::test]
async fn what_an_archive_says_of_somebody_else_is_left_out_and_noted() {
    let (ward, pacs) = ward(true).await;
    pacs.holds("R-77", "ACC-1");
    let fetched = fetch(&ward.pen(), &ward.patient).await.unwrap();
    assert_eq!((fetched.new, fetched.left_out), (0, 1));
    assert!(images(&ward).await.is_empty());
    // A study that is here already, of another patient, does not change hands.
    pacs.holds("R-7", "ACC-1");
    ward.put(vec![json!({"resourceType": "ImagingStudy", "id": "of-ben", "status": "available",
        "subject": {"reference": "Patient/ben"}, "identifier": [{"system": DICOM_UID, "value": format!("urn:oid:{STUDY}")}]})])
        .await;
    assert_eq!(fetch(&ward.pen(), &ward.patient).await.unwrap().left_out, 1);
    assert!(images(&ward).await.is_empty());
    // Who may not write studies does not have an archive asked.
    let asked = pacs.asked();
    assert!(fetch(&ward.pen_of(&ward.desk), &ward.patient).await.is_err());
    assert_eq!(pacs.asked(), asked);
}

fn report(control: &str, number: &str, status: &str) -> String {
    [
        &format!("MSH|^~\\&|RIS|LAKE|EHR|RIVER|20260602{control}||ORU^R01^ORU_R01|{control}|P|2.5.1"),
        "PID|1||R-7^^^&1.2.3.4&ISO^MR||Byron^Ada||19860203|F",
        &format!("OBR|1|{number}|F-1^RIS|30799-1^CT of the head^LN|||20260601101500|||||||||||{number}||||20260602100000||RAD|{status}"),
        "OBX|1|FT|30799-1^CT of the head^LN||No bleeding.||||||F",
        "OBX|2|ED|PDF^Report||RIS^application^pdf^Base64^JVBERi0xLjQK||||||F",
        "",
    ]
    .join("\r")
}

async fn arrives(ward: &Ward, raw: &str) {
    let (interfaces, channel) = (Interfaces::default(), Channel::new("ris", "Lakeside Imaging"));
    let intake = Intake { organisation: &ward.organisation, interfaces: &interfaces, channel: &channel };
    let answer = intake.take(raw.as_bytes(), false, ward.now).await;
    assert_eq!(answer.state, DONE);
}

#[tokio::test]
async fn a_report_answers_its_order_and_finds_its_study_when_the_archive_is_back() {
    let (mut ward, pacs) = ward(true).await;
    for _ in 0..2 {
        settle(&ward.organisation, ward.now).await.unwrap();
        tracking::settle(&ward.organisation, ward.now).await.unwrap();
    }
    let (order, number) = ordered(&ward, "cthead").await;
    pacs.holds("R-7", &number);
    *pacs.away.lock().unwrap() = true;
    arrives(&ward, &report("1", &number, "F")).await;
    let reports = ward.find("DiagnosticReport", &[("patient", "Patient/ada")]).await;
    let [it] = reports.as_slice() else { panic!("one report: {reports:#?}") };
    assert_eq!(it["basedOn"][0]["reference"], order.to_string(), "the order that we sent is the one that came back");
    assert_eq!(ward.find("ServiceRequest", &[("patient", "Patient/ada")]).await.len(), 1);
    let document = &ward.find("DocumentReference", &[("patient", "Patient/ada")]).await[0];
    assert_eq!(document["content"][0]["attachment"]["url"], it["presentedForm"][0]["url"]);
    // The loop of the order is closed, whatever becomes of the pictures.
    tracking::settle(&ward.organisation, ward.now).await.unwrap();
    assert_eq!(ward.read(&order).await["status"], "completed");
    let task = &ward.find("Task", &[("focus", &order.to_string())]).await[0];
    assert_eq!(task["status"], "completed");

    settle(&ward.organisation, ward.now).await.unwrap();
    assert!(images(&ward).await.is_empty(), "the archive is away");
    *pacs.away.lock().unwrap() = false;
    let asked = pacs.asked();
    settle(&ward.organisation, ward.now).await.unwrap();
    assert_eq!(pacs.asked(), asked, "it is not asked again at once");
    ward.later(30 * SECOND);
    settle(&ward.organisation, ward.now).await.unwrap();
    let study = &images(&ward).await[0];
    let key = Key::parse(&format!("DiagnosticReport/{}", it["id"].as_str().unwrap())).unwrap();
    let linked = ward.read(&key).await;
    assert_eq!(linked["imagingStudy"][0]["reference"], format!("ImagingStudy/{}", study["id"].as_str().unwrap()));
    // Corrected later, it still leads there, and nothing more is asked.
    ward.later(SECOND);
    arrives(&ward, &report("2", &number, "C")).await;
    settle(&ward.organisation, ward.now).await.unwrap();
    let corrected = ward.read(&key).await;
    assert_eq!(
        (&corrected["status"], corrected["imagingStudy"].as_array().map(Vec::len)),
        (&json!("corrected"), Some(1))
    );
    assert_eq!(images(&ward).await.len(), 1);
    let pen = ward.pen();
    let listed = of_patient(&pen, &ward.patient).await.unwrap();
    let [row] = listed.rows.as_slice() else { panic!("one row: {:#?}", listed.rows) };
    assert_eq!((row.reports.len(), row.images, row.place.as_deref()), (1, Some(2), Some("Lakeside Imaging")));
    let related = related(&pen, &ward.patient, &key).await.unwrap();
    assert_eq!((related.studies.len(), related.documents.len()), (1, 1));
}

#[tokio::test]
async fn pictures_are_for_those_who_may_read_the_study_and_of_nobody_else() {
    let (ward, pacs) = ward(true).await;
    pacs.holds("R-7", "ACC-1");
    let pen = ward.pen();
    fetch(&pen, &ward.patient).await.unwrap();
    let study = Id::parse(images(&ward).await[0]["id"].as_str().unwrap()).unwrap();
    let opened = open(&pen, &ward.patient, &study).await.unwrap();
    let Standing::Pictures(series) = opened.standing else { panic!("{:?}", opened.standing) };
    let frames: Vec<(&str, u32)> = series[0].frames.iter().map(|it| (it.instance.as_str(), it.number)).collect();
    assert_eq!(frames, [("1.9.1", 1), ("1.9.1", 2), ("1.9.2", 1)]);
    let wanted = Wanted { series: SERIES, instance: "1.9.1", frame: 1, window: None, small: false };
    let shown = picture(&pen, &ward.patient, &study, wanted).await.unwrap();
    assert_eq!((shown.content_type, &*shown.bytes), ("image/jpeg", JPEG));
    let last = || pacs.asked.lock().unwrap().last().cloned().unwrap();
    assert!(last().ends_with(&format!("/studies/{STUDY}/series/{SERIES}/instances/1.9.1/frames/1/rendered")));
    let brain = Wanted { window: Some("brain"), ..wanted };
    picture(&pen, &ward.patient, &study, brain).await.unwrap();
    assert!(last().ends_with("rendered?window=40,80,linear"), "{}", last());
    picture(&pen, &ward.patient, &study, Wanted { small: true, ..wanted }).await.unwrap();
    assert!(last().ends_with("/rendered"), "an archive that makes no small ones makes large ones");
    let asked = pacs.asked();
    for wrong in [
        Wanted { instance: "../../x", ..wanted },
        Wanted { series: "1.2/../3", ..wanted },
        Wanted { frame: 0, ..wanted },
        Wanted { window: Some("9,9"), ..wanted },
    ] {
        assert!(matches!(picture(&pen, &ward.patient, &study, wrong).await, Err(ImagingError::NotThere)), "{wrong:?}");
    }
    // Under another patient's name, and for who may not see studies, there is none.
    let ben = Id::parse("ben").unwrap();
    assert!(matches!(picture(&pen, &ben, &study, wanted).await, Err(ImagingError::Store(StoreError::NotFound(_)))));
    let desk = ward.pen_of(&ward.desk);
    assert!(picture(&desk, &ward.patient, &study, wanted).await.is_err());
    assert_eq!(pacs.asked(), asked, "nobody asked the archive");
    let gone = Wanted { frame: 9, ..wanted };
    assert!(matches!(picture(&pen, &ward.patient, &study, gone).await, Err(ImagingError::NotThere)));
    // The archive gave the study to somebody else meanwhile.
    pacs.holds("R-8", "ACC-1");
    assert_eq!(open(&pen, &ward.patient, &study).await.unwrap().standing, Standing::AnotherPatient);
    *pacs.away.lock().unwrap() = true;
    assert_eq!(open(&pen, &ward.patient, &study).await.unwrap().standing, Standing::Away);
}

#[tokio::test]
async fn each_look_at_a_picture_is_in_the_audit_log() {
    let (ward, pacs) = ward(true).await;
    pacs.holds("R-7", "ACC-1");
    let pen = ward.pen();
    fetch(&pen, &ward.patient).await.unwrap();
    let study = Id::parse(images(&ward).await[0]["id"].as_str().unwrap()).unwrap();
    let wanted = Wanted { series: SERIES, instance: "1.9.1", frame: 1, window: None, small: false };
    let store = &ward.organisation.store;
    let looks = async || {
        let about = Key::parse(&format!("ImagingStudy/{study}"));
        let asked = store::audit::Query { about, actions: vec!["read".into()], count: 100, ..Default::default() };
        store.audit_page(&Caller::system("test"), &asked, NOON).await.unwrap().entries.len()
    };
    let before = looks().await;
    for _ in 0..3 {
        picture(&pen, &ward.patient, &study, wanted).await.unwrap();
    }
    assert_eq!(looks().await, before + 3);
}

#[tokio::test]
async fn earlier_images_are_listed_before_a_repeat_is_ordered() {
    let (ward, _) = ward(false).await;
    let mut outside = json!({"resourceType": "DiagnosticReport", "id": "kopf", "status": "final", "subject": {"reference": "Patient/ada"},
        "category": [{"coding": [{"code": "RAD"}]}], "code": {"text": "MRI brain"}, "effectiveDateTime": "2026-05-01",
        "conclusion": "No tumour."});
    origin::mark(
        &mut outside,
        &origin::Origin {
            way: origin::Way::Document,
            source: "urn:oid:9.9".into(),
            name: "Lakeside General Hospital".into(),
            arrival: None,
        },
    );
    let study = json!({"resourceType": "ImagingStudy", "id": "head", "status": "available", "subject": {"reference": "Patient/ada"},
        "started": "2026-06-01", "description": "Head without contrast", "modality": [{"system": DCM, "code": "CT"}],
        "series": [{"uid": "1.2.3", "modality": {"system": DCM, "code": "CT"}, "bodySite": {"display": "HEAD"}}]});
    ward.put(vec![outside, study]).await;
    let pen = ward.pen();
    let mut basket = Basket::open(&pen, &ward.patient).await.unwrap();
    for key in ["cthead", "ctchest"] {
        basket.add(Item::of(&pen, What::by_key(key).unwrap()));
    }
    let facts = Facts::of(&pen, &ward.patient).await.unwrap();
    let seen = look_at(&basket, &facts);
    let [alert] = seen[0].alerts.as_slice() else { panic!("one alert: {:?}", seen[0].alerts) };
    let told: Vec<(&str, Option<&str>, bool)> =
        alert.images.iter().map(|it| (it.about.as_str(), it.place.as_deref(), it.same)).collect();
    assert_eq!(
        told,
        [("ImagingStudy/head", None, true), ("DiagnosticReport/kopf", Some("Lakeside General Hospital"), false)]
    );
    assert!(seen[1].alerts.is_empty(), "another part of the body");
    // Without an archive there are no pictures, and the page can say so.
    let opened = open(&pen, &ward.patient, &Id::parse("head").unwrap()).await.unwrap();
    assert_eq!(opened.standing, Standing::NoArchive);
    assert!(matches!(fetch(&pen, &ward.patient).await, Err(ImagingError::NoArchive)));
}
