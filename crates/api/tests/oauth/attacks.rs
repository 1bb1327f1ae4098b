//! Attacks on the authorization server, by name: each is refused with the error the standard has for it, and changes
//! nothing: what is on the shelves of the store stays as it was, and the honest client goes on afterwards.
//!
//! RFC 6819, RFC 8725, RFC 9700, SMART App Launch 2.2 (security considerations).

use crate::world::{
    BACK, BASE, ISSUER, OTHER_SECRET, Pair, SECRET, World, basic, challenge, encoded, pairs, parameter, part,
};
use ring::hmac;
use serde_json::{Value, json};

/// Replaces a parameter, or takes it out.
fn with(list: &[(String, String)], name: &str, value: Option<&str>) -> Vec<(String, String)> {
    let mut list: Vec<(String, String)> = list.iter().filter(|(it, _)| it != name).cloned().collect();
    list.extend(value.map(|value| (name.to_owned(), value.to_owned())));
    list
}

const ASKED: &str = "openid launch/patient patient/Observation.rs";

/// (name, what is changed in a good request, the error; `!` where the person is told and not the app).
#[rustfmt::skip]
const AUTHORIZE: &[(&str, &str, Option<&str>, &str)] = &[
    ("no client", "client_id", None, "!invalid_request"),
    ("unknown client", "client_id", Some("nobody"), "!invalid_client"),
    ("client id with a wildcard", "client_id", Some("*"), "!invalid_client"),
    ("client id with SQL", "client_id", Some("public' OR '1'='1"), "!invalid_client"),
    ("client id of enormous length", "client_id", Some(LONG), "!invalid_client"),
    ("no redirect_uri", "redirect_uri", None, "!invalid_request"),
    ("redirect_uri of another client", "redirect_uri", Some("https://other.example/back"), "!invalid_request"),
    ("redirect_uri on another host", "redirect_uri", Some("https://evil.example/back"), "!invalid_request"),
    ("redirect_uri with a longer host", "redirect_uri", Some("https://app.example.evil.example/back"), "!invalid_request"),
    ("redirect_uri with a user", "redirect_uri", Some("https://app.example@evil.example/back"), "!invalid_request"),
    ("redirect_uri with a backslash", "redirect_uri", Some("https://app.example\\@evil.example/back"), "!invalid_request"),
    ("redirect_uri with a longer path", "redirect_uri", Some("https://app.example/back/more"), "!invalid_request"),
    ("redirect_uri with a shorter path", "redirect_uri", Some("https://app.example/"), "!invalid_request"),
    ("redirect_uri with dots", "redirect_uri", Some("https://app.example/x/../back"), "!invalid_request"),
    ("redirect_uri with encoded dots", "redirect_uri", Some("https://app.example/%2e%2e/back"), "!invalid_request"),
    ("redirect_uri with a query", "redirect_uri", Some("https://app.example/back?next=https://evil.example"), "!invalid_request"),
    ("redirect_uri with a fragment", "redirect_uri", Some("https://app.example/back#x"), "!invalid_request"),
    ("redirect_uri in other case", "redirect_uri", Some("https://APP.example/back"), "!invalid_request"),
    ("redirect_uri with a port", "redirect_uri", Some("https://app.example:443/back"), "!invalid_request"),
    ("redirect_uri without TLS", "redirect_uri", Some("http://app.example/back"), "!invalid_request"),
    ("redirect_uri with a slash more", "redirect_uri", Some("https://app.example/back/"), "!invalid_request"),
    ("redirect_uri with a space", "redirect_uri", Some("https://app.example/back "), "!invalid_request"),
    ("redirect_uri with a line break", "redirect_uri", Some("https://app.example/back\r\nSet-Cookie: a=b"), "!invalid_request"),
    ("redirect_uri that is a script", "redirect_uri", Some("javascript:alert(1)"), "!invalid_request"),
    ("redirect_uri that is data", "redirect_uri", Some("data:text/html,x"), "!invalid_request"),
    ("redirect_uri of a lookalike host", "redirect_uri", Some("https://аpp.example/back"), "!invalid_request"),
    ("no response_type", "response_type", None, "invalid_request"),
    ("implicit flow", "response_type", Some("token"), "unsupported_response_type"),
    ("identity token in front", "response_type", Some("id_token"), "unsupported_response_type"),
    ("hybrid flow", "response_type", Some("code token"), "unsupported_response_type"),
    ("answer in the fragment", "response_mode", Some("fragment"), "invalid_request"),
    ("answer posted elsewhere", "response_mode", Some("form_post"), "invalid_request"),
    ("answer to another window", "response_mode", Some("web_message"), "invalid_request"),
    ("request object without signature", "request", Some("eyJhbGciOiJub25lIn0.e30."), "invalid_request"),
    ("request object at an address", "request_uri", Some("http://169.254.169.254/latest"), "invalid_request"),
    ("no state", "state", None, "invalid_request"),
    ("empty state", "state", Some(""), "invalid_request"),
    ("state of enormous length", "state", Some(LONG), "invalid_request"),
    ("no PKCE", "code_challenge", None, "invalid_request"),
    ("PKCE without method", "code_challenge_method", None, "invalid_request"),
    ("plain PKCE", "code_challenge_method", Some("plain"), "invalid_request"),
    ("PKCE method in other case", "code_challenge_method", Some("s256"), "invalid_request"),
    ("challenge too short", "code_challenge", Some("abc"), "invalid_request"),
    ("challenge too long", "code_challenge", Some(LONG), "invalid_request"),
    ("challenge with odd letters", "code_challenge", Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM"), "invalid_request"),
    ("no aud", "aud", None, "invalid_request"),
    ("aud of another server", "aud", Some("https://evil.example/fhir"), "invalid_request"),
    ("aud of another organisation", "aud", Some("https://ehr.example/lakeside/fhir"), "invalid_request"),
    ("aud that begins like ours", "aud", Some("https://ehr.example/clinic/fhir.evil.example"), "invalid_request"),
    ("aud of the issuer", "aud", Some(ISSUER), "invalid_request"),
    ("resource of another server", "resource", Some("https://evil.example/fhir"), "invalid_request"),
    ("no scope", "scope", None, "invalid_scope"),
    ("scopes beyond the registered", "scope", Some("user/Patient.cud"), "invalid_scope"),
    ("system scopes for a person", "scope", Some("system/*.cruds"), "invalid_scope"),
    ("scopes that are none", "scope", Some("admin root *"), "invalid_scope"),
    ("scopes with control letters", "scope", Some("openid\u{0} patient/*.rs"), "invalid_scope"),
    ("scopes of enormous length", "scope", Some(LONG), "invalid_scope"),
    ("scope with a chained search", "scope", Some("patient/Observation.rs?subject.name=x"), "invalid_scope"),
    ("scope with a search that looks elsewhere", "scope", Some("patient/Observation.rs?_has:Group:member:_id=1"), "invalid_scope"),
    ("launch scope without a launch", "scope", Some("launch openid"), "invalid_request"),
    ("launch without its scope", "launch", Some("x"), "invalid_request"),
    ("silent sign-in", "prompt", Some("none"), "login_required"),
    ("nonce of enormous length", "nonce", Some(LONG), "invalid_request"),
];

const LONG: &str = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";

/// Three thousand letters in place of the mark of length.
fn long(value: Option<&str>) -> Option<String> {
    value.map(|it| if it == LONG { LONG.repeat(200) } else { it.to_owned() })
}

#[tokio::test]
async fn questions_that_are_not_safe_to_answer_are_refused() {
    let world = World::new().await;
    let good = world.asking("public", ASKED);
    let before = world.state().await;
    for (name, parameter_name, value, error) in AUTHORIZE {
        let value = long(*value);
        let got = world.authorize(&with(&good, parameter_name, value.as_deref())).await;
        match error.strip_prefix('!') {
            Some(error) => {
                assert_eq!((got.status, got.error().as_str()), (400, error), "{name}: {}", got.text);
                assert_eq!(got.header("location"), "", "{name}");
                // What was sent is not shown again.
                assert!(!got.text.contains("evil"), "{name}: {}", got.text);
            }
            None => {
                assert_eq!((got.status, got.error().as_str()), (303, *error), "{name}: {}", got.header("location"));
                let back = got.header("location");
                assert!(back.starts_with(&format!("{BACK}?error=")), "{name}: {back}");
                assert_eq!(parameter(back, "iss").unwrap(), ISSUER, "{name}");
                assert_eq!(parameter(back, "code"), None, "{name}");
            }
        }
    }
    // Given twice, whichever is meant.
    for twice in ["client_id", "redirect_uri", "scope", "state", "aud", "code_challenge"] {
        let mut asking = good.clone();
        let again = asking.iter().find(|(name, _)| name == twice).unwrap().clone();
        asking.push(again);
        let got = world.authorize(&asking).await;
        assert_eq!((got.status, got.error().as_str()), (400, "invalid_request"), "{twice} twice");
    }
    // By POST the parameters are in the body alone.
    let path = format!("/clinic/auth/authorize?{}", encoded(&good));
    let form = [("content-type", "application/x-www-form-urlencoded")];
    assert_eq!(world.send("POST", &path, &form, "").await.is(400).error(), "invalid_request");
    assert_eq!(world.state().await, before);
    // A client that acts for itself asks no person.
    let mut lab = world.asking("public", ASKED);
    lab[1].1 = "lab".into();
    assert_eq!(world.authorize(&lab).await.is(400).error(), "invalid_request");
    world.agree("okafor", &good, Some("p1")).await;
}

/// (name, what is changed in a good exchange, the error).
#[rustfmt::skip]
const EXCHANGE: &[(&str, &str, Option<&str>, u16, &str)] = &[
    ("no grant type", "grant_type", None, 400, "invalid_request"),
    ("password grant", "grant_type", Some("password"), 400, "unsupported_grant_type"),
    ("token exchange", "grant_type", Some("urn:ietf:params:oauth:grant-type:token-exchange"), 400, "unsupported_grant_type"),
    ("device grant", "grant_type", Some("urn:ietf:params:oauth:grant-type:device_code"), 400, "unsupported_grant_type"),
    ("grant for programs by an app", "grant_type", Some("client_credentials"), 400, "unauthorized_client"),
    ("no code", "code", None, 400, "invalid_request"),
    ("guessed code", "code", Some("guess"), 400, "invalid_grant"),
    ("code with SQL", "code", Some("' OR 1=1 --"), 400, "invalid_grant"),
    ("code of enormous length", "code", Some(LONG), 400, "invalid_grant"),
    ("no redirect_uri", "redirect_uri", None, 400, "invalid_request"),
    ("another redirect_uri", "redirect_uri", Some("https://evil.example/back"), 400, "invalid_grant"),
    ("redirect_uri with a slash more", "redirect_uri", Some("https://app.example/back/"), 400, "invalid_grant"),
    ("no verifier", "code_verifier", None, 400, "invalid_request"),
    ("empty verifier", "code_verifier", Some(""), 400, "invalid_request"),
    ("another verifier", "code_verifier", Some("another-verifier-that-has-more-than-forty-three-letters"), 400, "invalid_grant"),
    ("short verifier", "code_verifier", Some("short"), 400, "invalid_grant"),
    ("long verifier", "code_verifier", Some(LONG), 400, "invalid_grant"),
    ("challenge as verifier", "code_verifier", Some("CHALLENGE"), 400, "invalid_grant"),
    ("no client", "client_id", None, 401, "invalid_client"),
    ("unknown client", "client_id", Some("nobody"), 401, "invalid_client"),
    ("another client without its secret", "client_id", Some("conf"), 401, "invalid_client"),
    ("a program without its key", "client_id", Some("lab"), 401, "invalid_client"),
    ("secret of a client that has none", "client_secret", Some("x"), 401, "invalid_client"),
    ("empty secret of a client that has none", "client_secret", Some(""), 401, "invalid_client"),
    ("assertion of a client that has no key", "client_assertion", Some("a.b.c"), 401, "invalid_client"),
    ("assertion type alone", "client_assertion_type", Some("x"), 400, "invalid_request"),
];

#[tokio::test]
async fn codes_are_exchanged_by_whom_they_were_given_to_and_nobody_else() {
    let world = World::new().await;
    let code = world.code("public", ASKED).await;
    let good = world.exchanging("public", &code);
    let before = world.state().await;
    for (name, parameter, value, status, error) in EXCHANGE {
        let value = match *value {
            Some("CHALLENGE") => Some(challenge(crate::world::VERIFIER)),
            value => long(value),
        };
        let got = world.post("token", &[], &with(&good, parameter, value.as_deref())).await;
        assert_eq!((got.status, got.error().as_str()), (*status, *error), "{name}: {}", got.text);
        assert_eq!(got.header("cache-control"), "no-store", "{name}");
        assert_eq!(world.state().await, before, "{name}");
    }

    // How it is sent.
    let text = encoded(&good);
    let form = ("content-type", "application/x-www-form-urlencoded");
    #[rustfmt::skip]
    let sent: &[(&str, &str, &str, &[(&str, &str)], String, u16)] = &[
        ("in the address", "POST", "/clinic/auth/token?TEXT", &[form], String::new(), 400),
        ("partly in the address", "POST", "/clinic/auth/token?client_id=public", &[form], text.clone(), 400),
        ("by GET", "GET", "/clinic/auth/token?TEXT", &[], String::new(), 405),
        ("by PUT", "PUT", "/clinic/auth/token", &[form], text.clone(), 405),
        ("as JSON", "POST", "/clinic/auth/token", &[("content-type", "application/json")], json!({ "grant_type": "authorization_code" }).to_string(), 400),
        ("as text", "POST", "/clinic/auth/token", &[("content-type", "text/plain")], text.clone(), 400),
        ("without a type", "POST", "/clinic/auth/token", &[], text.clone(), 400),
        ("as two types", "POST", "/clinic/auth/token", &[form, ("content-type", "text/plain")], text.clone(), 400),
        ("in another alphabet", "POST", "/clinic/auth/token", &[("content-type", "application/x-www-form-urlencoded; charset=utf-7")], text.clone(), 400),
        ("compressed", "POST", "/clinic/auth/token", &[form, ("content-encoding", "gzip")], text.clone(), 400),
        ("too large", "POST", "/clinic/auth/token", &[form], format!("{text}&x={}", "y".repeat(100_000)), 400),
        ("damaged", "POST", "/clinic/auth/token", &[form], format!("{text}&x=%zz"), 400),
        ("code twice", "POST", "/clinic/auth/token", &[form], format!("{text}&code=guess"), 400),
        ("client twice", "POST", "/clinic/auth/token", &[form], format!("{text}&client_id=conf"), 400),
        ("grant type twice", "POST", "/clinic/auth/token", &[form], format!("{text}&grant_type=refresh_token"), 400),
        ("nobody's address", "POST", "/nowhere/auth/token", &[form], text.clone(), 404),
    ];
    for (name, method, path, headers, body, status) in sent {
        let got = world.send(method, &path.replace("TEXT", &text), headers, body.clone()).await;
        assert_eq!(got.status, *status, "{name}: {}", got.text);
        if *status == 400 {
            assert_eq!(got.error(), "invalid_request", "{name}: {}", got.text);
        }
        assert_eq!(world.state().await, before, "{name}");
    }

    // Who it is.
    let right = basic("conf", SECRET);
    let conf = with(&good, "client_id", None);
    #[rustfmt::skip]
    let proofs: &[(&str, Vec<(&str, String)>, Vec<(String, String)>, u16, &str)] = &[
        ("another client's code", vec![("authorization", right.clone())], conf.clone(), 400, "invalid_grant"),
        ("wrong secret", vec![("authorization", basic("conf", "wrong"))], conf.clone(), 401, "invalid_client"),
        ("another client's secret", vec![("authorization", basic("conf", OTHER_SECRET))], conf.clone(), 401, "invalid_client"),
        ("the digest of the secret", vec![("authorization", basic("conf", &"ab".repeat(32)))], conf.clone(), 401, "invalid_client"),
        ("no secret", vec![("authorization", basic("conf", ""))], conf.clone(), 401, "invalid_client"),
        ("two clients", vec![("authorization", right.clone())], good.clone(), 400, "invalid_request"),
        ("two proofs", vec![("authorization", right.clone())], with(&conf, "client_secret", Some(SECRET)), 400, "invalid_request"),
        ("two headers", vec![("authorization", right.clone()), ("authorization", basic("other", OTHER_SECRET))], conf.clone(), 400, "invalid_request"),
        ("bearer as proof", vec![("authorization", "Bearer x".into())], conf.clone(), 401, "invalid_client"),
        ("damaged header", vec![("authorization", "Basic !!!".into())], conf.clone(), 401, "invalid_client"),
        ("header without a colon", vec![("authorization", "Basic Y29uZg==".into())], conf.clone(), 401, "invalid_client"),
        ("public client with a secret", vec![("authorization", basic("public", "x"))], conf.clone(), 401, "invalid_client"),
        ("program with a secret", vec![("authorization", basic("lab", "x"))], conf.clone(), 401, "invalid_client"),
        ("secret and key", vec![], with(&with(&good, "client_secret", Some("x")), "client_assertion", Some("a.b.c")), 400, "invalid_request"),
    ];
    for (name, headers, form, status, error) in proofs {
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let got = world.post("token", &headers, form).await;
        assert_eq!((got.status, got.error().as_str()), (*status, *error), "{name}: {}", got.text);
        assert!(!got.text.contains(SECRET), "{name}");
        assert_eq!(world.state().await, before, "{name}");
    }
    // The honest app goes on.
    world.post("token", &[], &good).await.is(200);

    // Too late.
    let late = world.exchanging("public", &world.code("public", ASKED).await);
    world.later(61);
    assert_eq!(world.post("token", &[], &late).await.is(400).error(), "invalid_grant");
}

/// Changes a statement of the laboratory before it is signed: (name, header or claims, member, value; null takes it out).
fn statements(world: &World) -> Vec<(&'static str, bool, &'static str, Value)> {
    let seconds = world.now() / 1_000_000;
    let evil = json!({ "kty": "EC", "crv": "P-384", "x": "AA", "y": "AA" });
    vec![
        ("no algorithm", true, "alg", Value::Null),
        ("algorithm in other case", true, "alg", json!("es384")),
        ("weaker algorithm", true, "alg", json!("ES256")),
        ("RSA named for an EC key", true, "alg", json!("RS384")),
        ("algorithm that is a number", true, "alg", json!(384)),
        ("no kid", true, "kid", Value::Null),
        ("unknown kid", true, "kid", json!("k2")),
        ("kid that is a path", true, "kid", json!("../../../../dev/null")),
        ("kid that is SQL", true, "kid", json!("k1' UNION SELECT 'x")),
        ("kid that is a number", true, "kid", json!(1)),
        ("key in the header", true, "jwk", evil),
        ("address of keys elsewhere", true, "jku", json!("https://evil.example/keys")),
        ("address of keys inside", true, "jku", json!("http://169.254.169.254/keys")),
        ("certificate elsewhere", true, "x5u", json!("https://evil.example/cert")),
        ("certificate in the header", true, "x5c", json!(["MIIB"])),
        ("critical extension", true, "crit", json!(["exp"])),
        ("unencoded payload", true, "b64", json!(false)),
        ("compressed payload", true, "zip", json!("DEF")),
        ("another type", true, "typ", json!("at+jwt")),
        ("no issuer", false, "iss", Value::Null),
        ("another issuer", false, "iss", json!("conf")),
        ("no subject", false, "sub", Value::Null),
        ("another subject", false, "sub", json!("conf")),
        ("a list as subject", false, "sub", json!(["lab"])),
        ("no audience", false, "aud", Value::Null),
        ("audience of another server", false, "aud", json!("https://evil.example/token")),
        ("audience of the FHIR server", false, "aud", json!(format!("{BASE}/fhir"))),
        ("audience that begins like ours", false, "aud", json!(format!("{ISSUER}/token/x"))),
        ("several audiences", false, "aud", json!([format!("{ISSUER}/token"), "https://evil.example"])),
        ("no end", false, "exp", Value::Null),
        ("over", false, "exp", json!(seconds)),
        ("long over", false, "exp", json!(0)),
        ("valid for an hour", false, "exp", json!(seconds + 3600)),
        ("an end that is text", false, "exp", json!("2099")),
        ("an end beyond numbers", false, "exp", json!(1e300)),
        ("not yet valid", false, "nbf", json!(seconds + 120)),
        ("made in the future", false, "iat", json!(seconds + 120)),
        ("no identifier", false, "jti", Value::Null),
        ("empty identifier", false, "jti", json!("")),
        ("identifier of enormous length", false, "jti", json!("x".repeat(300))),
    ]
}

#[tokio::test]
async fn statements_that_are_not_the_client_s_own_are_refused() {
    let world = World::new().await;
    let before = world.state().await;
    let check = async |name: &str, form: Vec<(String, String)>, error: &str| {
        let got = world.post("token", &[], &form).await;
        assert_eq!(got.error(), error, "{name}: {}", got.text);
        assert!(got.status == 400 || got.status == 401, "{name}: {}", got.status);
        assert_eq!(world.state().await, before, "{name}");
    };
    for (name, in_header, member, value) in statements(&world) {
        let (mut header, mut claims) = (World::header(), world.claims());
        let object = if in_header { &mut header } else { &mut claims }.as_object_mut().unwrap();
        if value.is_null() {
            object.remove(member);
        } else {
            object.insert(member.into(), value);
        }
        let assertion = world.lab.sign(&header, &claims);
        check(name, world.with_assertion(&assertion), "invalid_client").await;
    }

    let good = world.assertion();
    let mut pieces: Vec<&str> = good.split('.').collect();
    let none = part(&json!({ "alg": "none", "kid": "k1" }));
    let unsigned = format!("{none}.{}.", pieces[1]);
    let stolen = Pair::new().sign(&World::header(), &world.claims());
    // A server that takes the name of the algorithm for true checks a MAC with the public key as secret.
    let mac_header = part(&json!({ "alg": "HS384", "kid": "k1" }));
    let public = world.lab.public("k1").to_string();
    let signed = format!("{mac_header}.{}", pieces[1]);
    let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA384, public.as_bytes()), signed.as_bytes());
    let confused =
        format!("{signed}.{}", base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, mac));
    let claims = part(&json!({ "iss": "lab", "sub": "lab", "aud": "x" }));
    let swapped = format!("{}.{claims}.{}", pieces[0], pieces[2]);
    let zeros = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, [0; 96]);
    let psychic = format!("{}.{}.{zeros}", pieces[0], pieces[1]);
    pieces.push("more");
    let five = pieces.join(".");
    let padded = format!("{good}==");
    let twice = {
        let header = base64::Engine::encode(
            &base64::engine::general_purpose::URL_SAFE_NO_PAD,
            r#"{"alg":"none","alg":"ES384","kid":"k1"}"#,
        );
        format!("{header}.{}", good.split_once('.').unwrap().1)
    };
    let enormous = format!("{good}{}", "A".repeat(10_000));
    for (name, assertion) in [
        ("algorithm none", unsigned.as_str()),
        ("none in odd case", &unsigned.replace(&none, &part(&json!({ "alg": "nOnE", "kid": "k1" })))),
        ("signed by a stranger", &stolen),
        ("a MAC with the public key", &confused),
        ("claims swapped", &swapped),
        ("signature of zeros", &psychic),
        ("four parts", &five),
        ("padded", &padded),
        ("two parts", "a.b"),
        ("no parts", "x"),
        ("member given twice", &twice),
        ("of enormous length", &enormous),
    ] {
        check(name, world.with_assertion(assertion), "invalid_client").await;
    }
    let form = world.with_assertion(&good);
    let kind = "client_assertion_type";
    check(
        "another type of statement",
        with(&form, kind, Some("urn:ietf:params:oauth:client-assertion-type:saml2-bearer")),
        "invalid_client",
    )
    .await;
    check("no type of statement", with(&form, kind, None), "invalid_client").await;
    check("another client beside it", with(&form, "client_id", Some("conf")), "invalid_client").await;
    check("scopes beyond the registered", with(&form, "scope", Some("system/Patient.cud")), "invalid_scope").await;
    check("scopes for a patient", with(&form, "scope", Some("patient/*.rs")), "invalid_scope").await;
    check("scopes for a user", with(&form, "scope", Some("user/*.rs")), "invalid_scope").await;
    check("no scopes", with(&form, "scope", None), "invalid_scope").await;
    check("a code instead", with(&form, "grant_type", Some("authorization_code")), "unauthorized_client").await;
    check("a refresh token instead", with(&form, "grant_type", Some("refresh_token")), "unauthorized_client").await;

    // Honest once, and then replayed: at this endpoint and at others.
    world.post("token", &[], &form).await.is(200);
    let after = world.state().await;
    for endpoint in ["token", "introspect", "revoke"] {
        let got = world.post(endpoint, &[], &with(&form, "token", Some("x"))).await;
        assert_eq!((got.status, got.error().as_str()), (401, "invalid_client"), "replayed at {endpoint}");
    }
    assert_eq!(world.state().await, after);
}

