//! HL7 v2 over real sockets: what others published is taken and again changes nothing, a line with TLS asks for what it
//! should, and nothing that anybody sends keeps the next message from being answered.

use crate::harness::{Place, Server, free_address, get, wait_until_ready};
use serde_json::Value;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// A server with a line of its own.
struct Lab {
    place: Place,
    http: String,
    line: String,
    _server: Server,
    token: String,
}

impl Lab {
    fn open(more: &str) -> Lab {
        let place = Place::new();
        Lab::of(place, more)
    }

    fn of(place: Place, more: &str) -> Lab {
        let (http, line) = (free_address(), free_address());
        let path = place.folder.join("continuo.toml");
        let mut settings = std::fs::read_to_string(&path).unwrap();
        settings.push_str(&format!("[channel.lab]\norganisation = \"riverside\"\nlisten = \"{line}\"\n{more}"));
        std::fs::write(&path, settings).unwrap();
        let mut command = place.command(&["--config", "continuo.toml", "serve", "--bind", &http]);
        let log = std::fs::File::create(place.folder.join("log")).unwrap();
        let server = Server(command.stdout(Stdio::null()).stderr(log).spawn().unwrap());
        wait_until_ready(&http);
        let token = place.json(&["token", "--name", "test"], 0)["token"].as_str().unwrap().to_owned();
        Lab { place, http, line, _server: server, token }
    }

    fn line(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.line).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream
    }

    fn ask(&self, query: &str) -> Value {
        let (status, body) = get(&self.http, &format!("/riverside/fhir/{query}"), Some(&self.token)).unwrap();
        assert_eq!(status, 200, "{query}: {body}");
        serde_json::from_str(&body).unwrap()
    }

    /// What was written last, other than the questions about people who may be the same: those come by themselves.
    fn newest(&self) -> Value {
        let history = self.ask("_history?_count=200");
        let mut written = history["entry"].as_array().into_iter().flatten().map(|it| &it["resource"]);
        written.find(|it| it["resourceType"] != "Task").cloned().unwrap_or_default()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.place.folder.join("log")).unwrap()
    }
}

fn framed(message: &[u8]) -> Vec<u8> {
    [b"\x0b", message, b"\x1c\r"].concat()
}

/// The next answer of a line; nothing when the line was closed.
fn answer<S: Read>(line: &mut S) -> Option<String> {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\x1c\r") {
        match line.read(&mut byte) {
            Ok(1) => bytes.push(byte[0]),
            Ok(_) => return None,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                panic!("no answer came")
            }
            Err(_) => return None,
        }
    }
    Some(String::from_utf8_lossy(&bytes[1..bytes.len() - 2]).into_owned())
}

fn send<S: Read + Write>(line: &mut S, message: &[u8]) -> Option<String> {
    line.write_all(&framed(message)).ok()?;
    answer(line)
}

fn oru(control: &str, name: &str) -> String {
    format!(
        "MSH|^~\\&|LAB|LAKE|EHR|RIVER|20260601100000||ORU^R01^ORU_R01|{control}|P|2.5.1\r\
         PID|1||{control}^^^LAKE^MR||{name}||19860203|F\r\
         OBR|1||F{control}^LAKE|24326-1^Electrolytes^LN|||20260601080000|||||||||||||||20260601100000||LAB|F\r\
         OBX|1|NM|2823-3^Potassium^LN||4.1|mmol/L|3.5-5.1|N|||F|||20260601080000\r"
    )
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|it| it == "hl7" || it == "txt") {
            found.push(path);
        }
    }
    found.sort();
}

