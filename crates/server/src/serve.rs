//! `continuo serve`: opens the stores and the door, and closes them again. The door opens first, so that
//! probes get an answer, and says 503 until the stores are there.

use crate::audit::Anchors;
use crate::channels::Channels;
use crate::cli::{Common, Serve};
use crate::config::Config;
use crate::demo::{self, Demo};
use crate::drops::Drops;
use crate::entry;
use crate::failure::{Done, Exit, Failure};
use crate::follow::Follower;
use crate::health::{Health, Stage};
use crate::logs::{self, Requests};
use crate::mllp::Lines;
use crate::places::{self, Place};
use crate::sending::Senders;
use crate::shell::{self, Shell};
use crate::signals::Wishes;
use crate::world::World;
use crate::{control, signals, terminal};
use api::ApiSettings;
use axum::Router;
use axum::serve::ListenerExt;
use care::egress::Policy;
use care::organisation::Surroundings;
use care::{Installation, Organisation};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpSocket};

pub(crate) async fn run(common: &Common, serve: Serve) -> Done {
    let mut flags = places::flags(common)?;
    if serve.demo && common.data_dir.is_none() {
        // Before --set, which may say otherwise.
        flags.insert(0, ("data.folder".into(), demo::FOLDER.into()));
    }
    flags.extend(serve.bind.clone().map(|bind| ("server.bind".into(), bind)));
    flags.extend(serve.port.map(|port| ("server.bind".into(), format!("127.0.0.1:{port}"))));
    if serve.behind_proxy {
        flags.push(("server.behind_proxy".into(), "true".into()));
    }
    let config = Config::load(common.config.as_deref(), &flags)?;
    logs::start(&config);
    let bind = config.check_bind()?;
    let folder = config.data_folder();
    let _hold = places::hold(&folder)?;
    let world = Arc::new(World::new());
    world.open_egress(egress_policy(&config)?);
    world.set_pages(&config);
    world.set_anchors(&folder);
    let mut wishes = Wishes::heard();
    let listener = listen(bind)?;
    let bind = listener.local_addr().map_err(|error| Failure::new(Exit::Software, format!("no address: {error}")))?;

    let serve_mllp = serve.mllp_port;
    let mut demo = match serve.demo {
        true => Some(Demo::open(&folder, bind, &serve, &world)?),
        false => None,
    };
    let places = match &demo {
        Some(_) => demo::places(&folder)?.unwrap_or_default(),
        None => configured(&config)?,
    };
    let health = Health::new(folder.clone(), config.count("health.disk_free_mb"));
    let token = config.get("metrics.token").map(str::to_owned);
    let behind = config.switch("server.behind_proxy");
    let shell = Arc::new(Shell::new(health, Requests::of(&config), token, behind, places.clone(), world.clone()));
    let stop = Arc::new(tokio::sync::Notify::new());
    let door = tokio::spawn(keep_door(listener, shell.clone(), stop.clone()));

    let begun = Instant::now();
    let opening = open(&config, &folder, &places, demo.as_mut(), &world);
    let installation = tokio::select! {
        opened = opening => opened?,
        () = wishes.next() => return Ok(()),
    };
    control::listen(&folder, installation.clone())?;
    let anchors = Anchors::keep(&folder, &installation)?;
    let follower = Follower::start(installation.clone());
    let mut channels = Channels::of(&config)?;
    if demo.is_some() {
        channels.listening.extend(demo::channels(&places, serve_mllp));
    }
    let lines = Lines::open(channels.listening, &installation, &world).await?;
    if let Some(demo) = &mut demo {
        demo.listens(&folder, &lines.listening)?;
        channels.sending.extend(demo::sending(&places, &lines.listening));
    }
    let drops = Drops::open(channels.folders, &installation, &world).await?;
    for (organisation, channel) in channels.posted {
        posted(&installation, &world, &organisation, channel).await?;
    }
    let senders = Senders::open(channels.sending, &installation, &world).await?;
    let inside = inside(&installation, &config);
    shell.open(installation.clone(), inside);
    signals::tell_service_manager("READY=1");
    tracing::info!(target: "continuo", %bind, organisations = places.len(), ms = begun.elapsed().as_millis() as u64, "ready");
    match &demo {
        Some(demo) => demo.tell(&folder),
        None => tell(&installation).await,
    }

    wishes.next().await;
    tracing::info!(target: "continuo", "asked to stop; requests under way may end");
    signals::tell_service_manager("STOPPING=1");
    shell.health.enter(Stage::Stopping);
    world.close();
    stop.notify_one();
    let patience = Duration::from_secs(config.count("server.drain_seconds"));
    tokio::select! {
        _ = door => {}
        () = tokio::time::sleep(patience) => tracing::warn!(target: "continuo", "some requests took too long and were cut"),
        () = wishes.next() => tracing::warn!(target: "continuo", "asked twice; requests were cut"),
    }
    lines.close(patience).await;
    drops.close(patience).await;
    senders.close(patience).await;
    control::close(&folder);
    follower.end();
    anchors.end().await;
    shell.close().await;
    tracing::info!(target: "continuo", "stopped");
    Ok(())
}

