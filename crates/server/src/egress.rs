//! The sockets of outgoing calls. Where a call may go is decided by [`care::egress::Policy`]; here a name is looked up
//! once, its addresses are judged, and the connection is made to just those. Nothing is added to a call: no cookie, no
//! stored password, no proxy of the environment.

use care::egress::{Answer, Ask, Egress, Policy, Refused, Sending, Target};
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper_util::rt::TokioIo;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, RwLock};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use url::Host;

/// How many redirects are followed, all within one origin.
const REDIRECTS: usize = 3;

/// Where systems keep the certificates of the authorities they trust.
const TRUSTED: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Those of the first file there is; `SSL_CERT_FILE` goes before, as for other programs.
pub(crate) fn trusted() -> Vec<CertificateDer<'static>> {
    let named = crate::world::variable("SSL_CERT_FILE");
    let mut files = named.iter().map(String::as_str).chain(TRUSTED);
    let read = files.find_map(|file| CertificateDer::pem_file_iter(file).ok());
    read.into_iter().flatten().filter_map(Result::ok).collect()
}

pub(crate) struct Client {
    policy: Policy,
    tls: TlsConnector,
    /// Connectors that show a certificate of ours, by name.
    identities: RwLock<HashMap<String, TlsConnector>>,
}

impl Client {
    /// Trusts whom this machine trusts.
    pub(crate) fn new(policy: Policy) -> Client {
        let mut roots = RootCertStore::empty();
        let (added, _) = roots.add_parsable_certificates(trusted());
        if added == 0 {
            tracing::debug!("this machine trusts no certificate authority, so no https address can be called");
        }
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring knows the protocol versions that are safe")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Client { policy, tls: TlsConnector::from(Arc::new(config)), identities: RwLock::default() }
    }

    /// Calls that ask for this name are made with this connector: its certificate, and whom it trusts.
    pub(crate) fn present(&self, name: &str, connector: TlsConnector) {
        self.identities.write().expect("no holder panics").insert(name.to_owned(), connector);
    }

    /// How a call is secured. One that should show a certificate is never made without it.
    fn connector(&self, ask: &Ask) -> Result<TlsConnector, Refused> {
        match &ask.identity {
            None => Ok(self.tls.clone()),
            Some(name) => self.identities.read().expect("no holder panics").get(name).cloned().ok_or(Refused::Tls),
        }
    }

    async fn go(&self, ask: Ask) -> Result<Answer, Refused> {
        let granting = ask.leave.as_deref().map(|it| self.policy.granting(it));
        let policy = granting.as_ref().unwrap_or(&self.policy);
        let mut target = policy.target(&ask.address)?;
        for _ in 0..=REDIRECTS {
            let (status, headers, body) = self.once(&target, &ask).await?;
            let text = |name| headers.get(name).and_then(|it| it.to_str().ok());
            match text(header::LOCATION) {
                // Only what changes nothing is asked again elsewhere.
                Some(to) if status.is_redirection() && ask.method == "GET" => target = policy.redirect(&target, to)?,
                _ => {
                    let content_type = text(header::CONTENT_TYPE).unwrap_or_default().to_owned();
                    return Ok(Answer { status: status.as_u16(), content_type, body });
                }
            }
        }
        Err(Refused::Redirect)
    }

