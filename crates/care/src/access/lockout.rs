//! Guessing takes longer and longer: attempts that fail are counted against the name that was tried, whether or not
//! there is such a user, and against the address they come from. NIST SP 800-63B-4, section 3.2.2; OWASP ASVS 5.0,
//! 6.1.1. A passkey is not counted against a name, so that nobody can be kept out by others' guesses who has one.

use super::secret::{Secret, hex, sha256};
use super::shelf::{self, ATTEMPT};
use super::{Access, DAY, HOUR, MINUTE, SECOND, Visit};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use store::{ItemChange, ItemExpect, StoreResult};
use tokio::sync::{Mutex, MutexGuard};

/// From how many failures on one has to wait, and how long.
const NAME: &[(u32, i64)] = &[
    (5, 30 * SECOND),
    (6, MINUTE),
    (7, 2 * MINUTE),
    (8, 5 * MINUTE),
    (10, 15 * MINUTE),
    (20, HOUR),
    // What nobody mistypes: 800-63B allows a hundred failures in all.
    (90, DAY),
];
/// A whole practice may come from one address.
const ADDRESS: &[(u32, i64)] = &[(30, 30 * SECOND), (40, 2 * MINUTE), (60, 15 * MINUTE), (100, HOUR)];

/// Failures are forgotten a while after the last one.
const NAME_FORGOTTEN: i64 = 2 * DAY;
const ADDRESS_FORGOTTEN: i64 = 2 * HOUR;

#[derive(Clone, Default, Serialize, Deserialize)]
struct Failures {
    count: u32,
    until: i64,
}

/// Attempts against one name are made one after the other, so that many at once are counted like many in a row.
pub(super) struct Lanes([Mutex<()>; 64]);

impl Default for Lanes {
    fn default() -> Lanes {
        Lanes(std::array::from_fn(|_| Mutex::default()))
    }
}

impl Lanes {
    pub(super) async fn turn(&self, subject: &str) -> MutexGuard<'_, ()> {
        let lane = usize::from(sha256(subject.as_bytes())[0]) % self.0.len();
        self.0[lane].lock().await
    }
}

/// What attempts are counted against. The names are digests: people type passwords into the wrong field.
pub(super) struct Against {
    name: Option<String>,
    address: Option<String>,
}

impl Against {
    pub(super) fn new(subject: Option<&str>, visit: &Visit) -> Against {
        Against {
            name: subject.map(|it| format!("name/{}", Secret::of(it).hex())),
            address: network(&visit.address).map(|it| format!("address/{}", hex(&sha256(it.as_bytes())))),
        }
    }

    fn each(&self) -> impl Iterator<Item = (&String, &'static [(u32, i64)], i64)> {
        let name = self.name.iter().map(|it| (it, NAME, NAME_FORGOTTEN));
        name.chain(self.address.iter().map(|it| (it, ADDRESS, ADDRESS_FORGOTTEN)))
    }
}

/// An address, or of IPv6 the network, of which one place has 2^64.
fn network(address: &str) -> Option<String> {
    match address.parse::<IpAddr>().ok()? {
        IpAddr::V4(it) => Some(it.to_string()),
        IpAddr::V6(it) => match it.to_ipv4_mapped() {
            Some(it) => Some(it.to_string()),
            None => Some(hex(&it.octets()[..8])),
        },
    }
}

fn pause(table: &[(u32, i64)], count: u32) -> i64 {
    table.iter().rev().find(|(from, _)| count >= *from).map_or(0, |(_, pause)| *pause)
}

impl Access {
    /// Until when nobody may try, if so.
    pub(super) async fn locked(&self, against: &Against, now: i64) -> StoreResult<Option<i64>> {
        let mut until = None;
        for (name, _, _) in against.each() {
            let found: Option<(Failures, u64)> = shelf::get(&self.store, ATTEMPT, name, now).await?;
            until = until.max(found.map(|(it, _)| it.until).filter(|it| *it > now));
        }
        Ok(until)
    }

    /// One more failure.
    pub(super) async fn failed(&self, against: &Against, now: i64) -> StoreResult<Vec<ItemChange>> {
        let mut changes = Vec::new();
        for (name, table, forgotten) in against.each() {
            let found: Option<(Failures, u64)> = shelf::get(&self.store, ATTEMPT, name, now).await?;
            let count = found.map_or(0, |(it, _)| it.count).saturating_add(1);
            let until = match pause(table, count) {
                0 => 0,
                pause => now + pause,
            };
            let it = Failures { count, until };
            changes.push(shelf::put(ATTEMPT, name, "", Some(now + forgotten), &it, ItemExpect::Anything));
        }
        Ok(changes)
    }

    /// The failures against a name are forgotten when its owner came in. Those of the address stay: whoever guesses
    /// may have an account too.
    pub(super) fn forgiven(&self, against: &Against) -> Vec<ItemChange> {
        against.name.iter().map(|it| shelf::remove(ATTEMPT, it, ItemExpect::Anything)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_grows_with_failures() {
        assert_eq!(pause(NAME, 4), 0);
        assert_eq!(pause(NAME, 5), 30 * SECOND);
        assert_eq!(pause(NAME, 9), 5 * MINUTE);
        assert_eq!(pause(NAME, 1_000), DAY);
        assert_eq!(pause(ADDRESS, 29), 0);
        for table in [NAME, ADDRESS] {
            assert!(table.windows(2).all(|two| two[0].0 < two[1].0 && two[0].1 < two[1].1));
        }
    }

    #[test]
    fn neighbours_in_one_network_are_one() {
        assert_eq!(network("2001:db8:1:2::1"), network("2001:db8:1:2:ffff::9"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
        assert_eq!(network(""), None);
    }
}
