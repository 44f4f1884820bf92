//! The service end to end, without HTTP: calls in, XML out, with a clock that only the test moves.
