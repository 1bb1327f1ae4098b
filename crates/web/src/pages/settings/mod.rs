//! How pages look and answer to me (screen P-12, rules A3): language, light or dark, density, size of text, and which
//! keys do what. Kept on the server, so that it is the same at every desk; nothing of it stays in the browser.

use crate::components::form::{Errors, choice};
use crate::components::{keys, notice, shell};
use crate::locale::{Locale, Words};
use crate::request::{Answer, Visitor, see_other};
use axum::Form;
use axum::extract::Query;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use care::desk::{self, Density, Settings, TextSize, Theme};
use maud::{Markup, html};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize, Default)]
pub(crate) struct Asked {
    done: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Given {
    #[serde(default)]
    language: String,
    #[serde(default)]
    theme: Theme,
    #[serde(default)]
    density: Density,
    #[serde(default)]
    text: TextSize,
    /// Ticked: keys without Ctrl or Alt work.
    #[serde(default)]
    letters: String,
    /// `keys-palette=Ctrl+K` and so on.
    #[serde(flatten)]
    keys: BTreeMap<String, String>,
}

pub(crate) async fn page(visitor: Visitor, Query(asked): Query<Asked>) -> Answer {
    let settings = (*visitor.desk).clone();
    Ok(show(&visitor, &settings, &Errors::none(), asked.done.as_deref()))
}

pub(crate) async fn submit(visitor: Visitor, Form(given): Form<Given>) -> Answer {
    let words = visitor.words;
    let mut errors = Errors::none();
    let mut settings = Settings {
        language: Locale::chosen(&given.language, visitor.web.installation.demo).map(|it| it.tag().to_owned()),
        theme: given.theme,
        density: given.density,
        text: given.text,
        no_letters: given.letters.is_empty(),
        keys: BTreeMap::new(),
        ..(*visitor.desk).clone()
    };
    for (command, _, usual) in keys::COMMANDS {
        let Some(typed) = given.keys.get(&field(command)) else { continue };
        // The keys of sections are one thing, on or off.
        let read = if command == "sections" && !typed.is_empty() { Some(usual.to_owned()) } else { keys::parse(typed) };
        match read {
            Some(read) if read == usual => {}
            Some(read) => drop(settings.keys.insert(command.to_owned(), read)),
            None => {
                errors.add(&field(command), words.with("settings-keys-unread", &[("typed", typed.as_str().into())]));
                settings.keys.insert(command.to_owned(), typed.clone());
            }
        }
    }
    if errors.is_empty()
        && let Some(twice) = keys::doubled(&settings.keys)
    {
        let command = settings.keys.iter().find(|(_, keys)| **keys == twice).map_or("help", |(command, _)| command);
        errors.add(&field(command), words.with("settings-keys-twice", &[("keys", twice.into())]));
    }
    if !errors.is_empty() {
        let mut response = show(&visitor, &settings, &errors, None);
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
        return Ok(response);
    }
    desk::keep_settings(visitor.store(), &visitor.caller, &settings, visitor.now).await?;
    let mut response = see_other(&visitor.at("account/settings?done=saved")).into_response();
    // The sign-in page speaks the same language next time.
    if let Some(locale) = settings.language.as_deref().and_then(|it| Locale::chosen(it, visitor.web.installation.demo))
    {
        response.headers_mut().append(header::SET_COOKIE, crate::sessions::speaking(locale.tag()));
    }
    Ok(response)
}

fn field(command: &str) -> String {
    format!("keys-{command}")
}

fn show(visitor: &Visitor, settings: &Settings, errors: &Errors, done: Option<&str>) -> axum::response::Response {
    let words = visitor.words;
    let main = html! {
        h1 { (words.say("settings-title")) }
        (notice::done(words, done))
        (errors.summary())
        form.stacked data-commit="" method="post" action=(visitor.at("account/settings")) {
            section.panel-card aria-labelledby="look" {
                header { h2 #look { (words.say("settings-look")) } }
                (language(visitor, settings))
                (look(words, settings))
            }
            section.panel-card #keys-form aria-labelledby="keys-heading" {
                header { h2 #keys-heading { (words.say("shell-keys")) } }
                p.quiet { (words.say("settings-keys-lead")) }
                label.tick { input type="checkbox" name="letters" value="yes" checked[!settings.no_letters]; span { (words.say("settings-letters")) } }
                div.key-fields { @for (command, does, usual) in keys::COMMANDS { (key(words, settings, errors, command, does, usual)) } }
            }
            p { button.primary type="submit" { (words.say("settings-save")) } }
        }
    };
    shell::own(visitor, errors.title(words, &words.say("settings-title")), main)
}

fn language(visitor: &Visitor, settings: &Settings) -> Markup {
    let words = visitor.words;
    let device = words.say("settings-language-device");
    let offered: Vec<Locale> = Locale::offered(visitor.web.installation.demo).collect();
    let mut options = vec![("", device.as_str())];
    options.extend(offered.iter().map(|it| (it.tag(), it.own_name())));
    choice("language", &words.say("settings-language"), &options, settings.language.as_deref().unwrap_or_default())
}

fn look(words: &Words, settings: &Settings) -> Markup {
    let say = |key: &str| words.say(key);
    let themes = [
        ("device", say("settings-theme-device")),
        ("light", say("settings-theme-light")),
        ("dark", say("settings-theme-dark")),
    ];
    let densities =
        [("comfortable", say("settings-density-comfortable")), ("compact", say("settings-density-compact"))];
    let sizes = [
        ("normal", say("settings-text-normal")),
        ("large", say("settings-text-large")),
        ("larger", say("settings-text-larger")),
    ];
    let theme = match settings.theme {
        Theme::Device => "device",
        Theme::Light => "light",
        Theme::Dark => "dark",
    };
    let density = match settings.density {
        Density::Comfortable => "comfortable",
        Density::Compact => "compact",
    };
    let size = match settings.text {
        TextSize::Normal => "normal",
        TextSize::Large => "large",
        TextSize::Larger => "larger",
    };
    html! {
        (one_of("theme", &say("settings-theme"), &themes, theme))
        (one_of("density", &say("settings-density"), &densities, density))
        (one_of("text", &say("settings-text"), &sizes, size))
    }
}

fn one_of(name: &str, legend: &str, options: &[(&str, String)], chosen: &str) -> Markup {
    html! {
        fieldset.boxes.in-line {
            legend { (legend) }
            @for (value, words) in options {
                label { input type="radio" name=(name) value=(value) checked[*value == chosen]; span { (words) } }
            }
        }
    }
}

fn key(words: &Words, settings: &Settings, errors: &Errors, command: &str, does: &str, usual: &str) -> Markup {
    let set = settings.keys.get(command).map_or(usual, String::as_str);
    let id = field(command);
    if command == "sections" {
        return html! {
            div.field {
                label for=(id) { (words.say(does)) }
                select id=(id) name=(id) {
                    option value=(usual) selected[!set.is_empty()] { (usual) }
                    option value="" selected[set.is_empty()] { (words.say("settings-keys-off")) }
                }
            }
        };
    }
    let label = words.say(does);
    let hint = words.with("settings-keys-usual", &[("keys", usual.into())]);
    crate::components::form::field(&id, &label)
        .value(set)
        .hint(&hint)
        .literal()
        .free()
        .maxlength(40)
        .show(words, errors)
}
