//! The real executable against the embedded AWS, over HTTP. One binary for all of it.

mod bundle;
mod deploy;
mod look;
mod outcomes;
mod refusals;
mod support;
mod trouble;
mod undo;
mod versions;
