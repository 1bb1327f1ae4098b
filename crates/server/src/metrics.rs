//! What the program did, counted for Prometheus (text format 0.0.4). Labels come from closed lists (route,
//! method, class of status, short name of an organisation): the number of series is fixed when the program
//! starts, and no label can hold patient data.

use crate::route::{ROUTES, Route};
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OTHER"];
const STATUSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];
/// Upper edges in microseconds.
const EDGES: [u64; 13] =
    [500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 10_000_000];

#[derive(Default)]
struct Histogram {
    buckets: [AtomicU64; EDGES.len()],
    count: AtomicU64,
    micros: AtomicU64,
}

impl Histogram {
    fn add(&self, took: Duration) {
        let micros = took.as_micros() as u64;
        if let Some(at) = EDGES.iter().position(|edge| micros <= *edge) {
            self.buckets[at].fetch_add(1, Relaxed);
        }
        self.count.fetch_add(1, Relaxed);
        self.micros.fetch_add(micros, Relaxed);
    }

    fn write(&self, out: &mut String, name: &str, labels: &str) {
        let comma = if labels.is_empty() { "" } else { "," };
        let mut sum = 0;
        for (edge, bucket) in EDGES.iter().zip(&self.buckets) {
            sum += bucket.load(Relaxed);
            let seconds = *edge as f64 / 1e6;
            writeln!(out, "{name}_bucket{{{labels}{comma}le=\"{seconds}\"}} {sum}").expect("a string takes all");
        }
        let (count, seconds) = (self.count.load(Relaxed), self.micros.load(Relaxed) as f64 / 1e6);
        writeln!(out, "{name}_bucket{{{labels}{comma}le=\"+Inf\"}} {count}").expect("a string takes all");
        writeln!(out, "{name}_sum{{{labels}}} {seconds}\n{name}_count{{{labels}}} {count}")
            .expect("a string takes all");
    }
}

pub(crate) struct Metrics {
    started: Instant,
    /// By route, method and class of status.
    requests: Vec<[[AtomicU64; STATUSES.len()]; METHODS.len()]>,
    by_route: Vec<Histogram>,
    search: Histogram,
    commits: Histogram,
    under_way: AtomicU64,
}

/// One number of an organisation, read when someone asks.
pub(crate) struct Gauge {
    pub(crate) name: &'static str,
    pub(crate) help: &'static str,
    /// By short name of the organisation, or once with an empty name.
    pub(crate) values: Vec<(String, f64)>,
}

impl Metrics {
    pub(crate) fn new() -> Metrics {
        Metrics {
            started: Instant::now(),
            requests: (0..ROUTES.len()).map(|_| Default::default()).collect(),
            by_route: (0..ROUTES.len()).map(|_| Histogram::default()).collect(),
            search: Histogram::default(),
            commits: Histogram::default(),
            under_way: AtomicU64::new(0),
        }
    }

    pub(crate) fn begin(&self) {
        self.under_way.fetch_add(1, Relaxed);
    }

    pub(crate) fn end(&self, route: Route, method: &str, status: u16, took: Duration) {
        self.under_way.fetch_sub(1, Relaxed);
        let method_at = METHODS.iter().position(|it| *it == method).unwrap_or(METHODS.len() - 1);
        let status_at = usize::from(status / 100).clamp(1, STATUSES.len()) - 1;
        self.requests[route.place()][method_at][status_at].fetch_add(1, Relaxed);
        self.by_route[route.place()].add(took);
        if !route.name().contains("/fhir") {
            return;
        }
        let reads = method == "GET" || method == "HEAD";
        let searches = matches!(
            route.name(),
            "/{org}/fhir/{type}"
                | "/{org}/fhir/{type}/_search"
                | "/{org}/fhir/_search"
                | "/{org}/fhir/{type}/{id}/{type}"
        );
        if searches && (reads || route.name().ends_with("_search")) {
            self.search.add(took);
        } else if !reads && status < 300 {
            self.commits.add(took);
        }
    }

    /// The whole page.
    pub(crate) fn page(&self, gauges: &[Gauge]) -> String {
        let mut out = String::with_capacity(16 * 1024);
        let head = |out: &mut String, name: &str, kind: &str, help: &str| {
            writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}").expect("a string takes all");
        };
        head(&mut out, "continuo_up_seconds", "gauge", "How long the program has run.");
        writeln!(out, "continuo_up_seconds {}", self.started.elapsed().as_secs()).expect("a string takes all");
        head(&mut out, "continuo_build_info", "gauge", "Which version this is.");
        writeln!(out, "continuo_build_info{{version=\"{}\"}} 1", env!("CARGO_PKG_VERSION"))
            .expect("a string takes all");
        head(&mut out, "continuo_http_requests_under_way", "gauge", "Requests begun and not ended.");
        writeln!(out, "continuo_http_requests_under_way {}", self.under_way.load(Relaxed)).expect("a string takes all");