#[test]
fn everything_that_others_published_comes_over_the_line_and_again_changes_nothing() {
    let Some(folder) = testkit::unpacked("hl7v2-messages") else { return };
    let mut files = Vec::new();
    collect(&folder, &mut files);
    let messages: Vec<Vec<u8>> = files
        .iter()
        .flat_map(|file| {
            let batch = formats::v2::Batch::read(&std::fs::read(file).unwrap());
            batch.messages().map(formats::v2::Message::write).collect::<Vec<_>>()
        })
        // What holds the marks of the frame cannot go over a line.
        .map(|it| it.into_iter().filter(|byte| !matches!(byte, 0x0b | 0x1c)).collect())
        .collect();
    let lab = Lab::open("");
    let mut line = lab.line();
    let mut codes = std::collections::BTreeMap::<String, usize>::new();
    let mut first = Vec::new();
    for message in &messages {
        let before = first.len();
        // A message may want no answer at all; the next one then answers for both.
        line.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        if wants_none(message) {
            line.write_all(&framed(message)).unwrap();
            first.push(None);
            continue;
        }
        let said = send(&mut line, message).expect("an answer");
        let code = said.split(['\r', '\n']).find_map(|it| it.strip_prefix("MSA")).and_then(|it| it.get(1..3));
        *codes.entry(code.unwrap_or("?").to_owned()).or_default() += 1;
        first.push(Some(said));
        assert_eq!(first.len(), before + 1);
    }
    println!("{} messages: {codes:?}", messages.len());
    assert!(messages.len() >= 260 && codes["AA"] * 100 >= messages.len() * 80, "{codes:?}");
    settle(&mut line);
    let newest = lab.newest();
    let mut line = lab.line();
    for (message, said) in messages.iter().zip(&first) {
        match said {
            None => line.write_all(&framed(message)).unwrap(),
            Some(said) => assert_eq!(send(&mut line, message).as_ref(), Some(said), "the same answer"),
        }
    }
    settle(&mut line);
    assert_eq!(lab.newest(), newest, "nothing new was written");
    assert!(newest["meta"]["versionId"].is_string(), "{newest}");
}

/// Until all that was sent is worked off: some senders want two answers, and some none.
fn settle(line: &mut TcpStream) {
    line.write_all(&framed(oru("settled", "Byron^Ada").as_bytes())).unwrap();
    while !answer(line).expect("an answer").contains("MSA|AA|settled") {}
}

/// Acknowledgements, and messages whose sender wants to hear of nothing (MSH-15 and MSH-16).
fn wants_none(raw: &[u8]) -> bool {
    let Ok(message) = formats::v2::Message::read(raw) else { return false };
    let wishes = [message.text("MSH-15"), message.text("MSH-16")].map(|it| it.to_ascii_uppercase());
    let quiet = |wish: &String| wish.is_empty() || wish == "NE" || wish == "ER";
    message.text("MSH-9.1") == "ACK" || (wishes.iter().any(|it| !it.is_empty()) && wishes.iter().all(quiet))
}

#[test]
fn a_line_with_tls_shows_who_it_is_and_asks_who_comes() {
    let place = Place::new();
    let made = |arguments: &[&str]| {
        let run = Command::new("openssl").args(arguments).current_dir(&place.folder).output();
        run.is_ok_and(|it| it.status.success())
    };
    let authority = |name: &str| {
        let (key, certificate) = (format!("{name}.key"), format!("{name}.pem"));
        let subject = format!("/CN={name}");
        made(&[
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
            "-subj",
            &subject,
            "-keyout",
            &key,
            "-out",
            &certificate,
        ])
    };
    if !authority("ours") || !authority("strangers") {
        eprintln!("openssl is not installed: TLS lines are not tested");
        return;
    }
    let signed = |name: &str, by: &str, names: &str| {
        let (key, request, certificate) = (format!("{name}.key"), format!("{name}.csr"), format!("{name}.pem"));
        let (ca, ca_key, subject) = (format!("{by}.pem"), format!("{by}.key"), format!("/CN={name}"));
        std::fs::write(place.folder.join("names"), names).unwrap();
        assert!(made(&[
            "req",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-subj",
            &subject,
            "-keyout",
            &key,
            "-out",
            &request
        ]));
        assert!(made(&[
            "x509",
            "-req",
            "-in",
            &request,
            "-CA",
            &ca,
            "-CAkey",
            &ca_key,
            "-CAcreateserial",
            "-days",
            "2",
            "-extfile",
            "names",
            "-out",
            &certificate
        ]));
    };
    signed("door", "ours", "subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n");
    signed("lab", "ours", "basicConstraints=CA:FALSE\nextendedKeyUsage=clientAuth\n");
    signed("other", "strangers", "basicConstraints=CA:FALSE\nextendedKeyUsage=clientAuth\n");
    let lab = Lab::of(place, "certificate = \"door.pem\"\nkey = \"door.key\"\nclients = \"ours.pem\"\n");
    let try_as = |name: Option<&str>| -> Option<String> {
        let file = |name: &str| lab.place.folder.join(name);
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(file("ours.pem")).unwrap()).unwrap();
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let builder = builder.with_root_certificates(roots);
        let config = match name {
            None => builder.with_no_client_auth(),
            Some(name) => {
                let chain = vec![CertificateDer::from_pem_file(file(&format!("{name}.pem"))).unwrap()];
                let key = PrivateKeyDer::from_pem_file(file(&format!("{name}.key"))).unwrap();
                builder.with_client_auth_cert(chain, key).unwrap()
            }
        };
        let server = ServerName::try_from("127.0.0.1").unwrap();
        let client = ClientConnection::new(Arc::new(config), server).unwrap();
        send(&mut StreamOwned::new(client, lab.line()), oru("t1", "Byron^Ada").as_bytes())
    };
    assert!(try_as(Some("lab")).expect("an answer").contains("MSA|AA|t1"));
    assert_eq!(try_as(None), None, "nobody comes without a certificate");
    assert_eq!(try_as(Some("other")), None, "nor with that of another authority");
    assert_eq!(send(&mut lab.line(), oru("t2", "Byron^Ada").as_bytes()), None, "nor in the clear");
    assert_eq!(lab.ask("DiagnosticReport?_summary=count")["total"], 1);
}

