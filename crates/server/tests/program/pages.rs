//! What is done on a page is FHIR the next second, with who did it; and what is posted to the API is on the page.

use crate::harness::{Place, Server, free_address, get, wait_until_ready};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;

/// Sends a form or asks for a page: status, headers, body.
fn page(address: &str, method: &str, path: &str, cookie: &str, form: &str) -> (u16, String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nOrigin: http://{address}\r\nCookie: {cookie}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{form}",
        form.len()
    )
    .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head[9..12].parse().unwrap(), head.to_owned(), body.to_owned())
}

#[test]
fn vital_signs_and_lists_kept_on_pages_read_back_over_fhir_with_provenance() {
    let place = Place::new();
    let address = free_address();
    let port = address.rsplit_once(':').unwrap().1;
    let _server =
        Server::start(place.command(&["serve", "--demo", "--port", port, "--mllp-port", "0", "--patients", "12"]));
    wait_until_ready(&address);
    let demo: Value =
        serde_json::from_slice(&std::fs::read(place.folder.join("continuo-demo/demo.json")).unwrap()).unwrap();
    let riverside = &demo["organisations"][0];
    let login = riverside["logins"].as_array().unwrap().iter().find(|it| it["role"] == "clinician").unwrap();
    let (author, password) = (login["person"].as_str().unwrap(), login["password"].as_str().unwrap());
    let form = format!("username={}&password={password}", login["username"].as_str().unwrap());
    let (status, head, _) = page(&address, "POST", "/riverside/sign-in", "", &form);
    assert_eq!(status, 303, "{head}");
    let cookie = head.split("continuo_session=").nth(1).and_then(|it| it.split(';').next()).unwrap();
    let cookie = format!("continuo_session={cookie}");
    let token = riverside["token"].as_str();
    let fhir = |path: &str| -> Value {
        let (status, body) = get(&address, &format!("/riverside/fhir/{path}"), token).unwrap();
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).unwrap()
    };
    let patients = fhir("Patient?_count=1");
    let patient = patients["entry"][0]["resource"]["id"].as_str().unwrap().to_owned();
    let chart = format!("/riverside/patients/{patient}");

    let form = "once=one&act=save&pulse=77&systolic=121&diastolic=71&confirm=yes";
    let (status, head, body) = page(&address, "POST", &format!("{chart}/vitals/new"), &cookie, form);
    assert_eq!(status, 303, "{head} {body}");
    let form = "once=two&problem=Essential+(primary)+hypertension&problem-code=I10&onset=2024-05";
    let (status, head, body) = page(&address, "POST", &format!("{chart}/lists/problems/new"), &cookie, form);
    // Whoever has it already is told so; then another problem is as good.
    if status == 422 {
        let form = form.replace("Essential+(primary)+hypertension", "Gout,+unspecified").replace("I10", "M10.9");
        assert!(body.contains("on the list already"), "{body}");
        let (status, head, body) = page(&address, "POST", &format!("{chart}/lists/problems/new"), &cookie, &form);
        assert_eq!(status, 303, "{head} {body}");
    } else {
        assert_eq!(status, 303, "{head} {body}");
    }

    for asked in ["Observation?code=8867-4", "Observation?code=85354-9", "Condition?onset-date=2024-05"] {
        let found =
            fhir(&format!("{asked}&patient={patient}&_sort=-_lastUpdated&_count=1&_revinclude=Provenance:target"));
        let entries = found["entry"].as_array().unwrap();
        let resource = &entries[0]["resource"];
        let key = format!("{}/{}", resource["resourceType"].as_str().unwrap(), resource["id"].as_str().unwrap());
        let provenance = entries.iter().map(|it| &it["resource"]).find(|it| it["resourceType"] == "Provenance");
        let provenance = provenance.unwrap_or_else(|| panic!("{key} has no Provenance: {found}"));
        assert_eq!(provenance["agent"][0]["who"]["reference"], author, "{key}");
        assert_eq!(provenance["agent"][0]["onBehalfOf"]["reference"], "Organization/riverside");
        let targets = provenance["target"].as_array().unwrap();
        assert!(targets.iter().any(|it| it["reference"].as_str().unwrap().starts_with(&key)), "{provenance}");
        match resource["code"]["coding"][0]["code"].as_str().unwrap() {
            "8867-4" => assert_eq!(resource["valueQuantity"]["value"].to_string(), "77"),
            "85354-9" => assert_eq!(resource["component"][1]["valueQuantity"]["value"].to_string(), "71"),
            code => assert!(["I10", "M10.9"].contains(&code), "{code}"),
        }
    }
}