        head(&mut out, "continuo_http_requests_total", "counter", "Requests by route, method and class of status.");
        for (route, methods) in ROUTES.iter().zip(&self.requests) {
            for (method, statuses) in METHODS.iter().zip(methods) {
                for (status, count) in STATUSES.iter().zip(statuses) {
                    let count = count.load(Relaxed);
                    if count > 0 {
                        let labels = format!("route=\"{route}\",method=\"{method}\",status=\"{status}\"");
                        writeln!(out, "continuo_http_requests_total{{{labels}}} {count}").expect("a string takes all");
                    }
                }
            }
        }
        head(&mut out, "continuo_http_request_seconds", "histogram", "How long requests took, by route.");
        for (route, histogram) in ROUTES.iter().zip(&self.by_route) {
            if histogram.count.load(Relaxed) > 0 {
                histogram.write(&mut out, "continuo_http_request_seconds", &format!("route=\"{route}\""));
            }
        }
        head(&mut out, "continuo_fhir_search_seconds", "histogram", "How long FHIR searches took.");
        self.search.write(&mut out, "continuo_fhir_search_seconds", "");
        head(&mut out, "continuo_fhir_commit_seconds", "histogram", "How long FHIR writes took that were committed.");
        self.commits.write(&mut out, "continuo_fhir_commit_seconds", "");
        for gauge in gauges {
            head(&mut out, gauge.name, "gauge", gauge.help);
            for (organisation, value) in &gauge.values {
                let labels = if organisation.is_empty() {
                    String::new()
                } else {
                    format!("{{organisation=\"{organisation}\"}}")
                };
                writeln!(out, "{}{labels} {value}", gauge.name).expect("a string takes all");
            }
        }
        out
    }
}

/// Resident memory of this process in bytes, where the system tells (Linux).
pub(crate) fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().ok().map(|it| it * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(metrics: &Metrics, method: &str, path: &str, status: u16) {
        metrics.begin();
        metrics.end(Route::of(path), method, status, Duration::from_millis(3));
    }

    #[test]
    fn requests_are_counted_by_route_and_status() {
        let metrics = Metrics::new();
        record(&metrics, "GET", "/riverside/fhir/Patient/7", 200);
        record(&metrics, "GET", "/riverside/fhir/Patient/8", 404);
        let page = metrics.page(&[]);
        let route = "route=\"/{org}/fhir/{type}/{id}\",method=\"GET\"";
        assert!(page.contains(&format!("continuo_http_requests_total{{{route},status=\"2xx\"}} 1")), "{page}");
        assert!(page.contains(&format!("continuo_http_requests_total{{{route},status=\"4xx\"}} 1")), "{page}");
        assert!(page.contains("le=\"0.005\"} 2"), "{page}");
        assert!(page.contains("continuo_http_requests_under_way 0"));
    }

    #[test]
    fn searches_and_commits_have_their_own_histograms() {
        let metrics = Metrics::new();
        record(&metrics, "GET", "/riverside/fhir/Patient", 200);
        record(&metrics, "POST", "/riverside/fhir/Patient/_search", 200);
        record(&metrics, "POST", "/riverside/fhir/Patient", 201);
        record(&metrics, "PUT", "/riverside/fhir/Patient/7", 412);
        let page = metrics.page(&[]);
        assert!(page.contains("continuo_fhir_search_seconds_count{} 2"), "{page}");
        assert!(page.contains("continuo_fhir_commit_seconds_count{} 1"), "{page}");
    }

    #[test]
    fn whatever_is_asked_the_number_of_series_stays_small_and_nothing_of_it_is_shown() {
        let metrics = Metrics::new();
        for number in 0..20_000 {
            let path = format!("/org{number}/fhir/Patient{number}/smith-{number}/{number}");
            record(&metrics, &format!("METHOD{number}"), &path, (number % 600) as u16);
        }
        let page = metrics.page(&[]);
        assert!(page.lines().count() < ROUTES.len() * METHODS.len() * STATUSES.len() + ROUTES.len() * 16 + 100);
        assert!(!page.contains("smith") && !page.contains("org1"));
    }
}
