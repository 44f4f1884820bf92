//! Operations in, dated steps out: what is said, when, and how the environment ends.

use super::*;