    async fn once(&self, target: &Target, ask: &Ask) -> Result<(StatusCode, HeaderMap, bytes::Bytes), Refused> {
        let stream = self.connect(target).await?;
        if target.url.scheme() == "http" {
            return talk(stream, target, ask).await;
        }
        let name = match target.url.host() {
            Some(Host::Domain(name)) => ServerName::try_from(name.to_owned()).map_err(|_| Refused::NotAnAddress)?,
            Some(Host::Ipv4(address)) => ServerName::from(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => ServerName::from(IpAddr::V6(address)),
            None => return Err(Refused::NotAnAddress),
        };
        let stream = self.connector(ask)?.connect(name, stream).await.map_err(|_| Refused::Tls)?;
        talk(stream, target, ask).await
    }

    async fn connect(&self, target: &Target) -> Result<TcpStream, Refused> {
        let addresses: Vec<IpAddr> = match target.url.host() {
            Some(Host::Ipv4(address)) => vec![IpAddr::V4(address)],
            Some(Host::Ipv6(address)) => vec![IpAddr::V6(address)],
            Some(Host::Domain(name)) => {
                let found = tokio::net::lookup_host((name, target.port)).await.map_err(|_| Refused::NoSuchName)?;
                found.map(|it| it.ip()).collect()
            }
            None => return Err(Refused::NotAnAddress),
        };
        self.policy.check(target, &addresses)?;
        for address in addresses {
            if let Ok(stream) = TcpStream::connect(SocketAddr::new(address, target.port)).await {
                return Ok(stream);
            }
        }
        Err(Refused::Unreachable)
    }
}

async fn talk(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    target: &Target,
    ask: &Ask,
) -> Result<(StatusCode, HeaderMap, bytes::Bytes), Refused> {
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|_| Refused::Garbled)?;
    // Ends by itself when the sender is dropped.
    let connection = tokio::spawn(connection);
    let path = &target.url[url::Position::BeforePath..url::Position::AfterQuery];
    let host = &target.url[url::Position::BeforeHost..url::Position::AfterPort];
    let method = Method::from_bytes(ask.method.as_bytes()).map_err(|_| Refused::NotAnAddress)?;
    let mut request =
        Request::builder().method(method).uri(path).header(header::HOST, host).header("user-agent", "Continuo");
    for (name, value) in &ask.headers {
        request = request.header(*name, value);
    }
    let request = request.body(Full::new(ask.body.clone())).map_err(|_| Refused::NotAnAddress)?;
    let answered = async {
        let response = sender.send_request(request).await.map_err(|_| Refused::Garbled)?;
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, ask.limit)
            .collect()
            .await
            .map_err(|error| if error.is::<LengthLimitError>() { Refused::TooLarge } else { Refused::Garbled })?;
        Ok((parts.status, parts.headers, body.to_bytes()))
    };
    let answer = answered.await;
    connection.abort();
    answer
}

