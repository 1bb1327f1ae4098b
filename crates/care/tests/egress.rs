//! Which addresses the server may be made to call: every way we know of writing an address that is not what it seems.

use care::egress::{Policy, Refused, is_public};
use std::net::IpAddr;

/// Refused before any name is looked up.
const REFUSED: &[&str] = &[
    // This machine.
    "https://127.0.0.1/",
    "https://127.0.0.1:8443/keys",
    "https://127.1/",
    "https://127.0.1/",
    "https://127.255.255.254/",
    "https://0.0.0.0/",
    "https://0/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://0177.0.0.1/",
    "https://017700000001/",
    "https://0x7f.1/",
    "https://127.0.0.1./",
    "https://[::1]/",
    "https://[0:0:0:0:0:0:0:1]/",
    "https://[::]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[0:0:0:0:0:ffff:127.0.0.1]/",
    "https://[::127.0.0.1]/",
    "https://localhost/",
    "https://LOCALHOST/",
    "https://localhost./",
    "https://a.localhost/",
    "https://localhost.localdomain/",
    "https://１２７.0.0.1/",
    "https://①②⑦.0.0.1/",
    "https://127。0。0。1/",
    "https://%31%32%37.0.0.1/",
    // Networks of one's own.
    "https://10.0.0.1/",
    "https://10.255.255.255/",
    "https://10.1/",
    "https://0xa000001/",
    "https://012.0.0.1/",
    "https://167772161/",
    "https://172.16.0.1/",
    "https://172.31.255.255/",
    "https://192.168.0.1/",
    "https://192.168.1/",
    "https://3232235521/",
    "https://0xc0a80001/",
    "https://100.64.0.1/",
    "https://100.127.255.255/",
    "https://198.18.0.1/",
    "https://198.19.255.255/",
    "https://192.0.0.1/",
    "https://192.0.0.170/",
    "https://[fc00::1]/",
    "https://[fd12:3456:789a::1]/",
    "https://[::ffff:10.0.0.1]/",
    "https://[::ffff:192.168.0.1]/",
    "https://[64:ff9b::10.0.0.1]/",
    "https://[2002:a00:1::]/",
    "https://[2002:7f00:1::]/",
    "https://[2002:c0a8:1::1]/",
    "https://[64:ff9b:1::1]/",
    // Metadata of clouds.
    "https://169.254.169.254/latest/meta-data/",
    "https://169.254.170.2/",
    "https://2852039166/",
    "https://0xa9fea9fe/",
    "https://0251.0376.0251.0376/",
    "https://0xa9.0xfe.0xa9.0xfe/",
    "https://169.254.43518/",
    "https://[::ffff:169.254.169.254]/",
    "https://[::ffff:a9fe:a9fe]/",
    "https://[fe80::1]/",
    "https://[febf::1]/",
    "https://[fd00:ec2::254]/",
    "https://100.100.100.200/",
    "https://168.63.129.16/",
    "https://metadata.google.internal/",
    "https://instance-data.ec2.internal/",
    "https://[64:ff9b::a9fe:a9fe]/",
    "https://[2002:a9fe:a9fe::]/",
    // Names inside.
    "https://intranet/",
    "https://db/",
    "https://printer.local/",
    "https://router.lan/",
    "https://nas.home/",
    "https://x.home.arpa/",
    "https://wiki.corp/",
    "https://vault.intranet/",
    "https://kubernetes.default.svc.cluster.local/",
    "https://host.docker.internal/",
    // Neither public nor private: reserved, documentation, many at once.
    "https://224.0.0.1/",
    "https://239.255.255.250/",
    "https://240.0.0.1/",
    "https://255.255.255.255/",
    "https://192.0.2.1/",
    "https://198.51.100.1/",
    "https://203.0.113.1/",
    "https://192.88.99.1/",
    "https://[ff02::1]/",
    "https://[2001:db8::1]/",
    "https://[2001::1]/",
    "https://[2001:10::1]/",
    "https://[100::1]/",
    "https://[3fff::1]/",
    "https://[5f00::1]/",
    // Not https.
    "http://keys.example.org/",
    "http://127.0.0.1/",
    "ftp://keys.example.org/",
    "file:///etc/passwd",
    "file://localhost/etc/passwd",
    "gopher://127.0.0.1:6379/_INFO",
    "dict://127.0.0.1:11211/",
    "ldap://127.0.0.1/",
    "jar:https://keys.example.org/a!/",
    "data:,x",
    "javascript:alert(1)",
    "ws://keys.example.org/",
    "blob:https://keys.example.org/x",
    "unix:/var/run/docker.sock",
    "netdoc:///etc/passwd",
    // Someone else's host behind ours.
    "https://keys.example.org@127.0.0.1/",
    "https://keys.example.org:443@10.0.0.1/",
    "https://user:pass@keys.example.org/",
    "https://user@keys.example.org/",
    "https://@keys.example.org/",
    "https://:@keys.example.org/",
    "https://keys.example.org%40evil.example/",
    // Not quite addresses.
    "",
    " ",
    "keys.example.org",
    "//keys.example.org/",
    "/keys",
    "https:",
    "https://",
    "https:///",
    "https:///keys.example.org/",
    "https:keys.example.org",
    "https:/keys.example.org",
    "https:\\\\keys.example.org\\",
    "https://keys.example.org\\@evil.example/",
    "https://keys.example.org /",
    " https://keys.example.org/",
    "https://keys.exa\tmple.org/",
    "https://keys.example.org/\r\nHost: evil",
    "https://keys.example.org/\u{0}",
    "https://keys.example.org:0/",
    "https://keys.example.org:99999/",
    "https://keys.example.org:x/",
    "https://[::1/",
    "https://[::g]/",
    "https://[fe80::1%25eth0]/",
    "https://256.256.256.256/",
    "https://1.2.3.4.5/",
    "https://0x100000000/",
    "https://exämple.org/",
    "https://keys.example.org/ä",
];

