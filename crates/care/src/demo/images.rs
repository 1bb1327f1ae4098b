//! Images of synthetic people: the order, the study and the report of the hospital that made them. The practice has no
//! scanner of its own; the hospital sends it the report, as it would over the line. The pictures themselves lie nowhere.

use super::Org;
use super::chart::{Chart, Visit};
use super::outside::id_from;
use super::shapes::*;
use super::tables::Image;
use crate::exchange::origin::{self, Origin, Way};
use crate::imaging::{DCM, DICOM_UID};
use serde_json::{Value, json};

/// Kind of images → series with how many pictures each has.
const SERIES: [(&str, &[(&str, u32)]); 5] = [
    ("DX", &[("Frontal and lateral", 2)]),
    ("CT", &[("Scout", 2), ("Axial", 120), ("Coronal", 60)]),
    ("US", &[("Ultrasound", 24)]),
    ("MG", &[("CC and MLO, both sides", 4)]),
    ("BMD", &[("Hip and spine", 2)]),
];

impl Chart<'_> {
    pub(super) fn imaging(&mut self, visit: &mut Visit, image: &Image, lungs: &str, abdomen: &str) {
        let fill = |text: &str| text.replace("{lungs}", lungs).replace("{abdomen}", abdomen);
        let impression = fill(image.impression);
        visit.say(format!("{}: {impression}", image.words));
        let sent = self.org == Org::Riverside && visit.site == Org::Lakeside;
        if !self.wants(visit.site) && !sent {
            return;
        }
        let done = visit.start.plus_minutes(40);
        let issued = done.plus_minutes(35).iso();
        let code = concept(LOINC, image.code, image.words);
        let text = format!("{}\n\nFindings: {}\n\nImpression: {impression}\n", image.words, fill(image.findings));
        let radiologist =
            self.tables.staff.iter().position(|it| it.key == "dr-fontaine").expect("the radiologist is on the staff");
        let mut radiologist = self.practitioner(radiologist);
        let mut report = json!({
            "text": narrative(&format!("{}: {impression}", image.words)),
            "status": "final",
            "category": [coded(LOINC, "LP29684-5", "Radiology")],
            "code": code,
            "subject": self.subject(),
            "effectiveDateTime": done.iso(),
            "issued": issued,
            "conclusion": impression,
            "presentedForm": [attachment(image.words, &text, &issued)],
        });
        let name = format!("{}/{}/{}", self.patient, image.code, done.iso());
        let (study, id) = (id_from(&format!("{name}/study")), id_from(&format!("{name}/report")));
        report["imagingStudy"] = json!([to(format!("ImagingStudy/{study}"))]);
        let mut images = self.study(&study, image, &done.iso());
        let id = if sent {
            // Who works elsewhere is known here by name.
            if let Some(members) = radiologist.as_object_mut() {
                members.remove("reference");
            }
            id
        } else {
            let order = self.request(visit, &code, ("363679005", "Imaging"), "completed", done);
            report["basedOn"] = json!([to(format!("ServiceRequest/{order}"))]);
            images["basedOn"] = report["basedOn"].clone();
            report["encounter"] = to(visit.reference());
            self.id()
        };
        report["performer"] = json!([radiologist]);
        let mut all = [images, with(start("DiagnosticReport", &id, Some("us-core-diagnosticreport-note")), report)];
        if sent {
            let source = visit.site.url().to_owned();
            let origin = Origin { way: Way::Message, source, name: visit.site.name().to_owned(), arrival: Some(study) };
            all.iter_mut().for_each(|it| origin::mark(it, &origin));
        }
        self.resources.extend(all);
    }

    fn study(&self, id: &str, image: &Image, done: &str) -> Value {
        let number = u128::from_str_radix(&id.replace('-', ""), 16).unwrap_or_default();
        let kind = json!({ "system": DCM, "code": image.kind });
        let parts = SERIES.iter().find(|(kind, _)| *kind == image.kind).map_or(&[][..], |it| it.1);
        let series: Vec<Value> = (1_u32..)
            .zip(parts)
            .map(|(nth, (words, count))| {
                json!({
                    "uid": format!("2.25.{number}.{nth}"),
                    "number": nth,
                    "modality": kind,
                    "description": words,
                    "numberOfInstances": count,
                    "bodySite": { "display": image.part },
                })
            })
            .collect();
        let members = json!({
            "identifier": [{ "system": DICOM_UID, "value": format!("urn:oid:2.25.{number}") }],
            "status": "available",
            "modality": [kind],
            "subject": self.subject(),
            "started": done,
            "numberOfSeries": parts.len(),
            "numberOfInstances": parts.iter().map(|it| it.1).sum::<u32>(),
            "description": image.words,
            "series": series,
        });
        with(start("ImagingStudy", id, None), members)
    }
}
