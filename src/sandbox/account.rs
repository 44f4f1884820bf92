//! The account and the keys that open it: one user whose key never changes, and the sessions STS gave out.

use std::collections::BTreeMap;
use std::io;

use jiff::Timestamp;
use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::state::Store;

/// The account of AWS's own examples; nothing of a real account can be mistaken for it.
const ACCOUNT_ID: &str = "123456789012";
const USER: &str = "sandbox";
const SESSIONS: &str = "sessions";

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Account {
    pub(super) id: String,
    pub(super) access_key_id: String,
    pub(super) secret_access_key: String,
    user_id: String,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// Who made a request, and the secret the signature must come from.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Key {
    pub(super) secret: String,
    /// The session token, for temporary keys.
    pub(super) token: Option<String>,
    pub(super) expires: Option<Timestamp>,
    pub(super) arn: String,
    pub(super) user_id: String,
}

/// The account of this directory, made on first use; `first` fills it before it becomes visible.
pub(super) fn open(
    store: &Store,
    first: impl FnOnce(&Account) -> io::Result<()>,
) -> io::Result<Account> {
    store.update("account", |account: &mut Option<Account>| {
        if let Some(account) = account {
            return Ok(account.clone());
        }
        let made = Account::new();
        first(&made)?;
        *account = Some(made.clone());
        Ok(made)
    })?
}

impl Account {
    fn new() -> Self {
        Self {
            id: ACCOUNT_ID.to_owned(),
            access_key_id: format!("AKIA{}", random(UPPER, 16)),
            secret_access_key: random(MIXED, 40),
            user_id: format!("AIDA{}", random(UPPER, 17)),
        }
    }

    pub(super) fn user_arn(&self) -> String {
        format!("arn:aws:iam::{}:user/{USER}", self.id)
    }

    /// Looks up an access key; `None` when nobody gave it out.
    pub(super) fn key(&self, store: &Store, access_key_id: &str) -> io::Result<Option<Key>> {
        if access_key_id == self.access_key_id {
            return Ok(Some(self.own_key()));
        }
        if let Some(key) = super::iam::key(store, &self.id, access_key_id)? {
            return Ok(Some(key));
        }
        let mut sessions: BTreeMap<String, Key> = store.read(SESSIONS)?;
        Ok(sessions.remove(access_key_id))
    }

    fn own_key(&self) -> Key {
        Key {
            secret: self.secret_access_key.clone(),
            token: None,
            expires: None,
            arn: self.user_arn(),
            user_id: self.user_id.clone(),
        }
    }
}

/// Makes temporary keys for `arn`, and forgets those that expired more than a day ago.
pub(super) fn open_session(
    store: &Store,
    arn: &str,
    user_id: &str,
    now: Timestamp,
    expires: Timestamp,
) -> io::Result<(String, Key)> {
    let key = Key {
        secret: random(MIXED, 40),
        token: Some(random(MIXED, 120)),
        expires: Some(expires),
        arn: arn.to_owned(),
        user_id: user_id.to_owned(),
    };
    let access_key_id = format!("ASIA{}", random(UPPER, 16));
    store.update(SESSIONS, |sessions: &mut BTreeMap<String, Key>| {
        let day_ago = now.as_second() - 86_400;
        sessions.retain(|_, key| {
            key.expires
                .is_none_or(|expires| expires.as_second() > day_ago)
        });
        sessions.insert(access_key_id.clone(), key.clone());
    })?;
    Ok((access_key_id, key))
}

/// Letters and digits as AWS uses them in access keys.
pub(super) const UPPER: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// Letters and digits as in environment ids.
pub(super) const LOWER: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
/// Digits as in EC2 ids.
pub(super) const HEX: &[u8] = b"0123456789abcdef";
/// Letters and digits as in secret access keys.
pub(super) const MIXED: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// `length` random characters of `alphabet`.
pub(super) fn random(alphabet: &[u8], length: usize) -> String {
    let mut rng = rand::rng();
    (0..length)
        .map(|_| char::from(alphabet[rng.random_range(0..alphabet.len())]))
        .collect()
}

/// A request id: a random UUID.
pub(super) fn request_id() -> String {
    let hex = random(HEX, 32);
    format!(
        "{}-{}-4{}-a{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[13..16],
        &hex[17..20],
        &hex[20..]
    )
}
