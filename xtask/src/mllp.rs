//! A line for HL7 v2 messages as a laboratory or a hospital holds one: a message out, its acknowledgement back. Written
//! apart from the program, so that both cannot be wrong in the same way.

use std::io;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub struct Line {
    stream: TcpStream,
}

impl Line {
    pub async fn open(address: &str) -> io::Result<Line> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Line { stream })
    }

    /// Sends a message and gives the code of its acknowledgement: `AA`, `AE`, `AR`.
    pub async fn send(&mut self, message: &str) -> io::Result<String> {
        self.stream.write_all(&[b"\x0b", message.as_bytes(), b"\x1c\r"].concat()).await?;
        let mut answer = Vec::with_capacity(512);
        let mut piece = [0; 2048];
        while !answer.ends_with(b"\x1c\r") {
            match self.stream.read(&mut piece).await? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => answer.extend_from_slice(&piece[..count]),
            }
        }
        let answer = String::from_utf8_lossy(&answer);
        let code = answer.split('\r').find_map(|it| it.strip_prefix("MSA|")).and_then(|it| it.split('|').next());
        code.map(str::to_owned).ok_or_else(|| io::Error::other("the answer has no MSA"))
    }
}

/// A moment as HL7 writes it, so many seconds after the beginning of 2026.
pub fn moment(seconds: u64) -> String {
    let (day, second) = (seconds / 86_400, seconds % 86_400);
    let (month, day) = (day / 28 % 12 + 1, day % 28 + 1);
    format!("2026{month:02}{day:02}{:02}{:02}{:02}", second / 3600, second / 60 % 60, second % 60)
}

const FAMILIES: [&str; 25] = [
    "Abara", "Bonnet", "Castile", "Dvorak", "Eriksen", "Fontana", "Grieg", "Hossain", "Iwata", "Jansen", "Kowal",
    "Lemaire", "Mbeki", "Novak", "Ortega", "Petrov", "Quist", "Rossi", "Sato", "Tanaka", "Ueda", "Varga", "Weiss",
    "Xiong", "Yilmaz",
];
const GIVEN: [&str; 20] = [
    "Chidi", "Odile", "Iago", "Milena", "Tove", "Renzo", "Solveig", "Rafiq", "Kenji", "Wim", "Zofia", "Aude", "Thabo",
    "Petra", "Lucia", "Yuri", "Hedda", "Paolo", "Mika", "Sena",
];

/// PID of somebody: five hundred people with names and days of birth of their own. Were they all called alike, the
/// record would take them for one person, as it should.
fn pid(patient: &str) -> String {
    let number = patient.rsplit('-').next().and_then(|it| it.parse::<usize>().ok()).unwrap_or(0);
    let (family, given) = (FAMILIES[number % FAMILIES.len()], GIVEN[number / FAMILIES.len() % GIVEN.len()]);
    let born = format!("19{}{:02}{:02}", 30 + number * 7 % 60, number % 12 + 1, number % 27 + 1);
    format!("PID|1||{patient}^^^LOAD^MR||{family}^{given}||{born}|F")
}

/// A panel of three results of a patient. `mark` is the number of the message and of the order at the laboratory.
pub fn oru(mark: &str, patient: &str, sent: u64, value: f64) -> String {
    let at = moment(sent);
    let results = [("2823-3", "Potassium", 4.1), ("2951-2", "Sodium", 140.0), ("2345-7", "Glucose", 92.0)];
    let obx: String = results
        .iter()
        .enumerate()
        .map(|(place, (code, name, usual))| {
            format!("OBX|{}|NM|{code}^{name}^LN||{:.1}|mmol/L|3.5-5.1|N|||F|||{at}\r", place + 1, usual + value)
        })
        .collect();
    format!(
        "MSH|^~\\&|LAB|LOAD|EHR|TRIAL|{at}||ORU^R01^ORU_R01|{mark}|P|2.5.1\r\
         {}\r\
         OBR|1||{mark}^LOAD|24326-1^Electrolytes^LN|||{at}|||||||||||||||{at}||LAB|F\r{obx}",
        pid(patient)
    )
}

/// An update of a patient whose counter says how often there was one.
pub fn adt(mark: &str, patient: &str, sent: u64, counter: u64) -> String {
    let at = moment(sent);
    format!(
        "MSH|^~\\&|ADT|LOAD|EHR|TRIAL|{at}||ADT^A08^ADT_A01|{mark}|P|2.5.1\rEVN|A08|{at}\r\
         {}|||||||||||||||||{counter}\r",
        pid(patient)
    )
}
