//! What images there are of a patient: studies with the reports that read them, and reports whose study is nowhere. One
//! list, the newest first, wherever they were made.

use super::DICOM_UID;
use super::link::is_imaging;
use crate::act::Pen;
use crate::ask::{self, Rows};
use crate::chart::element::{Names, concept, list, owned, text};
use crate::chart::{ResultStatus, When};
use crate::exchange::origin;
use fhir::{Id, Key, Value};
use store::StoreResult;

/// As many of each as a list shows.
const LISTED: u32 = 300;

/// A report that reads images.
#[derive(Clone, Debug)]
pub struct Report {
    pub id: Id,
    pub name: String,
    pub status: ResultStatus,
    pub when: Option<When>,
    pub conclusion: Option<String>,
}

/// A study, or a report whose study is nowhere.
#[derive(Clone, Debug)]
pub struct Listed {
    pub study: Option<Id>,
    pub what: String,
    /// `CT`, `SR`.
    pub kinds: Vec<String>,
    pub when: Option<When>,
    /// Who made it, where that was said and it was not here.
    pub place: Option<String>,
    pub images: Option<u64>,
    pub reports: Vec<Report>,
    /// Parts of the body and codes, by which its region is known.
    pub(super) marks: Vec<String>,
}

/// What there is of a patient.
#[derive(Clone, Debug, Default)]
pub struct OfPatient {
    pub rows: Vec<Listed>,
    pub more: bool,
    /// The caller may look at neither studies nor reports.
    pub refused: bool,
}

/// The studies and reports of a patient.
pub async fn of_patient(pen: &Pen<'_>, patient: &Id) -> StoreResult<OfPatient> {
    let chart = pen.chart(patient);
    let (studies, reports) = tokio::try_join!(
        chart.rows("ImagingStudy", &[("_sort", "-started")], LISTED),
        chart.rows("DiagnosticReport", &[("_sort", "-date")], LISTED),
    )?;
    Ok(OfPatient {
        refused: studies.refused && reports.refused,
        more: studies.more || reports.more,
        rows: together(&studies, &reports),
    })
}

/// Puts reports to their studies.
pub(crate) fn together(studies: &Rows, reports: &Rows) -> Vec<Listed> {
    let is_one = |it: &&Value| !matches!(text(it, &["status"]), Some("entered-in-error" | "cancelled" | "registered"));
    let reports: Vec<&Value> =
        reports.rows.iter().map(|it| &it.value).filter(|it| is_imaging(it)).filter(is_one).collect();
    let studies = studies.rows.iter().map(|it| &it.value).filter(is_one);
    let mut put = vec![false; reports.len()];
    let mut all: Vec<Listed> = studies
        .filter_map(|study| {
            let mut it = of_study(study)?;
            for (at, report) in reports.iter().enumerate().filter(|(_, report)| reads(report, study)) {
                put[at] = true;
                it.reports.extend(of_report(report));
                it.marks.extend(codes(report));
            }
            Some(it)
        })
        .collect();
    all.extend(reports.iter().zip(put).filter(|(_, put)| !put).filter_map(|(report, _)| alone(report)));
    all.sort_by_key(|it| std::cmp::Reverse(it.when.map_or(i64::MIN, |it| it.at())));
    all
}

/// Whether a report reads a study: it says so, or both answer the same order.
fn reads(report: &Value, study: &Value) -> bool {
    let own = text(study, &["id"]).map(|id| format!("ImagingStudy/{id}")).unwrap_or_default();
    let refers = |name: &str, to: &str| list(report, name).iter().any(|it| text(it, &["reference"]) == Some(to));
    let orders = list(study, "basedOn").iter().filter_map(|it| text(it, &["reference"]));
    refers("imagingStudy", &own) || orders.into_iter().any(|it| refers("basedOn", it))
}

fn place(value: &Value) -> Option<String> {
    origin::of(value).map(|it| it.name).or_else(|| Names::default().at(value, &["performer"]))
}

fn codes(value: &Value) -> Vec<String> {
    let all = list(value, "procedureCode").iter().chain(value.get("code"));
    let codes = all.flat_map(|it| list(it, "coding")).filter_map(|it| owned(it, &["code"]));
    codes.chain(value.get("code").and_then(concept)).collect()
}

