//! The shape of a request's path, for logs and metrics: one of a few names, never the path itself, which
//! holds ids and searched values. The list is closed, so the number of time series is too.

/// Every name there is; a route is its place in this list.
pub(crate) const ROUTES: [&str; 23] = [
    "other",
    "/",
    "/livez",
    "/readyz",
    "/healthz",
    "/metrics",
    "/{org}/",
    "/{org}/portal",
    "/assets",
    "/.well-known",
    "/{org}/auth",
    "/{org}/auth/token",
    "/{org}/fhir",
    "/{org}/fhir/metadata",
    "/{org}/fhir/_history",
    "/{org}/fhir/_search",
    "/{org}/fhir/{type}",
    "/{org}/fhir/{type}/_search",
    "/{org}/fhir/{type}/_history",
    "/{org}/fhir/{type}/{id}",
    "/{org}/fhir/{type}/{id}/_history",
    "/{org}/fhir/{type}/{id}/{type}",
    "/{org}/fhir/$operation",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Route(u8);

impl Route {
    pub(crate) fn name(self) -> &'static str {
        ROUTES[self.place()]
    }

    pub(crate) fn place(self) -> usize {
        usize::from(self.0)
    }

    fn named(name: &str) -> Route {
        Route(ROUTES.iter().position(|it| *it == name).unwrap_or(0) as u8)
    }

    pub(crate) fn of(path: &str) -> Route {
        let mut parts = path.trim_start_matches('/').split('/');
        let (first, second) = (parts.next().unwrap_or(""), parts.next());
        match (first, second) {
            ("", None) => Route::named("/"),
            ("livez" | "readyz" | "healthz" | "metrics", None) => Route::named(path),
            (_, Some("fhir")) => Route::of_fhir(&parts.filter(|part| !part.is_empty()).collect::<Vec<_>>()),
            (".well-known", Some(_)) => Route::named("/.well-known"),
            (_, Some("auth")) if parts.next() == Some("token") => Route::named("/{org}/auth/token"),
            (_, Some("auth")) => Route::named("/{org}/auth"),
            (_, Some("portal")) => Route::named("/{org}/portal"),
            ("assets", Some(_)) => Route::named("/assets"),
            (_, Some(_)) => Route::named("/{org}/"),
            (_, None) => Route(0),
        }
    }

    fn of_fhir(parts: &[&str]) -> Route {
        if parts.iter().any(|part| part.starts_with('$')) {
            return Route::named("/{org}/fhir/$operation");
        }
        Route::named(match parts {
            [] => "/{org}/fhir",
            ["metadata"] => "/{org}/fhir/metadata",
            ["_history"] => "/{org}/fhir/_history",
            ["_search"] => "/{org}/fhir/_search",
            [_] => "/{org}/fhir/{type}",
            [_, "_search"] => "/{org}/fhir/{type}/_search",
            [_, "_history"] => "/{org}/fhir/{type}/_history",
            [_, _] => "/{org}/fhir/{type}/{id}",
            [_, _, "_history", ..] => "/{org}/fhir/{type}/{id}/_history",
            _ => "/{org}/fhir/{type}/{id}/{type}",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_names_the_shape_and_not_the_person() {
        #[track_caller]
        fn check(path: &str, route: &str) {
            assert_eq!(Route::of(path).name(), route);
        }
        check("/", "/");
        check("/readyz", "/readyz");
        check("/favicon.ico", "other");
        check("/riverside/", "/{org}/");
        check("/riverside/patients/7", "/{org}/");
        check("/riverside/portal/", "/{org}/portal");
        check("/riverside/auth/token", "/{org}/auth/token");
        check("/riverside/auth/authorize", "/{org}/auth");
        check("/.well-known/oauth-authorization-server/riverside/auth", "/.well-known");
        check("/riverside/fhir", "/{org}/fhir");
        check("/riverside/fhir/", "/{org}/fhir");
        check("/riverside/fhir/metadata", "/{org}/fhir/metadata");
        check("/riverside/fhir/Patient", "/{org}/fhir/{type}");
        check("/riverside/fhir/Patient/_search", "/{org}/fhir/{type}/_search");
        check("/riverside/fhir/Patient/7", "/{org}/fhir/{type}/{id}");
        check("/riverside/fhir/Patient/7/_history/2", "/{org}/fhir/{type}/{id}/_history");
        check("/riverside/fhir/Patient/7/Observation", "/{org}/fhir/{type}/{id}/{type}");
        check("/riverside/fhir/Patient/7/$everything", "/{org}/fhir/$operation");
        check("/riverside/fhir/$meta", "/{org}/fhir/$operation");
    }
}
