//! A small, fast HTTP/1.1 client for measuring and for tests: one kept-alive connection each, no cookies,
//! no redirects, no TLS. It keeps the loader's share of a small machine low.

use std::io;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Where to send requests: `http://127.0.0.1:8080/riverside/fhir`, and who asks.
#[derive(Clone, Debug)]
pub struct Target {
    /// `127.0.0.1:8080`.
    pub host: String,
    /// `/riverside/fhir`, without a slash at the end.
    pub prefix: String,
    /// Extra header lines, each with its line end.
    pub headers: String,
}

impl Target {
    pub fn parse(base: &str) -> Result<Target, String> {
        let rest = base.strip_prefix("http://").ok_or_else(|| format!("{base} must start with http://"))?;
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let host = if host.contains(':') { host.to_owned() } else { format!("{host}:80") };
        let prefix = if path.is_empty() { String::new() } else { format!("/{}", path.trim_end_matches('/')) };
        Ok(Target { host, prefix, headers: String::new() })
    }

    pub fn bearer(self, token: &str) -> Target {
        self.header("Authorization", &format!("Bearer {token}"))
    }

    pub fn header(mut self, name: &str, value: &str) -> Target {
        self.headers.push_str(&format!("{name}: {value}\r\n"));
        self
    }

    pub fn port(&self) -> u16 {
        self.host.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).unwrap_or(80)
    }
}

pub struct Client {
    target: Target,
    stream: Option<TcpStream>,
    read: Vec<u8>,
    write: Vec<u8>,
}

pub struct Answer {
    pub status: u16,
    /// Status line and header lines.
    pub head: String,
    pub body: Vec<u8>,
}

/// A request with what one request has of its own.
#[derive(Clone, Copy, Default)]
pub struct Request<'a> {
    pub method: &'a str,
    pub path: &'a str,
    /// Header lines of this request, each with its line end.
    pub headers: &'a str,
    /// What the body is; by method when empty.
    pub content: &'a str,
    pub body: Option<&'a [u8]>,
}

impl Answer {
    pub fn json(&self) -> Result<serde_json::Value, String> {
        serde_json::from_slice(&self.body).map_err(|error| format!("the answer is not JSON: {error}"))
    }

    pub fn ok(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The value of a header, by its name in small letters.
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.split("\r\n").filter_map(|line| line.split_once(':'));
        lines.into_iter().find(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }
}

impl Client {
    pub fn new(target: &Target) -> Client {
        Client { target: target.clone(), stream: None, read: Vec::new(), write: Vec::new() }
    }

    pub async fn get(&mut self, path: &str) -> io::Result<Answer> {
        self.send("GET", path, None).await
    }

    /// `path` begins with a slash and is relative to the target. A kept-alive connection that the server
    /// closed meanwhile is opened again once, for reads only: a write might have been done.
    pub async fn send(&mut self, method: &str, path: &str, body: Option<&[u8]>) -> io::Result<Answer> {
        self.ask(Request { method, path, body, ..Request::default() }).await
    }

    pub async fn ask(&mut self, request: Request<'_>) -> io::Result<Answer> {
        let reused = self.stream.is_some();
        match self.once(request).await {
            Err(_) if reused && request.method == "GET" => {
                self.stream = None;
                self.once(request).await
            }
            other => other,
        }
        .inspect_err(|_| self.stream = None)
    }

