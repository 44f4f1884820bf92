//! A value that may be a secret: no `Display`, no `Serialize`, and a `Debug` that hides it.

use secrecy::{ExposeSecret, SecretString};

/// The value of an environment property or an option setting.
#[derive(Clone)]
pub struct Value(SecretString);

impl Value {
    /// Wraps a text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// The text, for the call that has to carry it and for comparing.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// How many bytes it has.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.expose().len()
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for Value {}

impl std::fmt::Debug for Value {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str("(a value)")
    }
}