#[tokio::test]
async fn what_was_given_does_not_grow_or_change_hands() {
    let world = World::new().await;
    let tokens = world.tokens("conf", "openid launch/patient offline_access patient/Observation.rs").await;
    let (access, refresh) = (tokens["access_token"].as_str().unwrap(), tokens["refresh_token"].as_str().unwrap());
    let (conf, other) = (basic("conf", SECRET), basic("other", OTHER_SECRET));
    let before = world.state().await;
    let form = pairs(&[("grant_type", "refresh_token"), ("refresh_token", refresh)]);
    let public = with(&form, "client_id", Some("public"));
    let scope = |scope: &str| with(&form, "scope", Some(scope));
    let token = |token: &str| pairs(&[("token", token)]);
    #[rustfmt::skip]
    let cases: Vec<(&str, &str, Option<&str>, Vec<(String, String)>, u16, &str)> = vec![
        ("refresh by another client", "token", Some(&other), form.clone(), 400, "invalid_grant"),
        ("refresh by a public client", "token", None, public, 400, "invalid_grant"),
        ("refresh without a client", "token", None, form.clone(), 401, "invalid_client"),
        ("refresh with an access token", "token", Some(&conf), with(&form, "refresh_token", Some(access)), 400, "invalid_grant"),
        ("refresh with a guess", "token", Some(&conf), with(&form, "refresh_token", Some("guess")), 400, "invalid_grant"),
        ("refresh without a token", "token", Some(&conf), with(&form, "refresh_token", None), 400, "invalid_request"),
        ("refresh with more types", "token", Some(&conf), scope("patient/*.rs"), 400, "invalid_scope"),
        ("refresh with more actions", "token", Some(&conf), scope("patient/Observation.cruds"), 400, "invalid_scope"),
        ("refresh with another context", "token", Some(&conf), scope("user/Observation.rs"), 400, "invalid_scope"),
        ("refresh with system scopes", "token", Some(&conf), scope("system/Observation.rs"), 400, "invalid_scope"),
        ("refresh with another plain scope", "token", Some(&conf), scope("fhirUser"), 400, "invalid_scope"),
        ("refresh with nonsense", "token", Some(&conf), scope("all of it"), 400, "invalid_scope"),
        ("exchange of a refresh token", "token", Some(&conf), with(&with(&world.exchanging("conf", refresh), "client_id", None), "code", Some(refresh)), 400, "invalid_grant"),
        ("introspection without a client", "introspect", None, token(access), 401, "invalid_client"),
        ("introspection by a public client", "introspect", None, with(&token(access), "client_id", Some("public")), 401, "invalid_client"),
        ("introspection with a bearer token", "introspect", Some("Bearer x"), token(access), 401, "invalid_client"),
        ("introspection of nothing", "introspect", Some(&conf), vec![], 400, "invalid_request"),
        ("revocation without a client", "revoke", None, token(access), 401, "invalid_client"),
        ("revocation of another's access token", "revoke", Some(&other), token(access), 400, "unauthorized_client"),
        ("revocation of another's refresh token", "revoke", Some(&other), token(refresh), 400, "unauthorized_client"),
        ("revocation of nothing", "revoke", Some(&conf), vec![], 400, "invalid_request"),
    ];
    for (name, endpoint, proof, form, status, error) in cases {
        let headers: Vec<(&str, &str)> = proof.into_iter().map(|it| ("authorization", it)).collect();
        let got = world.post(endpoint, &headers, &form).await;
        assert_eq!((got.status, got.error().as_str()), (status, error), "{name}: {}", got.text);
        assert_eq!(world.state().await, before, "{name}");
    }

    // What a token does not open.
    let bearer = format!("Bearer {access}");
    #[rustfmt::skip]
    let opens: &[(&str, &str, &str, &[(&str, &str)], u16)] = &[
        ("token in the address", "GET", &format!("/clinic/fhir/Observation/w1?access_token={access}"), &[], 401),
        ("token as a cookie", "GET", "/clinic/fhir/Observation/w1", &[("cookie", &format!("continuo_session={access}"))], 401),
        ("token under another scheme", "GET", "/clinic/fhir/Observation/w1", &[("authorization", &format!("Token {access}"))], 401),
        ("refresh token as access token", "GET", "/clinic/fhir/Observation/w1", &[("authorization", &format!("Bearer {refresh}"))], 401),
        ("identity token as access token", "GET", "/clinic/fhir/Observation/w1", &[("authorization", &format!("Bearer {}", tokens["id_token"].as_str().unwrap()))], 401),
        ("token with a letter more", "GET", "/clinic/fhir/Observation/w1", &[("authorization", &format!("{bearer}x"))], 401),
        ("token in other case", "GET", "/clinic/fhir/Observation/w1", &[("authorization", &format!("Bearer {}", access.to_uppercase()))], 401),
        ("type without a scope", "GET", "/clinic/fhir/Patient/p1", &[("authorization", &bearer)], 403),
        ("action without a scope", "DELETE", "/clinic/fhir/Observation/w1", &[("authorization", &bearer)], 403),
        ("another patient", "GET", "/clinic/fhir/Observation/w2", &[("authorization", &bearer)], 404),
        ("everything of another patient", "GET", "/clinic/fhir/Patient/p2/$everything", &[("authorization", &bearer)], 403),
        ("patient in a header", "GET", "/clinic/fhir/Observation/w2", &[("authorization", &bearer), ("x-patient-id", "p2")], 404),
        ("userinfo in the address", "GET", &format!("/clinic/auth/userinfo?access_token={access}"), &[], 401),
        ("userinfo with a refresh token", "GET", "/clinic/auth/userinfo", &[("authorization", &format!("Bearer {refresh}"))], 401),
    ];
    for (name, method, path, headers, status) in opens {
        let got = world.send(method, path, headers, "").await;
        // A thing one may not touch and a thing that is not there may look the same.
        let fits = got.status == *status || (*status == 403 && got.status == 404);
        assert!(fits, "{name}: {} {}", got.status, got.text);
    }
    assert_eq!(world.state().await, before);
    world.get("/clinic/fhir/Observation/w1", access).await.is(200);
}

