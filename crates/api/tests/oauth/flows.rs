//! What apps are given: discovery, the two launches, programs that act for themselves, and taking back.

use crate::world::{BACK, BASE, ISSUER, Pair, SECRET, World, basic, own, pairs, parameter};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use care::access::UserChange;
use care::access::clients::Registration;
use care::access::codes::Subject;
use fhir::Id;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA384, RsaKeyPair, RsaPublicKeyComponents};
use serde_json::{Value, json};
use std::sync::atomic::Ordering;
use store::Caller;

const CLINICAL: &str = "openid fhirUser launch/patient offline_access patient/*.rs";

fn claims(token: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

#[tokio::test]
async fn an_app_finds_out_where_everything_is() {
    let world = World::new().await;
    let got = world
        .send("GET", "/clinic/fhir/.well-known/smart-configuration", &[("origin", "https://any.example")], "")
        .await;
    let got = got.is(200);
    assert_eq!(got.header("access-control-allow-origin"), "*");
    let smart = got.json();
    assert_eq!(smart["token_endpoint"], format!("{ISSUER}/token"));
    assert_eq!(smart["code_challenge_methods_supported"], json!(["S256"]));
    for path in [
        "/clinic/auth/.well-known/openid-configuration",
        "/.well-known/oauth-authorization-server/clinic/auth",
        "/.well-known/openid-configuration/clinic/auth",
    ] {
        assert_eq!(world.send("GET", path, &[], "").await.is(200).json()["issuer"], ISSUER, "{path}");
    }
    world.send("GET", "/nowhere/fhir/.well-known/smart-configuration", &[], "").await.is(404);
    world.send("POST", "/clinic/fhir/.well-known/smart-configuration", &[], "").await.is(405);
    assert_eq!(api::smart::endpoints().len(), 12);
}

#[tokio::test]
async fn a_public_app_reads_what_it_was_given_and_nothing_else() {
    let world = World::new().await;
    let back = world.agree("okafor", &world.asking("public", CLINICAL), Some("p1")).await;
    assert!(back.starts_with(&format!("{BACK}?code=")));
    assert_eq!(parameter(&back, "state").unwrap(), "a-state-with-enough-chance-in-it");
    assert_eq!(parameter(&back, "iss").unwrap(), ISSUER);
    let form = world.exchanging("public", &parameter(&back, "code").unwrap());
    let got = world.post("token", &[("origin", "https://app.example")], &form).await.is(200);
    assert_eq!(got.header("cache-control"), "no-store");
    assert_eq!(got.header("access-control-allow-origin"), "https://app.example");
    let tokens = got.json();
    assert_eq!(tokens["token_type"], "Bearer");
    assert_eq!(tokens["patient"], "p1");
    assert_eq!(tokens["need_patient_banner"], true);
    assert!(tokens["expires_in"].as_i64().unwrap() <= 3600 && tokens["refresh_token"].is_string());
    let id = claims(tokens["id_token"].as_str().unwrap());
    assert_eq!(id["fhirUser"], format!("{BASE}/fhir/Practitioner/d1"));
    assert_eq!((&id["iss"], &id["aud"], &id["nonce"]), (&json!(ISSUER), &json!("public"), &json!("a-nonce")));
    let token = tokens["access_token"].as_str().unwrap();
    world.get("/clinic/fhir/Patient/p1", token).await.is(200);
    world.get("/clinic/fhir/Patient/p2", token).await.is(404);
    world.get("/clinic/fhir/Observation/w2", token).await.is(404);
    let found = world.get("/clinic/fhir/Observation?_summary=count", token).await.is(200).json();
    assert_eq!(found["total"], 1);
    let body = json!({ "resourceType": "Patient", "name": [{ "family": "X" }] }).to_string();
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/fhir+json")];
    world.send("POST", "/clinic/fhir/Patient", &headers, body).await.is(403);
    let told = world.send("GET", "/clinic/auth/userinfo", &headers[..1], "").await.is(200).json();
    assert_eq!(told["sub"], world.user("okafor").id);
    world.later(tokens["expires_in"].as_i64().unwrap());
    world.get("/clinic/fhir/Patient/p1", token).await.is(401);
}

#[tokio::test]
async fn a_refresh_token_is_good_once_and_never_grows() {
    let world = World::new().await;
    let tokens = world.tokens("conf", CLINICAL).await;
    let proof = basic("conf", SECRET);
    let refresh = async |token: &Value, scope: &str| {
        let form =
            pairs(&[("grant_type", "refresh_token"), ("refresh_token", token.as_str().unwrap()), ("scope", scope)]);
        world.post("token", &[("authorization", &proof)], &form).await
    };
    let second = refresh(&tokens["refresh_token"], "").await.is(200).json();
    let less = refresh(&second["refresh_token"], "patient/Observation.rs").await.is(200).json();
    assert_eq!(less["scope"], "patient/Observation.rs");
    let token = less["access_token"].as_str().unwrap();
    world.get("/clinic/fhir/Observation/w1", token).await.is(200);
    assert!(matches!(world.get("/clinic/fhir/Patient/p1", token).await.status, 403 | 404));
    // Whoever comes with an old one is not the app, or the app is not alone: all of it ends.
    assert_eq!(refresh(&tokens["refresh_token"], "").await.is(400).error(), "invalid_grant");
    assert_eq!(refresh(&less["refresh_token"], "").await.is(400).error(), "invalid_grant");
    world.get("/clinic/fhir/Observation/w1", token).await.is(401);
}

#[tokio::test]
async fn a_code_used_twice_takes_back_what_it_gave() {
    let world = World::new().await;
    let code = world.code("public", CLINICAL).await;
    let form = world.exchanging("public", &code);
    let tokens = world.post("token", &[], &form).await.is(200).json();
    let token = tokens["access_token"].as_str().unwrap();
    world.get("/clinic/fhir/Patient/p1", token).await.is(200);
    assert_eq!(world.post("token", &[], &form).await.is(400).error(), "invalid_grant");
    world.get("/clinic/fhir/Patient/p1", token).await.is(401);
    let form = pairs(&[
        ("grant_type", "refresh_token"),
        ("refresh_token", tokens["refresh_token"].as_str().unwrap()),
        ("client_id", "public"),
    ]);
    assert_eq!(world.post("token", &[], &form).await.is(400).error(), "invalid_grant");
}

#[tokio::test]
async fn an_app_opened_from_a_chart_knows_the_patient() {
    let world = World::new().await;
    let caller = world.caller("okafor").await;
    let subject = Subject::from(&world.principal("okafor"));
    let patient = Id::parse("p2").unwrap();
    let apps = world.organisation.apps();
    let address = apps.launch(&caller, &subject, "public", Some(&patient), None, world.now()).await.unwrap();
    assert_eq!(parameter(&address, "iss").unwrap(), format!("{BASE}/fhir"));
    let launch = parameter(&address, "launch").unwrap();
    let mut asking = world.asking("public", "launch openid fhirUser patient/*.rs");
    asking.extend(pairs(&[("launch", &launch)]));
    let other = world.authorize(&asking).await.is(303);
    let handle = other.header("location").rsplit('/').next().unwrap().to_owned();
    // Someone else's launch, whoever clicks on it.
    assert!(world.decide("lindqvist", &handle, None).await.is_err());
    let back = world.agree("okafor", &asking, Some("p1")).await;
    let form = world.exchanging("public", &parameter(&back, "code").unwrap());
    let tokens = world.post("token", &[], &form).await.is(200).json();
    // The chart decides, not what was chosen on the way.
    assert_eq!(tokens["patient"], "p2");
    // A launch is good once.
    assert_eq!(world.authorize(&asking).await.error(), "invalid_request");
}

#[tokio::test]
async fn a_patient_gives_an_app_their_own_record_and_takes_it_back() {
    let world = World::new().await;
    let asking = world.asking("public", "launch/patient patient/Observation.rs");
    let got = world.authorize(&asking).await.is(303);
    let handle = got.header("location").rsplit('/').next().unwrap().to_owned();
    assert!(world.decide("patient", &handle, Some("p2")).await.is_err());
    let back = world.agree("patient", &asking, None).await;
    let form = world.exchanging("public", &parameter(&back, "code").unwrap());
    let tokens = world.post("token", &[], &form).await.is(200).json();
    assert_eq!(tokens["patient"], "p1");
    let token = tokens["access_token"].as_str().unwrap();
    world.get("/clinic/fhir/Observation/w1", token).await.is(200);
    world.get("/clinic/fhir/Observation/w2", token).await.is(404);
    let apps = world.organisation.apps();
    let grants = apps.grants_of(&world.user("patient").who(), world.now()).await.unwrap();
    assert_eq!(grants.len(), 1);
    assert!(apps.revoke_grant(&world.caller("okafor").await, &grants[0].id, world.now()).await.is_err());
    apps.revoke_grant(&world.caller("patient").await, &grants[0].id, world.now()).await.unwrap();
    world.get("/clinic/fhir/Observation/w1", token).await.is(401);
}

#[tokio::test]
async fn what_people_allowed_ends_with_their_own_rights() {
    let away = UserChange { active: Some(false), ..UserChange::default() };
    let other_role = UserChange { roles: Some(vec!["biller".into()]), ..UserChange::default() };
    for change in [away.clone(), other_role] {
        let world = World::new().await;
        let tokens = world.tokens("conf", CLINICAL).await;
        let token = tokens["access_token"].as_str().unwrap();
        world.get("/clinic/fhir/Observation/w1", token).await.is(200);
        world.change("okafor", change).await;
        world.get("/clinic/fhir/Observation/w1", token).await.is(401);
        let refresh = tokens["refresh_token"].as_str().unwrap();
        let form = pairs(&[("grant_type", "refresh_token"), ("refresh_token", refresh)]);
        let proof = basic("conf", SECRET);
        let got = world.post("token", &[("authorization", &proof)], &form).await;
        assert_eq!(got.is(400).error(), "invalid_grant");
        let told = world.post("introspect", &[("authorization", &proof)], &pairs(&[("token", token)])).await;
        assert_eq!(told.is(200).json()["active"], false);
        let grants = world.organisation.apps().grants_of(&world.user("okafor").who(), world.now()).await.unwrap();
        assert!(grants.is_empty(), "what cannot be used any more is not listed as if it could");
    }
    // A patient who is out of the portal is out of its apps.
    let world = World::new().await;
    let back = world.agree("patient", &world.asking("public", "launch/patient patient/Observation.rs"), None).await;
    let form = world.exchanging("public", &parameter(&back, "code").unwrap());
    let tokens = world.post("token", &[], &form).await.is(200).json();
    let token = tokens["access_token"].as_str().unwrap();
    world.get("/clinic/fhir/Observation/w1", token).await.is(200);
    // The child for whom they may act now is not the one they let the app in for.
    let charges = UserChange { patients: Some(vec![own("p2")]), ..UserChange::default() };
    world.change("patient", charges).await;
    world.get("/clinic/fhir/Observation/w1", token).await.is(401);
    world.get("/clinic/fhir/Observation/w2", token).await.is(401);
}

#[tokio::test]
async fn a_program_acts_for_itself_for_five_minutes() {
    let world = World::new().await;
    let form = world.with_assertion(&world.assertion());
    let tokens = world.post("token", &[], &form).await.is(200).json();
    assert_eq!(tokens["expires_in"], 300);
    assert!(tokens["refresh_token"].is_null() && tokens["patient"].is_null());
    let token = tokens["access_token"].as_str().unwrap();
    world.get("/clinic/fhir/Observation/w1", token).await.is(200);
    world.get("/clinic/fhir/Observation/w2", token).await.is(200);
    // Registered, but not asked for.
    assert!(matches!(world.get("/clinic/fhir/Patient/p1", token).await.status, 403 | 404));
    world.later(300);
    world.get("/clinic/fhir/Observation/w1", token).await.is(401);
}

#[tokio::test]
async fn an_app_that_registers_itself_waits_for_an_administrator() {
    let world = World::new().await;
    let asks = json!({
        "client_name": "Diary", "redirect_uris": ["https://diary.example/back"],
        "token_endpoint_auth_method": "none", "scope": "launch/patient patient/*.rs",
    });
    let headers = [("content-type", "application/json")];
    let got = world.send("POST", "/clinic/auth/register", &headers, asks.to_string()).await.is(201).json();
    let id = got["client_id"].as_str().unwrap().to_owned();
    let mut asking = world.asking("public", "patient/*.rs");
    asking[1].1.clone_from(&id);
    asking[2].1 = "https://diary.example/back".into();
    world.authorize(&asking).await.is(400);
    let admin = Caller::system("test");
    let apps = world.organisation.apps();
    let nobody = world.caller("okafor").await;
    assert!(apps.approve(&nobody, &id, world.now()).await.is_err());
    apps.approve(&admin, &id, world.now()).await.unwrap();
    let back = world.agree("okafor", &asking, Some("p1")).await;
    let mut form = world.exchanging("public", &parameter(&back, "code").unwrap());
    form[2].1 = "https://diary.example/back".into();
    form[4].1.clone_from(&id);
    let tokens = world.post("token", &[], &form).await.is(200).json();
    let token = tokens["access_token"].as_str().unwrap();
    world.get("/clinic/fhir/Patient/p1", token).await.is(200);
    // Shut out, it is out at once.
    apps.disable(&admin, &id, world.now()).await.unwrap();
    world.get("/clinic/fhir/Patient/p1", token).await.is(401);
    world.authorize(&asking).await.is(400);
}

#[tokio::test]
async fn a_client_asks_about_its_tokens_and_takes_them_back() {
    let world = World::new().await;
    let tokens = world.tokens("conf", CLINICAL).await;
    let (proof, other) = (basic("conf", SECRET), basic("other", crate::world::OTHER_SECRET));
    let asks = pairs(&[("token", tokens["access_token"].as_str().unwrap())]);
    let told = world.post("introspect", &[("authorization", &proof)], &asks).await.is(200).json();
    assert_eq!((&told["active"], &told["patient"], &told["client_id"]), (&json!(true), &json!("p1"), &json!("conf")));
    let nothing = world.post("introspect", &[("authorization", &other)], &asks).await.is(200).json();
    assert_eq!(nothing, json!({ "active": false }));
    let refresh = pairs(&[("token", tokens["refresh_token"].as_str().unwrap())]);
    world.post("revoke", &[("authorization", &proof)], &refresh).await.is(200);
    let told = world.post("introspect", &[("authorization", &proof)], &asks).await.is(200).json();
    assert_eq!(told, json!({ "active": false }));
    world.get("/clinic/fhir/Patient/p1", tokens["access_token"].as_str().unwrap()).await.is(401);
    world.post("revoke", &[("authorization", &proof)], &pairs(&[("token", "never-was")])).await.is(200);
}

#[tokio::test]
async fn pages_of_registered_apps_may_call_and_others_may_not() {
    let world = World::new().await;
    let ask = [("origin", "https://app.example"), ("access-control-request-method", "POST")];
    let got = world.send("OPTIONS", "/clinic/auth/token", &ask, "").await.is(204);
    assert_eq!(got.header("access-control-allow-origin"), "https://app.example");
    let got = world.send("OPTIONS", "/clinic/fhir/Patient/p1", &ask, "").await.is(204);
    assert_eq!(got.header("access-control-allow-origin"), "https://app.example");
    assert!(got.header("access-control-allow-headers").contains("authorization"));
    for origin in ["https://evil.example", "null", "https://app.example.evil.example", "http://app.example"] {
        let ask = [("origin", origin), ("access-control-request-method", "POST")];
        for path in ["/clinic/auth/token", "/clinic/fhir/Patient/p1", "/clinic/auth/register"] {
            let got = world.send("OPTIONS", path, &ask, "").await;
            assert_eq!(got.header("access-control-allow-origin"), "", "{origin} {path}");
            assert_eq!(got.header("access-control-allow-methods"), "", "{origin} {path}");
        }
    }
    assert_eq!(got.header("access-control-allow-credentials"), "");
}

#[tokio::test]
async fn the_published_keys_sign_what_we_say_of_people() {
    use ring::signature::{ECDSA_P384_SHA384_FIXED, UnparsedPublicKey};
    let world = World::new().await;
    let tokens = world.tokens("public", "openid fhirUser launch/patient patient/*.rs").await;
    let token = tokens["id_token"].as_str().unwrap();
    let keys = world.send("GET", "/clinic/auth/jwks.json", &[], "").await.is(200).json();
    let keys = keys["keys"].as_array().unwrap();
    // The one in use and the next, of both kinds.
    assert_eq!(keys.len(), 4);
    assert!(keys.iter().all(|it| it.get("d").is_none() && it.get("p").is_none()));
    let header: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap()).unwrap();
    let key = keys.iter().find(|it| it["kid"] == header["kid"]).unwrap();
    let bytes = |name: &str| URL_SAFE_NO_PAD.decode(key[name].as_str().unwrap()).unwrap();
    let point = [vec![4], bytes("x"), bytes("y")].concat();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, &point).verify(signed.as_bytes(), &signature).unwrap();
    assert!(UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, &point).verify(b"else", &signature).is_err());
    // Another program's key is not ours.
    assert!(keys.iter().all(|it| it["x"] != Pair::new().public("k")["x"]));
}

