//! Messages go out of the real program and come in by the other ways: over a line with TLS on which both sides show who
//! they are, once each however often the program is killed; from a folder; by HTTP with the token of the channel.

use crate::harness::{Place, Server, free_address, get, wait_until_ready};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Waits until something is so, a minute at most.
#[track_caller]
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(60) {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("{what} did not come about within a minute");
}

/// Status and body of a POST.
fn post(address: &str, path: &str, token: &str, kind: &str, body: &[u8]) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nContent-Type: {kind}\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.get(9..12).and_then(|it| it.parse().ok()).unwrap_or(0);
    (status, answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
}

fn settings(place: &Place, more: &str) {
    let path = place.folder.join("continuo.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("{text}{more}")).unwrap();
}

fn start(place: &Place, http: &str) -> Server {
    let mut command = place.command(&["--config", "continuo.toml", "serve", "--bind", http]);
    let log = std::fs::File::options().create(true).append(true).open(place.folder.join("log")).unwrap();
    let server = Server(command.stdout(Stdio::null()).stderr(log).spawn().unwrap());
    wait_until_ready(http);
    server
}

fn count(http: &str, org: &str, query: &str, token: &str) -> u64 {
    let (status, body) = get(http, &format!("/{org}/fhir/{query}"), Some(token)).unwrap();
    assert_eq!(status, 200, "{query}: {body}");
    serde_json::from_str::<Value>(&body).unwrap()["total"].as_u64().unwrap()
}

fn token(place: &Place, org: &str) -> String {
    place.json(&["token", "--organisation", org, "--name", "test"], 0)["token"].as_str().unwrap().to_owned()
}

/// An authority, and certificates of two sides that it signed; `false` where openssl is not installed.
fn certificates(folder: &Path) -> bool {
    let run = |arguments: &str| {
        let run = Command::new("openssl").args(arguments.split(' ')).current_dir(folder).output();
        run.is_ok_and(|it| it.status.success())
    };
    const KEY: &str = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    if !run(&format!("req -x509 {KEY} -days 2 -subj /CN=ours -keyout ours.key -out ours.pem")) {
        return false;
    }
    for (name, names) in [
        ("door", "subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n"),
        ("lake", "basicConstraints=CA:FALSE\nextendedKeyUsage=clientAuth\n"),
    ] {
        std::fs::write(folder.join("names"), names).unwrap();
        assert!(run(&format!("req {KEY} -subj /CN={name} -keyout {name}.key -out {name}.csr")));
        assert!(run(&format!(
            "x509 -req -in {name}.csr -CA ours.pem -CAkey ours.key -CAcreateserial -days 2 -extfile names -out {name}.pem"
        )));
    }
    true
}

fn order(number: u32) -> Value {
    json!({ "resourceType": "ServiceRequest", "status": "active", "intent": "order", "subject": { "reference": "Patient/ada" },
        "category": [{ "coding": [{ "system": "http://snomed.info/sct", "code": "108252007" }] }],
        "code": { "coding": [{ "system": "http://loinc.org", "code": "2823-3", "display": format!("Potassium {number}") }] } })
}

#[test]
fn orders_go_out_over_a_line_with_tls_once_each_however_often_the_program_is_killed() {
    let place = Place::new();
    if !certificates(&place.folder) {
        eprintln!("openssl is not installed: TLS lines are not tested");
        return;
    }
    let (http, line) = (free_address(), free_address());
    settings(
        &place,
        &format!(
            "[organisation.lakeside]\nname = \"Lakeside\"\n\
             [channel.in]\norganisation = \"riverside\"\nlisten = \"{line}\"\ncertificate = \"door.pem\"\nkey = \"door.key\"\n\
             clients = \"ours.pem\"\n\
             [channel.out]\norganisation = \"lakeside\"\nsend = \"mllps://{line}\"\nevents = \"OML, ADT^A31\"\n\
             authorities = \"ours.pem\"\ncertificate = \"lake.pem\"\nkey = \"lake.key\"\nfacility = \"RIVERSIDE\"\n"
        ),
    );
    let mut server = start(&place, &http);
    let (near, far) = (token(&place, "lakeside"), token(&place, "riverside"));
    let ada = json!({ "resourceType": "Patient", "id": "ada", "name": [{ "family": "Byron", "given": ["Ada"] }],
        "birthDate": "1986-02-03", "gender": "female", "identifier": [{ "system": "https://lake.example/mrn", "value": "7" }] });
    let fhir = "application/fhir+json";
    let bundle =
        |entries: Vec<Value>| json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries }).to_string();
    let put = json!({ "resource": ada, "request": { "method": "PUT", "url": "Patient/ada" } });
    let (status, body) = post(&http, "/lakeside/fhir", &near, fhir, bundle(vec![put]).as_bytes());
    assert_eq!(status, 200, "{body}");
    // The channel begins with what happens from its first look on.
    std::thread::sleep(Duration::from_millis(1_500));
    const ROUNDS: u32 = 4;
    const EACH: u32 = 5;
    for round in 0..ROUNDS {
        for number in 0..EACH {
            let body = order(round * EACH + number).to_string();
            let (status, body) = post(&http, "/lakeside/fhir/ServiceRequest", &near, fhir, body.as_bytes());
            assert_eq!(status, 201, "{body}");
        }
        // Killed in the middle of sending, wherever that is.
        std::thread::sleep(Duration::from_millis(u64::from(round) * 180));
        server.0.kill().unwrap();
        server.0.wait().unwrap();
        server = start(&place, &http);
    }
    let all = u64::from(ROUNDS * EACH);
    until("that every order is there", || count(&http, "riverside", "ServiceRequest?_summary=count", &far) >= all);
    std::thread::sleep(Duration::from_millis(1_500));
    assert_eq!(count(&http, "riverside", "ServiceRequest?_summary=count", &far), all);
    assert_eq!(count(&http, "riverside", "Patient?identifier=https://lake.example/mrn%7C7&_summary=count", &far), 1);
    assert_eq!(count(&http, "lakeside", "ServiceRequest?_summary=count", &near), all, "nothing comes back");
    let log = std::fs::read_to_string(place.folder.join("log")).unwrap();
    assert!(!log.contains("panicked") && !log.contains("Byron"), "{log}");
}

