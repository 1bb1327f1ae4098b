use super::*;

fn load(file: &str, environment: &[(&str, &str)], flags: &[(&str, &str)]) -> Result<Config, Failure> {
    let own = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
    };
    Config::from(Some((Path::new("continuo.toml"), file)), &own(environment), &own(flags))
}

fn refused(file: &str, environment: &[(&str, &str)]) -> String {
    load(file, environment, &[]).err().expect("this must be refused").message
}

#[test]
fn the_later_source_wins() {
    let file = "[server]\nbind = \"127.0.0.1:1\"\n";
    let variable = [("CONTINUO_SERVER__BIND", "127.0.0.1:2")];
    let flag = [("server.bind", "127.0.0.1:3")];
    let port = |config: Result<Config, Failure>| config.unwrap().bind().port();
    assert_eq!(port(load("", &[], &[])), 8080);
    assert_eq!(port(load(file, &[], &[])), 1);
    assert_eq!(port(load(file, &variable, &[])), 2);
    assert_eq!(port(load(file, &variable, &flag)), 3);
}

#[test]
fn a_name_we_do_not_know_is_refused_with_the_nearest_we_do() {
    assert_eq!(
        refused("[server]\nbnd = \"127.0.0.1:1\"", &[]),
        "continuo.toml: there is no setting server.bnd; did you mean server.bind?"
    );
    assert_eq!(
        refused("", &[("CONTINUO_LOG__LEVL", "info")]),
        "CONTINUO_LOG__LEVL: there is no setting log.levl; did you mean log.level?"
    );
}

#[test]
fn all_mistakes_are_told_at_once() {
    let told = refused("[server]\nbind = \"here\"\ndrain_seconds = 90\n[log]\nformat = \"xml\"\n", &[]);
    assert_eq!(told.lines().count(), 3, "{told}");
    assert!(told.contains("drain_seconds must be a whole number from 0 to 30"), "{told}");
    assert!(told.contains("must be one of auto, json, text"), "{told}");
}

#[test]
fn a_secret_may_lie_in_a_file_and_is_never_shown() {
    let path = std::env::temp_dir().join(format!("continuo-token-{}", std::process::id()));
    std::fs::write(&path, "very-secret\n").unwrap();
    let config = load("", &[("CONTINUO_METRICS__TOKEN_FILE", path.to_str().unwrap())], &[]).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(config.get("metrics.token"), Some("very-secret"));
    let field = FIELDS.iter().find(|field| field.key == "metrics.token").unwrap();
    assert_eq!(field.shown("very-secret"), "(secret)");
    assert!(refused("", &[("CONTINUO_METRICS__TOKEN_FILE", "/nowhere")]).contains("cannot be read"));
}

#[test]
fn a_password_in_an_address_is_not_shown() {
    #[track_caller]
    fn check(address: &str, shown: &str) {
        assert_eq!(without_password(address), shown);
    }
    check("postgres://anna:s3cr3t@db/record", "postgres://anna:(secret)@db/record");
    check("postgres://anna:s3@cr3t@db/record", "postgres://anna:(secret)@db/record");
    check("postgres:///record?password=x&host=/run", "postgres:///record?password=(secret)&host=/run");
    check("postgres://anna@db/record", "postgres://anna@db/record");
    check("data/riverside.sqlite", "data/riverside.sqlite");
}

#[test]
fn organisations_come_from_the_file_and_from_the_environment() {
    let file = "[organisation.riverside]\nname = \"Riverside\"\n";
    let variables = [
        ("CONTINUO_ORGANISATION__NORTH_CLINIC__NAME", "North"),
        ("CONTINUO_ORGANISATION__RIVERSIDE__STORE", "postgres:///r"),
    ];
    let both = load(file, &variables, &[]).unwrap().organisations().unwrap();
    let told: Vec<_> = both.iter().map(|it| (it.slug.as_str(), it.base.as_str(), it.store.as_str())).collect();
    assert_eq!(
        told,
        [
            ("north-clinic", "http://127.0.0.1:8080/north-clinic", "./continuo-data/north-clinic.db"),
            ("riverside", "http://127.0.0.1:8080/riverside", "postgres:///r"),
        ]
    );
    assert!(refused("[organisation.metrics]\nname = \"x\"\n", &[]).contains("no setting organisation.metrics.name"));
}

#[test]
fn an_organisation_without_a_name_is_refused() {
    let config = load("[organisation.riverside]\nstore = \"a.sqlite\"\n", &[], &[]).unwrap();
    assert!(config.organisations().err().unwrap().message.contains("needs a name"));
}

#[test]
fn patient_data_does_not_leave_this_machine_in_the_clear() {
    let open = load("[server]\nbind = \"0.0.0.0:8080\"\n", &[], &[]).unwrap();
    assert!(open.check_bind().is_err());
    let behind = load("[server]\nbind = \"0.0.0.0:8080\"\nbehind_proxy = true\n", &[], &[]).unwrap();
    assert!(behind.check_bind().is_ok());
    assert!(load("[server]\nbind = \"[::1]:8080\"\n", &[], &[]).unwrap().check_bind().is_ok());
}

#[test]
fn the_default_file_is_read_back_as_the_defaults() {
    let text = show::default_file();
    let config = load(&text, &[], &[]).unwrap();
    for field in FIELDS.iter().filter(|field| field.default.is_some()) {
        assert_eq!(config.get(field.key), field.default, "{}", field.key);
    }
}

#[test]
fn every_setting_is_explained_and_its_default_is_allowed() {
    let schema = show::schema_value();
    for field in FIELDS {
        assert!(field.text.ends_with('.') || field.text.ends_with('`'), "{} needs a sentence", field.key);
        assert_eq!(field.default.and_then(|value| field.refuse(value)), None, "{}", field.key);
        let (section, name) = field.key.rsplit_once('.').unwrap();
        let place = match section {
            "organisation.*" => &schema["properties"]["organisation"]["additionalProperties"]["properties"][name],
            "channel.*" => &schema["properties"]["channel"]["additionalProperties"]["properties"][name],
            section => &schema["properties"][section]["properties"][name],
        };
        assert_eq!(place["description"], field.text);
    }
}

#[test]
fn the_manual_says_what_the_settings_are() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operate/configure.md");
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(written, show::reference_page(), "run `continuo config reference > docs/operate/configure.md`");
}
