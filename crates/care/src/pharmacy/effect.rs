//! What a message of a pharmacy means for the record: worked out whole before anything is written, or refused with what
//! its sender can mend.

use super::NCPDP;
use super::directory::Pharmacy;
use super::parties::patient_part;
use super::record::{
    self, Answered, Fill, History, Order, Request, Sent, Stage, history_name, order_name, order_of, request_name,
    sent_name,
};
use crate::act::{Pen, moment};
use crate::ask;
use crate::chart::When;
use crate::chart::element::text;
use crate::drugs::RXNORM;
use crate::exchange::origin::Way;
use crate::identity::{self, Whose};
use crate::orders::sig;
use crate::shapes::hl7;
use fhir::{Id, Key, Value};
use formats::script::{Message, Part, kind};
use rust_decimal::Decimal;
use serde_json::json;
use store::{ItemChange, StoreError};

/// What will be written.
pub(super) struct Plan {
    pub(super) patient: Id,
    /// From outside, each under its address.
    pub(super) resources: Vec<(String, Value)>,
    /// Resources of ours that move on: key, version now, what they become.
    pub(super) also: Vec<(Key, u64, Value)>,
    pub(super) items: Vec<ItemChange>,
    pub(super) way: Way,
    /// Somebody must look: about what, and why.
    pub(super) alert: Option<(Key, String)>,
}

/// Why nothing is written.
pub(super) enum Fault {
    /// The cause, the part that is wrong, and what to mend.
    Refused(&'static str, &'static str, String),
    Store(StoreError),
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Fault {
        Fault::Store(error)
    }
}

fn refuse<T>(cause: &'static str, place: &'static str, says: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::Refused(cause, place, says.into()))
}

/// A message on its way in.
pub(super) struct Coming<'a> {
    pub(super) pen: &'a Pen<'a>,
    /// What people call the partner of the line.
    pub(super) title: &'a str,
    /// The address of the partner.
    pub(super) source: &'a str,
    /// Of the row in the log.
    pub(super) id: &'a str,
    pub(super) message: &'a Message,
    /// When it was sent (microseconds).
    pub(super) sent: i64,
}

impl Plan {
    fn about(patient: &Id) -> Plan {
        Plan {
            patient: patient.clone(),
            resources: Vec::new(),
            also: Vec::new(),
            items: Vec::new(),
            way: Way::Message,
            alert: None,
        }
    }
}

/// A day; of a moment, its day.
fn day(text: Option<&str>) -> Option<String> {
    let day = text?.get(..10)?;
    When::parse(day).map(|_| day.to_owned())
}

fn reference(patient: &Id) -> Value {
    json!({ "reference": format!("Patient/{patient}") })
}

