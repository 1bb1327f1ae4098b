//! Every page in one list: its address, whom it is for, and what answers. A page is reached only through
//! the guard of its policy, so a page that forgets to ask who is there cannot be written.

pub(crate) mod account;
mod aftercare;
mod apps;
pub(crate) mod audit;
mod authorize;
mod chart_apps;
mod choose;
mod closing;
mod cohorts;
mod connected;
mod content;

pub(crate) mod devices;
mod disclosures;
pub(crate) mod documents;
pub(crate) mod duplicates;
mod emergency;
pub(crate) mod entries;
pub(crate) mod exchange;
pub(crate) mod filing;
mod gallery;
mod gaps;
pub(crate) mod growth;
pub(crate) mod imaging;
pub(crate) mod inbox;
mod interfaces;
mod invitation;
mod launcher;
mod lists;
mod live;
mod looks;
mod messages;
pub(crate) mod notes;
mod orders;
mod pharmacy;
mod portal;
mod reconcile;
mod register;
mod renewals;
mod reset;
mod results;
mod roles;
mod search;
mod sessions;
mod set_up;
mod settings;
mod sign_in;
mod summary;
mod terms;
mod timeline;
mod users;
mod video;
mod visits;
mod vitals;

use crate::components::shell::CHART;
use crate::locale::{Locale, Words};
use crate::request::{Place, Refusal, Refused, Visitor, Web};
use crate::sessions as cookies;
use axum::Router;
use axum::extract::{DefaultBodyLimit, RawPathParams, Request, State};
use axum::http::{Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use care::Organisation;
use care::access::{Visit, emergency as emergency_access};
use care::desk::{self, Opened};
use std::sync::Arc;
use store::StoreResult;
use store::audit::Event;

/// Whom a page is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    /// Anyone, signed in or not.
    Anyone,
    /// Anyone, at an address of an organisation.
    AnyoneHere,
    /// Whoever is signed in, staff or patient.
    SignedIn,
    /// Staff, whatever their role; a patient is led to the portal.
    Staff,
    /// Staff whose role has this permission; to others the page does not exist.
    May(&'static str),
    /// A patient; staff is led to the staff pages.
    Patient,
    /// Developers, in a demonstration only.
    Demo,
}

pub(crate) struct Page {
    pub(crate) path: &'static str,
    pub(crate) policy: Policy,
    answer: fn() -> MethodRouter<Arc<Web>>,
}

const fn page(path: &'static str, policy: Policy, answer: fn() -> MethodRouter<Arc<Web>>) -> Page {
    Page { path, policy, answer }
}

/// Pages of a chart.
const CHARTS: Policy = Policy::May(CHART);
const USERS: Policy = Policy::May("users.manage");
const APPS: Policy = Policy::May("apps.manage");
const AUDIT: Policy = Policy::May("audit.read");
/// Those who look whether two records are one person's.
const DUPLICATES: Policy = Policy::May(care::identity::merge::REVIEW);
const INTERFACES: Policy = Policy::May(care::exchange::log::LOOK_AFTER);
const BREAK_GLASS: &str = "break-glass";
const REVIEW: &str = "break-glass.review";
/// Those who write orders, whether they may sign them or not.
const ORDERS: Policy = Policy::May(care::orders::WRITE);
/// Those who sign orders.
const SIGNS: Policy = Policy::May(care::orders::SIGN);

/// A request that a page makes by itself says so.
const GLANCE: &str = "x-continuo-glance";

pub(crate) const PAGES: &[Page] = &[
    page("/", Policy::Anyone, || get(choose::page)),
    // Getting in.
    page("/{org}/sign-in", Policy::AnyoneHere, || get(sign_in::page).post(sign_in::submit)),
    page("/{org}/sign-in/second", Policy::AnyoneHere, || get(sign_in::second::page).post(sign_in::second::submit)),
    page("/{org}/sign-in/passkey", Policy::AnyoneHere, || post(sign_in::passkey::submit)),
    page("/{org}/sign-in/passkey/question", Policy::AnyoneHere, || post(sign_in::passkey::question)),
    page("/{org}/sign-in/enrol", Policy::AnyoneHere, || get(sign_in::enrol::page)),
    page("/{org}/sign-in/enrol/totp", Policy::AnyoneHere, || post(sign_in::enrol::by_app)),
    page("/{org}/sign-in/enrol/question", Policy::AnyoneHere, || post(sign_in::enrol::question)),
    page("/{org}/sign-in/enrol/passkey", Policy::AnyoneHere, || post(sign_in::enrol::by_passkey)),
    page("/{org}/sign-in/enrolled", Policy::AnyoneHere, || post(sign_in::enrol::finish)),
    page("/{org}/sign-in/with/{provider}", Policy::AnyoneHere, || get(sign_in::provider::go)),
    page("/{org}/sign-in/back", Policy::AnyoneHere, || get(sign_in::provider::back)),
    page("/{org}/set-up", Policy::AnyoneHere, || get(set_up::page).post(set_up::submit)),
    page("/{org}/invitation", Policy::AnyoneHere, || get(invitation::page).post(invitation::submit)),
    page("/{org}/reset", Policy::AnyoneHere, || get(reset::page).post(reset::submit)),
    page("/{org}/unlock", Policy::AnyoneHere, || post(sign_in::unlock::submit)),
    page("/{org}/sign-out", Policy::AnyoneHere, || post(sign_in::leave)),
    page("/{org}/language", Policy::AnyoneHere, || post(sign_in::language)),
    page("/{org}/session", Policy::SignedIn, || post(sign_in::keep)),
    // One's own account.
    page("/{org}/account", Policy::SignedIn, || get(account::page)),
    page("/{org}/account/prove", Policy::SignedIn, || get(account::prove::page).post(account::prove::submit)),
    page("/{org}/account/password", Policy::SignedIn, || get(account::password::page).post(account::password::submit)),
    page("/{org}/account/totp", Policy::SignedIn, || get(account::totp::page).post(account::totp::submit)),
    page("/{org}/account/totp/remove", Policy::SignedIn, || post(account::totp::remove)),
    page("/{org}/account/passkeys", Policy::SignedIn, || get(account::passkeys::page).post(account::passkeys::submit)),
    page("/{org}/account/passkeys/question", Policy::SignedIn, || post(account::passkeys::question)),
    page("/{org}/account/passkeys/remove", Policy::SignedIn, || post(account::passkeys::remove)),
    page("/{org}/account/recovery", Policy::SignedIn, || post(account::recovery::make)),
    page("/{org}/account/sessions/revoke", Policy::SignedIn, || post(account::sessions::revoke)),
    page("/{org}/account/sessions/others", Policy::SignedIn, || post(account::sessions::others)),
    page("/{org}/account/settings", Policy::SignedIn, || get(settings::page).post(settings::submit)),
    page("/{org}/account/role", Policy::SignedIn, || post(account::role)),
    // Charts.
    page("/{org}/", Policy::Staff, || get(search::home)),
    page("/{org}/patients", CHARTS, || get(search::page)),
    page("/{org}/patients/new", CHARTS, || get(register::page).post(register::submit)),
    page("/{org}/day", CHARTS, || get(visits::board)),
    page("/{org}/day/step", CHARTS, || post(visits::step)),
    page("/{org}/terms", CHARTS, || get(terms::fragment)),
    page("/{org}/find", CHARTS, || get(search::fragment)),
    page("/{org}/patients/{id}", CHARTS, || get(summary::page)),
    page("/{org}/patients/{id}/note", CHARTS, || post(summary::stick)),
    page("/{org}/patients/{id}/video", CHARTS, || get(video::page).post(video::submit)),
    page("/{org}/video/{visit}/events", Policy::SignedIn, || get(video::events)),
    page("/{org}/video/{visit}/say", Policy::SignedIn, || post(video::say)),
    page("/{org}/lists", CHARTS, || get(cohorts::page).post(cohorts::make)),
    page("/{org}/lists/find", CHARTS, || get(cohorts::find)),
    page("/{org}/lists/find/export", CHARTS, || get(cohorts::export_found)),
    page("/{org}/lists/{list}", CHARTS, || get(cohorts::one)),
    page("/{org}/lists/{list}/export", CHARTS, || get(cohorts::export)),
    page("/{org}/lists/{list}/add", CHARTS, || post(cohorts::add)),
    page("/{org}/lists/{list}/remove", CHARTS, || post(cohorts::remove)),
    page("/{org}/lists/{list}/drop", CHARTS, || post(cohorts::drop_list)),
    page("/{org}/desk/cards", CHARTS, || post(summary::arrange)),
    page("/{org}/patients/{id}/problems", CHARTS, || get(entries::problems)),
    page("/{org}/patients/{id}/medications", CHARTS, || get(entries::medications)),
    page("/{org}/patients/{id}/allergies", CHARTS, || get(entries::allergies)),
    page("/{org}/patients/{id}/immunizations", CHARTS, || get(entries::immunizations)),
    page("/{org}/patients/{id}/history", CHARTS, || get(entries::history)),
    page("/{org}/patients/{id}/care", CHARTS, || get(entries::care_plan)),
    page("/{org}/patients/{id}/lists/{list}/new", CHARTS, || get(entries::one::new).post(entries::one::add)),
    page("/{org}/patients/{id}/lists/{list}/reviewed", CHARTS, || post(entries::reviewed)),
    page("/{org}/patients/{id}/lists/{list}/none", CHARTS, || post(entries::none)),
    page("/{org}/patients/{id}/lists/{list}/{entry}", CHARTS, || get(entries::one::page).post(entries::one::change)),
    page("/{org}/patients/{id}/lists/{list}/{entry}/settle", CHARTS, || post(entries::one::settle)),
    page("/{org}/patients/{id}/encounters", CHARTS, || get(lists::visits)),
    page("/{org}/patients/{id}/encounters/new", CHARTS, || get(visits::new).post(visits::start)),
    page("/{org}/patients/{id}/encounters/{encounter}", CHARTS, || get(visits::one::page)),
    page("/{org}/patients/{id}/encounters/{encounter}/step", CHARTS, || post(visits::one::step)),
    page("/{org}/patients/{id}/vitals/new", CHARTS, || get(vitals::page).post(vitals::submit)),
    page("/{org}/patients/{id}/vitals/draft", CHARTS, || post(vitals::draft)),
    page("/{org}/patients/{id}/vitals/fix/{entry}", CHARTS, || get(vitals::fix::page).post(vitals::fix::submit)),
    page("/{org}/patients/{id}/vitals", CHARTS, || get(results::vitals)),
    page("/{org}/patients/{id}/vitals/{code}", CHARTS, || get(results::vital)),
    page("/{org}/patients/{id}/results", CHARTS, || get(results::page)),
    page("/{org}/patients/{id}/results/{code}", CHARTS, || get(results::trend)),
    page("/{org}/patients/{id}/results/{code}/csv", CHARTS, || get(results::csv)),
    page("/{org}/patients/{id}/reports/{kind}/{report}", CHARTS, || get(results::report)),
    page("/{org}/patients/{id}/message", CHARTS, || get(inbox::patient_page).post(inbox::patient_submit)),
    page("/{org}/patients/{id}/growth", CHARTS, || get(growth::page)),
    page("/{org}/patients/{id}/imaging", CHARTS, || get(imaging::list).post(imaging::fetch)),
    page("/{org}/patients/{id}/imaging/{study}", CHARTS, || get(imaging::study)),
    page("/{org}/patients/{id}/imaging/{study}/picture/{series}/{instance}/{frame}", CHARTS, || get(imaging::picture)),
    page("/{org}/patients/{id}/devices", CHARTS, || {
        get(devices::page).post(devices::submit).layer(DefaultBodyLimit::max(devices::BODY))
    }),
    page("/{org}/patients/{id}/documents", CHARTS, || get(documents::list)),
    page("/{org}/patients/{id}/documents/upload", CHARTS, || {
        get(filing::page).post(filing::submit).layer(DefaultBodyLimit::max(filing::BODY))
    }),
    page("/{org}/patients/{id}/documents/make", CHARTS, || get(exchange::page).post(exchange::submit)),
    page("/{org}/patients/{id}/documents/{document}", CHARTS, || get(documents::page)),
    page("/{org}/patients/{id}/documents/{document}/content/{nth}", CHARTS, || get(documents::content)),
    page("/{org}/patients/{id}/documents/{document}/print", CHARTS, || get(documents::print::page)),
    page("/{org}/patients/{id}/documents/{document}/review", CHARTS, || post(filing::review)),
    page("/{org}/patients/{id}/documents/{document}/add", CHARTS, || post(notes::signed::add)),
    page("/{org}/patients/{id}/documents/{document}/correct", CHARTS, || post(notes::signed::correct)),
    page("/{org}/patients/{id}/documents/{document}/co-sign", CHARTS, || post(notes::signed::co_sign)),
    page("/{org}/patients/{id}/notes", CHARTS, || get(notes::page).post(notes::begin)),
    page("/{org}/patients/{id}/notes/{note}", CHARTS, || get(notes::composer::page).post(notes::composer::submit)),
    page("/{org}/patients/{id}/notes/{note}/phrases", CHARTS, || get(notes::composer::offered)),
    page("/{org}/patients/{id}/notes/{note}/command", CHARTS, || {
        get(notes::command::page).post(notes::command::submit)
    }),
    page("/{org}/patients/{id}/notes/{note}/history", CHARTS, || {
        get(notes::history::page).post(notes::history::restore)
    }),
    page("/{org}/patients/{id}/notes/{note}/sign", CHARTS, || get(notes::sign::page).post(notes::sign::submit)),
    page("/{org}/patients/{id}/notes/{note}/discard", CHARTS, || post(notes::discard)),
    page("/{org}/patients/{id}/encounters/{encounter}/close", CHARTS, || get(closing::page).post(closing::submit)),
    page("/{org}/patients/{id}/encounters/{encounter}/summary", CHARTS, || get(aftercare::page).post(aftercare::give)),
    page("/{org}/notes", CHARTS, || get(notes::desk::page)),
    page("/{org}/notes/phrases", CHARTS, || get(notes::own::page).post(notes::own::keep)),
    page("/{org}/notes/phrases/remove", CHARTS, || post(notes::own::remove)),
    page("/{org}/patients/{id}/reconcile", CHARTS, || get(reconcile::page).post(reconcile::choose)),
    page("/{org}/patients/{id}/reconcile/review", CHARTS, || {
        get(reconcile::review::page).post(reconcile::review::sign)
    }),
    page("/{org}/patients/{id}/reconcile/undo", CHARTS, || post(reconcile::review::undo)),
    page("/{org}/patients/{id}/timeline", CHARTS, || get(timeline::page)),
    page("/{org}/patients/{id}/emergency", Policy::May(BREAK_GLASS), || get(emergency::prompt).post(emergency::open)),
    page("/{org}/emergency/end", Policy::May(BREAK_GLASS), || post(emergency::end)),
    // What requires action.
    page("/{org}/inbox", CHARTS, || get(inbox::page)),
    page("/{org}/inbox/do", CHARTS, || post(inbox::dispose)),
    page("/{org}/inbox/batch", CHARTS, || post(inbox::batch)),
    page("/{org}/inbox/new", CHARTS, || get(inbox::new).post(inbox::new_submit)),
    page("/{org}/inbox/settings", CHARTS, || get(inbox::settings).post(inbox::settings_submit)),
    page("/{org}/live", Policy::SignedIn, || get(live::stream)),
    // Orders.
    page("/{org}/patients/{id}/orders", ORDERS, || get(orders::tracking::page)),
    page("/{org}/patients/{id}/orders/cancel", SIGNS, || post(orders::tracking::cancel_order)),
    page("/{org}/patients/{id}/basket", ORDERS, || get(orders::basket::page)),
    page("/{org}/patients/{id}/basket/add", ORDERS, || post(orders::edit::add)),
    page("/{org}/patients/{id}/basket/remove", ORDERS, || post(orders::edit::remove)),
    page("/{org}/patients/{id}/basket/renew", ORDERS, || post(orders::edit::renew)),
    page("/{org}/patients/{id}/basket/favourite", ORDERS, || post(orders::edit::favourite)),
    page("/{org}/patients/{id}/basket/unfavourite", ORDERS, || post(orders::edit::unfavourite)),
    page("/{org}/patients/{id}/basket/set/{set}", ORDERS, || get(orders::edit::set).post(orders::edit::add_set)),
    page("/{org}/patients/{id}/basket/item/{item}", ORDERS, || get(orders::form::page).post(orders::form::submit)),
    page("/{org}/patients/{id}/basket/sign", SIGNS, || post(orders::edit::sign)),
    page("/{org}/patients/{id}/basket/forward", ORDERS, || post(orders::edit::forward)),
    page("/{org}/patients/{id}/basket/pharmacy", ORDERS, || post(pharmacy::choose)),
    page("/{org}/patients/{id}/pharmacy", ORDERS, || get(pharmacy::page).post(pharmacy::prefer)),
    page("/{org}/patients/{id}/medications/stop", SIGNS, || post(pharmacy::stop)),
    page("/{org}/patients/{id}/medications/history", ORDERS, || post(pharmacy::ask_history)),
    page("/{org}/patients/{id}/renewal", ORDERS, || post(renewals::ask)),
    page("/{org}/orders/cosign", SIGNS, || get(orders::cosign::page)),
    page("/{org}/orders/cosign/sign", SIGNS, || post(orders::cosign::sign)),
    page("/{org}/orders/cosign/decline", SIGNS, || post(orders::cosign::decline)),
    page("/{org}/renewals", ORDERS, || get(renewals::queue)),
    page("/{org}/renewals/{request}", ORDERS, || get(renewals::page).post(renewals::decide)),
    page("/{org}/patients/{id}/gaps", ORDERS, || get(gaps::page).post(gaps::answer)),
    page("/{org}/patients/{id}/apps", CHARTS, || get(chart_apps::page)),
    page("/{org}/patients/{id}/apps/{app}", CHARTS, || get(chart_apps::open)),
    // Administration.
    page("/{org}/admin/users", USERS, || get(users::page)),
    page("/{org}/admin/users/new", USERS, || get(users::new::page).post(users::new::submit)),
    page("/{org}/admin/users/{user}", USERS, || get(users::one::page).post(users::one::change)),
    page("/{org}/admin/users/{user}/standing", USERS, || post(users::one::standing)),
    page("/{org}/admin/users/{user}/reset", USERS, || post(users::one::reset)),
    page("/{org}/admin/users/{user}/sessions", Policy::May("sessions.manage"), || post(users::one::revoke)),
    page("/{org}/admin/invitations", USERS, || get(users::invite::page).post(users::invite::submit)),
    page("/{org}/admin/invitations/withdraw", USERS, || post(users::invite::withdraw)),
    page("/{org}/admin/roles", Policy::May("roles.read"), || get(roles::page)),
    page("/{org}/admin/roles/{role}", Policy::May("roles.read"), || get(roles::one)),
    page("/{org}/admin/roles/policy", USERS, || post(roles::policy)),
    page("/{org}/admin/sessions", Policy::May("sessions.manage"), || get(sessions::page)),
    page("/{org}/admin/sessions/revoke", Policy::May("sessions.manage"), || post(sessions::revoke)),
    page("/{org}/admin/apps", APPS, || get(apps::page)),
    page("/{org}/admin/apps/new", APPS, || get(apps::new::page).post(apps::new::submit)),
    page("/{org}/admin/apps/{app}", APPS, || get(apps::one)),
    page("/{org}/admin/apps/{app}/approve", APPS, || post(apps::approve)),
    page("/{org}/admin/apps/{app}/disable", APPS, || post(apps::disable)),
    page("/{org}/admin/audit", AUDIT, || get(audit::page)),
    page("/{org}/admin/audit/export", AUDIT, || get(audit::export::page)),
    page("/{org}/admin/audit/verify", AUDIT, || get(audit::verify::page).post(audit::verify::submit)),
    page("/{org}/admin/audit/{entry}", AUDIT, || get(audit::one)),
    page("/{org}/admin/disclosures", AUDIT, || get(disclosures::page)),
    page("/{org}/admin/content", Policy::May("roles.read"), || get(content::page)),
    page("/{org}/admin/duplicates", DUPLICATES, || get(duplicates::page)),
    page("/{org}/admin/duplicates/{pair}", DUPLICATES, || get(duplicates::one)),
    page("/{org}/admin/duplicates/{pair}/answer", DUPLICATES, || post(duplicates::answer)),
    page("/{org}/admin/duplicates/{pair}/merge", Policy::May(care::identity::merge::MERGE), || {
        post(duplicates::submit)
    }),
    page("/{org}/admin/merges", DUPLICATES, || get(duplicates::merges::page)),
    page("/{org}/admin/merges/{merge}", DUPLICATES, || {
        get(duplicates::merges::record).post(duplicates::merges::submit)
    }),
    page("/{org}/admin/emergency", Policy::May(REVIEW), || get(emergency::queue)),
    page("/{org}/admin/emergency/review", Policy::May(REVIEW), || post(emergency::review)),
    // Interfaces.
    page("/{org}/interfaces", INTERFACES, || get(interfaces::bare)),
    page("/{org}/interfaces/", INTERFACES, || get(interfaces::page)),
    page("/{org}/interfaces/channels/{channel}/wish", INTERFACES, || post(interfaces::wish)),
    page("/{org}/interfaces/channels/{channel}/test", INTERFACES, || post(interfaces::test)),
    page("/{org}/interfaces/live", INTERFACES, || get(interfaces::live::stream)),
    page("/{org}/interfaces/messages", INTERFACES, || get(interfaces::messages::page)),
    page("/{org}/interfaces/replay", INTERFACES, || post(interfaces::messages::replay)),
    page("/{org}/interfaces/messages/{message}", INTERFACES, || get(interfaces::message::page)),
    page("/{org}/interfaces/messages/{message}/replay", INTERFACES, || post(interfaces::message::replay)),
    page("/{org}/interfaces/messages/{message}/resubmit", INTERFACES, || post(interfaces::message::resubmit)),
    page("/{org}/interfaces/messages/{message}/skip", INTERFACES, || post(interfaces::message::skip)),
    page("/{org}/interfaces/messages/{message}/hold", INTERFACES, || post(interfaces::message::hold)),
    page("/{org}/interfaces/errors", INTERFACES, || get(interfaces::errors::page)),
    page("/{org}/interfaces/errors/replay", INTERFACES, || post(interfaces::errors::replay)),
    page("/{org}/interfaces/bench", INTERFACES, || get(interfaces::bench::page).post(interfaces::bench::submit)),
    // The portal.
    page("/{org}/portal/", Policy::Patient, || get(portal::page)),
    page("/{org}/portal/as", Policy::Patient, || post(portal::switch)),
    page("/{org}/portal/messages", Policy::Patient, || get(messages::page)),
    page("/{org}/portal/messages/new", Policy::Patient, || get(messages::new).post(messages::submit)),
    page("/{org}/portal/messages/{thread}", Policy::Patient, || get(messages::one).post(messages::answer)),
    page("/{org}/portal/apps", Policy::Patient, || get(connected::page)),
    page("/{org}/portal/apps/revoke", Policy::Patient, || post(connected::revoke)),
    page("/{org}/portal/video", Policy::Patient, || get(video::own)),
    page("/{org}/portal/looks", Policy::Patient, || get(looks::page)),
    // Apps.
    page("/{org}/authorize/{handle}", Policy::SignedIn, || get(authorize::page).post(authorize::submit)),
    page("/{org}/launcher", Policy::Staff, || get(launcher::page).post(launcher::submit)),
    page("/{org}/launcher/app", Policy::AnyoneHere, || get(launcher::app)),
    page("/dev/components", Policy::Demo, || get(gallery::page)),
];

pub(crate) fn routes(web: Arc<Web>) -> Router {
    let guarded = |router: Router<Arc<Web>>, page: &Page| {
        let guard = from_fn_with_state((web.clone(), page.policy), guard);
        router.route(page.path, (page.answer)().layer(guard))
    };
    // People leave out the slash at the end.
    let bare = |to: &'static str| get(move |params: RawPathParams| async move { slash(&params, to) });
    PAGES
        .iter()
        .fold(Router::new(), guarded)
        .route("/{org}", bare("/"))
        .route("/{org}/portal", bare("/portal/"))
        .layer(from_fn_with_state(web.clone(), in_words))
        .with_state(web)
}

/// Puts a refusal into words: those of the visitor where one is known, else those of the browser.
async fn in_words(State(web): State<Arc<Web>>, request: Request, next: Next) -> Response {
    let words = crate::request::words(&web, request.headers());
    let mut response = next.run(request).await;
    let Some(Refused { title, why }) = response.extensions_mut().remove() else { return response };
    let words = response.extensions_mut().remove::<&'static Words>().unwrap_or(words);
    crate::components::shell::refused(words, response.status(), &words.say(title), &words.say(why))
}

fn slash(params: &RawPathParams, to: &str) -> Response {
    match params.iter().find(|(name, _)| *name == "org") {
        Some((_, org)) if org.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') => {
            crate::request::see_other(&format!("/{org}{to}"))
        }
        _ => Refusal::NotFound.into_response(),
    }
}

