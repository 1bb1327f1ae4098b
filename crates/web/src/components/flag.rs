//! Flags on results: letters, an icon and a colour together, so that none of them is needed alone.

use super::icon::icon;
use care::chart::{Flag, ResultStatus};
use maud::{Markup, html};

/// The class that colours what carries the flag.
pub(crate) fn class(flag: Option<Flag>) -> &'static str {
    match flag {
        None | Some(Flag::Normal) => "normal",
        Some(Flag::High) => "high",
        Some(Flag::Low) => "low",
        Some(Flag::Abnormal) => "abnormal",
        Some(Flag::CriticalHigh | Flag::CriticalLow | Flag::CriticalAbnormal) => "critical",
    }
}

/// `▲ H`, with `high` for those who hear it. Nothing for a normal or unflagged result.
pub(crate) fn badge(flag: Option<Flag>) -> Markup {
    let Some(flag) = flag.filter(|it| it.is_abnormal()) else { return html! {} };
    let drawn = match flag {
        Flag::CriticalHigh | Flag::High => "up",
        Flag::CriticalLow | Flag::Low => "down",
        _ => "abnormal",
    };
    html! {
        span class={ "flag " (class(Some(flag))) } title=(flag.words()) {
            (icon(drawn)) span aria-hidden="true" { (flag.letters()) } span.spoken { (flag.words()) }
        }
    }
}

/// Anything but final is said.
pub(crate) fn status(status: ResultStatus) -> Markup {
    match status {
        ResultStatus::Final => html! {},
        ResultStatus::Corrected => html! { span.chip.notable { "Corrected" } },
        ResultStatus::Mistaken => html! { span.chip.mistaken { "Entered in error" } },
        other => html! { span.chip { (other.words()) } },
    }
}