#[tokio::test]
async fn launches_and_answers_cannot_be_swapped() {
    let world = World::new().await;
    let apps = world.organisation.apps();
    let (caller, subject) = (world.caller("okafor").await, (&world.principal("okafor")).into());
    let address = apps.launch(&caller, &subject, "public", fhir::Id::parse("p2").as_ref(), None, world.now()).await;
    let launch = parameter(&address.unwrap(), "launch").unwrap();
    let asking =
        |client: &str, launch: &str| with(&world.asking(client, "launch openid patient/*.rs"), "launch", Some(launch));
    let before = world.state().await;
    for (name, asked) in [
        ("launch of another app", asking("other", &launch)),
        ("guessed launch", asking("public", "guess")),
        ("launch with a letter more", asking("public", &format!("{launch}x"))),
    ] {
        let got = world.authorize(&asked).await.is(303);
        assert_eq!(got.error(), "invalid_request", "{name}");
        assert_eq!(world.state().await, before, "{name}");
    }
    let handle = async |asked: &[(String, String)]| {
        let got = world.authorize(asked).await.is(303);
        got.header("location").rsplit('/').next().unwrap().to_owned()
    };
    let waiting = handle(&asking("public", &launch)).await;
    for (name, user, waiting) in [
        ("launch of someone else", "lindqvist", waiting.as_str()),
        ("guessed question", "okafor", "guess"),
        ("patient who is not there", "okafor", &handle(&world.asking("public", ASKED)).await),
    ] {
        assert!(world.decide(user, waiting, Some("nobody")).await.is_err(), "{name}");
        assert_eq!(world.state().await, before, "{name}");
    }
    world.later(301);
    assert!(world.decide("okafor", &waiting, None).await.is_err(), "launch that is too old");
    let old = handle(&world.asking("public", ASKED)).await;
    world.later(601);
    assert!(world.decide("okafor", &old, Some("p1")).await.is_err(), "question that is too old");
    let once = handle(&world.asking("public", ASKED)).await;
    world.decide("okafor", &once, Some("p1")).await.unwrap();
    assert!(world.decide("okafor", &once, Some("p1")).await.is_err(), "question answered twice");
}