#[test]
fn a_batch_is_answered_as_a_batch_and_a_stop_cuts_no_message() {
    let lab = Lab::open("");
    let batch =
        format!("FHS|^~\\&|LAB\rBHS|^~\\&|LAB\r{}{}BTS|7\rFTS|1\r", oru("b1", "Byron^Ada"), oru("b2", "Bates^Ben"));
    let said = send(&mut lab.line(), batch.as_bytes()).expect("an answer");
    // The sender counted wrongly, and is told so in the comment of the trailer.
    assert!(said.starts_with("BHS|") && said.contains("\rBTS|2|BTS says another count"), "{said}");
    assert!(said.contains("MSA|AA|b1") && said.contains("MSA|AA|b2"), "{said}");
    // Many lines at work while the program is asked to stop: what was answered is there at the next start.
    let Lab { place, line, _server, .. } = lab;
    let workers: Vec<_> = (0..8)
        .map(|worker| {
            let line = line.clone();
            std::thread::spawn(move || {
                let mut answered = Vec::new();
                let Ok(mut stream) = TcpStream::connect(line) else { return answered };
                for number in 0..500 {
                    let control = format!("s{worker}-{number}");
                    match send(&mut stream, oru(&control, "Byron^Ada").as_bytes()) {
                        Some(said) if said.contains("MSA|AA|") => answered.push(control),
                        _ => break,
                    }
                }
                answered
            })
        })
        .collect();
    std::thread::sleep(Duration::from_millis(700));
    let (code, _) = _server.stop();
    assert_eq!(code, Some(0));
    let answered: Vec<String> = workers.into_iter().flat_map(|it| it.join().unwrap()).collect();
    assert!(!answered.is_empty());
    let http = free_address();
    let _server = Server::start(place.command(&["--config", "continuo.toml", "serve", "--bind", &http]));
    wait_until_ready(&http);
    let token = place.json(&["token", "--name", "again"], 0)["token"].as_str().unwrap().to_owned();
    let count = |query: &str| {
        let (_, body) = get(&http, &format!("/riverside/fhir/{query}&_summary=count"), Some(&token)).unwrap();
        serde_json::from_str::<Value>(&body).unwrap()["total"].as_u64().unwrap()
    };
    for control in &answered {
        assert_eq!(count(&format!("DiagnosticReport?identifier=urn:id:LAKE%7CF{control}")), 1, "{control}");
    }
}

