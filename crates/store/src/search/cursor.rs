//! Page links: a place in a result, sealed with a key of the store (AES-256-GCM), bound to the search and
//! to who asked. They survive a restart, and they can neither be read nor forged.

use crate::caller::Caller;
use crate::error::{StoreError, StoreResult};
use crate::stored::PageCursor;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};

/// Where a page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// After this number, in ascending order.
    After(i64),
    /// Before this number.
    Before(i64),
    /// At this position of a result that was kept.
    At { kept: u64, offset: u64 },
}

pub(crate) struct Seal {
    key: LessSafeKey,
    random: SystemRandom,
}

impl Seal {
    pub(crate) fn new(key: &[u8; 32]) -> Seal {
        let key = UnboundKey::new(&AES_256_GCM, key).expect("the key has 32 bytes");
        Seal { key: LessSafeKey::new(key), random: SystemRandom::new() }
    }

    pub(crate) fn fresh_key() -> StoreResult<[u8; 32]> {
        let mut key = [0; 32];
        let filled = SystemRandom::new().fill(&mut key);
        filled.map_err(|_| StoreError::Unavailable("the system gives no random numbers".to_owned()))?;
        Ok(key)
    }

    pub(crate) fn number(&self) -> StoreResult<u64> {
        let mut bytes = [0; 8];
        let filled = self.random.fill(&mut bytes);
        filled.map_err(|_| StoreError::Unavailable("the system gives no random numbers".to_owned()))?;
        Ok(u64::from_le_bytes(bytes))
    }

    pub(crate) fn seal(&self, caller: &Caller, search: u64, place: Place) -> StoreResult<PageCursor> {
        let (tag, a, b) = match place {
            Place::After(rid) => (0u8, rid as u64, 0),
            Place::Before(rid) => (1, rid as u64, 0),
            Place::At { kept, offset } => (2, kept, offset),
        };
        let mut text = vec![tag];
        text.extend(a.to_le_bytes());
        text.extend(b.to_le_bytes());
        let mut nonce = [0; NONCE_LEN];
        let filled = self.random.fill(&mut nonce);
        filled.map_err(|_| StoreError::Unavailable("the system gives no random numbers".to_owned()))?;
        let sealed = self.key.seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(bound_to(caller, search)),
            &mut text,
        );
        sealed.map_err(|_| StoreError::Unavailable("a page link could not be sealed".to_owned()))?;
        let mut whole = nonce.to_vec();
        whole.extend(text);
        Ok(PageCursor(URL_SAFE_NO_PAD.encode(whole)))
    }

    pub(crate) fn open(&self, caller: &Caller, search: u64, cursor: &PageCursor) -> StoreResult<Place> {
        let mut whole = URL_SAFE_NO_PAD.decode(&cursor.0).map_err(|_| StoreError::BadCursor)?;
        if whole.len() < NONCE_LEN {
            return Err(StoreError::BadCursor);
        }
        let mut sealed = whole.split_off(NONCE_LEN);
        let nonce = Nonce::try_assume_unique_for_key(&whole).map_err(|_| StoreError::BadCursor)?;
        let text = self.key.open_in_place(nonce, Aad::from(bound_to(caller, search)), &mut sealed);
        let text = text.map_err(|_| StoreError::BadCursor)?;
        let number = |at: usize| -> StoreResult<u64> {
            let bytes = text.get(at..at + 8).ok_or(StoreError::BadCursor)?;
            Ok(u64::from_le_bytes(bytes.try_into().expect("eight bytes")))
        };
        Ok(match text.first() {
            Some(0) => Place::After(number(1)? as i64),
            Some(1) => Place::Before(number(1)? as i64),
            Some(2) => Place::At { kept: number(1)?, offset: number(9)? },
            _ => return Err(StoreError::BadCursor),
        })
    }
}

fn bound_to(caller: &Caller, search: u64) -> Vec<u8> {
    let mut bound = search.to_le_bytes().to_vec();
    // Whoever acts through an app, or for another patient, may see less than by themselves.
    let patient = caller.patient.as_ref().map(|it| it.as_str());
    for part in [Some(&*caller.who), Some(&*caller.role), caller.client.as_deref(), patient] {
        let part = part.unwrap_or_default();
        bound.extend((part.len() as u64).to_le_bytes());
        bound.extend(part.as_bytes());
    }
    bound
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_link_opens_only_for_the_same_search_and_caller() {
        let seal = Seal::new(&[7; 32]);
        let (ana, ben) = (Caller::system("ana"), Caller::system("ben"));
        for place in [Place::After(-5), Place::Before(77), Place::At { kept: u64::MAX, offset: 3 }] {
            let cursor = seal.seal(&ana, 1, place).unwrap();
            assert_eq!(seal.open(&ana, 1, &cursor).unwrap(), place);
            assert!(seal.open(&ben, 1, &cursor).is_err());
            assert!(seal.open(&ana, 2, &cursor).is_err());
            for at in 0..cursor.0.len() {
                let mut forged = cursor.0.clone().into_bytes();
                forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
                let forged = PageCursor(String::from_utf8(forged).unwrap());
                assert!(forged == cursor || seal.open(&ana, 1, &forged).is_err());
            }
        }
        assert!(seal.open(&ana, 1, &PageCursor(String::new())).is_err());
        assert!(seal.open(&ana, 1, &PageCursor("é".to_owned())).is_err());
    }
}
