//! Work that follows what is written, beside the doors: results complete the orders they answer, and whoever is new is
//! looked for among those who are here. Each organisation is
//! looked at every few seconds, which costs one look at a number while nothing was written.

use care::{Installation, identity, orders};
use std::time::Duration;
use tokio::task::JoinHandle;

/// A result shows its order as done after this long at most.
const EVERY: Duration = Duration::from_secs(3);

/// Goes on until it is ended.
pub(crate) struct Follower(JoinHandle<()>);

impl Follower {
    pub(crate) fn start(installation: Installation) -> Follower {
        Follower(tokio::spawn(async move {
            let (mut troubled, mut doubtful) = (false, false);
            loop {
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
