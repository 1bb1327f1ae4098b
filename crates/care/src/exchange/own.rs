//! Our own orders in what others send: a laboratory tells its result with the number that we gave the order (ORC-2,
//! OBR-2), and so the result answers the order that is here, and not a second one that would be made of the message.
//! The number counts only where the message is about the patient of the order.

use crate::Organisation;
use crate::chart::element::{list, text};
use fhir::{Id, Key, ResourceType, Value};
use std::sync::LazyLock;
use store::{Caller, StoreResult};

static READER: LazyLock<Caller> = LazyLock::new(|| Caller::system("exchange"));

/// The addresses of a message that mean orders of ours.
pub(super) async fn orders(
    organisation: &Organisation,
    patient: Option<&str>,
    resources: &[(String, Value)],
) -> StoreResult<Vec<(String, Key)>> {
    let kind = ResourceType::parse("ServiceRequest").expect("a type of R4");
    let told = patient.and_then(|it| resources.iter().find(|(address, _)| address == it)).map(|it| &it.1);
    let Some(told) = told else { return Ok(Vec::new()) };
    let full = format!("{}/orders", organisation.base);
    let short = format!("urn:id:{}", organisation.slug.to_uppercase());
    let of_ours = |it: &&Value| text(it, &["system"]).is_some_and(|it| it == full || it == short);
    let mut bound = Vec::new();
    for (address, value) in resources.iter().filter(|it| text(&it.1, &["resourceType"]) == Some("ServiceRequest")) {
        let number = list(value, "identifier").iter().find(of_ours).and_then(|it| Id::parse(text(it, &["value"])?));
        let Some(key) = number.map(|it| Key::new(kind, it)) else { continue };
        let Some(order) = current(organisation, &key).await? else { continue };
        let whose = text(&order, &["subject", "reference"]).and_then(Key::parse);
        let whose = match whose {
            Some(whose) => current(organisation, &whose).await?,
            None => None,
        };
        if whose.is_some_and(|it| is_one(&it, told)) {
            bound.push((address.clone(), key));
        }
    }
    Ok(bound)
}

async fn current(organisation: &Organisation, key: &Key) -> StoreResult<Option<Value>> {
    let found = organisation.store.current_of(&READER, std::slice::from_ref(key)).await?;
    Ok(found.into_iter().find(|it| !it.deleted).map(|it| it.value()))
}

/// Whether the message is about this patient: by a number, or by the name and the day of birth.
fn is_one(patient: &Value, told: &Value) -> bool {
    let numbers = |it| list(it, "identifier").iter().map(|it| (text(it, &["system"]), text(it, &["value"])));
    let same_number = numbers(patient).any(|own| own.1.is_some() && numbers(told).any(|it| it == own));
    let family = |it| list(it, "name").iter().find_map(|it| text(it, &["family"])).map(str::to_lowercase);
    let born = |it| text(it, &["birthDate"]).map(str::to_owned);
    same_number || family(patient).is_some() && family(patient) == family(told) && born(patient) == born(told)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::channel::{Channel, Interfaces};
    use crate::exchange::intake::{DONE, Intake};
    use crate::ward::Ward;
    use serde_json::json;

    #[tokio::test]
    async fn a_result_with_our_number_answers_our_order_and_that_of_another_patient_does_not() {
        let ward = Ward::open().await;
        let ada = ward.read(&Key::parse("Patient/ada").unwrap()).await;
        let (family, born) = (text(&ada["name"][0], &["family"]).unwrap(), text(&ada, &["birthDate"]).unwrap());
        let order = json!({ "resourceType": "ServiceRequest", "id": "o1", "status": "active", "intent": "order",
            "subject": { "reference": "Patient/ada" }, "code": { "text": "Potassium" } });
        ward.put(vec![order]).await;
        let (interfaces, channel) = (Interfaces::default(), Channel::new("lake", "Lakeside General"));
        let intake = Intake { organisation: &ward.organisation, interfaces: &interfaces, channel: &channel };
        let oru = |control: &str, name: &str, number: &str| {
            format!(
                "MSH|^~\\&|LAB|LAKE|CONTINUO|RIVERSIDE|2026060110000{control}||ORU^R01^ORU_R01|{control}|P|2.5.1\r\
                 PID|1||{control}77^^^LAKE^MR||{name}^Ada||{}|F\r\
                 OBR|1|{number}|F{control}^LAKE|2823-3^Potassium^LN|||20260601080000|||||||||||||||20260601100000||LAB|F\r\
                 OBX|1|NM|2823-3^Potassium^LN||4.1|mmol/L|3.5-5.1|N|||F\r",
                born.replace('-', "")
            )
        };
        for (control, name, number) in [
            ("1", family, format!("o1^RIVERSIDE^{}/orders^URI", ward.organisation.base)),
            ("2", "Stranger", "o1^RIVERSIDE".to_owned()),
        ] {
            let answer = intake.take(oru(control, name, &number).as_bytes(), false, ward.now).await;
            assert_eq!(answer.state, DONE, "{control}");
        }
        let reports = ward.find("DiagnosticReport", &[("based-on", "ServiceRequest/o1")]).await;
        assert_eq!(reports.len(), 1);
        assert_eq!(reports[0]["identifier"].as_array().map(|it| it.iter().any(|it| it["value"] == "F1")), Some(true));
        assert_eq!(ward.find("ServiceRequest", &[]).await.len(), 2, "the stranger's order is another");
    }
}
