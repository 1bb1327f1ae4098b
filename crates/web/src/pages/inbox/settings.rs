//! Who else sees an inbox: pools one is in, delegates, and who stands in while one is away.

use super::NEEDS;
use super::detail::whom;
use crate::components::form::{Errors, act_on, field};
use crate::components::shell;
use crate::request::{Answer, Refusal, Visitor, id, see_other};
use axum::Form;
use care::inbox::{self, Cover, Settings};
use fhir::Key;
use maud::html;
use serde::Deserialize;

pub(crate) async fn page(visitor: Visitor) -> Answer {
    let words = visitor.words;
    let settings = Settings::read(&visitor.pen()).await?;
    let me = visitor.session.principal.person.clone();
    let colleagues: Vec<(String, String)> =
        whom(&visitor).await?.into_iter().filter(|it| it.0.starts_with("Practitioner/")).collect();
    let called = |key: &str| colleagues.iter().find(|it| it.0 == key).map_or(key.to_owned(), |it| it.1.clone());
    let address = visitor.at("inbox/settings");
    let may_pool = visitor.pen().may(store::Action::Create, "CareTeam");
    let main = html! {
        header.section-head { h1 { (words.say("inbox-settings")) } p { a href=(visitor.at("inbox")) { (words.say("inbox-back")) } } }
        div.panels {
            section.panel-card aria-labelledby="pools" {
                header { h2 #pools { (words.say("inbox-pools")) } }
                p.hint { (words.say("inbox-pools-hint")) }
                ul.lines {
                    @for pool in &settings.pools {
                        @let member = me.as_ref().is_some_and(|me| pool.members.iter().any(|(key, _)| key == me));
                        li.line.tall {
                            span.main { strong { (pool.name) } }
                            span.under {
                                @if pool.of_all { (words.say("inbox-pool-of-all")) }
                                @else if pool.members.is_empty() { (words.say("inbox-pool-empty")) }
                                @else { (pool.members.iter().map(|it| it.1.as_str()).collect::<Vec<_>>().join(", ")) }
                            }
                            @if me.is_some() && may_pool && !pool.of_all {
                                (act_on(&address, &[("do", if member { "leave" } else { "join" }), ("pool", pool.key.id.as_str())],
                                    &words.say(if member { "inbox-pool-leave" } else { "inbox-pool-join" }), Some(&pool.name), None))
                            }
                        }
                    }
                }
                @if may_pool {
                    form.stacked method="post" action=(address) {
                        input type="hidden" name="once" value=(visitor.once());
                        (field("name", &words.say("inbox-pool-name")).maxlength(80).show(words, &Errors::none()))
                        button type="submit" name="do" value="pool" { (words.say("inbox-pool-new")) }
                    }
                }
            }
            section.panel-card aria-labelledby="cover" {
                header { h2 #cover { (words.say("inbox-cover")) } }
                @match &me {
                    None => { p.empty { (words.say("inbox-no-person")) } }
                    Some(me) => {
                        @match settings.cover(me, visitor.now) {
                            Some(cover) => {
                                @let (from, until) = cover.days();
                                p { (words.with("inbox-cover-now", &[("name", called(&cover.by).into()), ("from", from.into()), ("until", until.into())])) }
                                (act_on(&address, &[("do", "uncover")], &words.say("inbox-cover-end"), None, None))
                            }
                            None => {
                                form.stacked method="post" action=(address) {
                                    div.field {
                                        label for="by" { (words.say("inbox-cover-by")) }
                                        select #by name="by" required { option value="" { (words.say("inbox-choose-whom")) } @for (key, name) in &colleagues { option value=(key) { (name) } } }
                                    }
                                    (field("from", &words.say("inbox-cover-from")).kind("date").show(words, &Errors::none()))
                                    (field("until", &words.say("inbox-cover-until")).kind("date").show(words, &Errors::none()))
                                    (field("reason", &words.say("inbox-cover-reason")).optional().maxlength(200).show(words, &Errors::none()))
                                    button type="submit" name="do" value="cover" { (words.say("inbox-cover-begin")) }
                                }
                            }
                        }
                    }
                }
            }
            section.panel-card aria-labelledby="delegates" {
                header { h2 #delegates { (words.say("inbox-delegates")) } }
                p.hint { (words.say("inbox-delegates-hint")) }
                @if let Some(me) = &me {
                    ul.lines {
                        @for key in settings.delegates(me) {
                            li.line { span.main { (called(&key)) } (act_on(&address, &[("do", "undelegate"), ("to", &key)], &words.say("inbox-delegate-end"), Some(&called(&key)), None)) }
                        }
                    }
                    form.stacked method="post" action=(address) {
                        div.field {
                            label for="delegate" { (words.say("inbox-delegate")) }
                            select #delegate name="to" required { option value="" { (words.say("inbox-choose-whom")) } @for (key, name) in &colleagues { option value=(key) { (name) } } }
                        }
                        button type="submit" name="do" value="delegate" { (words.say("inbox-delegate-add")) }
                    }
                } @else { p.empty { (words.say("inbox-no-person")) } }
            }
        }
    };
    Ok(shell::page(&visitor, (words.say("inbox-settings"), NEEDS), main))
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Change {
    #[serde(rename = "do")]
    what: String,
    once: String,
    name: String,
    pool: String,
    to: String,
    by: String,
    from: String,
    until: String,
    reason: String,
}

pub(crate) async fn submit(visitor: Visitor, Form(form): Form<Change>) -> Answer {
    const DAY: i64 = 86_400_000_000;
    let pen = visitor.pen();
    let whom = || Key::parse(&form.to).ok_or(Refusal::Cannot("inbox-needs-whom"));
    match form.what.as_str() {
        "pool" if form.name.trim().is_empty() => return Err(Refusal::Cannot("inbox-needs-name")),
        "pool" => inbox::new_pool(&pen, form.name.trim(), &form.once).await?,
        "join" | "leave" => inbox::join(&pen, &id(&form.pool)?, form.what == "join").await?,
        "delegate" | "undelegate" => inbox::delegate(&pen, &whom()?, form.what == "delegate").await?,
        "uncover" => inbox::cover(&pen, None).await?,
        "cover" => {
            let day =
                |text: &str| care::chart::When::parse(text).filter(|it| it.is_whole_day()).map(|it| it.at() * 1000);
            let (Some(from), Some(until)) = (day(&form.from), day(&form.until)) else {
                return Err(Refusal::Cannot("inbox-needs-days"));
            };
            // The last day counts whole.
            let until = until + DAY;
            if Key::parse(&form.by).is_none() || until <= from || until <= visitor.now {
                return Err(Refusal::Cannot("inbox-needs-days"));
            }
            let cover = Cover { by: form.by.clone(), from, until, reason: form.reason.trim().to_owned() };
            inbox::cover(&pen, Some(cover)).await?;
        }
        _ => return Err(Refusal::NotFound),
    }
    Ok(see_other(&visitor.at("inbox/settings")))
}