    async fn once(&mut self, request: Request<'_>) -> io::Result<Answer> {
        let Request { method, path, headers: own, content, body } = request;
        if self.stream.is_none() {
            let stream = TcpStream::connect(&self.target.host).await?;
            stream.set_nodelay(true)?;
            self.stream = Some(stream);
            self.read.clear();
        }
        let stream = self.stream.as_mut().expect("it was just opened");
        self.write.clear();
        let Target { host, prefix, headers } = &self.target;
        // A base without a path is asked at its root.
        let root = if prefix.is_empty() && path.is_empty() { "/" } else { "" };
        let head = format!(
            "{method} {prefix}{path}{root} HTTP/1.1\r\nHost: {host}\r\nAccept: application/fhir+json\r\n{headers}{own}"
        );
        self.write.extend_from_slice(head.as_bytes());
        if let Some(body) = body {
            let kind = match method {
                _ if !content.is_empty() => content,
                "PATCH" => "application/json-patch+json",
                _ => "application/fhir+json",
            };
            self.write
                .extend_from_slice(format!("Content-Type: {kind}\r\nContent-Length: {}\r\n", body.len()).as_bytes());
        }
        self.write.extend_from_slice(b"\r\n");
        self.write.extend_from_slice(body.unwrap_or_default());
        stream.write_all(&self.write).await?;
        let (answer, close) = read_answer(stream, &mut self.read, method == "HEAD").await?;
        if close {
            self.stream = None;
        }
        Ok(answer)
    }
}

async fn more(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<()> {
    if buffer.capacity() - buffer.len() < 16 * 1024 {
        buffer.reserve(64 * 1024);
    }
    match stream.read_buf(buffer).await? {
        0 => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server closed the connection")),
        _ => Ok(()),
    }
}

/// The answer, and whether the server ends the connection after it.
async fn read_answer(stream: &mut TcpStream, buffer: &mut Vec<u8>, bodiless: bool) -> io::Result<(Answer, bool)> {
    let bad = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    let end = loop {
        if let Some(at) = find(buffer, b"\r\n\r\n") {
            break at;
        }
        more(stream, buffer).await?;
    };
    let head = std::str::from_utf8(&buffer[..end]).map_err(|_| bad("the answer's head is not text"))?;
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.get(9..12)?.parse().ok()).ok_or_else(|| bad("no status line"))?;
    let (mut length, mut chunked, mut close) = (None, false, false);
    for line in lines {
        let Some((name, value)) = line.split_once(':') else { continue };
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse::<usize>().ok(),
            "transfer-encoding" => chunked = value.eq_ignore_ascii_case("chunked"),
            "connection" => close = value.eq_ignore_ascii_case("close"),
            _ => {}
        }
    }
    let head = head.to_owned();
    let mut from = end + 4;
    let mut body = Vec::new();
    if bodiless || status == 204 || status == 304 {
        // Nothing follows the head.
    } else if chunked {
        loop {
            let line = loop {
                if let Some(at) = find(&buffer[from..], b"\r\n") {
                    break at;
                }
                more(stream, buffer).await?;
            };
            let size = std::str::from_utf8(&buffer[from..from + line]).ok().and_then(|it| it.split(';').next());
            let size =
                size.and_then(|it| usize::from_str_radix(it.trim(), 16).ok()).ok_or_else(|| bad("no chunk size"))?;
            from += line + 2;
            while buffer.len() < from + size + 2 {
                more(stream, buffer).await?;
            }
            body.extend_from_slice(&buffer[from..from + size]);
            from += size + 2;
            if size == 0 {
                break;
            }
        }
    } else {
        let length = length.ok_or_else(|| bad("neither Content-Length nor chunks"))?;
        while buffer.len() < from + length {
            more(stream, buffer).await?;
        }
        body.extend_from_slice(&buffer[from..from + length]);
        from += length;
    }
    buffer.drain(..from);
    Ok((Answer { status, head, body }, close))
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|it| it == part)
}

/// Percent-encodes what may not stand in a query.
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(byte as char),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    async fn answer(text: &'static str) -> Vec<(u16, String)> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target = Target::parse(&format!("http://{}/fhir", listener.local_addr().unwrap())).unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut seen = vec![0; 4096];
            for _ in 0..2 {
                let _ = stream.read(&mut seen).await.unwrap();
                for part in text.as_bytes().chunks(7) {
                    stream.write_all(part).await.unwrap();
                }
            }
        });
        let mut client = Client::new(&target);
        let mut all = Vec::new();
        for _ in 0..2 {
            let answer = client.get("/Patient/7").await.unwrap();
            all.push((answer.status, String::from_utf8(answer.body).unwrap()));
        }
        all
    }

    #[tokio::test]
    async fn answers_are_read_whole_whichever_way_they_say_their_length() {
        let plain = answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello").await;
        assert_eq!(plain, [(200, "hello".into()), (200, "hello".into())]);
        let chunked =
            answer("HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n")
                .await;
        assert_eq!(chunked, [(404, "hello".into()), (404, "hello".into())]);
    }

    #[test]
    fn a_base_address_is_split_into_host_and_prefix() {
        let target = Target::parse("http://127.0.0.1:8080/riverside/fhir/").unwrap();
        assert_eq!(
            (target.host.as_str(), target.prefix.as_str(), target.port()),
            ("127.0.0.1:8080", "/riverside/fhir", 8080)
        );
        assert_eq!(Target::parse("http://peer").unwrap().port(), 80);
        assert!(Target::parse("https://peer").is_err());
    }
}