fn listen(bind: SocketAddr) -> Result<TcpListener, Failure> {
    let open = || {
        let socket = if bind.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // A restart must not wait for connections of the last run to fade.
        socket.set_reuseaddr(true)?;
        socket.bind(bind)?;
        socket.listen(1024)
    };
    open().map_err(|error| Failure::new(Exit::Unavailable, format!("cannot listen on {bind}: {error}")))
}

/// Answers HTTP/1.1 and HTTP/2 (without TLS: by prior knowledge) until told to stop, then lets requests end.
async fn keep_door(listener: TcpListener, shell: Arc<Shell>, stop: Arc<tokio::sync::Notify>) {
    let listener = listener.tap_io(|stream| {
        // Answers are written whole; waiting to fill packets only delays them.
        let _ = stream.set_nodelay(true);
    });
    let service = shell::router(shell).into_make_service_with_connect_info::<SocketAddr>();
    let served = axum::serve(listener, service).with_graceful_shutdown(async move { stop.notified().await }).await;
    if let Err(error) = served {
        tracing::error!(target: "continuo", %error, "the door closed by itself");
    }
}

fn egress_policy(config: &Config) -> Result<Policy, Failure> {
    let policy = Policy::allowing(config.get("egress.allow").unwrap_or_default()).map_err(|wrong| {
        Failure::new(Exit::Config, format!("egress.allow: {wrong} is not an origin like https://keys.example:8443"))
    })?;
    Ok(Policy { only_allowed: config.switch("egress.only_allowed"), ..policy })
}

fn configured(config: &Config) -> Result<Vec<Place>, Failure> {
    let places: Vec<Place> = config.organisations()?.into_iter().map(Place::from).collect();
    if places.is_empty() {
        let hint = "no organisation is set up. Try `continuo serve --demo`, or write settings: `continuo config default > continuo.toml`";
        return Err(Failure::new(Exit::Config, hint));
    }
    Ok(places)
}

async fn open(
    config: &Config,
    folder: &Path,
    places: &[Place],
    demo: Option<&mut Demo>,
    world: &Arc<World>,
) -> Result<Installation, Failure> {
    let mut stores = Vec::new();
    for place in places {
        stores.push((place.slug.clone(), place.open_to_serve(config).await?));
    }
    let is_demo = demo.is_some();
    let surroundings: Arc<dyn Surroundings> = world.clone();
    let key = entry::key(config, folder, world)?;
    let mut accesses = Vec::new();
    for (place, (_, store)) in places.iter().zip(&stores) {
        accesses.push(entry::access(config, place, store, &surroundings, key, is_demo)?);
    }
    if let Some(demo) = demo {
        demo::complete(folder, demo, &stores).await?;
        for (place, access) in places.iter().zip(&mut accesses) {
            demo.grant(&place.slug, access);
            demo.make_users(&place.slug, access).await?;
        }
    }
    let organisation = |((place, (_, store)), access): ((&Place, (String, store::Store)), care::access::Access)| {
        Arc::new(Organisation {
            slug: place.slug.clone(),
            name: place.name.clone(),
            base: place.base.clone(),
            store,
            access,
            surroundings: surroundings.clone(),
        })
    };
    let organisations: Vec<Arc<Organisation>> = places.iter().zip(stores).zip(accesses).map(organisation).collect();
    if is_demo {
        for organisation in &organisations {
            demo::register_apps(folder, organisation).await?;
        }
    }
    Ok(Installation { organisations, demo: is_demo })
}

/// Opens a channel to which messages are only posted: the door for machines takes them.
async fn posted(
    installation: &Installation,
    world: &World,
    slug: &str,
    channel: care::exchange::channel::Channel,
) -> Result<(), Failure> {
    let Some(organisation) = installation.organisation(slug) else {
        let what = format!("channel.{}: there is no organisation {slug}", channel.name);
        return Err(Failure::new(Exit::Config, what));
    };
    let interfaces = world.interfaces().expect("the world has lines");
    let line = interfaces.open(organisation, channel).await.map_err(Failure::store("read", slug))?;
    line.tell(|it| it.open = true);
    Ok(())
}

/// The doors for machines and for people.
fn inside(installation: &Installation, config: &Config) -> Router {
    let settings = ApiSettings {
        body_limit: config.count("limits.body_bytes") as usize,
        entry_limit: config.count("limits.bundle_entries") as usize,
        default_count: config.count("limits.page_default") as u32,
        max_count: config.count("limits.page_max") as u32,
        ..ApiSettings::default()
    };
    api::router(installation.clone(), settings).merge(web::router(installation.clone()))
}

/// Where to go; while there is nobody who can sign in, a link with which the first user is made.
async fn tell(installation: &Installation) {
    for it in &installation.organisations {
        terminal::line(format_args!("{:<28}{}/fhir", it.name, it.base));
        match it.access.set_up_code(it.now()).await {
            Ok(None) => {}
            Ok(Some(code)) => terminal::line(format_args!(
                "{:<28}nobody can sign in yet; make the first user here, once:\n{:<28}{}/set-up?code={code}",
                "", "", it.base
            )),
            Err(error) => tracing::error!(target: "continuo", %error, "the link for the first user could not be made"),
        }
    }
}