impl Coming<'_> {
    pub(super) async fn plan(&self) -> Result<Plan, Fault> {
        match self.message.kind.as_str() {
            kind::STATUS => self.status("status", Stage::Sent).await,
            kind::VERIFY => self.status("verify", Stage::Received).await,
            kind::ERROR => self.error().await,
            kind::FILL => self.fill().await,
            kind::RENEWAL_REQUEST => self.request(false).await,
            kind::CHANGE_REQUEST => self.request(true).await,
            kind::CANCEL_RESPONSE => self.cancelled().await,
            kind::HISTORY_RESPONSE => self.history().await,
            _ => {
                refuse("not-for-us", "Body", "this transaction goes from prescribers to pharmacies, not to this place")
            }
        }
    }

    fn get(&self, part: &str, fact: &str) -> Option<&str> {
        self.message.get(part, fact)
    }

    /// Which message of ours it answers.
    async fn answered(&self) -> Result<Sent, Fault> {
        let Some(control) = self.message.header("relates-to") else {
            return refuse("no-such-message", "Header/RelatesToMessageID", "it does not say which message it answers");
        };
        let found: Option<(Sent, u64)> = record::get(self.pen.store(), &sent_name(control), self.pen.now).await?;
        match found {
            Some((sent, _)) => Ok(sent),
            None => refuse("no-such-message", "Header/RelatesToMessageID", "no message of ours has this number"),
        }
    }

    async fn order(&self, prescription: Option<&Id>) -> Result<Option<(Order, u64)>, Fault> {
        let Some(prescription) = prescription else { return Ok(None) };
        Ok(record::get(self.pen.store(), &order_name(prescription), self.pen.now).await?)
    }

    /// The prescription that it is about, by our number.
    async fn order_named(&self) -> Result<Option<(Order, u64)>, Fault> {
        match self.message.header("order") {
            Some(number) => Ok(order_of(self.pen.store(), number, self.pen.now).await?),
            None => Ok(None),
        }
    }

    /// The Task of an order as it is now.
    async fn task(
        &self,
        plan: &mut Plan,
        order: &Order,
        reason: Option<&str>,
        output: Option<&str>,
    ) -> Result<(), Fault> {
        let key = Key::parse(&format!("Task/{}", order.task)).expect("our own id is one of FHIR");
        let stored = match self.pen.store().read(self.pen.caller, &key).await {
            Ok(stored) => stored,
            Err(StoreError::NotFound(_) | StoreError::Gone { .. }) => return Ok(()),
            Err(other) => return Err(other.into()),
        };
        let mut value = stored.value();
        value["status"] = order.stage.task().into();
        value["businessStatus"] = json!({ "text": order.stage.words() });
        value["lastModified"] = moment(self.pen.now).into();
        match reason {
            Some(reason) => value["statusReason"] = json!({ "text": reason }),
            None => drop(value.as_object_mut().map(|it| it.shift_remove("statusReason"))),
        }
        if let Some(output) = output {
            let mut all = value.get("output").and_then(Value::as_array).cloned().unwrap_or_default();
            if !all.iter().any(|it| text(it, &["valueReference", "reference"]) == Some(output)) {
                all.push(json!({ "type": { "text": "dispense" }, "valueReference": { "reference": output } }));
            }
            value["output"] = all.into();
        }
        plan.also.push((key, stored.version, value));
        Ok(())
    }

    async fn status(&self, part: &str, stage: Stage) -> Result<Plan, Fault> {
        let sent = self.answered().await?;
        let mut plan = Plan::about(&sent.patient);
        let code = self.get(part, "code").unwrap_or("010");
        if !code.starts_with('0') {
            return refuse("no-outcome", "Code", "a status has a code from 000 to 010; what went wrong is an Error");
        }
        // Only what carries a prescription moves one.
        let carries = matches!(sent.kind.as_str(), kind::NEW_RX | kind::RENEWAL_RESPONSE | kind::CHANGE_RESPONSE);
        if let Some((mut order, version)) = self.order(sent.prescription.as_ref().filter(|_| carries)).await?
            && order.moves(stage, self.pen.now)
        {
            plan.items.push(order.change(Some(version)));
            self.task(&mut plan, &order, None, None).await?;
        }
        Ok(plan)
    }

    async fn error(&self) -> Result<Plan, Fault> {
        let sent = self.answered().await?;
        let mut plan = Plan::about(&sent.patient);
        let words = self.get("status", "description").or(self.get("status", "code")).unwrap_or("no reason was given");
        let words: String = words.chars().take(300).collect();
        match (sent.kind.as_str(), self.order(sent.prescription.as_ref()).await?) {
            (kind::CANCEL, Some((mut order, version))) => {
                let Some(cancel) = order.cancel.as_mut().filter(|it| it.answer.is_none()) else { return Ok(plan) };
                cancel.answer = Some(Answered { approved: false, note: Some(words.clone()), at: self.pen.now });
                plan.items.push(order.change(Some(version)));
                plan.alert = alert(&order, &format!("was not cancelled at {}: {words}", order.pharmacy_name));
            }
            (_, Some((mut order, version))) => {
                if order.moves(Stage::Refused, self.pen.now) {
                    order.note = Some(words.clone());
                    plan.items.push(order.change(Some(version)));
                    self.task(&mut plan, &order, Some(&words), None).await?;
                    plan.alert = alert(&order, &format!("was not taken by {}: {words}", order.pharmacy_name));
                }
            }
            (kind::HISTORY_REQUEST, None) => {
                let name = history_name(&sent.patient);
                let found: Option<(History, u64)> = record::get(self.pen.store(), &name, self.pen.now).await?;
                if let Some((history, version)) = found.filter(|(it, _)| it.answered.is_none()) {
                    let history = History { note: Some(words), ..history };
                    plan.items.push(record::put(name, &history, Some(version)));
                }
            }
            _ => {
                let Some(proposal) = &sent.request else { return Ok(plan) };
                let name = request_name(proposal);
                let found: Option<(Request, u64)> = record::get(self.pen.store(), &name, self.pen.now).await?;
                if let Some((request, version)) = found {
                    let title = format!("The answer to {} was not taken: {words}", request.pharmacy_name);
                    let request = Request { trouble: Some(words), ..request };
                    plan.items.push(record::put(name, &request, Some(version)));
                    plan.alert = Key::parse(&format!("MedicationRequest/{proposal}")).map(|it| (it, title));
                }
            }
        }
        Ok(plan)
    }

    /// Whether the message speaks of this patient: by name and birth date, as far as it tells them.
    async fn is_of(&self, patient: &Id) -> Result<bool, Fault> {
        let Some(told) = self.message.part("patient") else { return Ok(true) };
        let row = ask::read(self.pen.store(), self.pen.caller, "Patient", patient).await?;
        let known = patient_part(&row.value, patient);
        let same = |fact: &str| match (told.get(fact), known.get(fact)) {
            (Some(told), Some(known)) => {
                let plain = |it: &str| {
                    it.chars().filter(|it| it.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>()
                };
                plain(told) == plain(known)
            }
            _ => true,
        };
        let born = match (day(told.get("born")), day(known.get("born"))) {
            (Some(told), Some(known)) => told == known,
            _ => true,
        };
        Ok(born && (same("family") || same("given")))
    }

    async fn fill(&self) -> Result<Plan, Fault> {
        let Some((mut order, version)) = self.order_named().await? else {
            return refuse("no-such-order", "Header/PrescriberOrderNumber", "no prescription of ours has this number");
        };
        if !self.is_of(&order.patient).await? {
            return refuse("other-patient", "Patient", "the prescription is for somebody else than the message says");
        }
        let stage = match self.get("fill", "outcome") {
            Some("dispensed") if self.get("dispensed", "sold").is_some() => Stage::PickedUp,
            Some("dispensed") => Stage::Filled,
            Some("partial") => Stage::Partial,
            Some("none" | "transferred") => Stage::NotFilled,
            _ => return refuse("no-outcome", "FillStatus", "it does not say whether it was dispensed"),
        };
        let mut plan = Plan::about(&order.patient);
        let empty = Part::new("dispensed");
        let dispensed = self.message.part("dispensed").unwrap_or(&empty);
        let on = day(dispensed.get("last-fill")).unwrap_or_else(|| moment(self.sent)[..10].to_owned());
        let note = self.get("fill", "note").map(|it| it.chars().take(300).collect::<String>());
        let fill = Fill {
            on: on.clone(),
            picked_up: day(dispensed.get("sold")),
            partial: stage == Stage::Partial,
            returned: false,
        };
        let refill = order.fills.iter().any(|it| it.on < on);
        let before = order.clone();
        order.filled(stage, fill, self.sent, self.pen.now);
        order.note = note.clone();
        order.pharmacy_number = self.message.header("pharmacy-order").map(str::to_owned).or(order.pharmacy_number);
        let address = format!("urn:continuo:fill:{}:{on}", order.prescription);
        plan.resources.push((address, self.dispense(&order, dispensed, stage, &on, refill, note.as_deref())));
        if order != before {
            plan.items.push(order.change(Some(version)));
        }
        if order.stage != before.stage {
            self.task(&mut plan, &order, note.as_deref(), None).await?;
        }
        if stage == Stage::NotFilled && order.stage == Stage::NotFilled && before.stage != Stage::NotFilled {
            let why = note.map_or(String::new(), |it| format!(": {it}"));
            plan.alert = alert(&order, &format!("was not handed out by {}{why}", order.pharmacy_name));
        }
        Ok(plan)
    }

    /// A fill as FHIR tells it (R4, 11.2; US Core MedicationDispense: what is completed was handed over).
    fn dispense(&self, order: &Order, part: &Part, stage: Stage, on: &str, refill: bool, note: Option<&str>) -> Value {
        let status = match stage {
            Stage::PickedUp => "completed",
            Stage::NotFilled => "declined",
            _ => "in-progress",
        };
        let (code, words) = match (refill, stage == Stage::Partial) {
            (false, false) => ("FFC", "First Fill - Complete"),
            (false, true) => ("FFP", "First Fill - Part Fill"),
            (true, false) => ("RFC", "Refill - Complete"),
            (true, true) => ("RFP", "Refill - Part Fill"),
        };
        let mut it = json!({
            "resourceType": "MedicationDispense",
            "meta": { "profile": ["http://hl7.org/fhir/us/core/StructureDefinition/us-core-medicationdispense"] },
            "status": status,
            "medicationCodeableConcept": medicine(part).unwrap_or_else(|| json!({ "text": order.drug })),
            "subject": reference(&order.patient),
            "performer": [{ "actor": { "reference": order.pharmacy, "display": order.pharmacy_name } }],
            "authorizingPrescription": [{ "reference": format!("MedicationRequest/{}", order.prescription) }],
            "type": hl7("v3-ActCode", code, words),
        });
        if stage != Stage::NotFilled {
            it["whenPrepared"] = on.into();
        }
        if let Some(sold) = day(part.get("sold")) {
            it["whenHandedOver"] = sold.into();
        }
        if let Some(number) = self.message.header("pharmacy-order") {
            it["identifier"] = json!([{ "system": format!("{}#prescription", self.source), "value": number }]);
        }
        if stage == Stage::NotFilled {
            it["statusReasonCodeableConcept"] = json!({ "text": note.unwrap_or("Not handed out") });
        } else if let Some(note) = note {
            it["note"] = json!([{ "text": note }]);
        }
        if let Some(quantity) = quantity(part) {
            it["quantity"] = quantity;
        }
        if let Some(days) = part.get("days").and_then(|it| it.parse::<u32>().ok()) {
            it["daysSupply"] =
                json!({ "value": days, "unit": "days", "system": "http://unitsofmeasure.org", "code": "d" });
        }
        if let Some(sig) = part.get("sig") {
            it["dosageInstruction"] = json!([{ "text": sig }]);
        }
        it
    }

    async fn cancelled(&self) -> Result<Plan, Fault> {
        let sent = self.answered().await?;
        let Some((mut order, version)) = self.order(sent.prescription.as_ref()).await? else {
            return refuse("no-such-order", "Header/RelatesToMessageID", "it answers no cancellation of ours");
        };
        let approved = match self.get("response", "outcome") {
            Some("approved" | "changed") => true,
            Some("denied") => false,
            _ => return refuse("no-outcome", "Response", "it says neither Approved nor Denied"),
        };
        let note = self.get("response", "denial").or(self.get("response", "note")).map(str::to_owned);
        let mut plan = Plan::about(&order.patient);
        let asked = order.cancel.as_mut().filter(|it| Some(it.control.as_str()) == self.message.header("relates-to"));
        let Some(cancel) = asked else {
            return refuse("no-such-order", "Header/RelatesToMessageID", "it answers no cancellation of ours");
        };
        if cancel.answer.is_some() {
            return Ok(plan);
        }
        cancel.answer = Some(Answered { approved, note: note.clone(), at: self.pen.now });
        if approved && order.moves(Stage::Withdrawn, self.pen.now) {
            self.task(&mut plan, &order, note.as_deref(), None).await?;
        }
        if !approved {
            let why = note.map_or(String::new(), |it| format!(": {it}"));
            plan.alert = alert(&order, &format!("was not cancelled at {}{why}", order.pharmacy_name));
        }
        plan.items.push(order.change(Some(version)));
        Ok(plan)
    }

    /// Whose record it is, where no prescription of ours says so.
    async fn whose(&self) -> Result<Id, Fault> {
        let Some(told) = self.message.part("patient") else {
            return refuse("no-patient", "Patient", "it does not say which patient it is about");
        };
        let mut patient = json!({
            "resourceType": "Patient",
            "name": [{ "family": told.get("family"), "given": told.get("given").map(|it| vec![it]) }],
            "gender": told.get("gender"),
            "birthDate": day(told.get("born")),
        });
        if let Some(line) = told.get("line") {
            patient["address"] = json!([{ "line": [line], "city": told.get("city"), "state": told.get("state"), "postalCode": told.get("postal") }]);
        }
        if let Some(phone) = told.get("phone") {
            patient["telecom"] = json!([{ "system": "phone", "value": phone }]);
        }
        match identity::whose(self.pen.organisation, self.pen.caller, &patient, self.source, self.pen.now).await? {
            Whose::Known(id) | Whose::Likely(id, _) => Ok(id),
            Whose::Unsure(_) => {
                refuse("no-patient", "Patient", "several people here may be meant; send our order number")
            }
            Whose::New => refuse("no-patient", "Patient", "nobody here is called so and was born on this day"),
        }
    }

    /// The pharmacy that speaks, as the directory knows it: reference and name.
    async fn pharmacy(&self, order: Option<&Order>) -> Result<(Option<String>, String), Fault> {
        if let Some(order) = order {
            return Ok((Some(order.pharmacy.clone()), order.pharmacy_name.clone()));
        }
        let name = self.get("pharmacy", "name").unwrap_or("A pharmacy").to_owned();
        let number = self.get("pharmacy", "ncpdp").or(self.message.header("from"));
        let Some(number) = number else { return Ok((None, name)) };
        let asked = [("identifier", format!("{NCPDP}|{}", ask::escaped(number)))];
        let rows = ask::matches(self.pen.store(), self.pen.caller, "Organization", &asked, 2).await?;
        let found = rows.rows.first().filter(|_| rows.rows.len() == 1).and_then(|it| Pharmacy::of(&it.value));
        Ok(found.map_or((None, name), |it| (Some(it.key.to_string()), it.name)))
    }

    /// A request for more, or for something else.
    async fn request(&self, change: bool) -> Result<Plan, Fault> {
        let order = self.order_named().await?.map(|it| it.0);
        let patient = match &order {
            Some(order) if self.is_of(&order.patient).await? => order.patient.clone(),
            Some(_) => {
                return refuse(
                    "other-patient",
                    "Patient",
                    "the prescription is for somebody else than the message says",
                );
            }
            None => self.whose().await?,
        };
        let mut plan = Plan::about(&patient);
        let (pharmacy, pharmacy_name) = self.pharmacy(order.as_ref()).await?;
        let prior = match &order {
            Some(order) => {
                let key = Key::parse(&format!("MedicationRequest/{}", order.prescription)).expect("our own id");
                self.pen.store().read(self.pen.caller, &key).await.ok().map(|it| (key, it.value()))
            }
            None => None,
        };
        let parts: Vec<&Part> = match change {
            true => self.message.each("requested").collect(),
            false => self.message.each("dispensed").take(1).collect(),
        };
        let prescribed = self.message.part("prescribed");
        // A question about the prescription itself is asked about what was prescribed.
        let parts = if parts.is_empty() { prescribed.into_iter().collect() } else { parts };
        if parts.is_empty() && prior.is_none() {
            return refuse("no-medication", "MedicationDispensed", "it does not say which medicine it is about");
        }
        let empty = Part::new("dispensed");
        let parts = if parts.is_empty() { vec![&empty] } else { parts };
        let base: String = self.id.chars().take(32).collect();
        let ids: Vec<Id> = (1..=parts.len()).filter_map(|it| Id::parse(&format!("{base}-{it}"))).collect();
        let reason = self.get("change", "reason").map(|it| it.chars().take(300).collect::<String>());
        let by = match &pharmacy {
            Some(key) => json!({ "reference": key, "display": pharmacy_name }),
            None => json!({ "display": pharmacy_name }),
        };
        for (id, part) in ids.iter().zip(parts) {
            let proposal = self.proposal(&patient, part, prior.as_ref(), change, &by, reason.as_deref());
            let name = text(&proposal, &["medicationCodeableConcept", "text"]).unwrap_or_default().to_owned();
            let focus = format!("urn:uuid:{id}");
            plan.resources.push((focus.clone(), proposal));
            plan.resources.push((format!("urn:uuid:{id}-task"), json!({
                "resourceType": "Task",
                "status": "requested",
                "intent": "proposal",
                "code": {
                    "coding": [{ "system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "approve", "display": "Activate/approve the focal resource" }],
                    "text": if change { "Change request" } else { "Renewal request" },
                },
                "description": name,
                "focus": { "reference": focus },
                "for": reference(&patient),
                "authoredOn": moment(self.pen.now),
                "lastModified": moment(self.pen.now),
                "requester": by,
            })));
            let refills = if change { part.get("refills") } else { part.get("requested-refills") };
            let request = Request {
                change,
                message: self.message.header("id").unwrap_or_default().to_owned(),
                patient: patient.clone(),
                pharmacy: pharmacy.clone().unwrap_or_default(),
                pharmacy_name: pharmacy_name.clone(),
                pharmacy_number: self.message.header("pharmacy-order").map(str::to_owned),
                order: self.message.header("order").map(str::to_owned),
                others: ids.clone(),
                refills: refills.and_then(|it| it.parse().ok()),
                quantity: part.get("quantity").filter(|_| !change).map(str::to_owned),
                code: self.get("change", "code").map(str::to_owned),
                reason: reason.clone(),
                answered: None,
                trouble: None,
            };
            // Worked on again, it is the request that it was.
            let known: Option<(Request, u64)> = record::get(self.pen.store(), &request_name(id), self.pen.now).await?;
            if known.is_none() {
                plan.items.push(record::put(request_name(id), &request, None));
            }
        }
        Ok(plan)
    }

    fn proposal(
        &self,
        patient: &Id,
        part: &Part,
        prior: Option<&(Key, Value)>,
        change: bool,
        by: &Value,
        reason: Option<&str>,
    ) -> Value {
        let mut it = json!({
            "resourceType": "MedicationRequest",
            "status": "active",
            "intent": "proposal",
            "subject": reference(patient),
            "authoredOn": moment(self.pen.now),
            "requester": by,
            "reportedBoolean": false,
        });
        if let Some((key, value)) = prior {
            it["priorPrescription"] = json!({ "reference": key.to_string() });
            let copied: &[&str] = match change {
                false => &["medicationCodeableConcept", "medicationReference", "dosageInstruction", "contained"],
                true => &["dosageInstruction"],
            };
            for member in copied {
                if let Some(value) = value.get(*member) {
                    it[*member] = value.clone();
                }
            }
        }
        if it.get("medicationCodeableConcept").is_none() && it.get("medicationReference").is_none() {
            it["medicationCodeableConcept"] = medicine(part).unwrap_or_else(|| json!({ "text": "Medicine not named" }));
        }
        if let Some(sig) = part.get("sig").filter(|_| change || it.get("dosageInstruction").is_none()) {
            it["dosageInstruction"] = json!([{ "text": sig }]);
        }
        let mut dispense = json!({ "performer": by });
        let refills = if change { part.get("refills") } else { part.get("requested-refills") };
        if let Some(refills) = refills.and_then(|it| it.parse::<u32>().ok()).filter(|it| *it < 100) {
            dispense["numberOfRepeatsAllowed"] = refills.into();
        }
        if let Some(quantity) = quantity(part) {
            dispense["quantity"] = quantity;
        }
        if by.get("reference").is_none() {
            drop(dispense.as_object_mut().map(|it| it.shift_remove("performer")));
        }
        it["dispenseRequest"] = dispense;
        let notes: Vec<Value> =
            [reason, part.get("note")].into_iter().flatten().map(|it| json!({ "text": it })).collect();
        if !notes.is_empty() {
            it["note"] = notes.into();
        }
        it
    }

    /// What others handed out: statements that stand apart until somebody looks at them.
    async fn history(&self) -> Result<Plan, Fault> {
        let sent = self.answered().await?;
        if sent.kind != kind::HISTORY_REQUEST {
            return refuse("no-such-message", "Header/RelatesToMessageID", "it answers no question of ours");
        }
        if !self.is_of(&sent.patient).await? {
            return refuse("other-patient", "Patient", "it was asked about somebody else than the message says");
        }
        let mut plan = Plan { way: Way::Record, ..Plan::about(&sent.patient) };
        let denied = self.get("response", "outcome") == Some("denied");
        for part in self.message.each("dispensed").filter(|_| !denied) {
            let Some(medicine) = medicine(part) else { continue };
            let on = day(part.get("last-fill")).or_else(|| day(part.get("sold")));
            let pharmacy = part.get("pharmacy").unwrap_or("Another pharmacy");
            let facts = [part.get("pharmacy.ncpdp"), part.get("rxnorm").or(part.get("drug")), on.as_deref()];
            let facts: Vec<&str> = facts.into_iter().map(Option::unwrap_or_default).collect();
            let address = format!("urn:continuo:outside-fill:{}:{}", sent.patient, facts.join(":"));
            if plan.resources.iter().any(|it| it.0 == address) {
                continue;
            }
            let mut it = json!({
                "resourceType": "MedicationStatement",
                "status": "unknown",
                "medicationCodeableConcept": medicine,
                "subject": reference(&sent.patient),
                "dateAsserted": moment(self.pen.now),
                "informationSource": { "display": pharmacy },
                "note": [{ "text": told(part, pharmacy) }],
            });
            if let Some(on) = &on {
                it["effectivePeriod"] = json!({ "start": on });
            }
            if let Some(sig) = part.get("sig") {
                it["dosage"] = json!([{ "text": sig }]);
            }
            plan.resources.push((address, it));
        }
        let name = history_name(&sent.patient);
        let found: Option<(History, u64)> = record::get(self.pen.store(), &name, self.pen.now).await?;
        let mine = found.filter(|(it, _)| Some(it.control.as_str()) == self.message.header("relates-to"));
        if let Some((history, version)) = mine {
            let note = self.get("response", "denial").or(self.get("response", "note")).filter(|_| denied);
            let history = History {
                answered: Some(self.pen.now),
                found: history.found + plan.resources.len(),
                note: note.map(str::to_owned),
                ..history
            };
            plan.items.push(record::put(name, &history, Some(version)));
        }
        Ok(plan)
    }

    /// Who sent it, for the origin of what it brings.
    pub(super) fn partner(&self) -> &str {
        self.get("pharmacy", "name").unwrap_or(self.title)
    }
}

fn alert(order: &Order, what: &str) -> Option<(Key, String)> {
    let key = Key::parse(&format!("Task/{}", order.task))?;
    Some((key, format!("{} {what}", order.drug)))
}

/// How much was handed out where, for people.
fn told(part: &Part, pharmacy: &str) -> String {
    let mut words = format!("Filled by {pharmacy}");
    if let Some(quantity) = part.get("quantity") {
        words.push_str(&format!(", quantity {quantity}"));
    }
    if let Some(days) = part.get("days") {
        words.push_str(&format!(" for {days} days"));
    }
    if let Some(prescriber) = part.get("prescriber") {
        words.push_str(&format!(", prescribed by {prescriber}"));
    }
    words
}

fn medicine(part: &Part) -> Option<Value> {
    let drug = part.get("drug")?;
    let mut it = json!({ "text": drug });
    let digits = |it: &&str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit());
    let mut codings = Vec::new();
    if let Some(code) = part.get("rxnorm").filter(digits) {
        codings.push(json!({ "system": RXNORM, "code": code, "display": drug }));
    }
    if let Some(code) = part.get("ndc").filter(|it| it.bytes().all(|it| it.is_ascii_digit() || it == b'-')) {
        codings.push(json!({ "system": "http://hl7.org/fhir/sid/ndc", "code": code }));
    }
    if !codings.is_empty() {
        it["coding"] = codings.into();
    }
    Some(it)
}

fn quantity(part: &Part) -> Option<Value> {
    let value: Decimal = part.get("quantity")?.parse().ok()?;
    let mut it = json!({ "value": sig::number(value) });
    if let Some(unit) = part.get("unit").filter(|it| *it != "unspecified") {
        it["unit"] = unit.into();
    }
    Some(it)
}