/// (name, what is registered, the error).
fn registrations() -> Vec<(&'static str, Value, &'static str)> {
    let good = json!({ "client_name": "App", "redirect_uris": [BACK], "token_endpoint_auth_method": "none", "scope": "openid" });
    let with = |name: &str, value: Value| {
        let mut changed = good.clone();
        changed[name] = value;
        changed
    };
    let key = json!({ "kty": "RSA", "kid": "a", "n": "AQAB", "e": "AQAB" });
    let jwks = |key: Value| {
        let mut changed = with("token_endpoint_auth_method", json!("private_key_jwt"));
        changed["jwks"] = json!({ "keys": [key] });
        changed
    };
    let redirect = |to: &str| with("redirect_uris", json!([to]));
    vec![
        ("no name", with("client_name", json!("")), "invalid_client_metadata"),
        ("name with control letters", with("client_name", json!("a\u{202e}\u{7}b")), "invalid_client_metadata"),
        ("name of enormous length", with("client_name", json!("x".repeat(500))), "invalid_client_metadata"),
        ("redirect without TLS", redirect("http://app.example/back"), "invalid_redirect_uri"),
        ("redirect to a script", redirect("javascript:alert(1)"), "invalid_redirect_uri"),
        ("redirect with a wildcard", redirect("https://*.example/"), "invalid_redirect_uri"),
        ("redirect with a fragment", redirect("https://app.example/#x"), "invalid_redirect_uri"),
        ("redirect with a user", redirect("https://a:b@app.example/"), "invalid_redirect_uri"),
        ("redirect to a file", redirect("file:///etc/passwd"), "invalid_redirect_uri"),
        ("no redirect", with("redirect_uris", json!([])), "invalid_redirect_uri"),
        ("scopes that are none", with("scope", json!("root")), "invalid_scope"),
        ("no scopes", with("scope", json!("")), "invalid_scope"),
        ("unknown proof", with("token_endpoint_auth_method", json!("tls_client_auth")), "invalid_client_metadata"),
        ("password grant", with("grant_types", json!(["password"])), "invalid_client_metadata"),
        ("implicit answers", with("response_types", json!(["token"])), "invalid_client_metadata"),
        (
            "program without a key",
            with("grant_types", json!(["authorization_code", "client_credentials"])),
            "invalid_client_metadata",
        ),
        ("weak key", jwks(key.clone()), "invalid_client_metadata"),
        (
            "private key",
            jwks(json!({ "kty": "EC", "crv": "P-384", "kid": "a", "d": "AA", "x": "AA", "y": "AA" })),
            "invalid_client_metadata",
        ),
        ("symmetric key", jwks(json!({ "kty": "oct", "kid": "a", "k": "AA" })), "invalid_client_metadata"),
        ("keys at a file", with("jwks_uri", json!("file:///etc/passwd")), "invalid_client_metadata"),
        (
            "identity tokens without signature",
            with("id_token_signed_response_alg", json!("none")),
            "invalid_client_metadata",
        ),
        ("launch that is a script", with("launch_uri", json!("javascript:alert(1)")), "invalid_client_metadata"),
        ("origin with a path", with("origins", json!(["https://app.example/x"])), "invalid_client_metadata"),
        ("not an object", json!([1, 2]), "invalid_client_metadata"),
    ]
}