/// Bytes that somebody who means harm, or a broken sender, puts on a line.
fn attacks() -> Vec<(String, Vec<u8>)> {
    let good = oru("x", "Byron^Ada");
    let header = "MSH|^~\\&|LAB|LAKE|EHR|RIVER|20260601100000||ORU^R01|x|P|2.5.1\r";
    let mut all: Vec<(String, Vec<u8>)> = Vec::new();
    let mut add = |name: String, bytes: Vec<u8>| all.push((name, bytes));
    // Frames that are none, or two, or half of one.
    for bytes in
        ["\x0b", "\x1c\r", "\x0b\x1c\r", "\x0b\x0b\x0b", "\x1c\x1c\r\r", "\r\r\n", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"]
    {
        add(format!("{bytes:?} alone"), bytes.as_bytes().to_vec());
        add(format!("{bytes:?} before a message"), [bytes.as_bytes(), &framed(good.as_bytes())].concat());
        add(format!("{bytes:?} after a message"), [&framed(good.as_bytes())[..], bytes.as_bytes()].concat());
    }
    add("a message without a frame".into(), good.clone().into_bytes());
    add("a frame without an end".into(), [b"\x0b", good.as_bytes()].concat());
    add("a frame that begins within a frame".into(), [b"\x0b", good.as_bytes(), &framed(good.as_bytes())].concat());
    // Headers: delimiters that are letters, the same, none, control characters; no fields; a field a hundred times.
    for marks in
        ["", "|", "||||", "^^^^", "MSHMSH", "\\\\\\\\", "~^&\\", "\0\0\0\0", "\u{1b}[31m", "ééééé", "&&&&&", "^~\\&#"]
    {
        for cut in ["|", "A", " ", "\0", "^", "é", "\u{202e}"] {
            let name = format!("a header with {cut:?} between fields and the marks {marks:?}");
            add(name, framed(format!("MSH{cut}{marks}{cut}LAB{cut}{cut}{cut}{cut}20260601{cut}{cut}ORU^R01{cut}x{cut}P{cut}2.5\rPID{cut}1{cut}{cut}7\r").as_bytes()));
        }
    }
    // Versions, kinds, times, character sets that are none.
    for (place, odd) in [
        (7, "99999999"),
        (7, "2999"),
        (7, "-1"),
        (9, "^^^^^"),
        (9, "ADT^A99"),
        (9, "ACK^A01"),
        (12, "9.9.9"),
        (12, "x"),
        (18, "UTF-32"),
        (18, "\0"),
        (15, "AL"),
        (11, "D"),
    ] {
        let mut fields: Vec<&str> = header.trim_end().split('|').collect();
        fields.resize(20, "");
        fields[place - 1] = odd;
        let name = format!("MSH-{place} is {odd:?}");
        add(name, framed(format!("{}\rPID|1||7^^^L||A^B\r", fields.join("|")).as_bytes()));
    }
    // Bodies: escapes that end lines, headers within, marks of the frame, endless repetition and depth, other alphabets.
    for odd in [
        "\\X0D\\MSH|^~\\&|EVIL",
        "\\X0D0A\\",
        "\\X",
        "\\X0",
        "\\XZZ\\",
        "\\.br\\",
        "\\H\\\\N\\",
        "\\C2842\\",
        "\\M\\",
        "\\Zxyz\\",
        "\rMSH|^~\\&|EVIL|||||||ADT^A01|y|P|2.5\rPID|1||8",
        "\nMSH|^~\\&|EVIL",
        "\0",
        "\u{b}",
        "=cmd|'/c calc'!A1",
        "\u{202e}gnp.exe",
        "\u{1b}]0;owned\u{7}",
        "<script>alert(1)</script>",
        "'; DROP TABLE resource; --",
        "${jndi:ldap://x}",
        "../../etc/passwd",
        "%00",
        "\"\"",
    ] {
        for place in [
            "PID|1||{}^^^L||A^B",
            "PID|1||7^^^L||{}^B",
            "PID|1||7^^^{}||A^B",
            "OBX|1|ST|{}||x||||||F",
            "OBX|1|{}|a||x||||||F",
            "ZZZ|{}",
            "{}",
        ] {
            let name = format!("{odd:?} in {place}");
            add(name, framed(format!("{header}PID|1||7^^^L||A^B\r{}\r", place.replace("{}", odd)).as_bytes()));
        }
    }
    for (text, count) in [
        ("~", 50_000),
        ("^", 50_000),
        ("&", 50_000),
        ("|", 50_000),
        ("\rOBX|1|ST|a||b||||||F", 3_000),
        ("\rPID|1||7", 500),
        ("\\F\\", 20_000),
        ("\r", 50_000),
    ] {
        let name = format!("{text:?} {count} times");
        add(name, framed(format!("{header}PID|1||7^^^L||A{}B\r", text.repeat(count)).as_bytes()));
    }
    // The same number for many messages, acknowledgements of nothing, files whose counts are not true, clocks that are off.
    let many = |one: &dyn Fn(usize) -> String| (0..40).flat_map(|it| framed(one(it).as_bytes())).collect::<Vec<u8>>();
    add("one number for forty messages".into(), many(&|it| oru("same", &format!("Byron^A{it}"))));
    add("the same message forty times".into(), many(&|_| oru("twice", "Byron^Ada")));
    let ack = |it| format!("MSH|^~\\&|L|L|E|R|2026||ACK|a{it}|P|2.5\rMSA|AA|{it}\r");
    add("forty acknowledgements of nothing".into(), many(&ack));
    for (count, end) in [("99999999999999999999", "1"), ("-1", "x"), ("", ""), ("0", "0"), ("2", "2")] {
        let text = format!("FHS|^~\\&|L\rBHS|^~\\&|L\r{good}BTS|{count}\rFTS|{end}\r");
        add(format!("a file that counts {count:?} messages and {end:?} batches"), framed(text.as_bytes()));
    }
    for (what, text) in
        [("no end", "FHS|^~\\&\rBHS|^~\\&\r"), ("no beginning", "BTS|1\rFTS|1\r"), ("nothing", "FHS|^~\\&\rFTS|0\r")]
    {
        add(format!("a file with {what}"), framed(text.as_bytes()));
    }
    for sent in
        ["29991231235959", "00010101", "19000229", "20260601250000", "2026060110000099999999", "20260601100000+9999"]
    {
        add(format!("sent at {sent}"), framed(good.replacen("20260601100000", sent, 1).as_bytes()));
    }
    for bytes in [&b"\xff\xfe\x00"[..], b"\xfe\xff", b"\xef\xbb\xbf", b"\xc3\x28", b"\xf0\x9f", b"\x80\x81\x82"] {
        add(format!("{bytes:02x?} in a name"), framed(&[header.as_bytes(), b"PID|1||7^^^L||", bytes, b"\r"].concat()));
        add(format!("{bytes:02x?} before MSH"), framed(&[bytes, good.as_bytes()].concat()));
    }
    all
}

#[test]
fn nothing_that_comes_keeps_the_next_message_from_being_answered() {
    let lab = Lab::open("largest_bytes = 400000\n");
    let attacks = attacks();
    println!("{} attacks", attacks.len());
    assert!(attacks.len() >= 200);
    let names: std::collections::BTreeSet<&String> = attacks.iter().map(|it| &it.0).collect();
    assert_eq!(names.len(), attacks.len(), "every attack has a name of its own");
    for (number, (name, bytes)) in attacks.iter().enumerate() {
        let mut line = lab.line();
        // The other side may close a line that makes no sense.
        let _ = line.write_all(bytes);
        drop(line);
        if number % 10 == 0 {
            let said = send(&mut lab.line(), oru(&format!("ok-{number}"), "Byron^Ada").as_bytes());
            assert!(
                said.as_ref().is_some_and(|it| it.contains("MSA|AA|ok-")),
                "after {name} or one of the nine before: {said:?}"
            );
        }
    }
    // A byte at a time, and lines that say nothing, beside one that works.
    let silent: Vec<TcpStream> = (0..200).map(|_| lab.line()).collect();
    let mut slow = lab.line();
    for byte in framed(oru("slow", "Byron^Ada").as_bytes()) {
        slow.write_all(&[byte]).unwrap();
    }
    assert!(answer(&mut slow).expect("an answer").contains("MSA|AA|slow"));
    drop(silent);
    // Too large is told, and what follows on the same line is read.
    let mut line = lab.line();
    let large = oru("large", &"x".repeat(500_000));
    assert!(send(&mut line, large.as_bytes()).expect("an answer").contains("MSA|AR|"));
    assert!(send(&mut line, oru("after", "Byron^Ada").as_bytes()).expect("an answer").contains("MSA|AA|after"));
    let log = lab.log();
    assert!(!log.contains("panicked"), "{log}");
}

#[test]
fn what_is_in_a_message_gets_into_no_line_of_the_log_and_no_segment_of_an_answer() {
    let odd = [
        "\u{1b}[2Jx",
        "=HYPERLINK(1)",
        "+1+1",
        "@SUM(1)",
        "\u{202e}evil",
        "\u{feff}x",
        "<img src=x>",
        "%0d%0aSet-Cookie: x",
        "\\X0D\\MSA|AA|forged",
        "{{7*7}}",
        "\u{7}\u{8}",
        "a\tb",
    ];
    let lab = Lab::open("");
    let mut count = 0;
    for (at, odd) in odd.iter().enumerate() {
        for place in ["control", "name", "sender", "facility", "result"] {
            let control = if place == "control" { format!("{odd}{at}") } else { format!("i{place}{at}") };
            let mut message = oru(&control, if place == "name" { odd } else { "Secretname^Ada" });
            if place == "sender" {
                message = message.replacen("|LAB|LAKE", &format!("|{odd}|LAKE"), 1);
            }
            if place == "facility" {
                message = message.replacen("|LAB|LAKE", &format!("|LAB|{odd}"), 1);
            }
            if place == "result" {
                message = message.replace("|NM|", "|ST|").replace("||4.1|", &format!("||{odd}|"));
            }
            let said = send(&mut lab.line(), message.as_bytes()).expect("an answer");
            assert_eq!(said.split('\r').filter(|it| it.starts_with("MSA|")).count(), 1, "{said:?}");
            count += 1;
        }
    }
    assert!(count >= 60);
    let log = lab.log();
    for it in odd.iter().filter(|it| it.len() > 4) {
        assert!(!log.contains(it), "{it:?} is in the log");
    }
    assert!(!log.contains("Secretname") && !log.contains('\u{1b}'), "{log}");
}
