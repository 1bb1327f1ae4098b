//! Exports come in once, in the units that are kept, and what is not safe is told.

use super::*;
use crate::exchange::origin;
use crate::ward::{NOON, Ward};

const EXPORT: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE HealthData [
<!ELEMENT HealthData (ExportDate,Me,(Record)*)>
<!ATTLIST HealthData locale CDATA #REQUIRED>
]>
<HealthData locale="en_US">
 <Record type="HKQuantityTypeIdentifierHeartRate" sourceName="Ada's Watch" device="&lt;&lt;HKDevice: 0x2&gt;, name:Apple Watch, manufacturer:Apple Inc.&gt;" unit="count/min" startDate="2026-06-14 08:00:00 -0400" value="62"/>
 <Record type="HKQuantityTypeIdentifierBloodPressureSystolic" sourceName="Cuff" unit="mmHg" startDate="2026-06-14 09:00:00 -0400" value="192"/>
 <Record type="HKQuantityTypeIdentifierBloodPressureDiastolic" sourceName="Cuff" unit="mmHg" startDate="2026-06-14 09:00:00 -0400" value="101"/>
 <Record type="HKQuantityTypeIdentifierOxygenSaturation" sourceName="Ada's Watch" unit="%" startDate="2026-06-14 08:05:00 -0400" value="0.97"/>
 <Record type="HKQuantityTypeIdentifierBodyMass" sourceName="Scale" unit="lb" startDate="2026-06-14 07:00:00 -0400" value="150"/>
 <Record type="HKQuantityTypeIdentifierBloodGlucose" sourceName="Meter" unit="mmol&lt;180.1558800000541&gt;/L" startDate="2026-06-14 07:30:00 -0400" value="5.5"/>
 <Record type="HKQuantityTypeIdentifierStepCount" sourceName="Phone" unit="count" startDate="2026-06-14 10:00:00 -0400" value="1200"/>
 <Record type="HKQuantityTypeIdentifierStepCount" sourceName="Phone" unit="count" startDate="2026-06-14 18:00:00 -0400" value="3400"/>
 <Record type="HKQuantityTypeIdentifierHeartRate" sourceName="Ada's Watch" unit="count/min" startDate="2026-06-14 08:01:00 -0400" value="9000"/>
 <Record type="HKQuantityTypeIdentifierDietaryWater" sourceName="Phone" unit="mL" startDate="2026-06-14 08:01:00 -0400" value="200"/>
</HealthData>"#;

async fn readings(ward: &Ward) -> Vec<Value> {
    ward.find("Observation", &[("patient", "ada")]).await
}

fn of<'a>(all: &'a [Value], loinc: &str) -> &'a Value {
    all.iter().find(|it| it["code"]["coding"][0]["code"] == loinc).unwrap_or_else(|| panic!("{loinc} of {all:?}"))
}

