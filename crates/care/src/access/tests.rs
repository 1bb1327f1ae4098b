//! Signing in and what follows.