/// Finds the organisation and who asks; lets in whom the policy admits.
async fn guard(
    State((web, policy)): State<(Arc<Web>, Policy)>,
    params: RawPathParams,
    mut request: Request,
    next: Next,
) -> Response {
    match policy {
        Policy::Anyone => return next.run(request).await,
        Policy::Demo if web.installation.demo => return next.run(request).await,
        Policy::Demo => return Refusal::NotFound.into_response(),
        Policy::AnyoneHere | Policy::SignedIn | Policy::Staff | Policy::May(_) | Policy::Patient => {}
    }
    let slug = params.iter().find(|(name, _)| *name == "org").map(|(_, value)| value.to_owned());
    let Some(organisation) = slug.and_then(|slug| web.installation.organisation(&slug).cloned()) else {
        return Refusal::NotFound.into_response();
    };
    if request.method() == Method::POST && !cookies::is_our_own(&organisation.base, request.headers()) {
        return crate::request::refused(StatusCode::FORBIDDEN, "shell-foreign", "shell-foreign-why");
    }
    let now = organisation.now();
    let visit = crate::request::visit(request.extensions(), request.headers());
    let words = crate::request::words(&web, request.headers());
    if policy == Policy::AnyoneHere {
        request.extensions_mut().insert(Place { web, organisation, visit, words, now });
        return next.run(request).await;
    }
    let token = cookies::token(request.headers()).map(Arc::<str>::from);
    // What a page asks by itself does not keep the session of someone who went away open.
    let by_itself = request.headers().contains_key(GLANCE) || request.uri().path().ends_with("/live");
    let visitor = match who(web, organisation.clone(), token, visit, words, now, by_itself).await {
        Ok(Some(visitor)) => visitor,
        Ok(None) => return to_sign_in(&organisation.slug, &request),
        Err(error) => return Refusal::from(error).into_response(),
    };
    match (policy, visitor.is_patient()) {
        (Policy::Staff | Policy::May(_), true) => crate::request::see_other(&visitor.at("portal/")),
        (Policy::Patient, false) => crate::request::see_other(&visitor.at("")),
        // What one may not do is not there.
        (Policy::May(permission), false) if !visitor.may(permission) => {
            refuse(&visitor, permission).await;
            Refusal::NotFound.into_response()
        }
        _ => {
            let of = params.iter().find(|(name, _)| *name == "id").map(|(_, id)| id.to_owned());
            let mut visitor = visitor;
            visitor.merged = request.uri().query().and_then(merged);
            let asked = (request.method() == Method::GET).then(|| request.uri().path().to_owned());
            if of.is_some() && !visitor.is_patient() {
                match desk::recent(visitor.store(), &visitor.caller, now).await {
                    Ok(opened) => visitor.opened = Arc::new(opened),
                    Err(error) => return Refusal::from(error).into_response(),
                }
            }
            let (asks, words) = (visitor.clone(), visitor.words);
            request.extensions_mut().insert(visitor);
            let mut response = next.run(request).await;
            response.extensions_mut().insert(words);
            if let (Some(crate::request::Moved(to)), Some(asked), Some(of)) =
                (response.extensions_mut().remove(), asked, &of)
            {
                let there = asked.replacen(&format!("/patients/{of}"), &format!("/patients/{to}"), 1);
                return crate::request::see_other(&format!("{there}?{MERGED}={of}"));
            }
            if let Some(opened) = response.extensions_mut().remove::<Opened>().filter(|_| !by_itself) {
                remember(&asks, &opened).await;
            }
            match of {
                // A record that is hidden and one that does not exist get the same answer.
                Some(id) if response.status() == StatusCode::NOT_FOUND && policy == CHARTS && asks.may(BREAK_GLASS) => {
                    emergency::unseen(&asks, &id)
                }
                _ => response,
            }
        }
    }
}

