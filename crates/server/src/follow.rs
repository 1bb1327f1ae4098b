//! Work that follows what is written, beside the doors: results complete the orders they answer, and whoever is new is
//! looked for among those who are here. Each organisation is
//! looked at every few seconds, which costs one look at a number while nothing was written.

use care::exchange::log::prune;
use care::{Installation, identity, orders};
use std::time::Duration;
use tokio::task::JoinHandle;

/// A result shows its order as done after this long at most.
const EVERY: Duration = Duration::from_secs(3);
/// Messages are taken away once in so many looks: about once an hour.
const PRUNED_EVERY: u32 = 1_200;

/// Goes on until it is ended.
pub(crate) struct Follower(JoinHandle<()>);

impl Follower {
    pub(crate) fn start(installation: Installation) -> Follower {
        Follower(tokio::spawn(async move {
            let (mut troubled, mut doubtful) = (false, false);
            let mut looks = 0u32;
            loop {
                if looks.is_multiple_of(PRUNED_EVERY) {
                    prune_all(&installation).await;
                }
                looks = looks.wrapping_add(1);
                for organisation in &installation.organisations {
                    match orders::tracking::settle(organisation, organisation.now()).await {
                        Ok(0) => troubled = false,
                        Ok(count) => tracing::debug!(target: "continuo", count, "orders were answered by results"),
                        // Told once; it is tried again and begins where it was.
                        Err(error) if !troubled => {
                            troubled = true;
                            tracing::error!(target: "continuo", %error, "results could not be put to their orders");
                        }
                        Err(_) => {}
                    }
                }
                for organisation in &installation.organisations {
                    match identity::queue::settle(organisation, organisation.now()).await {
                        Ok(0) => doubtful = false,
                        Ok(count) => tracing::debug!(target: "continuo", count, "pairs may be one person's"),
                        Err(error) if !doubtful => {
                            doubtful = true;
                            tracing::error!(target: "continuo", %error, "duplicates could not be looked for");
                        }
                        Err(_) => {}
                    }
                }
                tokio::time::sleep(EVERY).await;
            }
        }))
    }

    /// Nothing is lost when it ends in the middle: it begins again where it was.
    pub(crate) fn end(self) {
        self.0.abort();
    }
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
