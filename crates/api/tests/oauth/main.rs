//! The authorization server as apps see it: what they are given, and what they are refused.

#![allow(clippy::unwrap_used, clippy::type_complexity)]

mod attacks;
mod flows;
mod world;