impl Egress for Client {
    fn send(&self, ask: Ask) -> Sending<'_> {
        Box::pin(async move {
            let patience = ask.patience;
            tokio::time::timeout(patience, self.go(ask)).await.unwrap_or(Err(Refused::TooSlow))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    /// A server that says the same to everybody, and its origin.
    async fn saying(answer: &'static str) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut read = [0; 2048];
                let _ = stream.read(&mut read).await;
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        origin
    }

    fn allowing(origin: &str) -> Client {
        Client::new(Policy::allowing(origin).unwrap())
    }

    #[tokio::test]
    async fn what_is_allowed_is_fetched_and_nothing_beside_it() {
        let origin = saying("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}").await;
        let client = allowing(&origin);
        let answer = client.send(Ask::get(&format!("{origin}/keys?x=1"))).await.unwrap();
        assert_eq!((answer.status, &*answer.body, answer.content_type.as_str()), (200, &b"{}"[..], "application/json"));
        let closed = Client::new(Policy::default()).send(Ask::get(&origin)).await;
        assert_eq!(closed.unwrap_err(), Refused::Scheme);
        let (named, other) =
            (Client::new(Policy::default()), saying("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await);
        assert_eq!(named.send(Ask::get(&other).granted(&format!("{other}/base"))).await.unwrap().status, 200);
        assert_eq!(named.send(Ask::get(&other).granted(&origin)).await.unwrap_err(), Refused::Scheme);
        assert_eq!(named.send(Ask::get(&other)).await.unwrap_err(), Refused::Scheme, "leave is for one call");
        let small = client.send(Ask::get(&origin).within(1)).await;
        assert_eq!(small.unwrap_err(), Refused::TooLarge);
    }

    /// An authority, and certificates of two sides that it signed; `None` where openssl is not installed.
    fn certificates() -> Option<std::path::PathBuf> {
        let folder = std::env::temp_dir().join(format!("continuo-egress-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let run = |arguments: &str| {
            let run = std::process::Command::new("openssl").args(arguments.split(' ')).current_dir(&folder).output();
            run.is_ok_and(|it| it.status.success())
        };
        const KEY: &str = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
        if !run(&format!("req -x509 {KEY} -days 2 -subj /CN=ours -keyout ours.key -out ours.pem")) {
            return None;
        }
        for (name, names) in [
            ("there", "subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n"),
            ("here", "basicConstraints=CA:FALSE\nextendedKeyUsage=clientAuth\n"),
        ] {
            std::fs::write(folder.join("names"), names).unwrap();
            assert!(run(&format!("req {KEY} -subj /CN={name} -keyout {name}.key -out {name}.csr")));
            assert!(run(&format!(
                "x509 -req -in {name}.csr -CA ours.pem -CAkey ours.key -CAcreateserial -days 2 -extfile names -out {name}.pem"
            )));
        }
        Some(folder)
    }

    #[tokio::test]
    async fn a_call_shows_the_certificate_that_it_asks_for_and_no_other() {
        let Some(folder) = certificates() else {
            eprintln!("openssl is not installed: mutual TLS is not tested");
            return;
        };
        let at = |name: &str| folder.join(name);
        let acceptor = crate::channels::acceptor(&at("there.pem"), &at("there.key"), Some(&at("ours.pem")))
            .map_err(|_| "no acceptor")
            .unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("https://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let mut read = [0; 2048];
                let _ = stream.read(&mut read).await;
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
                let _ = stream.shutdown().await;
            }
        });
        let mut roots = RootCertStore::empty();
        for it in crate::channels::certificates(&at("ours.pem")).map_err(|_| "no certificate").unwrap() {
            roots.add(it).unwrap();
        }
        let own = crate::channels::certificates(&at("here.pem")).map_err(|_| "no certificate").unwrap();
        let key = crate::channels::private_key(&at("here.key")).map_err(|_| "no key").unwrap();
        let builder = |roots: RootCertStore| {
            ClientConfig::builder_with_provider(Arc::new(tokio_rustls::rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_root_certificates(roots)
        };
        let client = allowing(&origin);
        client.present("shows", Arc::new(builder(roots.clone()).with_client_auth_cert(own, key).unwrap()).into());
        client.present("trusts", Arc::new(builder(roots).with_no_client_auth()).into());
        let answer = client.send(Ask::post(&origin, "text/plain", "hello").showing("shows")).await.unwrap();
        assert_eq!((answer.status, &*answer.body), (200, &b"ok"[..]));
        for ask in [Ask::get(&origin).showing("trusts"), Ask::get(&origin).showing("nobody"), Ask::get(&origin)] {
            assert!(client.send(ask).await.is_err(), "who shows nothing is not answered");
        }
        std::fs::remove_dir_all(&folder).ok();
    }

    #[tokio::test]
    async fn an_answer_does_not_lead_us_elsewhere() {
        let elsewhere =
            saying("HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n").await;
        assert_eq!(allowing(&elsewhere).send(Ask::get(&elsewhere)).await.unwrap_err(), Refused::Redirect);
        let round = saying("HTTP/1.1 302 Found\r\nlocation: /again\r\ncontent-length: 0\r\n\r\n").await;
        assert_eq!(allowing(&round).send(Ask::get(&round)).await.unwrap_err(), Refused::Redirect);
    }

    #[tokio::test]
    async fn who_does_not_answer_in_time_is_left() {
        let slow = saying("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nslow").await;
        let ask = Ask { patience: Duration::from_millis(300), ..Ask::get(&slow) };
        assert!(matches!(allowing(&slow).send(ask).await.unwrap_err(), Refused::TooSlow | Refused::Garbled));
        let garbled = saying("nothing of HTTP\r\n\r\n").await;
        assert_eq!(allowing(&garbled).send(Ask::get(&garbled)).await.unwrap_err(), Refused::Garbled);
        let nobody = { tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap() };
        let nobody = format!("http://{nobody}");
        assert_eq!(allowing(&nobody).send(Ask::get(&nobody)).await.unwrap_err(), Refused::Unreachable);
    }
}
