//! Work that follows what is written, beside the doors: results complete the orders they answer, whoever is new is looked
//! for among those who are here, reports of imaging find their studies, and prescriptions go to pharmacies. Each
//! organisation is looked at every few seconds, which costs one look at a number while nothing was written.

use care::exchange::log::prune;
use care::{Installation, Organisation, identity, imaging, orders, pharmacy};
use std::fmt::Display;
use std::time::Duration;
use tokio::task::JoinHandle;

/// A result shows its order as done after this long at most.
const EVERY: Duration = Duration::from_secs(3);
/// Messages are taken away once in so many looks: about once an hour.
const PRUNED_EVERY: u32 = 1_200;

/// Go on until they are ended.
pub(crate) struct Follower([JoinHandle<()>; 2]);

/// One kind of work; its trouble is told once, and it is tried again and begins where it was.
struct Work {
    done: &'static str,
    cannot: &'static str,
    troubled: bool,
}

impl Work {
    const fn new(done: &'static str, cannot: &'static str) -> Work {
        Work { done, cannot, troubled: false }
    }

    fn tell<E: Display>(&mut self, result: Result<usize, E>) {
        match result {
            Ok(0) => self.troubled = false,
            Ok(count) => tracing::debug!(target: "continuo", count, "{}", self.done),
            Err(error) if !self.troubled => {
                self.troubled = true;
                tracing::error!(target: "continuo", %error, "{}", self.cannot);
            }
            Err(_) => {}
        }
    }
}

impl Follower {
    pub(crate) fn start(installation: Installation) -> Follower {
        Follower([records(installation.clone()), images(installation)])
    }

    /// Nothing is lost when it ends in the middle: it begins again where it was.
    pub(crate) fn end(self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}

/// Reports find their studies. Archives of others are asked here, so that nothing else waits for them.
fn images(installation: Installation) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut joined =
            Work::new("reports and studies were put together", "reports could not be put to their studies");
        loop {
            for organisation in &installation.organisations {
                joined.tell(imaging::settle(organisation, organisation.now()).await);
            }
            tokio::time::sleep(EVERY).await;
        }
    })
}

fn records(installation: Installation) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut results = Work::new("orders were answered by results", "results could not be put to their orders");
        let mut pairs = Work::new("pairs may be one person's", "duplicates could not be looked for");
        let mut sent = Work::new("prescriptions went on", "prescriptions could not be sent on");
        let mut played = Work::new("messages of the simulated pharmacy", "the simulated pharmacy cannot go on");
        let mut looks = 0u32;
        loop {
            if looks.is_multiple_of(PRUNED_EVERY) {
                prune_all(&installation).await;
            }
            looks = looks.wrapping_add(1);
            for organisation in &installation.organisations {
                let organisation: &Organisation = organisation;
                results.tell(orders::tracking::settle(organisation, organisation.now()).await);
                pairs.tell(identity::queue::settle(organisation, organisation.now()).await);
                sent.tell(pharmacy::follow(organisation, organisation.now()).await);
                played.tell(pharmacy::simulated::round(organisation, organisation.now()).await);
            }
            tokio::time::sleep(EVERY).await;
        }
    })
}

/// Takes away what messages said that are older than their channels keep them.
async fn prune_all(installation: &Installation) {
    for organisation in &installation.organisations {
        let lines = organisation.surroundings.interfaces().map(|it| it.of(&organisation.slug)).unwrap_or_default();
        for line in lines {
            match prune(organisation, &line, organisation.now()).await {
                Ok(0) => {}
                Ok(count) => {
                    tracing::info!(target: "continuo", channel = %line.channel.name, count, "old messages were taken away")
                }
                Err(error) => {
                    tracing::error!(target: "continuo", channel = %line.channel.name, %error, "old messages could not be taken away");
                }
            }
        }
    }
}
