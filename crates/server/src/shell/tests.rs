use super::*;
use axum::body::to_bytes;

fn shell(metrics_token: Option<&str>, behind_proxy: bool) -> Arc<Shell> {
    let health = Health::new(std::env::temp_dir(), 0);
    let token = metrics_token.map(str::to_owned);
    let world = Arc::new(crate::world::World::new());
    Arc::new(Shell::new(health, Requests::None, token, behind_proxy, Vec::new(), world))
}

fn open(shell: &Arc<Shell>) {
    let inside = Router::new()
        .route("/riverside/fhir/metadata", get(async || "fine"))
        .route("/riverside/from", get(async |ConnectInfo(peer): ConnectInfo<SocketAddr>| peer.ip().to_string()))
        .route("/riverside/", get(async || -> &'static str { panic!("a fault of ours") }));
    shell.open(Installation { organisations: Vec::new(), demo: false }, inside);
}

async fn ask(shell: &Arc<Shell>, path: &str, headers: &[(&str, &str)]) -> (u16, HeaderMap, String) {
    let mut request = Request::builder().uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut request = request.body(Body::empty()).unwrap();
    request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 50_000))));
    let response = router(shell.clone()).oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    (parts.status.as_u16(), parts.headers, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn while_it_starts_it_is_alive_and_not_ready_and_says_so_in_fhir() {
    let shell = shell(None, false);
    assert_eq!(ask(&shell, "/livez", &[]).await.0, 200);
    assert_eq!(ask(&shell, "/readyz", &[]).await.0, 503);
    let (status, headers, body) = ask(&shell, "/riverside/fhir/metadata", &[]).await;
    assert_eq!((status, headers["retry-after"].as_bytes()), (503, &b"1"[..]));
    assert!(body.contains("OperationOutcome"), "{body}");
    open(&shell);
    assert_eq!(ask(&shell, "/readyz", &[]).await.0, 200);
    assert_eq!(ask(&shell, "/healthz", &[]).await.0, 200);
    assert_eq!(ask(&shell, "/riverside/fhir/metadata", &[]).await.2, "fine");
}

#[tokio::test]
async fn a_fault_is_answered_without_telling_what_happened() {
    let shell = shell(None, false);
    open(&shell);
    let (status, _, body) = ask(&shell, "/riverside/", &[]).await;
    assert_eq!(status, 500);
    assert!(body.contains("OperationOutcome") && !body.contains("a fault of ours"), "{body}");
}

#[tokio::test]
async fn metrics_are_for_this_machine_or_for_who_brings_the_token() {
    let open_shell = shell(None, false);
    assert_eq!(ask(&open_shell, "/metrics", &[]).await.0, 200);
    let with_token = shell(Some("t"), false);
    assert_eq!(ask(&with_token, "/metrics", &[]).await.0, 401);
    assert_eq!(ask(&with_token, "/metrics", &[("authorization", "Bearer u")]).await.0, 401);
    assert_eq!(ask(&with_token, "/metrics", &[("authorization", "Bearer t")]).await.0, 200);
    // Behind a proxy everyone seems to come from this machine.
    assert_eq!(ask(&shell(None, true), "/metrics", &[]).await.0, 401);
}

#[tokio::test]
async fn only_callers_here_learn_why_it_is_not_ready() {
    assert!(ask(&shell(None, false), "/readyz", &[]).await.2.contains("still starting"));
    assert_eq!(ask(&shell(None, true), "/readyz", &[]).await.2, r#"{"ready":false}"#);
}

#[tokio::test]
async fn every_answer_has_a_request_id_and_a_forged_one_is_replaced() {
    let shell = shell(None, false);
    let given = ask(&shell, "/livez", &[("x-request-id", "abc-1")]).await.1;
    assert_eq!(given["x-request-id"], "abc-1");
    let forged = ask(&shell, "/livez", &[("x-request-id", "a b\"c")]).await.1;
    assert_ne!(forged["x-request-id"], "a b\"c");
    assert_eq!(forged["x-request-id"].len(), 36);
}

#[tokio::test]
async fn requests_are_counted_with_their_route_and_status() {
    let shell = shell(None, false);
    open(&shell);
    ask(&shell, "/riverside/fhir/Patient/very-secret-id?name=smith", &[]).await;
    let page = ask(&shell, "/metrics", &[]).await.2;
    assert!(page.contains("route=\"/{org}/fhir/{type}/{id}\",method=\"GET\",status=\"4xx\"} 1"), "{page}");
    assert!(!page.contains("secret") && !page.contains("smith"), "{page}");
}

#[test]
fn every_route_says_who_may_use_it() {
    let own = OWN.iter().map(|it| (it.path.to_owned(), format!("{:?}", it.policy)));
    let api = api::policies();
    let web = web::pages().into_iter().map(|(path, policy)| (path.to_owned(), policy));
    let all: Vec<(String, String)> = own.chain(api).chain(web).collect();
    assert!(all.len() > 60, "{}", all.len());
    for (path, policy) in &all {
        assert!(path.starts_with('/') && !policy.is_empty(), "{path}: {policy:?}");
    }
    // What is open to everybody is little enough to be listed.
    let open = |policy: &str| ["Open", "Asks", "Applies", "Probe", "Anyone"].contains(&policy);
    let mut public: Vec<&str> = all.iter().filter(|(_, policy)| open(policy)).map(|(path, _)| path.as_str()).collect();
    public.sort_unstable();
    public.dedup();
    assert_eq!(
        public,
        [
            "/",
            "/.well-known/oauth-authorization-server/{org}/auth",
            "/.well-known/openid-configuration/{org}/auth",
            "/healthz",
            "/livez",
            "/readyz",
            "/{org}/auth/.well-known/openid-configuration",
            "/{org}/auth/authorize",
            "/{org}/auth/jwks.json",
            "/{org}/auth/register",
            "/{org}/auth/smart-style.json",
            "/{org}/fhir/.well-known/smart-configuration",
            "/{org}/fhir/metadata",
        ]
    );
}

#[tokio::test]
async fn behind_our_proxy_the_caller_is_whom_the_proxy_saw_and_never_whom_the_caller_claims() {
    let cases = [
        ("203.0.113.7", "203.0.113.7"),
        // What stands before the last entry came from outside.
        ("10.0.0.1, 203.0.113.7", "203.0.113.7"),
        ("203.0.113.7:4711", "203.0.113.7"),
        ("2001:db8::7", "2001:db8::7"),
        ("[2001:db8::7]:4711", "2001:db8::7"),
        ("unknown", "127.0.0.1"),
        ("", "127.0.0.1"),
    ];
    let (behind, bare) = (shell(None, true), shell(None, false));
    open(&behind);
    open(&bare);
    for (header, seen) in cases {
        let headers = [("x-forwarded-for", header)];
        assert_eq!(ask(&behind, "/riverside/from", &headers).await.2, seen, "{header}");
        assert_eq!(ask(&bare, "/riverside/from", &headers).await.2, "127.0.0.1", "{header}");
    }
    let twice = [("x-forwarded-for", "10.0.0.1"), ("x-forwarded-for", "203.0.113.7")];
    assert_eq!(ask(&behind, "/riverside/from", &twice).await.2, "203.0.113.7");
}