fn oru(control: &str) -> String {
    format!(
        "MSH|^~\\&|LAB|LAKE|EHR|RIVER|20260601100000||ORU^R01^ORU_R01|{control}|P|2.5.1\r\
         PID|1||77^^^LAKE^MR||Byron^Ada||19860203|F\r\
         OBR|1||F{control}^LAKE|24326-1^Electrolytes^LN|||20260601080000|||||||||||||||20260601100000||LAB|F\r\
         OBX|1|NM|2823-3^Potassium^LN||4.1|mmol/L|3.5-5.1|N|||F|||20260601080000\r"
    )
}

#[test]
fn messages_come_from_a_folder_and_by_http_and_go_into_a_folder() {
    let place = Place::new();
    let http = free_address();
    const TOKEN: &str = "a-token-of-the-laboratory";
    settings(
        &place,
        &format!(
            "[channel.drop]\norganisation = \"riverside\"\nfolder = \"drop\"\n\
             [channel.post]\norganisation = \"riverside\"\ntoken = \"{TOKEN}\"\n\
             [channel.out]\norganisation = \"riverside\"\nsend = \"folder:out\"\nevents = \"*\"\n"
        ),
    );
    std::fs::create_dir_all(place.folder.join("drop")).unwrap();
    // Two in one file, and one that is none, from before the program started.
    std::fs::write(place.folder.join("drop/two.hl7"), oru("1") + &oru("2")).unwrap();
    std::fs::write(place.folder.join("drop/none.txt"), "hello").unwrap();
    let _server = start(&place, &http);
    let own = token(&place, "riverside");
    let at = |name: &str| place.folder.join("drop").join(name);
    until("that the files are taken", || at("done/two.hl7").exists() && at("error/none.txt").exists());
    let said = std::fs::read_to_string(at("done/two.hl7.ack")).unwrap();
    assert!(said.contains("MSA|AA|1") && said.contains("MSA|AA|2"), "{said}");
    assert!(std::fs::read_to_string(at("error/none.txt.ack")).unwrap().contains("MSA|AR|"));
    assert_eq!(count(&http, "riverside", "DiagnosticReport?_summary=count", &own), 2);

    let kind = "x-application/hl7-v2+er7";
    let send = |path: &str, token: &str, body: &str| post(&http, path, token, kind, body.as_bytes());
    let (status, said) = send("/riverside/hl7/post", TOKEN, &oru("3"));
    assert!(status == 200 && said.contains("MSA|AA|3"), "{status} {said}");
    let (status, again) = send("/riverside/hl7/post", TOKEN, &oru("3"));
    assert_eq!((status, &again), (200, &said), "the same again has the same answer");
    let (status, said) = send("/riverside/hl7/post", TOKEN, "hello");
    assert!(status == 200 && said.contains("MSA|AR|"), "{status} {said}");
    for (path, token) in [
        ("/riverside/hl7/post", "another"),
        ("/riverside/hl7/post", ""),
        ("/riverside/hl7/post", own.as_str()),
        ("/riverside/hl7/drop", TOKEN),
        ("/riverside/hl7/nothing", TOKEN),
    ] {
        assert_eq!(send(path, token, &oru("4")).0, 401, "{path} {token}");
    }
    assert_eq!(count(&http, "riverside", "DiagnosticReport?_summary=count", &own), 3);

    // What others told is not told on; what is written here is laid into the folder, whole.
    let patient = json!({ "resourceType": "Patient", "name": [{ "family": "Here" }] }).to_string();
    let (status, _) = post(&http, "/riverside/fhir/Patient", &own, "application/fhir+json", patient.as_bytes());
    assert_eq!(status, 201);
    let laid = || -> Vec<String> {
        let entries = std::fs::read_dir(place.folder.join("out")).into_iter().flatten().flatten();
        entries.map(|it| it.file_name().to_string_lossy().into_owned()).collect()
    };
    until("that a file is laid down", || laid().iter().any(|it| it.ends_with("-ADT-A28.hl7")));
    assert_eq!(laid().len(), 1, "{:?}", laid());
    let text = std::fs::read_to_string(place.folder.join("out").join(&laid()[0])).unwrap();
    assert!(
        text.starts_with("MSH|^~\\&|CONTINUO|RIVERSIDE|") && text.contains("|Here^") || text.contains("|Here"),
        "{text}"
    );
}