#[test]
fn addresses_that_lead_inside_are_refused_however_they_are_written() {
    assert!(REFUSED.len() >= 120, "{}", REFUSED.len());
    let policy = Policy::default();
    for address in REFUSED {
        let refused = policy.target(address);
        assert!(refused.is_err(), "{address:?} became {refused:?}");
    }
}

#[test]
fn public_addresses_are_called_as_they_are_written() {
    let policy = Policy::default();
    for (address, origin, port) in [
        ("https://keys.example.org/jwks", "https://keys.example.org", 443),
        ("https://keys.example.org:8443/a?b=c", "https://keys.example.org:8443", 8443),
        ("https://KEYS.example.org/", "https://keys.example.org", 443),
        ("https://8.8.8.8/", "https://8.8.8.8", 443),
        ("https://[2606:4700:4700::1111]/", "https://[2606:4700:4700::1111]", 443),
        ("https://[64:ff9b::808:808]/", "https://[64:ff9b::808:808]", 443),
        ("https://10.0.0.1.example.org/", "https://10.0.0.1.example.org", 443),
        ("https://locals.example/", "https://locals.example", 443),
    ] {
        let target = policy.target(address).unwrap_or_else(|refused| panic!("{address}: {refused}"));
        assert_eq!((target.origin.as_str(), target.port, target.trusted), (origin, port, false));
    }
}

#[test]
fn a_name_is_judged_again_when_its_addresses_are_known() {
    let policy = Policy::default();
    let target = policy.target("https://rebound.example.org/").unwrap();
    let check = |addresses: &[&str]| {
        let addresses: Vec<IpAddr> = addresses.iter().map(|it| it.parse().unwrap()).collect();
        policy.check(&target, &addresses)
    };
    assert_eq!(check(&["93.184.216.34", "2606:2800:220:1::1"]), Ok(()));
    assert_eq!(check(&[]), Err(Refused::NoSuchName));
    // One that leads inside spoils the rest: the next look-up may put it first.
    for inside in ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fd00::1", "::ffff:127.0.0.1", "0.0.0.0"] {
        assert_eq!(check(&["93.184.216.34", inside]), Err(Refused::Address), "{inside}");
        assert!(!is_public(inside.parse().unwrap()), "{inside}");
    }
}

#[test]
fn what_the_operator_names_may_be_called_exactly_as_named() {
    let policy = Policy::allowing("http://10.0.0.5:8080 https://keys.hospital.internal").unwrap();
    let trusted = |address: &str| policy.target(address).is_ok_and(|it| it.trusted);
    assert!(trusted("http://10.0.0.5:8080/keys") && trusted("https://keys.hospital.internal/x"));
    let target = policy.target("http://10.0.0.5:8080/keys").unwrap();
    assert_eq!(policy.check(&target, &["10.0.0.5".parse().unwrap()]), Ok(()));
    for beside in [
        "http://10.0.0.5/",
        "http://10.0.0.5:80/",
        "https://10.0.0.5:8080/",
        "http://10.0.0.6:8080/",
        "http://10.0.0.5:8080@evil.example/",
        "http://10.0.0.5:8080.evil.example/",
        "http://keys.hospital.internal/",
        "https://keys.hospital.internal:444/",
        "https://a.keys.hospital.internal/",
        "https://keys.hospital.internal.evil/x y",
    ] {
        assert!(!trusted(beside), "{beside}");
    }
    assert!(Policy::allowing("https://a.example/path").is_err());
    assert!(Policy::allowing("a.example").is_err());
    let closed = Policy { only_allowed: true, ..policy.clone() };
    assert_eq!(closed.target("https://keys.example.org/"), Err(Refused::Origin));
    assert!(closed.target("http://10.0.0.5:8080/").is_ok());
}

#[test]
fn a_redirect_stays_where_it_began() {
    let policy = Policy::default();
    let from = policy.target("https://keys.example.org/a/b").unwrap();
    for same in
        ["/c", "c", "?d=1", "https://keys.example.org/e", "//keys.example.org/f", "https://keys.example.org:443/g"]
    {
        assert!(policy.redirect(&from, same).is_ok(), "{same}");
    }
    for elsewhere in [
        "https://evil.example/",
        "//evil.example/",
        "http://keys.example.org/",
        "https://keys.example.org:444/",
        "https://127.0.0.1/",
        "https://keys.example.org@evil.example/",
        "https://keys.example.org.evil.example/",
        "\\\\evil.example\\",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://a.keys.example.org/",
        "/\\evil.example",
        "https:///evil.example/",
    ] {
        assert_eq!(policy.redirect(&from, elsewhere), Err(Refused::Redirect), "{elsewhere}");
    }
}