/// Which record was asked for, on a page of the one that it was merged into.
const MERGED: &str = "merged";

fn merged(query: &str) -> Option<fhir::Id> {
    let named = query.split('&').find_map(|it| it.strip_prefix(MERGED)?.strip_prefix('='));
    named.and_then(fhir::Id::parse)
}

/// Who holds the session of this request, with what they may do. The one place where a page learns it.
async fn who(
    web: Arc<Web>,
    organisation: Arc<Organisation>,
    token: Option<Arc<str>>,
    visit: Visit,
    words: &'static Words,
    now: i64,
    by_itself: bool,
) -> StoreResult<Option<Visitor>> {
    let Some(token) = token else { return Ok(None) };
    let session = match by_itself {
        true => organisation.access.glance(&token, now).await?,
        false => organisation.access.session(&token, now).await?,
    };
    let Some(session) = session else { return Ok(None) };
    let mut caller = organisation.access.caller(&organisation.store, &session.principal, now).await?;
    caller.request = visit.request.clone();
    let store = &organisation.store;
    let settings = desk::settings(store, &caller, now).await?;
    let chosen = settings.language.as_deref().and_then(|it| Locale::chosen(it, web.installation.demo));
    let words = chosen.map_or(words, Locale::words);
    let emergencies = match caller.rights.may(BREAK_GLASS) {
        true => emergency_access::open_of(store, &caller.who, now).await?,
        false => Vec::new(),
    };
    let reviews = match caller.rights.may(REVIEW) {
        true => store.items(emergency_access::ALERTS, Some("privacy-officer"), None, 100, now).await?.len(),
        false => 0,
    };
    Ok(Some(Visitor {
        web,
        organisation,
        caller,
        session,
        token,
        visit,
        words,
        desk: Arc::new(settings),
        opened: Arc::default(),
        merged: None,
        now,
        reviews,
        emergencies,
    }))
}

/// The chart is among those opened lately; when that cannot be written the page is shown all the same.
async fn remember(visitor: &Visitor, opened: &Opened) {
    if let Err(error) = desk::remember(visitor.store(), &visitor.caller, &visitor.opened, opened, visitor.now).await {
        tracing::error!(%error, "the charts opened lately could not be kept");
    }
}

/// A refusal is remembered. When it cannot be, the refusal stands all the same.
async fn refuse(visitor: &Visitor, permission: &str) {
    let event = Event::refused("refusal", permission);
    if let Err(error) = visitor.store().record(&visitor.caller, event, visitor.now).await {
        tracing::error!(%error, "a refusal could not be recorded");
    }
}

/// To the sign-in page and back, for a page; a piece of a page is simply refused.
fn to_sign_in(slug: &str, request: &Request) -> Response {
    let navigates = request.headers().get("sec-fetch-mode").is_none_or(|it| it == "navigate");
    if request.method() != Method::GET || !navigates {
        return (StatusCode::UNAUTHORIZED, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], "Sign in again.")
            .into_response();
    }
    // What was searched for is not carried along: names do not belong into addresses that are kept.
    let target = request.uri().path();
    crate::request::see_other(&format!("/{slug}/sign-in?to={target}"))
}