#[tokio::test]
async fn keys_at_an_address_are_fetched_once_and_again_when_they_change() {
    use rsa::pkcs8::EncodePrivateKey;
    let world = World::new().await;
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let made = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).unwrap().to_pkcs8_der().unwrap();
    let pair = RsaKeyPair::from_pkcs8(made.as_bytes()).unwrap();
    let public = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public());
    let rsa = json!({ "keys": [{ "kty": "RSA", "kid": "r1", "n": text(&public.n), "e": text(&public.e) }] });
    let registration = Registration {
        client_name: "Registry".into(),
        token_endpoint_auth_method: Some("private_key_jwt".into()),
        grant_types: Some(vec!["client_credentials".into()]),
        scope: "system/Patient.rs".into(),
        jwks_uri: Some("https://keys.example/jwks.json".into()),
        ..Registration::default()
    };
    let (apps, admin) = (world.organisation.apps(), Caller::system("test"));
    apps.register_as(&admin, registration, "registry".into(), String::new(), world.now()).await.unwrap();
    let claims = || {
        let mut claims = world.claims();
        (claims["iss"], claims["sub"]) = (json!("registry"), json!("registry"));
        claims
    };
    let signed = || {
        let signed = format!(
            "{}.{}",
            crate::world::part(&json!({ "alg": "RS384", "kid": "r1" })),
            crate::world::part(&claims())
        );
        let mut signature = vec![0; pair.public().modulus_len()];
        pair.sign(&RSA_PKCS1_SHA384, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
        format!("{signed}.{}", text(&signature))
    };
    let ask = async |assertion: &str| {
        let mut form = world.with_assertion(assertion);
        form[1].1 = "system/Patient.rs".into();
        world.post("token", &[], &form).await
    };
    *world.elsewhere().keys.lock().unwrap() = rsa;
    ask(&signed()).await.is(200);
    ask(&signed()).await.is(200);
    assert_eq!(world.elsewhere().asked.load(Ordering::Relaxed), 1);
    // The program changed its keys: they are looked for once more, and not for every wrong signature.
    let new = Pair::new();
    *world.elsewhere().keys.lock().unwrap() = json!({ "keys": [new.public("e1")] });
    let header = json!({ "alg": "ES384", "kid": "e1" });
    world.later(11);
    ask(&new.sign(&header, &claims())).await.is(200);
    assert_eq!(world.elsewhere().asked.load(Ordering::Relaxed), 2);
    for _ in 0..5 {
        assert_eq!(ask(&signed()).await.is(401).error(), "invalid_client");
    }
    assert_eq!(world.elsewhere().asked.load(Ordering::Relaxed), 2);
    // Whatever else lies there is no key.
    world.later(301);
    *world.elsewhere().keys.lock().unwrap() = json!({ "keys": [{ "kty": "oct", "kid": "e1", "k": "AA" }] });
    assert_eq!(ask(&new.sign(&header, &claims())).await.is(401).error(), "invalid_client");
}