#[tokio::test]
async fn an_export_of_apple_health_becomes_observations_with_their_devices() {
    let ward = Ward::open().await;
    let taken = take(&ward.organisation, &ward.clinician.caller, &ward.patient, EXPORT.as_bytes(), NOON).await.unwrap();
    assert_eq!(taken, Taken { new: 6, known: 0, left_out: 2, alarms: 1 });
    let all = readings(&ward).await;
    let pressure = of(&all, "85354-9");
    assert_eq!(pressure["component"][0]["valueQuantity"]["value"].to_string(), "192");
    assert_eq!(pressure["component"][1]["valueQuantity"]["code"], "mm[Hg]");
    assert_eq!(of(&all, "59408-5")["valueQuantity"]["value"].to_string(), "97");
    assert_eq!(of(&all, "29463-7")["valueQuantity"]["value"].to_string(), "68.039");
    assert_eq!(of(&all, "2339-0")["valueQuantity"]["value"].to_string(), "99.086");
    assert_eq!(of(&all, "41950-7")["valueQuantity"]["value"].to_string(), "4600");
    let pulse = of(&all, "8867-4");
    assert_eq!(origin::of(pulse).map(|it| (it.way, it.name)), Some((Way::Device, "Ada's Watch".to_owned())));
    assert!(!origin::is_unreconciled(pulse));
    let device = Key::parse(pulse["device"]["reference"].as_str().unwrap()).unwrap();
    assert_eq!(ward.read(&device).await["deviceName"][0]["name"], "Apple Watch");
    // What is not safe is in the inbox, once.
    let alerts = ward.find("Task", &[("patient", "ada"), ("code", "alert")]).await;
    assert_eq!(alerts.len(), 1);
    assert_eq!(alerts[0]["priority"], "urgent");
    assert!(alerts[0]["description"].as_str().unwrap().contains("192"), "{}", alerts[0]);
    let again = take(&ward.organisation, &ward.clinician.caller, &ward.patient, EXPORT.as_bytes(), NOON).await.unwrap();
    assert_eq!(again, Taken { new: 0, known: 6, left_out: 2, alarms: 0 });
    assert_eq!(readings(&ward).await.len(), all.len());
    assert_eq!(ward.find("Task", &[("patient", "ada"), ("code", "alert")]).await.len(), 1);
}

/// A reading that an app of the patient posts.
fn posted(id: &str, pulse: f64) -> Value {
    json!({ "resourceType": "Observation", "id": id, "status": "final", "subject": { "reference": "Patient/ada" },
        "performer": [{ "reference": "Patient/ada" }], "effectiveDateTime": "2026-06-15T07:00:00Z",
        "code": { "coding": [{ "system": LOINC, "code": "8867-4" }] },
        "valueQuantity": { "value": pulse, "unit": "/min", "system": UCUM, "code": "/min" } })
}

#[tokio::test]
async fn limits_of_the_patient_come_before_those_of_the_organisation_and_these_before_the_table() {
    let ward = Ward::open().await;
    inbox::catch_up(&ward.organisation, NOON).await.unwrap();
    let count = || async {
        inbox::catch_up(&ward.organisation, NOON).await.unwrap();
        ward.find("Task", &[("patient", "ada"), ("code", "alert")]).await.len()
    };
    ward.put(vec![posted("usual", 120.0)]).await;
    assert_eq!(count().await, 0, "the table says 140");
    let pulse = json!({ "coding": [{ "system": LOINC, "code": "8867-4" }] });
    let quantity = |value: i32| json!({ "value": value, "system": UCUM, "code": "/min" });
    ward.put(vec![json!({ "resourceType": "ObservationDefinition", "id": "pulse", "code": pulse,
        "qualifiedInterval": [{ "category": "critical", "range": { "high": quantity(110) } }] })])
        .await;
    ward.put(vec![posted("fast", 120.0)]).await;
    assert_eq!(count().await, 1, "the organisation says 110");
    let goal = |category: &str| {
        json!({ "resourceType": "Goal", "id": "own", "lifecycleStatus": "active", "subject": { "reference": "Patient/ada" },
            "description": { "text": "Call above 150" }, "category": [{ "coding": [{ "system": "urn:continuo:goal", "code": category }] }],
            "target": [{ "measure": pulse, "detailRange": { "low": quantity(45), "high": quantity(150) } }] })
    };
    ward.put(vec![goal("dietary"), posted("again", 121.0)]).await;
    assert_eq!(count().await, 2, "a goal of treatment is no limit");
    ward.put(vec![goal(limits::CATEGORY), posted("within", 122.0)]).await;
    assert_eq!(count().await, 2, "the patient's own says 150");
    ward.put(vec![posted("slow", 44.0)]).await;
    assert_eq!(count().await, 3);
    let mut seen = posted("seen", 200.0);
    seen["performer"] = json!([{ "reference": "Practitioner/okafor" }]);
    ward.put(vec![seen]).await;
    assert_eq!(count().await, 3, "what staff measure they have seen");
}

