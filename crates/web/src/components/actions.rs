//! Where one can go and what one can begin: the pages that the bar, the chart and the palette offer, each only
//! when it is in the list of pages and its policy lets the visitor in.

use crate::pages::{PAGES, Policy};
use crate::request::Visitor;
use store::Action;

/// Something to begin in a chart: (command that its keys belong to, end of the address, what it is called, in a drawer)
pub(crate) const OF_CHART: [(&str, &str, &str, bool); 5] = [
    ("order", "basket", "shell-act-order", false),
    ("note", "notes", "shell-act-note", false),
    ("vitals", "vitals/new", "shell-act-vitals", true),
    ("message", "message", "shell-act-message", true),
    ("video", "video", "shell-act-video", false),
];

/// Pages of one's own work: (end of the address, what it is called)
pub(crate) const PLACES: [(&str, &str); 6] = [
    ("day", "shell-place-day"),
    ("inbox", "shell-place-inbox"),
    ("notes", "shell-place-notes"),
    ("renewals", "orders-renewals"),
    ("orders/cosign", "orders-cosign"),
    ("lists", "shell-place-lists"),
];

/// Whether there is such a page and the visitor may open it: `inbox`, `patients/{id}/orders`.
pub(crate) fn opens(visitor: &Visitor, path: &str) -> bool {
    let whole = format!("/{{org}}/{path}");
    PAGES.iter().find(|it| it.path == whole).is_some_and(|it| match it.policy {
        Policy::Anyone | Policy::AnyoneHere | Policy::SignedIn => true,
        Policy::Staff => !visitor.is_patient(),
        Policy::May(permission) => visitor.may(permission),
        Policy::Patient => visitor.is_patient(),
        Policy::Demo => visitor.web.installation.demo,
    })
}

/// What can be begun in the chart of a patient: (command, address, what it is called, in a drawer)
pub(crate) fn of_chart(visitor: &Visitor, patient: &str) -> Vec<(&'static str, String, &'static str, bool)> {
    let there = OF_CHART.iter().filter(|(_, end, ..)| opens(visitor, &format!("patients/{{id}}/{end}")));
    let base = visitor.address_of(patient);
    there.map(|(command, end, words, drawer)| (*command, format!("{base}/{end}"), *words, *drawer)).collect()
}

/// The pages of one's own work.
pub(crate) fn places(visitor: &Visitor) -> Vec<(String, &'static str)> {
    // Whoever does not write notes has none that wait.
    let writes = visitor.pen().may(Action::Create, "DocumentReference");
    let there = PLACES.iter().filter(|(path, _)| opens(visitor, path) && (*path != "notes" || writes));
    there.map(|(path, words)| (visitor.at(path), *words)).collect()
}
