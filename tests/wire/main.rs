//! The real executable against the embedded AWS, over HTTP. One binary for all of it.

mod abort;
mod bootstrap;
mod bundle;
mod check;
mod deploy;
mod explain;
mod fleet;
mod github;
mod images;
mod init;
mod look;
mod outcomes;
mod promote;
mod properties;
mod refusals;
mod role;
mod several;
mod smoke;
mod support;
mod trouble;
mod undo;
mod upload;
mod versions;
mod watch;