#[tokio::test]
async fn apps_that_could_not_be_trusted_are_not_even_put_in_the_queue() {
    let world = World::new().await;
    let before = world.state().await;
    let headers = [("content-type", "application/json")];
    for (name, asks, error) in registrations() {
        let got = world.send("POST", "/clinic/auth/register", &headers, asks.to_string()).await;
        assert_eq!((got.status, got.error().as_str()), (400, error), "{name}: {}", got.text);
        assert_eq!(world.state().await, before, "{name}");
    }
    let form = [("content-type", "application/x-www-form-urlencoded")];
    assert_eq!(
        world.send("POST", "/clinic/auth/register", &form, "client_name=x").await.is(400).error(),
        "invalid_client_metadata"
    );
    // It cannot make itself more than an app.
    let asks = json!({ "client_name": "App", "redirect_uris": [BACK], "token_endpoint_auth_method": "client_secret_post",
        "scope": "openid", "may_introspect": true, "standing": "active", "id": "conf", "client_id": "conf" });
    let got = world.send("POST", "/clinic/auth/register", &headers, asks.to_string()).await.is(201).json();
    assert_ne!(got["client_id"], "conf");
    let waiting = world.organisation.apps().clients(&store::Caller::system("test"), world.now()).await.unwrap();
    let app = waiting.iter().find(|it| it.id == got["client_id"].as_str().unwrap()).unwrap();
    assert!(!app.may_introspect && app.standing == care::access::clients::Standing::Waiting);
}

#[test]
fn there_are_enough_of_them() {
    let named = AUTHORIZE.len() + EXCHANGE.len();
    assert!(named >= 85, "{named}");
}