pub(super) fn of_study(value: &Value) -> Option<Listed> {
    let series = list(value, "series");
    let mut kinds: Vec<String> = list(value, "modality").iter().filter_map(|it| owned(it, &["code"])).collect();
    for kind in series.iter().filter_map(|it| owned(it, &["modality", "code"])) {
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    let procedure = || list(value, "procedureCode").iter().find_map(concept);
    let named = || series.iter().find_map(|it| owned(it, &["description"]));
    let what = owned(value, &["description"]).or_else(procedure).or_else(named).unwrap_or_else(|| kinds.join(", "));
    let site = |it: &Value| owned(it, &["bodySite", "display"]).or_else(|| owned(it, &["bodySite", "code"]));
    let mut marks = codes(value);
    marks.extend(series.iter().filter_map(site));
    marks.extend(series.iter().filter_map(|it| owned(it, &["description"])));
    Some(Listed {
        study: Some(Id::parse(text(value, &["id"])?)?),
        what,
        when: text(value, &["started"]).and_then(When::parse),
        place: place(value).or_else(|| owned(value, &["location", "display"])),
        images: value.get("numberOfInstances").and_then(Value::as_u64),
        reports: Vec::new(),
        kinds,
        marks,
    })
}

pub(super) fn of_report(value: &Value) -> Option<Report> {
    let when = text(value, &["effectiveDateTime"]).or_else(|| text(value, &["effectivePeriod", "start"]));
    Some(Report {
        id: Id::parse(text(value, &["id"])?)?,
        name: value.get("code").and_then(concept).unwrap_or_default(),
        status: ResultStatus::of(text(value, &["status"])),
        when: when.or_else(|| text(value, &["issued"])).and_then(When::parse),
        conclusion: owned(value, &["conclusion"]),
    })
}

fn alone(value: &Value) -> Option<Listed> {
    let report = of_report(value)?;
    Some(Listed {
        study: None,
        what: report.name.clone(),
        kinds: Vec::new(),
        when: report.when,
        place: place(value),
        images: None,
        marks: codes(value),
        reports: vec![report],
    })
}

/// The reports of one study.
pub(super) async fn reports_of(pen: &Pen<'_>, patient: &Id, study: &Value) -> StoreResult<Vec<Report>> {
    let rows = pen.chart(patient).rows("DiagnosticReport", &[("_sort", "-date")], LISTED).await?;
    let all = rows.rows.iter().map(|it| &it.value).filter(|it| is_imaging(it) && reads(it, study));
    Ok(all.filter_map(of_report).collect())
}

/// What belongs to a report: its studies, the documents in which it was sent, and what it presents as text.
#[derive(Clone, Debug, Default)]
pub struct Related {
    pub studies: Vec<(Id, String)>,
    pub documents: Vec<(Id, String)>,
    pub texts: Vec<String>,
}

/// What belongs to a report of a patient.
pub async fn related(pen: &Pen<'_>, patient: &Id, report: &Key) -> StoreResult<Related> {
    let (value, _) = ask::own(pen.store(), pen.caller, patient, report.kind.name(), &report.id).await?;
    let mut related = Related { texts: presented(&value), ..Related::default() };
    let chart = pen.chart(patient);
    let reference = report.to_string();
    if report.kind.name() == "DiagnosticReport" {
        let documents = chart.rows("DocumentReference", &[("related", &reference)], 20).await?;
        related.documents.extend(documents.rows.iter().filter_map(|it| {
            let title = owned(&it.value, &["description"]).or_else(|| it.value.get("type").and_then(concept));
            Some((Id::parse(text(&it.value, &["id"])?)?, title.unwrap_or_default()))
        }));
        if is_imaging(&value) {
            let studies = chart.rows("ImagingStudy", &[("_sort", "-started")], LISTED).await?;
            let own = studies.rows.iter().filter(|it| reads(&value, &it.value)).filter_map(|it| of_study(&it.value));
            related.studies.extend(own.filter_map(|it| Some((it.study?, it.what))));
        }
    }
    Ok(related)
}

/// What a report presents as plain text in itself.
fn presented(value: &Value) -> Vec<String> {
    use base64::Engine;
    let plain = list(value, "presentedForm").iter().filter(|it| {
        text(it, &["contentType"]).is_some_and(|it| it.split(';').next().unwrap_or_default().trim() == "text/plain")
    });
    let read = |it: &Value| {
        let data: String = text(it, &["data"])?.chars().filter(|c| !c.is_whitespace()).collect();
        String::from_utf8(base64::engine::general_purpose::STANDARD.decode(data).ok()?).ok()
    };
    plain.filter_map(read).collect()
}

/// The name of a study in its archive.
pub(super) fn uid_of(study: &Value) -> Option<String> {
    let named = list(study, "identifier").iter().find(|it| text(it, &["system"]) == Some(DICOM_UID))?;
    text(named, &["value"]).map(|it| it.trim_start_matches("urn:oid:").to_owned())
}
