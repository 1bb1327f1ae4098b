use super::*;
use crate::Fate;
use proptest::prelude::*;

fn mapping() -> &'static Mapping {
    Mapping::standard()
}

/// A prescription as a partner might send it, with more than we know.
const NEW_RX: &str = r#"<?xml version="1.0"?>
<Message xmlns="urn:anything" TransactionDomain="SCRIPT" TransactionVersion="20170715">
 <Header><To Qualifier="P">7701630</To><From Qualifier="D">6666666666001</From><MessageID>m-1</MessageID>
  <SentTime>2026-11-23T08:00:00Z</SentTime><Security><UsernameToken><Username>x</Username></UsernameToken></Security>
  <PrescriberOrderNumber>o-1</PrescriberOrderNumber></Header>
 <Body><NewRx>
  <Patient><HumanPatient><Name><LastName>Byron</LastName><FirstName>Ada</FirstName></Name><Gender>F</Gender>
   <DateOfBirth><DateTime>1986-02-03T00:00:00</DateTime></DateOfBirth></HumanPatient></Patient>
  <MedicationPrescribed><DrugDescription>lisinopril 10 mg tablet</DrugDescription>
   <Quantity><Value>90</Value><CodeListQualifier>38</CodeListQualifier>
    <QuantityUnitOfMeasure><Code>C48542</Code></QuantityUnitOfMeasure></Quantity>
   <NumberOfRefills>3</NumberOfRefills>
   <OtherMedicationDate><OtherMedicationDate><Date>2026-12-01</Date></OtherMedicationDate>
    <OtherMedicationDateQualifier>EffectiveDate</OtherMedicationDateQualifier></OtherMedicationDate>
   <Sig><SigText>Take 1 tablet once a day &amp; rest</SigText></Sig></MedicationPrescribed>
 </NewRx></Body></Message>"#;

#[test]
fn the_mappings_that_ship_have_every_transaction() {
    for version in ["2017071", "2023011"] {
        let mapping = Mapping::of_version(version).expect("it ships");
        for kind in kind::ALL {
            assert!(mapping.parts(kind).is_some(), "{version} has no {kind}");
        }
    }
    assert!(Mapping::of_version("10.6").is_none());
}

#[test]
fn a_prescription_is_read_with_what_is_not_known_kept_by_its_place() {
    let Received { message, notes, said, mapped } = read(NEW_RX.as_bytes(), mapping()).unwrap();
    assert_eq!(
        (message.kind.as_str(), message.header("id"), message.header("to.kind")),
        ("NewRx", Some("m-1"), Some("P"))
    );
    let of = |part: &str, fact: &str| message.get(part, fact).unwrap_or_default().to_owned();
    assert_eq!((of("patient", "gender"), of("patient", "born")), ("female".into(), "1986-02-03T00:00:00".into()));
    assert_eq!((of("prescribed", "unit"), of("prescribed", "effective")), ("tablet".into(), "2026-12-01".into()));
    assert_eq!(of("prescribed", "sig"), "Take 1 tablet once a day & rest");
    let [note] = notes.as_slice() else { panic!("one element is not known: {notes:?}") };
    assert_eq!((note.fate, note.place.as_str()), (Fate::Kept, "/Message/Header/Security/UsernameToken/Username"));
    assert_eq!(said, mapped + 1);
    assert!(
        outline(NEW_RX.as_bytes()).contains(&("Body/NewRx/Patient/HumanPatient/Name/LastName".into(), "Byron".into()))
    );
}

