//! Flags on results: letters, an icon and a colour together, so that none of them is needed alone.

use super::icon::icon;
use crate::locale::Words;
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
pub(crate) fn badge(words: &Words, flag: Option<Flag>) -> Markup {
    let Some(flag) = flag.filter(|it| it.is_abnormal()) else { return html! {} };
    let drawn = match flag {
        Flag::CriticalHigh | Flag::High => "up",
        Flag::CriticalLow | Flag::Low => "down",
        _ => "abnormal",
    };
    html! {
        span class={ "flag " (class(Some(flag))) } title=(said(words, flag)) {
            (icon(drawn)) span aria-hidden="true" { (flag.letters()) } span.spoken { (said(words, flag)) }
        }
    }
}

/// A flag in words.
pub(crate) fn said(words: &Words, flag: Flag) -> String {
    words.say(match flag {
        Flag::CriticalHigh => "chart-flag-critically-high",
        Flag::CriticalLow => "chart-flag-critically-low",
        Flag::CriticalAbnormal => "chart-flag-critically-abnormal",
        Flag::High => "chart-flag-high",
        Flag::Low => "chart-flag-low",
        Flag::Abnormal => "chart-flag-abnormal",
        Flag::Normal => "chart-flag-normal",
    })
}

/// Anything but final is said.
pub(crate) fn status(words: &Words, status: ResultStatus) -> Markup {
    match status {
        ResultStatus::Final => html! {},
        ResultStatus::Corrected => html! { span.chip.notable { (words.say("chart-corrected")) } },
        ResultStatus::Mistaken => html! { span.chip.mistaken { (words.say("chart-entered-in-error")) } },
        ResultStatus::Preliminary => html! { span.chip { (words.say("chart-preliminary")) } },
        ResultStatus::Cancelled => html! { span.chip { (words.say("chart-cancelled")) } },
        ResultStatus::Unknown => html! { span.chip { (words.say("chart-status-unknown")) } },
    }
}