#[tokio::test]
async fn lists_are_read_whatever_their_columns() {
    let ward = Ward::open().await;
    let long = "time,type,value,unit,device\n2026-06-10T08:00:00Z,heart_rate,70,bpm,\"Band, small\"\n2026-06-11 08:00:00,heart_rate,90,bpm,\n2026-06-11 09:00:00,mood,3,,\n";
    let taken = take(&ward.organisation, &ward.clinician.caller, &ward.patient, long.as_bytes(), NOON).await.unwrap();
    assert_eq!((taken.new, taken.left_out), (2, 1));
    let wide =
        "Date;Systolic (mmHg);Diastolic (mmHg);Weight (lb)\n2026-06-12 07:00;128;82;150\n2026-06-13 07:00;131;84;\n";
    let taken = take(&ward.organisation, &ward.clinician.caller, &ward.patient, wide.as_bytes(), NOON).await.unwrap();
    assert_eq!((taken.new, taken.left_out), (3, 0));
    let seen = overview(&ward.organisation, &ward.clinician.caller, &ward.patient, 30, NOON).await.unwrap();
    let pulse = seen.trends.iter().find(|it| it.key == "heart-rate").unwrap();
    assert_eq!((pulse.count, pulse.mean, pulse.least, pulse.most, pulse.in_range), (2, 80.0, 70.0, 90.0, Some(100)));
    assert_eq!(pulse.days.iter().map(|it| it.day.as_str()).collect::<Vec<_>>(), ["2026-06-11", "2026-06-10"]);
    let systolic = seen.trends.iter().find(|it| it.key == "systolic").unwrap();
    assert_eq!((systolic.count, systolic.last), (2, 131.0));
}

#[tokio::test]
async fn what_is_no_export_is_refused_and_strangers_bring_nothing() {
    let ward = Ward::open().await;
    let bomb = r#"<!DOCTYPE HealthData [<!ENTITY a "x"><!ENTITY b "&a;&a;">]><HealthData>&b;</HealthData>"#;
    for wrong in ["", "hello", "<html/>", bomb, "a,b\n1,2\n", "<!DOCTYPE HealthData ["] {
        let refused = take(&ward.organisation, &ward.clinician.caller, &ward.patient, wrong.as_bytes(), NOON).await;
        assert!(matches!(refused, Err(DeviceError::Unreadable)), "{wrong}: {refused:?}");
    }
    let refused = take(&ward.organisation, &ward.desk.caller, &ward.patient, EXPORT.as_bytes(), NOON).await;
    assert!(matches!(refused, Err(DeviceError::Store(StoreError::Forbidden))), "{refused:?}");
}

#[test]
fn codes_of_devices_are_told_in_loinc_too() {
    let mut it = json!({ "resourceType": "Observation", "code": { "coding": [{ "system": MDC, "code": "150020" }] },
        "component": [{ "code": { "coding": [{ "system": MDC, "code": "150021" }] } }, { "code": { "coding": [{ "system": MDC, "code": "150022" }] } }] });
    assert!(in_loinc(&mut it));
    assert!(!in_loinc(&mut it), "once is enough");
    assert_eq!(it["code"]["coding"][1]["code"], "85354-9");
    assert_eq!(it["component"][0]["code"]["coding"][1]["code"], "8480-6");
    let mut other = json!({ "code": { "coding": [{ "system": MDC, "code": "1" }] } });
    assert!(!in_loinc(&mut other));
}

#[test]
fn measures_are_whole() {
    for it in measures() {
        assert!(it.possible[0] < it.possible[1], "{}", it.key);
        for range in it.usual.iter().chain(it.alarm.iter()) {
            assert!(range[0] < range[1], "{}", it.key);
        }
        assert!(!it.names.is_empty() && it.apple.starts_with("HK"), "{}", it.key);
    }
}