#[test]
fn what_cannot_be_one_message_is_refused() {
    let wrapped =
        |inside: &str| format!("<Message><Header><MessageID>1</MessageID></Header><Body>{inside}</Body></Message>");
    let refused = |text: &str| read(text.as_bytes(), mapping()).err();
    let bomb = format!(r#"<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>{}"#, wrapped("<Verify/>"));
    let outside = r#"<!DOCTYPE x SYSTEM "file:///etc/passwd"><Message><Body><Verify/></Body></Message>"#;
    assert_eq!((refused(&bomb), refused(outside)), (Some(Refusal::DocumentType), Some(Refusal::DocumentType)));
    assert_eq!(refused(&wrapped("")), Some(Refusal::NoTransaction));
    assert_eq!(refused(&wrapped("<Verify/><Status/>")), Some(Refusal::SeveralTransactions));
    assert_eq!(refused(&wrapped("<NewRx/>").replace("<Body>", "<Body/><Body>")), Some(Refusal::NoTransaction));
    assert_eq!(refused(&wrapped("<Launch/>")), Some(Refusal::UnknownTransaction));
    assert_eq!(refused("<ClinicalDocument/>"), Some(Refusal::NotScript));
    assert!(matches!(refused("<Message><Body>"), Some(Refusal::NotXml { .. })));
    assert!(matches!(refused("&undefined;"), Some(Refusal::NotXml { .. })));
    assert_eq!(read(b"\xff<Message/>", mapping()).err(), Some(Refusal::Encoding));
    let deep = wrapped(&format!("<NewRx>{}{}</NewRx>", "<a>".repeat(5_000), "</a>".repeat(5_000)));
    assert_eq!(refused(&deep), Some(Refusal::TooDeep));
    assert_eq!(read(&vec![b' '; LARGEST + 1], mapping()).err(), Some(Refusal::TooLarge));
}

#[test]
fn an_answer_that_says_yes_and_no_is_no_answer() {
    let text = "<Message><Header/><Body><CancelRxResponse><Response><Approved/><Denied><DenialReason>x</DenialReason></Denied>\
        </Response></CancelRxResponse></Body></Message>";
    assert!(matches!(read(text.as_bytes(), mapping()), Err(Refusal::Ambiguous(_))));
    let unknown = text.replace("<Approved/>", "").replace("Denied", "Perhaps");
    let message = read(unknown.as_bytes(), mapping()).unwrap().message;
    assert_eq!(message.get("response", "outcome"), None);
}

#[test]
fn a_site_lays_its_own_schema_over_ours() {
    let own = r#"
        [part.cancel]
        at = "Why"
        facts = [["kind", "Flag", "cancel"], ["reason", "Words"]]
    "#;
    let mapping = Mapping::with("2017071", own).unwrap();
    let message = Message::new(kind::CANCEL).with(Part::new("cancel").say("kind", "cancel").say("reason", "stopped"));
    let text = String::from_utf8(write(&message, &mapping)).unwrap();
    assert!(text.contains("<CancelRx><Why><Flag>C</Flag><Words>stopped</Words></Why></CancelRx>"), "{text}");
    assert_eq!(read(text.as_bytes(), &mapping).unwrap().message, message);
    for wrong in
        ["[part.x]\nat = \"a<b\"\nfacts = []", "[[message]]\nname = \"NewRx\"\nparts = [\"nobody\"]", "nonsense = 1"]
    {
        assert!(Mapping::with("2017071", wrong).is_err(), "{wrong}");
    }
}

#[test]
fn many_of_a_part_stay_apart() {
    let fill =
        |drug: &str| Part::new("dispensed").say("drug", drug).say("last-fill", "2026-01-01").say("sold", "2026-01-02");
    let message = Message::new(kind::HISTORY_RESPONSE).with(fill("one")).with(fill("two")).with(fill("three"));
    let text = write(&message, mapping());
    assert_eq!(read(&text, mapping()).unwrap().message, message);
}

/// Any message that the mapping can hold.
fn any_message() -> impl Strategy<Value = Message> {
    let text = "[\\PC]{1,40}|[<>&\"']{1,9}";
    let text = text.prop_map(|it| it.trim().to_owned());
    let kinds = proptest::sample::select(kind::ALL.to_vec());
    (kinds, proptest::collection::vec((text, any::<u8>(), 0..10u8), 60)).prop_map(|(kind, mut given)| {
        let mut message = Message::new(kind);
        let parts = mapping().parts(kind).expect("it ships");
        for name in std::iter::once(HEADER).chain(parts.iter().map(String::as_str)) {
            let count = if mapping().is_many(name) { 2 } else { 1 };
            for _ in 0..count {
                let mut part = Part::new(name);
                for fact in mapping().facts(name) {
                    let Some((text, number, leave)) = given.pop() else { break };
                    let values = mapping().values(name, fact);
                    // What goes with an outcome needs one.
                    let outcome = values.first().filter(|_| fact == "outcome");
                    if leave < 3 && outcome.is_none() {
                        continue;
                    }
                    let value =
                        if values.is_empty() { text } else { values[usize::from(number) % values.len()].to_owned() };
                    part = part.say(fact, value);
                }
                message = message.with(part);
            }
        }
        message
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(testkit::dose(64, 4_096) as u32))]

    #[test]
    fn what_is_written_is_read_back(message in any_message()) {
        for version in ["2017071", "2023011"] {
            let mapping = Mapping::of_version(version).expect("it ships");
            let text = write(&message, mapping);
            let received = read(&text, mapping).expect("we read what we wrote");
            prop_assert_eq!(&received.message, &message);
            prop_assert!(received.notes.is_empty(), "{:?}", received.notes);
        }
    }

    #[test]
    fn no_bytes_make_the_reader_fall(bytes in proptest::collection::vec(any::<u8>(), 0..300), cut in 0..2_000usize) {
        let _ = read(&bytes, mapping());
        let _ = outline(&bytes);
        let mut broken = NEW_RX.as_bytes().to_vec();
        let at = cut % broken.len();
        broken.splice(at..at, bytes);
        let _ = read(&broken, mapping());
    }
}
