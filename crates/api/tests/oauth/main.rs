//! The authorization server as apps see it: what they are given, and what they are refused.

mod attacks;
mod flows;
mod world;
