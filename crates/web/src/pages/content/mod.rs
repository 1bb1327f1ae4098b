//! The self-test of the clinical content that ships with the program: each set with its version, source and the day on
//! which somebody must look at it again. It turns red when a set is missing, cannot be read or is out of date, because
//! whatever relies on it then works badly or not at all.

use crate::components::icon::icon;
use crate::components::shell;
use crate::components::table::table;
use crate::locale::Words;
use crate::request::{Answer, Visitor};
use care::chart::When;
use care::content::{self, Checked, Standing};
use maud::{Markup, html};

pub(crate) async fn page(visitor: Visitor) -> Answer {
    let words = visitor.words;
    let today = When::of_micros(visitor.now).machine();
    // A moment of ours always begins with its day.
    let today = today.get(..10).and_then(|it| it.parse().ok()).unwrap_or(jiff::civil::Date::MAX);
    let all = content::self_check(today);
    let bad = all.iter().filter(|it| it.standing != Standing::Good).count();
    let heads =
        ["content-set", "content-entries", "content-version", "content-source", "content-expires", "content-state"];
    let heads = heads.map(|it| words.say(it));
    let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
    let main = html! {
        header.section-head { h1 { (words.say("content-title")) } }
        p.lead { (words.say("content-lead")) }
        @if bad > 0 { p.error role="alert" { strong { (words.with("content-bad", &[("count", bad.into())])) } } }
        @else { p.notice.good role="status" { (icon("check")) (words.with("content-good", &[("count", all.len().into())])) } }
        (table(words, &words.say("content-title"), &heads, all.iter().map(|it| row(words, it)).collect()))
    };
    Ok(shell::administration(&visitor, "content", words.say("content-title"), main))
}

fn row(words: &Words, it: &Checked) -> Vec<Markup> {
    let head = it.head.as_ref();
    let dash = || html! { span.quiet { "–" } };
    vec![
        html! { @if let Some(head) = head { (head.title) " " } code { (it.file) } },
        html! { (it.entries) },
        head.map_or_else(dash, |it| html! { (it.version) }),
        head.map_or_else(dash, |it| html! { (it.source) }),
        head.map_or_else(dash, |it| html! { (it.expires.strftime("%d-%b-%Y").to_string()) }),
        match &it.standing {
            Standing::Good => html! { span.chip.good { (words.say("content-is-good")) } },
            Standing::Expired => html! { span.chip.critical { (words.say("content-is-expired")) } },
            Standing::Missing(why) => {
                html! { span.chip.critical { (words.say("content-is-missing")) } " " code { (why) } }
            }
        },
    ]
}
